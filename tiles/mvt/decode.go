package mvt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// MaxTileBytes bounds what Decode reads.
const MaxTileBytes = 64 << 20

// ErrMalformed is wrapped by every error of Decode.
var ErrMalformed = errors.New("mvt: malformed tile")

// Tile is a decoded tile.
type Tile struct {
	Layers []Layer
	// Faults say what the specification forbids but a reader can live with. The
	// features and layers concerned are left out, but for lines and rings with
	// repeated vertices.
	Faults []string
}

// Layer is one layer of a tile.
type Layer struct {
	Name     string
	Version  uint32 // 1 or 2
	Extent   uint32 // width of the tile in its units
	Features []Feature
}

// Feature is one feature. Properties stand as the feature's tags do.
type Feature struct {
	ID         uint64 // 0 without HasID
	HasID      bool
	Type       Type
	Properties []Property
	// Parts are all points of a feature of points, else one line or closed ring
	// each, rings without the closing vertex. A ring of positive area begins a polygon.
	Parts [][]Position
}

// Property is one attribute. Value is a string, float32, float64, int64, uint64,
// Sint64 or bool after the field of the message that held it.
type Property struct {
	Key   string
	Value any
}

// Sint64 is a value of the field sint_value.
type Sint64 int64

// Position is in the units of the layer's extent, x to the right and y down.
type Position struct{ X, Y int64 }

// Area2 is twice the signed area of a ring.
func Area2(ring []Position) (sum int64) {
	for i, p := range ring {
		q := ring[(i+1)%len(ring)]
		sum += p.X*q.Y - q.X*p.Y
	}
	return sum
}

// Decode reads a tile of version 1 or 2. What the specification forbids fails
// with ErrMalformed where it makes the tile's content doubtful, and is noted in
// Tile.Faults where it spoils one feature only. Features of type Unknown, or
// without a type, have no parts. Nothing of b is kept.
func Decode(b []byte) (*Tile, error) {
	if len(b) > MaxTileBytes {
		return nil, malformed("%d bytes, at most %d are read", len(b), MaxTileBytes)
	}
	t := new(Tile)
	r := reader{rest: b}
	names := map[string]bool{}
	for r.more() {
		field, err := r.field()
		if err != nil {
			return nil, err
		}
		if field != tileLayer {
			if field>>3 == tileLayer>>3 {
				return nil, malformed("a layer of wire type %d", field&7)
			}
			if err := r.skip(field); err != nil {
				return nil, err
			}
			continue
		}
		m, err := r.message()
		if err != nil {
			return nil, err
		}
		l, err := t.layer(m)
		if err != nil {
			return nil, err
		}
		if names[l.Name] {
			t.fault("two layers are named %q", l.Name)
			continue
		}
		names[l.Name] = true
		t.Layers = append(t.Layers, *l)
	}
	return t, nil
}

func (t *Tile) fault(format string, args ...any) {
	t.Faults = append(t.Faults, fmt.Sprintf(format, args...))
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// layer decodes a layer message. Keys, values and version may follow the
// features, so features are decoded last.
func (t *Tile) layer(b []byte) (*Layer, error) {
	l := &Layer{Extent: 4096}
	named := false
	var keys []string
	var vals []any
	var features [][]byte
	r := reader{rest: b}
	for r.more() {
		field, err := r.field()
		if err != nil {
			return nil, err
		}
		switch field {
		case layerName:
			named = true
			if l.Name, err = r.text(); err != nil {
				return nil, err
			}
		case layerFeature:
			m, err := r.message()
			if err != nil {
				return nil, err
			}
			features = append(features, m)
		case layerKey:
			k, err := r.text()
			if err != nil {
				return nil, err
			}
			keys = append(keys, k)
		case layerValue:
			m, err := r.message()
			if err != nil {
				return nil, err
			}
			v, err := value(m)
			if err != nil {
				return nil, err
			}
			vals = append(vals, v)
		case layerExtent:
			if l.Extent, err = r.uint32(); err != nil {
				return nil, err
			}
		case layerVersion:
			if l.Version, err = r.uint32(); err != nil {
				return nil, err
			}
		default:
			if n := field >> 3; n <= 5 || n == 15 {
				return nil, malformed("field %d of a layer has wire type %d", n, field&7)
			}
			if err := r.skip(field); err != nil {
				return nil, err
			}
		}
	}
	switch {
	case !named || l.Name == "":
		return nil, malformed("a layer without a name")
	case l.Version != 1 && l.Version != 2:
		return nil, malformed("layer %.40q has version %d", l.Name, l.Version)
	case l.Extent == 0:
		return nil, malformed("layer %.40q has no extent", l.Name)
	}
	for i, m := range features {
		f, fault, err := feature(m, keys, vals, l.Version)
		if err != nil {
			return nil, fmt.Errorf("layer %.40q, feature %d: %w", l.Name, i, err)
		}
		if fault != "" {
			t.fault("layer %q, feature %d: %s", l.Name, i, fault)
		}
		if f != nil {
			l.Features = append(l.Features, *f)
		}
	}
	return l, nil
}

// feature decodes a feature message. A fault with a nil feature spoils it.
func feature(b []byte, keys []string, vals []any, version uint32) (f *Feature, fault string, err error) {
	f = new(Feature)
	typed := false
	var tags, geometry []uint32
	geometries := 0
	r := reader{rest: b}
	for r.more() {
		field, err := r.field()
		if err != nil {
			return nil, "", err
		}
		switch field {
		case featureID:
			f.HasID = true
			if f.ID, err = r.uvarint(); err != nil {
				return nil, "", err
			}
		case featureTags:
			if tags, err = r.packed(tags); err != nil {
				return nil, "", err
			}
		case featureType:
			v, err := r.uvarint()
			if err != nil {
				return nil, "", err
			}
			if v > uint64(Polygon) {
				return nil, fmt.Sprintf("geometry type %d is unknown", v), nil
			}
			f.Type, typed = Type(v), true
		case featureGeometry:
			geometries++
			if geometry, err = r.packed(geometry); err != nil {
				return nil, "", err
			}
		default:
			if field>>3 <= 4 {
				return nil, "", malformed("field %d of a feature has wire type %d", field>>3, field&7)
			}
			if err := r.skip(field); err != nil {
				return nil, "", err
			}
		}
	}
	switch {
	case geometries != 1:
		return nil, fmt.Sprintf("it has %d geometries", geometries), nil
	case len(tags)%2 == 1:
		return nil, "a tag has no value", nil
	}
	for i := 0; i < len(tags); i += 2 {
		if int64(tags[i]) >= int64(len(keys)) || int64(tags[i+1]) >= int64(len(vals)) {
			return nil, "", malformed("a tag names key %d of %d and value %d of %d", tags[i], len(keys), tags[i+1], len(vals))
		}
		f.Properties = append(f.Properties, Property{keys[tags[i]], vals[tags[i+1]]})
	}
	switch {
	case !typed:
		return f, "it has no geometry type", nil
	case f.Type == Unknown:
		return f, "", nil
	}
	f.Parts, fault, err = parts(geometry, f.Type, version)
	return f, fault, err
}

// parts runs the commands of a geometry.
func parts(g []uint32, t Type, version uint32) (list [][]Position, fault string, err error) {
	var c Position
	var part []Position
	finish := func() error {
		switch {
		case part == nil:
		case t == LineString && len(part) < 2:
			return malformed("a line of %d positions", len(part))
		case t == Polygon:
			return malformed("a ring that is not closed")
		default:
			list = append(list, part)
		}
		part = nil
		return nil
	}
	for len(g) > 0 {
		command, n := g[0]&7, int64(g[0]>>3)
		g = g[1:]
		switch command {
		case moveTo, lineTo:
			if n == 0 || 2*n > int64(len(g)) {
				return nil, "", malformed("command %d for %d positions, but %d numbers follow", command, n, len(g))
			}
			if command == moveTo {
				if t != Point {
					if n != 1 {
						return nil, "", malformed("a %v begins %d times at once", t, n)
					}
					if err := finish(); err != nil {
						return nil, "", err
					}
				} else if part != nil {
					return nil, "", malformed("points in two commands")
				}
			} else if t == Point || part == nil {
				return nil, "", malformed("a line in a %v before its begin", t)
			}
			if part == nil {
				part = make([]Position, 0, n)
			}
			for ; n > 0; n-- {
				dx, dy := unzigzag(g[0]), unzigzag(g[1])
				g = g[2:]
				if command == lineTo && dx == 0 && dy == 0 {
					fault = "a vertex is repeated"
				}
				c.X, c.Y = c.X+dx, c.Y+dy
				part = append(part, c)
			}
		case closePath:
			if t != Polygon && version > 1 {
				return nil, "", malformed("a %v is closed", t)
			}
			if n != 1 || part == nil || t == Polygon && len(part) < 3 {
				return nil, "", malformed("a ring of %d positions is closed %d times", len(part), n)
			}
			if t == LineString {
				part = append(part, part[0])
			}
			if t == Point {
				return nil, "", malformed("a %v is closed", t)
			}
			list, part = append(list, part), nil
		default:
			return nil, "", malformed("geometry command %d", command)
		}
	}
	if err := finish(); err != nil {
		return nil, "", err
	}
	if len(list) == 0 {
		return nil, "", malformed("an empty geometry")
	}
	return list, fault, nil
}

func unzigzag(v uint32) int64 { return int64(int32(v>>1) ^ -int32(v&1)) }

// value decodes a value message.
func value(b []byte) (v any, err error) {
	r := reader{rest: b}
	for r.more() {
		field, err := r.field()
		if err != nil {
			return nil, err
		}
		if v != nil {
			return nil, malformed("a value of two types")
		}
		switch field {
		case valueString:
			v, err = r.text()
		case valueFloat:
			var n uint32
			n, err = r.fixed32()
			v = math.Float32frombits(n)
		case valueDouble:
			var n uint64
			n, err = r.fixed64()
			v = math.Float64frombits(n)
		case valueInt:
			var n uint64
			n, err = r.uvarint()
			v = int64(n)
		case valueUint:
			v, err = r.uvarint()
		case valueSint:
			var n uint64
			n, err = r.uvarint()
			v = Sint64(n>>1) ^ -Sint64(n&1)
		case valueBool:
			var n uint64
			n, err = r.uvarint()
			v = n != 0
		default:
			return nil, malformed("a value has field %d of wire type %d", field>>3, field&7)
		}
		if err != nil {
			return nil, err
		}
	}
	if v == nil {
		return nil, malformed("a value without content")
	}
	return v, nil
}

// reader reads protocol buffers.
type reader struct{ rest []byte }

func (r *reader) more() bool { return len(r.rest) > 0 }

func (r *reader) uvarint() (uint64, error) {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		return 0, malformed("a number is cut off or too large")
	}
	r.rest = r.rest[n:]
	return v, nil
}

func (r *reader) uint32() (uint32, error) {
	v, err := r.uvarint()
	if err == nil && v > math.MaxUint32 {
		err = malformed("%d where 32 bits are expected", v)
	}
	return uint32(v), err
}

// field is field number << 3 | wire type.
func (r *reader) field() (uint32, error) {
	v, err := r.uint32()
	if err == nil && v>>3 == 0 {
		err = malformed("field number 0")
	}
	return v, err
}

func (r *reader) bytes(n uint64) ([]byte, error) {
	if n > uint64(len(r.rest)) {
		return nil, malformed("%d bytes are announced, %d are left", n, len(r.rest))
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b, nil
}

func (r *reader) message() ([]byte, error) {
	n, err := r.uvarint()
	if err != nil {
		return nil, err
	}
	return r.bytes(n)
}

func (r *reader) text() (string, error) {
	b, err := r.message()
	if err == nil && !utf8.Valid(b) {
		err = malformed("text that is not UTF-8")
	}
	return string(b), err
}

func (r *reader) fixed32() (uint32, error) {
	b, err := r.bytes(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (r *reader) fixed64() (uint64, error) {
	b, err := r.bytes(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

func (r *reader) packed(dst []uint32) ([]uint32, error) {
	b, err := r.message()
	if err != nil {
		return nil, err
	}
	for p := (reader{rest: b}); p.more(); {
		v, err := p.uvarint()
		if err != nil {
			return nil, err
		}
		dst = append(dst, uint32(v)) // protocol buffers cut a larger number
	}
	return dst, nil
}

// skip passes over a field that is not known.
func (r *reader) skip(field uint32) error {
	var err error
	switch field & 7 {
	case 0:
		_, err = r.uvarint()
	case 1:
		_, err = r.bytes(8)
	case 2:
		_, err = r.message()
	case 5:
		_, err = r.bytes(4)
	default:
		err = malformed("wire type %d", field&7)
	}
	return err
}
