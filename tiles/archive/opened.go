package archive

import (
	"context"
	"html"
	"regexp"
	"strings"
	"sync"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles/mbtiles"
	"twind/tiles/mvt"
	"twind/tiles/pmtiles"
)

const (
	remoteTiles     = 64 << 20 // bytes of tiles kept of a remote archive
	directoryBytes  = 64 << 20
	maxFirst        = 8 << 20 // bytes of the tile that is looked into
	maxText         = 2000    // bytes of a text shown to people
	defaultTileSize = 256
)

// Info describes a layer.
type Info struct {
	ID               layers.ID
	Title            layers.Text
	Description      string
	Attribution      string // plain text
	Type             pmtiles.TileType
	MinZoom, MaxZoom uint8
	Bounds           spatial.Envelope      // degrees
	Center           [3]float64            // longitude, latitude, zoom
	VectorLayers     []pmtiles.VectorLayer // of MVT; must not be changed
	TileSize         int                   // pixels of one side, of images
	Encoding         string                // terrarium: the images are heights
}

// Vector tells vector tiles from images.
func (i *Info) Vector() bool { return i.Type == pmtiles.MVT }

// Format is the ending of the tiles' addresses.
func (i *Info) Format() string {
	return map[pmtiles.TileType]string{pmtiles.MVT: "mvt", pmtiles.PNG: "png", pmtiles.JPEG: "jpg", pmtiles.WebP: "webp"}[i.Type]
}

// ContentType is the media type of the tiles.
func (i *Info) ContentType() string {
	return map[pmtiles.TileType]string{pmtiles.MVT: "application/vnd.mapbox-vector-tile", pmtiles.PNG: "image/png", pmtiles.JPEG: "image/jpeg", pmtiles.WebP: "image/webp"}[i.Type]
}

// source is what opened files have in common.
type source interface {
	Tile(ctx context.Context, id tile.ID) ([]byte, error)
	First(ctx context.Context) ([]byte, error)
	Changed() bool
	Close() error
}

// opened is one state of an archive.
type opened struct {
	src         source
	info        Info
	compression pmtiles.Compression
	version     string // "" : the file may change without a new one

	using sync.RWMutex // read-locked by reads
	done  bool         // guarded by using
}

// retire closes the state once nobody reads it.
func (c *opened) retire() error {
	c.using.Lock()
	defer c.using.Unlock()
	if c.done {
		return nil
	}
	c.done = true
	return c.src.Close()
}

// remote tells a URL from a path.
func remote(source string) bool {
	return strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://")
}

// open opens a source and finds out what it holds.
func open(ctx context.Context, o *Options) (*opened, error) {
	c := &opened{info: Info{ID: o.ID}}
	var m pmtiles.Metadata
	var err error
	if !remote(o.Source) && strings.HasSuffix(strings.ToLower(o.Source), ".mbtiles") {
		m, err = c.openMBTiles(ctx, o.Source)
	} else {
		m, err = c.openPMTiles(ctx, o)
	}
	if err == nil {
		err = c.look(ctx, m, o)
	}
	if err != nil {
		if c.src != nil {
			_ = c.src.Close() // the failure before is the one to tell
		}
		return nil, err
	}
	return c, nil
}

func (c *opened) openMBTiles(ctx context.Context, path string) (m pmtiles.Metadata, err error) {
	a, err := mbtiles.Open(ctx, path)
	if err != nil {
		return m, err
	}
	c.src = a
	c.info.Type, c.info.MinZoom, c.info.MaxZoom, c.info.Bounds, c.info.Center = a.Type, a.MinZoom, a.MaxZoom, a.Bounds, a.Center
	return a.Metadata, nil
}

func (c *opened) openPMTiles(ctx context.Context, o *Options) (m pmtiles.Metadata, err error) {
	var src pmtiles.Source
	ro := pmtiles.ReaderOptions{DirectoryBytes: directoryBytes}
	if remote(o.Source) {
		ro.TileBytes = remoteTiles
		src, err = pmtiles.OpenRemote(ctx, o.Source, o.Remote)
	} else {
		src, err = pmtiles.OpenFile(o.Source)
	}
	if err != nil {
		return m, err
	}
	r, err := pmtiles.NewReader(ctx, src, ro)
	if err != nil {
		_ = src.Close() // the failure before is the one to tell
		return m, err
	}
	h := r.Header()
	c.src, c.version, c.compression = r, src.Version(), h.Tiles
	c.info.Type, c.info.MinZoom, c.info.MaxZoom, c.info.Bounds = h.Type, h.MinZoom, min(h.MaxZoom, tile.MaxZoom), h.Bounds
	c.info.Center = [3]float64{h.Center[0], h.Center[1], float64(h.CenterZoom)}
	if c.compression == pmtiles.Brotli {
		return m, layers.Errorf(layers.ErrUnsupported, "its tiles are compressed with Brotli, which is not read; write the archive with gzip")
	}
	return r.Metadata(), nil
}

// look completes what the file says by what its first tile shows.
func (c *opened) look(ctx context.Context, m pmtiles.Metadata, o *Options) error {
	first, err := c.src.First(ctx)
	if err != nil {
		return err
	}
	if first, err = pmtiles.Expand(first, c.firstCompression(first), maxFirst); err != nil {
		return err
	}
	i := &c.info
	if i.Type == pmtiles.Other {
		i.Type = pmtiles.Sniff(first)
	}
	if i.Format() == "" {
		return layers.Errorf(layers.ErrUnsupported, "its tiles are of type %d; vector tiles (MVT), PNG, JPEG and WebP are served", i.Type)
	}
	if !sane(i.Bounds) {
		i.Bounds = spatial.Envelope{MinX: -180, MinY: -tile.MaxLatitude, MaxX: 180, MaxY: tile.MaxLatitude}
	}
	if !i.Bounds.ContainsPoint(i.Center[0], i.Center[1]) {
		i.Center[0], i.Center[1] = i.Bounds.Center()
	}
	i.Center[2] = max(float64(i.MinZoom), min(float64(i.MaxZoom), i.Center[2]))
	i.Description, i.Attribution = plainText(m.Description), plainText(m.Attribution)
	if o.Attribution != "" {
		i.Attribution = o.Attribution
	}
	if i.Title = o.Title; i.Title == (layers.Text{}) {
		if i.Title.EN = plainText(m.Name); i.Title.EN == "" {
			i.Title.EN = string(o.ID)
		}
	}
	if i.Vector() {
		i.VectorLayers = m.VectorLayers
		if len(i.VectorLayers) == 0 {
			i.VectorLayers = layersOf(first, i.MinZoom, i.MaxZoom)
		}
		return nil
	}
	if i.TileSize = imageSize(first); i.TileSize == 0 {
		i.TileSize = defaultTileSize
	}
	if m.Encoding == "terrarium" {
		i.Encoding = m.Encoding
	}
	return nil
}

func (c *opened) firstCompression(b []byte) pmtiles.Compression {
	if c.compression == pmtiles.Zstd {
		return pmtiles.Zstd
	}
	if pmtiles.IsGzip(b) {
		return pmtiles.Gzip
	}
	return pmtiles.NoCompression
}

// sane tells whether bounds are a box with an area in degrees.
func sane(e spatial.Envelope) bool {
	return e.MinX < e.MaxX && e.MinY < e.MaxY && e.MinX >= -180 && e.MaxX <= 180 && e.MinY >= -90 && e.MaxY <= 90
}

// layersOf names the layers of a tile, for archives that do not list them.
func layersOf(b []byte, first, last uint8) (out []pmtiles.VectorLayer) {
	t, err := mvt.Decode(b)
	if err != nil {
		return nil
	}
	for _, l := range t.Layers[:min(len(t.Layers), pmtiles.MaxVectorLayers)] {
		out = append(out, pmtiles.VectorLayer{ID: l.Name, MinZoom: first, MaxZoom: last, Fields: map[string]string{}})
	}
	return out
}

var tags = regexp.MustCompile(`<[^>]*>`)

// plainText is a text of a file that may hold HTML, without it: MapLibre shows
// attributions as HTML.
func plainText(s string) string {
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	s = html.UnescapeString(tags.ReplaceAllString(s, ""))
	return strings.Join(strings.Fields(strings.NewReplacer("<", "", ">", "").Replace(s)), " ")
}
