package cityjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"twind/spatial"
)

// Caps on what a file may hold.
const (
	maxObjects  = 4 << 20
	maxVertices = 32 << 20
	maxCorners  = 2 << 20 // of the faces of one object
	maxOrdinate = 1e9     // metres or degrees
	maxKin      = 10_000  // relatives of one object
)

// document is a CityJSON or CityJSONFeature object.
type document struct {
	Type      string          `json:"type"`
	Version   string          `json:"version"`
	ID        string          `json:"id"`
	Objects   json.RawMessage `json:"CityObjects"`
	Vertices  json.RawMessage `json:"vertices"`
	Transform *struct {
		Scale     []float64 `json:"scale"`
		Translate []float64 `json:"translate"`
	} `json:"transform"`
	Metadata struct {
		ReferenceSystem string    `json:"referenceSystem"`
		Extent          []float64 `json:"geographicalExtent"`
	} `json:"metadata"`
	Templates struct {
		Templates []geometry      `json:"templates"`
		Vertices  json.RawMessage `json:"vertices-templates"`
	} `json:"geometry-templates"`
}

// header is what holds for the whole file.
type header struct {
	scale, translate [3]float64
	templates        []geometry
	templateVertices []float64 // three a vertex
}

func (h *header) read(d *document) error {
	if !strings.HasPrefix(d.Version, "1.1") && !strings.HasPrefix(d.Version, "2.0") {
		return fmt.Errorf("its version is %q; 1.1 and 2.0 are read: upgrade it, for instance with cjio upgrade", clip(d.Version))
	}
	if d.Transform == nil || len(d.Transform.Scale) != 3 || len(d.Transform.Translate) != 3 {
		return errors.New("it has no transform with three scales and three translations, which version 1.1 and later demand")
	}
	for k := range 3 {
		h.scale[k], h.translate[k] = d.Transform.Scale[k], d.Transform.Translate[k]
		if s := math.Abs(h.scale[k]); !(s >= 1e-12 && s <= 1e6) || math.Abs(h.translate[k]) > maxOrdinate {
			return fmt.Errorf("its transform (scale %g, translation %g) cannot place a city; correct it", h.scale[k], h.translate[k])
		}
	}
	h.templates = d.Templates.Templates
	var err error
	h.templateVertices, err = readVertices(d.Templates.Vertices)
	return err
}

// city is the objects of one document.
type city struct {
	head     *header
	objects  []object
	index    map[string]int
	vertices []float64 // three a vertex, not transformed
	grounds  map[string]float64
	body     body // of the object being read
	kin      body // of one of its relatives

	candidates []candidate
}

// object is one city object.
type object struct {
	id     string
	raw    []byte
	parsed bool
	fault  error

	Type       string            `json:"type"`
	Attributes json.RawMessage   `json:"attributes"`
	Parents    []string          `json:"parents"`
	Children   []string          `json:"children"`
	Geometry   []json.RawMessage `json:"geometry"`
}

func (o *object) parse() error {
	if !o.parsed {
		o.parsed = true
		if err := json.Unmarshal(o.raw, o); err != nil {
			o.fault = fmt.Errorf("it is no city object: %s", strings.TrimPrefix(err.Error(), "json: "))
		}
	}
	return o.fault
}

// typeOf is an object's type, "" where it has none.
func typeOf(raw []byte) string {
	var o struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal(raw, &o) // what is wrong is said when the object is read
	return o.Type
}

// read takes a document's objects and vertices.
func (c *city) read(d *document, h *header) error {
	c.head, c.objects, c.grounds = h, c.objects[:0], map[string]float64{}
	err := members(d.Objects, func(name string, raw json.RawMessage) error {
		if len(c.objects) >= maxObjects {
			return fmt.Errorf("it holds more than %d city objects", maxObjects)
		}
		c.objects = append(c.objects, object{id: name, raw: raw})
		return nil
	})
	if err != nil {
		return fmt.Errorf("its CityObjects cannot be read: %w", err)
	}
	c.index = make(map[string]int, len(c.objects))
	for i := range c.objects {
		c.index[c.objects[i].id] = i
	}
	c.vertices, err = readVertices(d.Vertices)
	return err
}

// members calls f for each member of a JSON object in order.
func members(raw json.RawMessage, f func(name string, value json.RawMessage) error) error {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return errors.New("it is no object")
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		if err := f(name, value); err != nil {
			return err
		}
	}
	return nil
}

// readVertices reads an array of positions of three numbers, of which the JSON is
// known to be well-formed.
func readVertices(raw []byte) ([]float64, error) {
	bad := errors.New("its vertices are not an array of positions of three numbers")
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var out []float64
	depth, inPosition := 0, 0
	for i := 0; i < len(raw); {
		switch raw[i] {
		case '[':
			depth++
			inPosition = 0
			i++
		case ']':
			if depth == 2 && inPosition != 3 {
				return nil, bad
			}
			depth--
			i++
		case ',', ' ', '\n', '\r', '\t':
			i++
		default:
			end := i
			for end < len(raw) && !strings.ContainsRune(",] \n\r\t", rune(raw[end])) {
				end++
			}
			v, err := strconv.ParseFloat(string(raw[i:end]), 64)
			if err != nil || depth != 2 || math.IsInf(v, 0) || math.IsNaN(v) {
				return nil, bad
			}
			out = append(out, v)
			inPosition++
			i = end
		}
		if depth > 2 {
			return nil, bad
		}
		if len(out) > 3*maxVertices {
			return nil, fmt.Errorf("it holds more than %d vertices", maxVertices)
		}
	}
	return out, nil
}

// place is a vertex in the file's coordinate system.
func (c *city) place(i int) [3]float64 {
	var p [3]float64
	for k := range 3 {
		p[k] = c.vertices[3*i+k]*c.head.scale[k] + c.head.translate[k]
	}
	return p
}

// extent is the box of all vertices.
func (c *city) extent() spatial.Envelope {
	e := spatial.EmptyEnvelope()
	for i := range len(c.vertices) / 3 {
		p := c.place(i)
		e = e.Add(p[0], p[1])
	}
	return e
}
