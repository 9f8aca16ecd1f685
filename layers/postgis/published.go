package postgis

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"twind/layers"
	"twind/spatial"
)

// published is a table of somebody else's that is a layer. It does not change
// after Open, but for what the follower alone writes.
type published struct {
	source   source
	entry    Published
	name     string // schema.table, for people
	oid      uint32
	kind     byte // relkind of pg_class: r table, p partitioned, v view, m materialised view, f foreign table
	srid     int  // of the stored coordinates
	config   string
	keyType  keyType
	relied   []uint32     // tables whose statistics tell of changes
	scanned  atomic.Int64 // how long the last reading of the whole layer took, ns
	anew     bool         // the table had changed unnoticed, perhaps: its triggers were not there
	own      string       // fingerprint that this process has seen last; the follower's
	reloaded time.Time    // the follower's
}

// validate tests what can be tested without the database.
func (p *Published) validate() error {
	schema, table, pattern, err := p.names()
	if err != nil {
		return err
	}
	bad := func(format string, args ...any) error {
		return layers.Errorf(layers.ErrInvalid, "published table %s: %s", p.Table, fmt.Sprintf(format, args...))
	}
	if pattern && (p.Layer != "" || p.Key != "" || p.Geometry != "" || len(p.Properties) > 0 || p.Label != "" || p.ClassBy != "") {
		return bad("layer, key, geometry, properties, label and classBy fit one table, not a pattern: give the table an entry of its own")
	}
	if !pattern {
		for _, n := range []string{schema, table} {
			if err := checkIdentifier("published table", n); err != nil {
				return err
			}
		}
	}
	if p.Layer != "" {
		if _, err := layers.ParseID(string(p.Layer)); err != nil {
			return bad("%v", err)
		}
	}
	if p.MaxZoom > 24 || p.MinZoom > p.MaxZoom && p.MaxZoom != 0 {
		return bad("zooms %d to %d: expected 0 ≤ min ≤ max ≤ 24", p.MinZoom, p.MaxZoom)
	}
	if p.SRID < 0 || p.Reload < 0 {
		return bad("srid and reload may not be negative")
	}
	if _, err := time.LoadLocation(p.TimeZone); err != nil {
		return bad("time zone %q is unknown: use a name such as Asia/Shanghai", p.TimeZone)
	}
	return nil
}

// names takes Table apart. The parts of a pattern keep their asterisks.
func (p *Published) names() (schema, table string, pattern bool, err error) {
	var parts []string
	rest := p.Table
	for {
		var part string
		if strings.HasPrefix(rest, `"`) {
			end := 1
			for ; ; end++ {
				i := strings.IndexByte(rest[end:], '"')
				if i < 0 {
					return "", "", false, layers.Errorf(layers.ErrInvalid, "published table %s: a quotation mark is missing", p.Table)
				}
				if end += i; !strings.HasPrefix(rest[end+1:], `"`) {
					break
				}
				end++
			}
			part, rest = strings.ReplaceAll(rest[1:end], `""`, `"`), rest[end+1:]
		} else {
			i := strings.IndexByte(rest, '.')
			if i < 0 {
				i = len(rest)
			}
			part, rest = rest[:i], rest[i:]
			pattern = pattern || strings.Contains(part, "*")
		}
		parts = append(parts, part)
		if rest == "" {
			break
		}
		if rest[0] != '.' {
			return "", "", false, layers.Errorf(layers.ErrInvalid, "published table %s: expected schema.table", p.Table)
		}
		rest = rest[1:]
	}
	if len(parts) != 2 || parts[0] == "" || parts[1] == "" {
		return "", "", false, layers.Errorf(layers.ErrInvalid, "published table %q: expected schema.table, such as public.parcels", p.Table)
	}
	return parts[0], parts[1], pattern, nil
}

// glob makes a regular expression of a name with asterisks.
func glob(name string) *regexp.Regexp {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(name), `\*`, ".*") + "$")
}

// layerID makes a layer id of a table's name; one of a name without Latin letters
// and digits is "table-" and a hash of it.
func layerID(name string) layers.ID {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	id := strings.TrimRight(b.String(), "_")
	if id == "" {
		sum := sha256.Sum256([]byte(name))
		return layers.ID("table-" + hex.EncodeToString(sum[:4]))
	}
	return layers.ID(id[:min(len(id), 60)])
}

// fault says why a table cannot be published.
func (p *published) fault(kind error, format string, args ...any) error {
	return layers.Errorf(kind, "published table %s: %s", p.name, fmt.Sprintf(format, args...))
}

// hash of all that decides how the table is read.
func (p *published) hash() string {
	l, _ := json.Marshal(p.source.layer)
	src := p.source
	sum := sha256.Sum256(fmt.Append(l, src.relation, src.id, src.geometry, src.values, p.oid, p.entry.Triggers))
	return hex.EncodeToString(sum[:16])
}

// keyType is how ids are looked up.
type keyType uint8

const (
	keyOther   keyType = iota // by the key's text
	keyText                   // the key is text
	keyInteger                // the key is a whole number
	keyUUID
)

// Ids may not hold a slash, so that of a key is escaped, and the escape itself.
var (
	escapeID   = `replace(replace(%s, '%%', '%%25'), '/', '%%2F')`
	unescapeID = strings.NewReplacer("%25", "%", "%2F", "/")
)

var uuidPattern = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// keys are the values of the key column that have these ids; ids that no key of
// its type can have are left out.
func (p *published) keys(ids []string) []string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		switch p.keyType {
		case keyInteger:
			if n, err := strconv.ParseInt(id, 10, 64); err != nil || strconv.FormatInt(n, 10) != id {
				continue
			}
		case keyUUID:
			if !uuidPattern.MatchString(id) {
				continue
			}
		default:
			id = unescapeID.Replace(id)
		}
		out = append(out, id)
	}
	return out
}

// check tells why a row cannot be a feature, if it cannot.
func (p *published) check(f *layers.Feature) error {
	if err := layers.CheckFeatureID(f.ID); err != nil {
		return err
	}
	if err := f.Geometry.Check(); err != nil {
		if p.srid != 4326 && p.srid != 4490 {
			return layers.Errorf(layers.ErrInvalid, "the coordinates do not fit EPSG:%d: %w", p.srid, err)
		}
		return err
	}
	if e := f.Geometry.Envelope(); !e.IsEmpty() && (e.MinX < -180 || e.MaxX > 180 || e.MinY < -90 || e.MaxY > 90) {
		return layers.Errorf(layers.ErrInvalid, "the geometry reaches %v degrees", e)
	}
	return nil
}

// mercator is a box around an envelope of degrees in Web Mercator (EPSG:3857),
// metres, a little larger to be sure.
func mercator(e spatial.Envelope) spatial.Envelope {
	const radius = 6378137.0
	y := func(lat float64) float64 {
		if lat >= 89.99 {
			return 1e9
		}
		if lat <= -89.99 {
			return -1e9
		}
		return radius * math.Log(math.Tan(math.Pi/4+lat*math.Pi/360))
	}
	x := func(lon float64) float64 { return radius * lon * math.Pi / 180 }
	return spatial.Envelope{MinX: x(e.MinX), MinY: y(e.MinY), MaxX: x(e.MaxX), MaxY: y(e.MaxY)}.Buffer(0.1)
}
