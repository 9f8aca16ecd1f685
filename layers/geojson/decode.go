package geojson

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"twind/layers"
	"twind/spatial"
)

// ParseFeature reads one feature in degrees by the schema of l; data must hold
// nothing else. Properties that data does not name are null; a property that l
// does not have, a value of another type than l gives, and a geometry that l
// does not admit are faults. Members of the feature that RFC 7946 does not
// define are read past. It fails with layers.ErrInvalid, naming the place.
func ParseFeature(data []byte, l *layers.Layer) (*layers.Feature, error) {
	if err := tooLong(data); err != nil {
		return nil, err
	}
	f := &layers.Feature{Properties: make([]layers.Value, len(l.Schema))}
	r := reader{scanner: scanner{b: data}, degrees: true}
	err := r.feature(&f.ID, &f.Geometry, func() error { return r.bySchema(l, f.Properties) })
	if err == nil {
		err = r.end()
	}
	if err == nil {
		err = admitted(l, &f.Geometry)
	}
	if err != nil {
		return nil, invalid(err)
	}
	return f, nil
}

func admitted(l *layers.Layer, g *spatial.Geometry) error {
	if !l.Admits(g.Type) {
		return at(at(faultf("a %v does not fit layer %s, which holds %v", g.Type, l.ID, l.GeometryType), "type"), "geometry")
	}
	return nil
}

// feature reads a feature object; properties is called at the value of its
// member of that name.
func (r *reader) feature(id *string, g *spatial.Geometry, properties func() error) error {
	if r.peek() != '{' {
		return faultf("expected a Feature object, found %s", r.found())
	}
	more, err := r.open('{', '}')
	const (
		sawType = 1 << iota
		sawID
		sawGeometry
		sawProperties
	)
	seen := 0
	for more && err == nil {
		var name string
		if name, err = r.key(); err != nil {
			return err
		}
		bit := 0
		switch name {
		case "type":
			bit = sawType
			if r.peek() != '"' {
				return at(faultf("expected \"Feature\", found %s", r.found()), "type")
			}
			var t string
			if t, err = r.text(); err == nil && t != "Feature" {
				err = faultf("expected \"Feature\", found %s", quoted(t))
			}
		case "id":
			bit = sawID
			*id, err = r.id()
		case "geometry":
			bit = sawGeometry
			err = r.geometry(g, 0)
		case "properties":
			bit = sawProperties
			switch r.peek() {
			case '{':
				err = properties()
			case 'n':
				err = r.literal("null")
			default:
				err = faultf("expected an object of properties, found %s", r.found())
			}
		case "crs":
			var raw []byte
			if raw, err = r.raw(); err == nil && r.degrees {
				if crs := CRSName(raw); !isDegrees(crs) {
					err = faultf("coordinates in %s are not read here; send longitude and latitude in degrees (WGS 84)", quoted(crs))
				}
			}
		default:
			err = r.skip(0)
		}
		if err != nil {
			return at(err, strings.Clone(name))
		}
		if bit != 0 {
			if seen&bit != 0 {
				return faultf("the member %s stands twice", name)
			}
			seen |= bit
		}
		more, err = r.next('}', "feature")
	}
	switch {
	case err != nil:
		return err
	case seen&sawType == 0:
		return faultf("the feature has no member \"type\": \"Feature\"")
	case seen&sawGeometry == 0:
		return faultf("the feature has no member geometry; write null where there is none")
	}
	return nil
}

// id reads a feature's id: text, or a number, which is written in full; "" for null.
func (r *reader) id() (string, error) {
	switch c := r.peek(); {
	case c == '"':
		s, err := r.text()
		if err == nil {
			if e := layers.CheckFeatureID(s); e != nil {
				err = faultf("%v", e)
			}
		}
		return s, err
	case c == 'n':
		return "", r.literal("null")
	case c == '-' || c >= '0' && c <= '9':
		start := r.i
		v, integer, err := r.number()
		if err != nil {
			return "", err
		}
		var s string
		if integer && v != 0 {
			s = string(r.b[start:r.i])
		} else {
			s = strconv.FormatFloat(v+0, 'f', -1, 64)
		}
		if len(s) > 255 {
			return "", faultf("an id of %d digits: at most 255 bytes are possible", len(s))
		}
		return s, nil
	default:
		return "", faultf("expected text or a number, found %s", r.found())
	}
}

// bySchema reads an object of properties into values, which stand in the order
// of l's schema.
func (r *reader) bySchema(l *layers.Layer, values []layers.Value) error {
	var seen [layers.MaxProperties/64 + 1]uint64
	more, err := r.open('{', '}')
	hint := 0
	for more && err == nil {
		name, err := r.key()
		if err != nil {
			return err
		}
		p := hint
		if p >= len(l.Schema) || l.Schema[p].Name != name {
			p = l.PropertyIndex(name)
		}
		if p < 0 {
			return at(faultf("layer %s has no such property; it has %s", l.ID, names(l)), strings.Clone(name))
		}
		hint = p + 1
		if seen[p/64]&(1<<(p%64)) != 0 {
			return at(faultf("the property stands twice"), l.Schema[p].Name)
		}
		seen[p/64] |= 1 << (p % 64)
		if values[p], err = r.value(l.Schema[p].Type); err != nil {
			return at(err, l.Schema[p].Name)
		}
		if more, err = r.next('}', "properties"); err != nil {
			return err
		}
	}
	return err
}

func names(l *layers.Layer) string {
	if len(l.Schema) == 0 {
		return "none"
	}
	var b strings.Builder
	for i := range l.Schema {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == 30 {
			fmt.Fprintf(&b, "and %d more", len(l.Schema)-i)
			break
		}
		b.WriteString(l.Schema[i].Name)
	}
	return b.String()
}

// value reads a value of type t or null.
func (r *reader) value(t layers.ValueType) (layers.Value, error) {
	c := r.peek()
	if c == 'n' {
		return layers.Value{}, r.literal("null")
	}
	switch t {
	case layers.Boolean:
		switch c {
		case 't':
			return layers.BoolValue(true), r.literal("true")
		case 'f':
			return layers.BoolValue(false), r.literal("false")
		}
		return layers.Value{}, faultf("expected true or false, found %s", r.found())
	case layers.Integer, layers.Number:
		if c != '-' && (c < '0' || c > '9') {
			if c == '"' || c == '{' || c == '[' || c == 't' || c == 'f' {
				return layers.Value{}, faultf("expected %s, found %s", article(t), r.found())
			}
			return layers.Value{}, r.notNumber(r.i)
		}
		start := r.i
		v, integer, err := r.number()
		if err != nil {
			return layers.Value{}, err
		}
		if t == layers.Number {
			return layers.FloatValue(v), nil
		}
		if integer {
			n, err := strconv.ParseInt(string(r.b[start:r.i]), 10, 64)
			if err != nil {
				return layers.Value{}, faultf("%s does not fit a 64-bit integer", clip(r.b[start:r.i]))
			}
			return layers.IntValue(n), nil
		}
		if v != math.Trunc(v) || math.Abs(v) >= maxSafeInteger {
			return layers.Value{}, faultf("expected an integer, found %s", clip(r.b[start:r.i]))
		}
		return layers.IntValue(int64(v)), nil
	}
	if c != '"' {
		return layers.Value{}, faultf("expected %s, found %s", article(t), r.found())
	}
	s, err := r.text()
	if err != nil {
		return layers.Value{}, err
	}
	if t != layers.String && !IsTime(t, s) {
		return layers.Value{}, faultf("expected %s, found %s", article(t), quoted(s))
	}
	if strings.IndexByte(s, 0) >= 0 {
		return layers.Value{}, faultf("the text holds a NUL character, which no store keeps")
	}
	return layers.TextValue(t, s), nil
}

func clip(b []byte) string {
	if len(b) > 40 {
		return string(b[:40]) + "…"
	}
	return string(b)
}

func article(t layers.ValueType) string {
	switch t {
	case layers.Integer:
		return "an integer"
	case layers.Number:
		return "a number"
	case layers.String:
		return "text"
	case layers.Date:
		return `a date such as "2026-11-21"`
	case layers.DateTime:
		return `a time such as "2026-11-21T08:00:00Z"`
	}
	return "a " + t.String()
}

// IsTime tells whether s is a value of type Date ("2026-11-21") or DateTime
// ("2026-11-21T08:00:00Z" with any fraction and offset, RFC 3339).
func IsTime(t layers.ValueType, s string) bool {
	// Digits and marks in their places first: it is the cheap answer for most texts.
	if len(s) < 10 || len(s) > 40 || s[4] != '-' || s[7] != '-' || s[0]-'0' > 9 {
		return false
	}
	switch t {
	case layers.Date:
		if len(s) != 10 {
			return false
		}
		_, err := time.Parse(time.DateOnly, s)
		return err == nil
	case layers.DateTime:
		if len(s) < 20 || s[10] != 'T' && s[10] != 't' || strings.IndexByte(s, ',') >= 0 {
			return false
		}
		_, err := time.Parse(time.RFC3339, s)
		return err == nil
	}
	return false
}

// CRSName is the name in a "crs" member as GeoJSON had it before RFC 7946, such
// as "urn:ogc:def:crs:EPSG::2263", "EPSG:4326" or a link's href; "" for null or
// anything else. Package spatial/crs parses it.
func CRSName(raw []byte) string {
	r := scanner{b: raw}
	name := ""
	var walk func(depth int) error
	walk = func(depth int) error {
		more, err := r.open('{', '}')
		for more && err == nil {
			k, err := r.key()
			if err != nil {
				return err
			}
			k = strings.Clone(k)
			switch c := r.peek(); {
			case k == "properties" && c == '{' && depth == 0:
				err = walk(1)
			case c == '"' && depth == 1 && (k == "name" || k == "href"):
				name, err = r.text()
			case c >= '0' && c <= '9' && depth == 1 && k == "code": // the EPSG form of 2008
				var v float64
				v, _, err = r.number()
				name = fmt.Sprintf("EPSG:%.0f", v)
			default:
				err = r.skip(depth)
			}
			if err != nil {
				return err
			}
			if more, err = r.next('}', "crs"); err != nil {
				return err
			}
		}
		return err
	}
	if r.peek() != '{' || walk(0) != nil {
		return ""
	}
	return name
}

func isDegrees(crs string) bool {
	s := strings.ToUpper(crs)
	return s == "" || strings.HasSuffix(s, "CRS84") || strings.HasSuffix(s, "CRS84H") || strings.HasSuffix(s, ":4326") || strings.HasSuffix(s, "/4326") || strings.HasSuffix(s, ":4490") || strings.HasSuffix(s, "/4490")
}

// Fields are the names of the properties met in a source, in the order of their
// first appearance. The zero value is empty and ready for use.
type Fields struct {
	Names []string
	index map[string]int
}

// Index is the position of a name, which is added if new. It fails when there
// would be more than layers.MaxProperties.
func (f *Fields) Index(name string) (int, error) {
	if i, ok := f.index[name]; ok {
		return i, nil
	}
	if len(f.Names) >= layers.MaxProperties {
		return 0, faultf("more than %d different properties", layers.MaxProperties)
	}
	if f.index == nil {
		f.index = make(map[string]int)
	}
	name = strings.Clone(name)
	f.index[name] = len(f.Names)
	f.Names = append(f.Names, name)
	return len(f.Names) - 1, nil
}

// Record is a feature read without a schema. Values stand in the order of the
// decoder's Fields and may be fewer: what is missing is null.
type Record struct {
	ID       string
	Geometry spatial.Geometry
	Values   []layers.Value
}

// Decoder reads features whose properties are not known beforehand, as an
// import meets them. Objects and arrays among the properties become their JSON
// text; integers beyond 64 bits become text, so that no digit is lost. It is not
// safe for concurrent use.
type Decoder struct {
	Fields     Fields // grows as names are met
	Degrees    bool   // refuse positions outside ±180, ±90
	Borrow     bool   // texts may alias the data, and Decode reuses the record's memory
	Dimensions int    // positions met with more than three numbers; the rest was ignored
	r          reader
	met        []bool
}

// Decode reads one feature (or, where bare is set, a geometry) into rec. It
// fails with layers.ErrInvalid, naming the place; rec is then undefined.
func (d *Decoder) Decode(data []byte, rec *Record, bare bool) error {
	if err := tooLong(data); err != nil {
		return err
	}
	d.r = reader{scanner: scanner{b: data, borrow: d.Borrow, tmp: d.r.tmp}, degrees: d.Degrees}
	rec.ID = ""
	if d.Borrow {
		clear(rec.Values)
		rec.Values = rec.Values[:0]
	} else {
		rec.Geometry = spatial.Geometry{}
		rec.Values = make([]layers.Value, 0, len(d.Fields.Names))
	}
	var err error
	if bare {
		err = d.r.geometry(&rec.Geometry, 0)
	} else {
		err = d.r.looseFeature(d, rec)
	}
	if err == nil {
		err = d.r.end()
	}
	d.Dimensions += d.r.dimensions
	return invalid(err)
}

func (r *reader) looseFeature(d *Decoder, rec *Record) error {
	return r.feature(&rec.ID, &rec.Geometry, func() error { return r.anyProperties(d, rec) })
}

func (r *reader) anyProperties(d *Decoder, rec *Record) error {
	more, err := r.open('{', '}')
	clear(d.met)
	hint := 0
	for more && err == nil {
		name, err := r.key()
		if err != nil {
			return err
		}
		p := hint
		if p >= len(d.Fields.Names) || d.Fields.Names[p] != name {
			if len(name) > layers.MaxNameBytes {
				return faultf("a property name of %d bytes: at most %d are possible", len(name), layers.MaxNameBytes)
			}
			if p, err = d.Fields.Index(name); err != nil {
				return err
			}
		}
		hint = p + 1
		for len(d.met) <= p {
			d.met = append(d.met, false)
		}
		if d.met[p] {
			return at(faultf("the property stands twice"), d.Fields.Names[p])
		}
		d.met[p] = true
		for len(rec.Values) <= p {
			rec.Values = append(rec.Values, layers.Value{})
		}
		if rec.Values[p], err = r.anyValue(); err != nil {
			return at(err, d.Fields.Names[p])
		}
		if more, err = r.next('}', "properties"); err != nil {
			return err
		}
	}
	return err
}

// anyValue reads a value of whatever type it has.
func (r *reader) anyValue() (layers.Value, error) {
	switch c := r.peek(); c {
	case '"':
		return r.value(layers.String)
	case 'n', 't', 'f':
		if c == 'n' && r.i+1 < len(r.b) && r.b[r.i+1] != 'u' {
			return layers.Value{}, r.notNumber(r.i) // nan
		}
		return r.value(layers.Boolean)
	case '{', '[':
		raw, err := r.raw()
		if err != nil {
			return layers.Value{}, err
		}
		if bytes.IndexByte(raw, '\n') >= 0 {
			raw = bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("\r"), nil), []byte("\n"), nil)
		}
		return layers.StringValue(string(raw)), nil
	}
	start := r.i
	v, integer, err := r.number()
	if err != nil {
		return layers.Value{}, err
	}
	if !integer {
		return layers.FloatValue(v), nil
	}
	if v > -maxSafeInteger && v < maxSafeInteger {
		return layers.IntValue(int64(v)), nil
	}
	text := string(r.b[start:r.i])
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return layers.IntValue(n), nil
	}
	return layers.StringValue(text), nil
}
