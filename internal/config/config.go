// Package config reads twind.yaml: one file, every key known, every value checked.
//
//	addr: 127.0.0.1:8080
//	store: geopackage:/var/lib/twind/city.gpkg     # or postgres://user@host/db
//	publicUrl: https://city.example/twind
//	tokens:
//	  - name: gis
//	    sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//	published:
//	  - table: public.parcels
//	    layer: parcels
package config

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"twind/layers"
)

// MaxBytes bounds the configuration file.
const MaxBytes = 1 << 20

// Config is the whole configuration. The zero value with EnsureDefaults serves
// an embedded store on the loopback interface.
type Config struct {
	Addr           string      `yaml:"addr"`           // host:port to listen on; default 127.0.0.1:8080
	Store          string      `yaml:"store"`          // geopackage:PATH or postgres://…; default geopackage:data/city.gpkg
	Data           string      `yaml:"data"`           // folder of snapshots; default: beside a GeoPackage, else ./data
	PublicURL      string      `yaml:"publicUrl"`      // absolute URL under which clients reach the server; default from the request
	TrustedProxies []string    `yaml:"trustedProxies"` // addresses or prefixes whose X-Forwarded-* headers are believed
	AllowedOrigins []string    `yaml:"allowedOrigins"` // further origins that may open /live and write, such as https://desk.example
	Tokens         []Token     `yaml:"tokens"`         // who may write
	Title          layers.Text `yaml:"title"`          // shown by the viewer
	Published      []Published `yaml:"published"`      // existing PostGIS tables served read-only
	Bookmarks      []Bookmark  `yaml:"bookmarks"`      // places the viewer offers
	TileCacheBytes Bytes       `yaml:"tileCacheBytes"` // bound of the tile cache, bytes; default 256 MiB
	DrawingBytes   Bytes       `yaml:"drawingBytes"`   // bound of what is kept of features drawn for tiles, bytes; default 64 MiB, 1 keeps none
	Icons          string      `yaml:"icons"`          // folder of SVG icons that join or replace the built-in ones
	// Generalization says how the tiles of layers are generalised, by the layer's
	// id; without an entry a layer keeps what it has, the defaults of its kind.
	Generalization map[layers.ID]*layers.Generalization `yaml:"generalization"`
	// Heights says how the heights of layers stand in 3D, by the layer's id; without
	// an entry a layer keeps what it has.
	Heights  map[layers.ID]*Heights `yaml:"heights"`
	Archives []Archive              `yaml:"archives"` // PMTiles and MBTiles files served as layers
	Rasters  []Raster               `yaml:"rasters"`  // GeoTIFF files served as layers
	Live     []LiveLayer            `yaml:"live"`     // layers of moving entities
	MQTT     MQTT                   `yaml:"mqtt"`     // positions by MQTT
	JT808    JT808                  `yaml:"jt808"`    // positions of vehicle terminals
	GTFS     []GTFS                 `yaml:"gtfs"`     // GTFS-realtime feeds of vehicle positions
	// SensorThings says how many Observations are kept.
	SensorThings SensorThings `yaml:"sensorthings"`
	History      History      `yaml:"history"` // where and how long live positions, readings and events are recorded
	Debug        string       `yaml:"debug"`   // loopback host:port of profiles of the running program; none by default
}

// Heights are those of one layer in 3D.
type Heights struct {
	VerticalDatum  string `yaml:"verticalDatum"` // such as EPSG:5737; empty keeps what the layer says
	layers.Heights `yaml:",inline"`
}

// Token lets its bearer write. The token itself is never in the file.
type Token struct {
	Name   string `yaml:"name"`   // shown in the log
	SHA256 string `yaml:"sha256"` // hex digest of the token: printf %s TOKEN | sha256sum
}

// KnowsToken tells whether a token is one of the configuration, in a time that
// does not depend on which.
func (c *Config) KnowsToken(token string) bool {
	if token == "" {
		return false
	}
	sum := sha256.Sum256([]byte(token))
	digest := hex.EncodeToString(sum[:])
	ok := 0
	for _, t := range c.Tokens {
		ok |= subtle.ConstantTimeCompare([]byte(strings.ToLower(t.SHA256)), []byte(digest))
	}
	return ok == 1
}

// Published allows one existing table, view or materialised view of the
// PostgreSQL store to be served in place, read-only.
type Published struct {
	Table          string                 `yaml:"table"`      // schema.table; schema.* allows every spatial table of a schema
	Layer          layers.ID              `yaml:"layer"`      // layer id; default from the table's name
	Key            string                 `yaml:"key"`        // column that identifies a row; default the primary key
	Geometry       string                 `yaml:"geometry"`   // geometry column; default the only one
	SRID           int                    `yaml:"srid"`       // EPSG code of the coordinates where the column does not say
	Properties     []string               `yaml:"properties"` // columns shown; default all
	TimeZone       string                 `yaml:"timeZone"`   // of timestamps without one, such as Asia/Shanghai; default UTC
	Triggers       bool                   `yaml:"triggers"`   // install triggers, so that each edit is known within 200 ms
	Reload         time.Duration          `yaml:"reload"`     // for what has no statistics, such as foreign tables: read again so often; 0 is never
	Title          layers.Text            `yaml:"title"`      // default: the table's name
	Description    layers.Text            `yaml:"description"`
	Kind           layers.Kind            `yaml:"kind"` // default feature
	VerticalDatum  string                 `yaml:"verticalDatum"`
	Owner          string                 `yaml:"owner"`
	Attribution    string                 `yaml:"attribution"`
	Licence        string                 `yaml:"licence"`
	Provenance     layers.Provenance      `yaml:"provenance"`
	MinZoom        uint8                  `yaml:"minZoom"`
	MaxZoom        uint8                  `yaml:"maxZoom"`        // default 16
	Label          string                 `yaml:"label"`          // property shown as the name
	ClassBy        string                 `yaml:"classBy"`        // property that the style tells apart
	Generalization *layers.Generalization `yaml:"generalization"` // of tiles from afar; default by kind
	Style          []byte                 `yaml:"-"`
}

// Bookmark is a camera the viewer offers.
type Bookmark struct {
	ID      string      `yaml:"id" json:"id"`
	Title   layers.Text `yaml:"title" json:"title"`
	Center  [2]float64  `yaml:"center" json:"center"` // longitude, latitude, degrees
	Zoom    float64     `yaml:"zoom" json:"zoom"`
	Pitch   float64     `yaml:"pitch" json:"pitch"`     // degrees from straight down
	Bearing float64     `yaml:"bearing" json:"bearing"` // degrees clockwise from north
}

// faults tells of a camera that no map has.
func (b *Bookmark) faults(bad func(format string, args ...any)) {
	within := func(v, least, most float64) bool { return v >= least && v <= most } // NaN is not
	if !within(b.Center[0], -180, 180) || !within(b.Center[1], -90, 90) {
		bad("bookmarks: %s: center [%g, %g]: expected longitude −180 to 180 and latitude −90 to 90, in degrees", b.ID, b.Center[0], b.Center[1])
	}
	if !within(b.Zoom, 0, 24) {
		bad("bookmarks: %s: zoom %g: expected 0 to 24", b.ID, b.Zoom)
	}
	if !within(b.Pitch, 0, 85) {
		bad("bookmarks: %s: pitch %g: expected degrees from straight down, 0 to 85", b.ID, b.Pitch)
	}
	if !within(b.Bearing, -360, 360) {
		bad("bookmarks: %s: bearing %g: expected degrees clockwise from north, −360 to 360", b.ID, b.Bearing)
	}
}

// Load reads a file, refuses unknown keys, and validates.
func Load(path string) (Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return Config{}, layers.Errorf(layers.ErrInvalid, "config %s cannot be read: %w; give an existing file with --config", path, errors.Unwrap(err))
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return Config{}, layers.Errorf(layers.ErrInvalid, "config %s cannot be read: %w", path, err)
	}
	c, err := Parse(b)
	if err != nil {
		return Config{}, layers.Errorf(layers.ErrInvalid, "config %s: %w", path, err)
	}
	return c, nil
}

// Parse reads YAML of at most MaxBytes, refuses unknown keys, sets defaults and validates.
func Parse(b []byte) (Config, error) {
	var c Config
	if len(b) > MaxBytes {
		return c, layers.Errorf(layers.ErrInvalid, "larger than %d bytes", MaxBytes)
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return c, layers.Errorf(layers.ErrInvalid, "%s", inWords(err, b))
	}
	c.EnsureDefaults()
	return c, c.Validate()
}

// EnsureDefaults fills what is not set.
func (c *Config) EnsureDefaults() {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:8080"
	}
	if c.Store == "" {
		c.Store = "geopackage:data/city.gpkg"
	}
	if c.JT808.Layer == "" {
		c.JT808.Layer = "vehicles"
	}
	if c.JT808.Zone == "" {
		c.JT808.Zone = "Asia/Shanghai"
	}
	if c.TileCacheBytes == 0 {
		c.TileCacheBytes = 256 << 20
	}
	if c.DrawingBytes == 0 {
		c.DrawingBytes = 64 << 20
	}
	for i := range c.Published {
		if c.Published[i].MaxZoom == 0 {
			c.Published[i].MaxZoom = 16
		}
		if c.Published[i].Kind == "" {
			c.Published[i].Kind = layers.KindFeature
		}
	}
}

// Validate reports every fault, joined.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	c.History.faults(bad)
	c.feedFaults(bad)
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		bad("addr %q: expected host:port, such as 127.0.0.1:8080", c.Addr)
	}
	if c.Debug != "" && !Loopback(c.Debug) {
		bad("debug %q: expected host:port of a loopback address, such as 127.0.0.1:6060", c.Debug)
	}
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			bad("publicUrl %q: expected an absolute http or https URL without query", c.PublicURL)
		}
	}
	for _, p := range c.TrustedProxies {
		if _, err := Prefix(p); err != nil {
			bad("trustedProxies: %q is neither an address nor a prefix such as 10.0.0.0/8", p)
		}
	}
	for _, t := range c.Tokens {
		if b, err := hex.DecodeString(t.SHA256); err != nil || len(b) != 32 {
			bad("tokens: %q: sha256 must be 64 hexadecimal digits (printf %%s TOKEN | sha256sum)", t.Name)
		}
		if t.Name == "" {
			bad("tokens: each needs a name, which the log shows")
		}
	}
	for i := range c.Bookmarks {
		c.Bookmarks[i].faults(bad)
	}
	for _, p := range c.Published {
		if p.Table == "" {
			bad("published: each entry needs table: schema.table")
		}
		if p.Layer != "" {
			if _, err := layers.ParseID(string(p.Layer)); err != nil {
				errs = append(errs, fmt.Errorf("published: %w", err))
			}
		}
		if p.MinZoom > p.MaxZoom || p.MaxZoom > 24 {
			bad("published: %s: zooms %d to %d: expected 0 ≤ minZoom ≤ maxZoom ≤ 24", p.Table, p.MinZoom, p.MaxZoom)
		}
	}
	if len(c.Published) > 0 && !strings.HasPrefix(c.Store, "postgres://") && !strings.HasPrefix(c.Store, "postgresql://") {
		bad("published needs a PostgreSQL store, but store is %q", c.Store)
	}
	c.sourceFaults(bad)
	if err := errors.Join(errs...); err != nil {
		return layers.Errorf(layers.ErrInvalid, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return nil
}

// Prefix reads an address or a prefix.
func Prefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(s)
}

// Loopback tells whether addr (host:port) listens on this machine only.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}
