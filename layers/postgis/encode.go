package postgis

import (
	"encoding/binary"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/wkb"
)

// ewkbSRID is the flag of EWKB that an SRID follows the type.
const ewkbSRID = 0x20000000

// appendEWKB writes a geometry that is not null as EWKB with an SRID.
func appendEWKB(dst []byte, g spatial.Geometry, srid int) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0) // room for the SRID between header and body
	dst = wkb.Append(dst, g)
	copy(dst[at:], dst[at+4:at+9])
	binary.LittleEndian.PutUint32(dst[at+1:], binary.LittleEndian.Uint32(dst[at+1:])|ewkbSRID)
	binary.LittleEndian.PutUint32(dst[at+5:], uint32(srid))
	return dst
}

// appendField writes one field of a row in COPY's binary format: its length and
// bytes. A fault is one that layers.CheckFeature does not look for.
func appendField(dst []byte, t layers.ValueType, v layers.Value) ([]byte, error) {
	if v.IsNull() {
		return binary.BigEndian.AppendUint32(dst, math.MaxUint32), nil
	}
	switch t {
	case layers.Boolean:
		b := byte(0)
		if v.Bool() {
			b = 1
		}
		return append(binary.BigEndian.AppendUint32(dst, 1), b), nil
	case layers.Integer:
		return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(dst, 8), uint64(v.Int())), nil
	case layers.Number:
		return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(dst, 8), math.Float64bits(v.Float())), nil
	case layers.Date:
		d, err := parseDate(v.Text())
		if err != nil {
			return dst, err
		}
		days := int32((d.Unix() - postgresEpoch.Unix()) / 86400)
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(dst, 4), uint32(days)), nil
	}
	return appendText(dst, v.Text()), nil
}

func appendText(dst []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(s))), s...)
}

// checkFeature is layers.CheckFeature and what a column of PostgreSQL refuses besides.
func checkFeature(l *layers.Layer, f *layers.Feature) error {
	if err := layers.CheckFeature(l, f); err != nil {
		return err
	}
	for i, v := range f.Properties {
		if v.IsNull() {
			continue
		}
		if l.Schema[i].Type != layers.Date {
			continue
		}
		_, err := parseDate(v.Text())
		if err != nil {
			return layers.Errorf(layers.ErrInvalid, "property %q: %w", l.Schema[i].Name, err)
		}
	}
	return nil
}

// parameter is a value for a bound parameter of the property's column type.
func parameter(t layers.ValueType, v layers.Value) any {
	if v.IsNull() {
		return nil
	}
	switch t {
	case layers.Boolean:
		return v.Bool()
	case layers.Integer:
		return v.Int()
	case layers.Number:
		return v.Float()
	case layers.Date:
		d, _ := parseDate(v.Text())
		return d
	}
	return v.Text()
}

// isText tells whether PostgreSQL can hold a text.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// parseDate reads a Date; PostgreSQL has no year 0.
func parseDate(s string) (time.Time, error) {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil || d.Year() < 1 {
		return d, layers.Errorf(layers.ErrInvalid, "%.40q is not a date: expected a day such as 2026-11-21 of the years 1 to 9999", s)
	}
	return d, nil
}
