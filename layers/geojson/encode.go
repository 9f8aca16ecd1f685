// Package geojson writes and reads features as GeoJSON (RFC 7946).
//
//	layers.Feature ──AppendFeature──▶ {"type":"Feature","id":7,"geometry":{…},"properties":{…}}
//	       ▲                                        │
//	       └──ParseFeature (by the layer's schema)──┤
//	       └──ApplyMergePatch (RFC 7396)────────────┤
//	Record ◀──Decoder.Decode (any properties)───────┘
//
// Positions are longitude, latitude in degrees and, where there is one, height
// in metres. Writing appends to the caller's slice and allocates nothing else.
// Reading is strict: no NaN, no hexadecimal, closed rings, right nesting; every
// fault is named with its place, as in
// "geometry.coordinates[0][3]: longitude 400 is outside ±180".
package geojson

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf8"

	"twind/layers"
	"twind/spatial"
)

// EncodeOptions vary how a feature is written. The zero value writes everything.
type EncodeOptions struct {
	Hide      []bool // by schema position: properties that are left out; nil hides none
	SkipNulls bool   // leave out properties without a value; by default they are written as null
	Members   []byte // further members, such as `"links":[…]`, without braces or outer commas
}

// maxSafeInteger is 2⁵³: below it every integer is a JSON number that any reader keeps.
const maxSafeInteger = 1 << 53

// AppendFeature appends f, a feature of layer l, as one GeoJSON object without a
// line break. An id that is canonical decimal below 2⁵³ is written as a number
// (GDAL and QGIS address items by integer ids), any other as a string. Numbers
// are the shortest decimals that read back to the same float64.
func AppendFeature(dst []byte, l *layers.Layer, f *layers.Feature, o EncodeOptions) []byte {
	dst = append(dst, `{"type":"Feature"`...)
	if f.ID != "" {
		dst = append(dst, `,"id":`...)
		dst = AppendID(dst, f.ID)
	}
	dst = append(dst, `,"geometry":`...)
	dst = AppendGeometry(dst, f.Geometry)
	dst = append(dst, `,"properties":{`...)
	first := true
	for i := range l.Schema {
		if i < len(o.Hide) && o.Hide[i] {
			continue
		}
		var v layers.Value
		if i < len(f.Properties) {
			v = f.Properties[i]
		}
		if o.SkipNulls && v.IsNull() {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = AppendString(dst, l.Schema[i].Name)
		dst = append(dst, ':')
		dst = AppendValue(dst, v)
	}
	dst = append(dst, '}')
	if len(o.Members) > 0 {
		dst = append(dst, ',')
		dst = append(dst, o.Members...)
	}
	return append(dst, '}')
}

// AppendID appends a feature's id: a number when it is canonical decimal below
// 2⁵³, else a string.
func AppendID(dst []byte, id string) []byte {
	if canonicalInteger(id) {
		return append(dst, id...)
	}
	return AppendString(dst, id)
}

func canonicalInteger(s string) bool {
	if s == "" || len(s) > 16 || s[0] == '0' && len(s) > 1 {
		return false
	}
	n := uint64(0)
	for i := 0; i < len(s); i++ {
		c := s[i] - '0'
		if c > 9 {
			return false
		}
		n = n*10 + uint64(c)
	}
	return n < maxSafeInteger
}

// AppendValue appends a property's value: null, true, false, a number, or text. A
// Number without fraction is written with ".0", so that readers that take the
// types from the first values, as GDAL does, do not take it for an integer.
// A whole Number is written with ".0", so that it does not read as an Integer:
// GDAL and our own importer take a field's type from the values they meet first.
func AppendValue(dst []byte, v layers.Value) []byte {
	switch v.Type() {
	case layers.Null:
		return append(dst, "null"...)
	case layers.Boolean:
		return strconv.AppendBool(dst, v.Bool())
	case layers.Integer:
		return strconv.AppendInt(dst, v.Int(), 10)
	case layers.Number:
		from := len(dst)
		dst = AppendFloat(dst, v.Float())
		if !bytes.ContainsAny(dst[from:], ".en") {
			dst = append(dst, ".0"...)
		}
		return dst
	}
	return AppendString(dst, v.Text())
}

// AppendGeometry appends g as a GeoJSON geometry; null for an absent one. An
// empty geometry has empty coordinates. Shells are written counterclockwise and
// holes clockwise, as RFC 7946 §3.1.6 asks, however they turn in g.
func AppendGeometry(dst []byte, g spatial.Geometry) []byte {
	switch g.Type {
	case spatial.Unknown:
		return append(dst, "null"...)
	case spatial.GeometryCollection:
		dst = append(dst, `{"type":"GeometryCollection","geometries":[`...)
		for i := range g.Members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = AppendGeometry(dst, g.Members[i])
		}
		return append(dst, "]}"...)
	}
	dst = append(dst, `{"type":"`...)
	dst = append(dst, g.Type.String()...)
	dst = append(dst, `","coordinates":`...)
	n := len(g.XY) / 2
	switch g.Type {
	case spatial.Point:
		if n == 0 {
			dst = append(dst, "[]"...)
		} else {
			dst = appendPosition(dst, &g, 0)
		}
	case spatial.MultiPoint:
		dst = appendPositions(dst, &g, 0, n)
	case spatial.LineString:
		if len(g.Ends) == 0 {
			dst = append(dst, "[]"...)
		} else {
			dst = appendPositions(dst, &g, 0, int(g.Ends[0]))
		}
	case spatial.MultiLineString:
		dst = append(dst, '[')
		v := 0
		for i, end := range g.Ends {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendPositions(dst, &g, v, int(end))
			v = int(end)
		}
		dst = append(dst, ']')
	case spatial.Polygon:
		dst = appendRings(dst, &g, 0, len(g.Ends))
	case spatial.MultiPolygon:
		dst = append(dst, '[')
		for i := range g.Parts {
			if i > 0 {
				dst = append(dst, ',')
			}
			lo, hi := g.PolygonPaths(i)
			dst = appendRings(dst, &g, lo, hi)
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

// appendRings appends one polygon, of the rings lo to hi.
func appendRings(dst []byte, g *spatial.Geometry, lo, hi int) []byte {
	dst = append(dst, '[')
	v := 0
	if lo > 0 {
		v = int(g.Ends[lo-1])
	}
	for i := lo; i < hi; i++ {
		if i > lo {
			dst = append(dst, ',')
		}
		end := int(g.Ends[i])
		if a := turn(g.XY[2*v : 2*end]); a < 0 && i == lo || a > 0 && i > lo {
			dst = append(dst, '[')
			for k := end - 1; k >= v; k-- {
				if k < end-1 {
					dst = append(dst, ',')
				}
				dst = appendPosition(dst, g, k)
			}
			dst = append(dst, ']')
		} else {
			dst = appendPositions(dst, g, v, end)
		}
		v = end
	}
	return append(dst, ']')
}

// turn is positive for a counterclockwise ring and negative for a clockwise one.
func turn(xy []float64) float64 {
	sum := 0.0
	for k := 0; k+3 < len(xy); k += 2 {
		sum += (xy[k]-xy[0])*(xy[k+3]-xy[1]) - (xy[k+2]-xy[0])*(xy[k+1]-xy[1])
	}
	return sum
}

func appendPositions(dst []byte, g *spatial.Geometry, lo, hi int) []byte {
	dst = append(dst, '[')
	for i := lo; i < hi; i++ {
		if i > lo {
			dst = append(dst, ',')
		}
		dst = appendPosition(dst, g, i)
	}
	return append(dst, ']')
}

func appendPosition(dst []byte, g *spatial.Geometry, i int) []byte {
	dst = append(dst, '[')
	dst = AppendFloat(dst, g.XY[2*i])
	dst = append(dst, ',')
	dst = AppendFloat(dst, g.XY[2*i+1])
	if g.Z != nil {
		dst = append(dst, ',')
		dst = AppendFloat(dst, g.Z[i])
	}
	return append(dst, ']')
}

// AppendFloat appends the shortest decimal that reads back to v, as ECMAScript
// writes it but with "-0" kept; a value that is not finite, which JSON does not
// know, becomes null.
func AppendFloat(dst []byte, v float64) []byte {
	abs := math.Abs(v)
	// A decimal of at most 15 digits is the only one of that length that reads
	// as its float64, so n/10ᵏ with n < 10¹⁵ that divides back to v exactly is,
	// without trailing zeros, the shortest.
	if abs < 1000 && (abs >= 1e-6 || v == 0 && !math.Signbit(v)) {
		if n := math.Round(abs * 1e8); n/1e8 == abs {
			return appendDecimal(dst, v < 0, uint64(n), 8)
		}
		if n := math.Round(abs * 1e12); n < 1e15 && n/1e12 == abs {
			return appendDecimal(dst, v < 0, uint64(n), 12)
		}
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(dst, "null"...)
	}
	if abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		return strconv.AppendFloat(dst, v, 'e', -1, 64)
	}
	return strconv.AppendFloat(dst, v, 'f', -1, 64)
}

// appendDecimal appends n/10^decimals without trailing zeros.
func appendDecimal(dst []byte, negative bool, n uint64, decimals int) []byte {
	if negative {
		dst = append(dst, '-')
	}
	var buf [24]byte
	i := len(buf)
	keep := false // a digit other than 0 was met right of the point
	for d := 0; d < decimals; d++ {
		c := byte(n % 10)
		n /= 10
		if keep = keep || c != 0; keep {
			i--
			buf[i] = '0' + c
		}
	}
	if keep {
		i--
		buf[i] = '.'
	}
	for {
		i--
		buf[i] = '0' + byte(n%10)
		if n /= 10; n == 0 {
			break
		}
	}
	return append(dst, buf[i:]...)
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string. Invalid UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
				i++
				continue
			}
			dst = append(dst, s[start:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, s[start:i]...)
			dst = append(dst, "\uFFFD"...)
			i++
			start = i
			continue
		}
		i += n
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
