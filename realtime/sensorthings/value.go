package sensorthings

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/peterstace/simplefeatures/geom"
)

type valueType uint8

const (
	typeNull valueType = iota
	typeTruth
	typeNumber
	typeText
	typeJSON // an object or array, as its text
	typeTimes
	typeDuration
	typeGeometry
)

// value is what an expression gives for an entity.
type value struct {
	typ      valueType
	truth    bool
	number   float64
	text     string // of texts and JSON; of a number its JSON
	times    times
	duration time.Duration
	geometry geom.Geometry
}

func truth(b bool) value { return value{typ: typeTruth, truth: b} }
func number(n float64) value {
	return value{typ: typeNumber, number: n, text: strconv.FormatFloat(n, 'g', -1, 64)}
}
func textValue(s string) value { return value{typ: typeText, text: s} }

// fromJSON is a member's value; the text of members that hold times is a time.
func fromJSON(v json.RawMessage, f form) value {
	if isNull(v) {
		return value{}
	}
	switch v[0] {
	case '"':
		s := unquote(v)
		if f == formInstant || f == formTimes || f == formComputed {
			if t, ok := parseTimes(s); ok {
				return value{typ: typeTimes, times: t, text: s}
			}
		}
		return textValue(s)
	case 't', 'f':
		return value{typ: typeTruth, truth: v[0] == 't', text: string(v)}
	case '{', '[':
		return value{typ: typeJSON, text: string(v)}
	}
	n, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		return value{}
	}
	return value{typ: typeNumber, number: n, text: string(v)}
}

// compare orders two values: -1, 0, 1; ok is false where they have no order.
// A number beside a text is compared as its text.
func compare(a, b value) (order int, ok bool) {
	if a.typ == typeNull || b.typ == typeNull {
		return 0, false
	}
	if a.typ == typeTimes && b.typ == typeText {
		b.times, ok = parseTimes(b.text)
		if ok {
			b.typ = typeTimes
		}
	}
	if b.typ == typeTimes && a.typ == typeText {
		a.times, ok = parseTimes(a.text)
		if ok {
			a.typ = typeTimes
		}
	}
	if a.typ == b.typ {
		return compareSame(a, b)
	}
	textual := func(v value) bool { return v.typ == typeText || v.typ == typeJSON }
	if textual(a) || textual(b) {
		return strings.Compare(a.text, b.text), a.typ != typeGeometry && b.typ != typeGeometry
	}
	return 0, false
}

func compareSame(a, b value) (int, bool) {
	switch a.typ {
	case typeTruth:
		return cmp.Compare(strconv.FormatBool(a.truth), strconv.FormatBool(b.truth)), true
	case typeNumber:
		return cmp.Compare(a.number, b.number), true
	case typeText, typeJSON:
		return strings.Compare(a.text, b.text), true
	case typeTimes:
		if c := a.times.from.Compare(b.times.from); c != 0 {
			return c, true
		}
		return a.times.to.Compare(b.times.to), true
	case typeDuration:
		return cmp.Compare(a.duration, b.duration), true
	}
	return 0, false
}

// related answers a comparison; null where there is none, so that rows without
// the value do not come back for any operator.
func related(op string, a, b value) value {
	if a.typ == typeTimes && b.typ == typeTimes && (a.times.interval || b.times.interval) && op != "eq" && op != "ne" {
		return truth(relatedTimes(op, a.times, b.times))
	}
	c, ok := compare(a, b)
	if !ok {
		return value{}
	}
	switch op {
	case "eq":
		return truth(c == 0)
	case "ne":
		return truth(c != 0)
	case "lt":
		return truth(c < 0)
	case "le":
		return truth(c <= 0)
	case "gt":
		return truth(c > 0)
	}
	return truth(c >= 0)
}

// relatedTimes: an interval is before what does not begin before its end.
func relatedTimes(op string, a, b times) bool {
	switch op {
	case "lt":
		return !a.to.After(b.from) && a.from.Before(b.to)
	case "le":
		return !a.to.After(b.to) && !a.from.After(b.from)
	case "gt":
		return !a.from.Before(b.to) && b.from.Before(a.to)
	}
	return !a.from.Before(b.from) && !a.to.Before(b.to)
}

// shape is a value as a geometry: a literal, or a member that holds GeoJSON.
func (v value) shape() (geom.Geometry, bool) {
	if v.typ == typeGeometry {
		return v.geometry, true
	}
	if v.typ != typeJSON {
		return geom.Geometry{}, false
	}
	raw := []byte(v.text)
	var feature struct {
		Type     string          `json:"type"`
		Geometry json.RawMessage `json:"geometry"`
	}
	if json.Unmarshal(raw, &feature) == nil && feature.Type == "Feature" {
		raw = feature.Geometry
	}
	g, err := geom.UnmarshalGeoJSON(raw)
	return g, err == nil
}
