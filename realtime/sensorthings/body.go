package sensorthings

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"twind/layers"
)

const (
	maxJSONDepth   = 64 // of arrays and objects in a body
	maxInsertDepth = 8  // of entities within entities
)

// object is a JSON object whose members keep their text.
type object map[string]json.RawMessage

func parseObject(body []byte) (object, error) {
	if err := checkJSON(body); err != nil {
		return nil, err
	}
	var o object
	if err := json.Unmarshal(body, &o); err != nil || o == nil {
		return nil, bad("The body is no JSON object.")
	}
	return o, nil
}

// checkJSON refuses what is no JSON, no UTF-8 or nested too deeply.
func checkJSON(body []byte) error {
	if !utf8.Valid(body) {
		return bad("The body is not UTF-8.")
	}
	depth, inText := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			if depth++; depth > maxJSONDepth {
				return bad("The body nests arrays and objects deeper than %d.", maxJSONDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	if !json.Valid(body) {
		return bad("The body is no JSON.")
	}
	return nil
}

func isNull(v json.RawMessage) bool { return v == nil || string(v) == "null" }

// checkValue tells what is wrong with a member's value.
func checkValue(k kind, m *member, v json.RawMessage) error {
	ok, want := true, ""
	switch m.form {
	case formText:
		ok, want = v[0] == '"', "a text"
	case formObject:
		ok, want = v[0] == '{', "an object"
	case formInstant:
		t, valid := parseTimes(unquote(v))
		ok, want = v[0] == '"' && valid && !t.interval, "a time such as 2026-01-31T08:00:00Z"
	case formTimes:
		_, valid := parseTimes(unquote(v))
		ok, want = v[0] == '"' && valid, "a time such as 2026-01-31T08:00:00Z, or two with a slash between them"
	}
	if !ok {
		return bad("%s of %s is %s: expected %s.", m.name, "a"+article(definitions[k].one)[1:], short(string(v)), want)
	}
	if m.name == "unitOfMeasurement" {
		return checkUnit(v)
	}
	if k == datastreams && m.name == "properties" {
		if err := checkStreamProperties(v); err != nil {
			return err
		}
	}
	return checkNumbers(m, v)
}

// checkNumbers refuses numbers that no double can hold, and places off the Earth.
func checkNumbers(m *member, v json.RawMessage) error {
	if v[0] != '{' && v[0] != '[' && v[0] != '-' && (v[0] < '0' || v[0] > '9') {
		return nil
	}
	var read any
	if json.Unmarshal(v, &read) != nil {
		return bad("%s holds a number beyond ±1.8e308: send one that a double can hold.", m.name)
	}
	if place, ok := read.(map[string]any); ok && (m.name == "location" || m.name == "feature") {
		return checkPlace(m.name, place)
	}
	return nil
}

// checkPlace looks at a geometry of GeoJSON, or at that of a feature; what is
// neither may be anything.
func checkPlace(member string, place map[string]any) error {
	if g, ok := place["geometry"].(map[string]any); ok && place["type"] == "Feature" {
		place = g
	}
	switch place["type"] {
	case "Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon":
		if at, ok := place["coordinates"].([]any); !ok || !onEarth(at) {
			return bad("%s has coordinates that are missing, empty or off the Earth: expected longitudes within ±180 and latitudes within ±90, in degrees.", member)
		}
	}
	return nil
}

// onEarth tells whether coordinates, however deep, are positions in degrees.
func onEarth(at []any) bool {
	if len(at) == 0 {
		return false
	}
	if lon, ok := at[0].(float64); ok {
		if len(at) < 2 {
			return false
		}
		lat, ok := at[1].(float64)
		return ok && math.Abs(lon) <= 180 && math.Abs(lat) <= 90
	}
	for _, inner := range at {
		if list, ok := inner.([]any); !ok || !onEarth(list) {
			return false
		}
	}
	return true
}

// article is the name of one entity with its article, as a sentence begins.
func article(one string) string {
	if strings.HasPrefix(one, "O") {
		return "An " + one
	}
	return "A " + one
}

func checkUnit(v json.RawMessage) error {
	var unit map[string]json.RawMessage
	if json.Unmarshal(v, &unit) != nil {
		return bad("unitOfMeasurement is no object.")
	}
	for _, name := range []string{"name", "symbol", "definition"} {
		if _, there := unit[name]; !there {
			return bad("unitOfMeasurement lacks %s: give it, or null.", name)
		}
	}
	return nil
}

// checkStreamProperties looks at those that the server obeys: the bound of the
// Observations, and what they are bound to.
func checkStreamProperties(v json.RawMessage) error {
	var p object
	if json.Unmarshal(v, &p) != nil {
		return bad("properties is no object.")
	}
	if err := checkKeep(p["twind:keep"]); err != nil {
		return err
	}
	for _, name := range []string{"twind:layer", "twind:feature", "twind:property"} {
		if own := p[name]; !isNull(own) && own[0] != '"' {
			return bad("%s is %s: expected a text.", name, short(string(own)))
		}
	}
	if l := p["twind:layer"]; !isNull(l) && unquote(l) != "" {
		if _, err := layers.ParseID(unquote(l)); err != nil {
			return bad("twind:layer is %s: expected the id of a layer.", short(string(l)))
		}
	}
	return nil
}

// checkKeep tells what is wrong with a bound of Observations: see Store.retention.
func checkKeep(v json.RawMessage) error {
	if isNull(v) {
		return nil
	}
	var keep struct {
		Count *int    `json:"count"`
		Age   *string `json:"age"`
	}
	read := json.NewDecoder(bytes.NewReader(v))
	read.DisallowUnknownFields()
	if v[0] != '{' || read.Decode(&keep) != nil {
		return bad(`twind:keep is %s: expected an object such as {"count": 100, "age": "720h"}.`, short(string(v)))
	}
	if keep.Count != nil && *keep.Count < 1 {
		return bad("count of twind:keep is %d: expected a whole number from 1; leave it out for the server's bound.", *keep.Count)
	}
	if keep.Age != nil {
		if age, err := time.ParseDuration(*keep.Age); err != nil || age <= 0 {
			return bad("age of twind:keep is %q: expected a time such as 720h; leave it out for the server's bound.", short(*keep.Age))
		}
	}
	return nil
}

// assign sets the members that the body has; with fresh, all required ones must
// be there.
func (c *change) assign(e *entity, body object, fresh bool) error {
	d := &definitions[e.kind]
	for name := range body {
		if !strings.Contains(name, "@iot.") && e.kind.member(name) < 0 && e.kind.relation(name) < 0 {
			return bad("%s has no member %s.", article(d.one), short(name))
		}
	}
	for i := range d.members {
		m := &d.members[i]
		v, there := body[m.name]
		if m.form == formComputed || !there && !(fresh && m.required) {
			continue
		}
		if isNull(v) && !(there && m.shown) {
			if m.required {
				return bad("%s needs %s.", article(d.one), m.name)
			}
			c.set(e, i, nil)
			continue
		}
		if isNull(v) {
			v = json.RawMessage("null")
		} else if err := checkValue(e.kind, m, v); err != nil {
			return err
		}
		c.set(e, i, compact(v))
	}
	return nil
}

func compact(v json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, v) != nil {
		return v
	}
	return bytes.Clone(b.Bytes())
}

// linked is the id of an entity that a body only names, as {"@iot.id": 1}.
func linked(o object) (id int64, only bool, err error) {
	v, ok := o["@iot.id"]
	if !ok || len(o) > 1 {
		return 0, false, nil
	}
	if json.Unmarshal(v, &id) != nil {
		return 0, true, bad("@iot.id is %s: expected a whole number.", short(string(v)))
	}
	return id, true, nil
}

// elements are the entities of a relation in a body.
func elements(r *relation, v json.RawMessage) ([]object, error) {
	if !r.many {
		v = append(append(json.RawMessage{'['}, v...), ']')
	}
	var list []object
	if json.Unmarshal(v, &list) != nil {
		if r.many {
			return nil, bad("%s is no array of entities.", r.name)
		}
		return nil, bad("%s is no entity.", r.name)
	}
	for _, o := range list {
		if o == nil {
			return nil, bad("%s holds null: expected an entity.", r.name)
		}
	}
	return list, nil
}
