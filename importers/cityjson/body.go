package cityjson

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"twind/layers"
)

// geometry is one geometry of an object, or a template.
type geometry struct {
	Type       string          `json:"type"`
	LoD        json.RawMessage `json:"lod"` // text; a number in old files
	Boundaries json.RawMessage `json:"boundaries"`
	Semantics  *struct {
		Surfaces []struct {
			Type string `json:"type"`
		} `json:"surfaces"`
		Values json.RawMessage `json:"values"`
	} `json:"semantics"`
	Template *int      `json:"template"`
	Matrix   []float64 `json:"transformationMatrix"`
}

func (g *geometry) lod() string { return strings.Trim(string(g.LoD), `" `) }

// body is a geometry's corners in the file's coordinate system.
type body struct {
	lod     string
	rank    float64               // the LoD as a number
	dim     int                   // 0 points, 1 lines, 2 faces
	xyz     []float64             // three a corner
	ends    []int32               // exclusive end, in corners, of each ring or line
	faces   []int32               // exclusive end, in rings, of each face
	classes []layers.SurfaceClass // of each face, by name; 0 where it has none
	solids  []span                // faces of each solid's outer shell
	volumes []float64             // of each solid, as far as they were reckoned
	walls   bool                  // a face is called roof or wall
	misfit  bool                  // the semantics do not fit
	second  bool                  // a higher level of detail could not be read
	loZ     float64
	hiZ     float64
}

// solid tells whether a body has more than a footprint.
func (b *body) solid() bool { return b.dim == 2 && (b.walls || b.hiZ-b.loZ > flat) }

// flat is the height in metres below which a body has none.
const flat = 0.01

var errNoGeometry = errors.New("it has no geometry that can be read")

// candidate is one of an object's geometries.
type candidate struct {
	geometry
	rank float64 // its level of detail; −1 where it has none
	err  error   // it is none
}

// best reads an object's geometry of the highest level of detail that can be read into
// b. It fails with what is wrong with the highest.
func (c *city) best(o *object, b *body) error {
	if len(o.Geometry) == 0 {
		return errNoGeometry
	}
	c.candidates = c.candidates[:0]
	for _, raw := range o.Geometry {
		c.candidates = append(c.candidates, c.candidate(raw))
	}
	slices.SortStableFunc(c.candidates, func(a, b candidate) int { return cmp.Compare(b.rank, a.rank) })
	var first error
	for i := range c.candidates {
		err := c.take(&c.candidates[i], b)
		if err == nil {
			b.second = first != nil
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

func (c *city) candidate(raw []byte) candidate {
	g := candidate{rank: -1}
	if err := json.Unmarshal(raw, &g.geometry); err != nil {
		g.err = fmt.Errorf("its geometry cannot be read: %s", strings.TrimPrefix(err.Error(), "json: "))
		return g
	}
	if r, err := strconv.ParseFloat(c.lodOf(&g.geometry), 64); err == nil && !math.IsNaN(r) {
		g.rank = r
	}
	return g
}

// take reads one geometry into b.
func (c *city) take(g *candidate, b *body) error {
	*b = body{lod: c.lodOf(&g.geometry), rank: g.rank, xyz: b.xyz[:0], ends: b.ends[:0], faces: b.faces[:0], classes: b.classes[:0], solids: b.solids[:0], volumes: b.volumes[:0], loZ: math.Inf(1), hiZ: math.Inf(-1)}
	if g.err != nil {
		return g.err
	}
	if len(b.lod) > 8 {
		b.lod = ""
	}
	if err := c.fill(b, &g.geometry); err != nil {
		return err
	}
	if len(b.xyz) == 0 {
		return errNoGeometry
	}
	for i := 0; i < len(b.xyz); i += 3 {
		for k := range 3 {
			if !(math.Abs(b.xyz[i+k]) <= maxOrdinate) {
				return fmt.Errorf("its position %g %g %g is beyond any city", b.xyz[i], b.xyz[i+1], b.xyz[i+2])
			}
		}
		b.loZ, b.hiZ = min(b.loZ, b.xyz[i+2]), max(b.hiZ, b.xyz[i+2])
	}
	return nil
}

// lodOf is a geometry's level of detail; that of an instance is its template's.
func (c *city) lodOf(g *geometry) string {
	lod := g.lod()
	if (lod == "" || lod == "null") && g.Template != nil && *g.Template >= 0 && *g.Template < len(c.head.templates) {
		return c.head.templates[*g.Template].lod()
	}
	return lod
}

// fill reads a geometry's corners, a template's by way of its instance.
func (c *city) fill(b *body, g *geometry) error {
	if g.Type != "GeometryInstance" {
		return b.read(g, len(c.vertices)/3, c.place)
	}
	var at []int
	if g.Template == nil || *g.Template < 0 || *g.Template >= len(c.head.templates) {
		return errors.New("it is an instance of a template that is not there")
	}
	if err := json.Unmarshal(g.Boundaries, &at); err != nil || len(at) != 1 || at[0] < 0 || at[0] >= len(c.vertices)/3 {
		return errors.New("it is an instance of a template without a reference point")
	}
	t := &c.head.templates[*g.Template]
	if t.Type == "GeometryInstance" {
		return fmt.Errorf("its template %d is itself an instance, so that templates may form a circle", *g.Template)
	}
	m, err := matrix(g.Matrix)
	if err != nil {
		return err
	}
	origin, v := c.place(at[0]), c.head.templateVertices
	return b.read(t, len(v)/3, func(i int) [3]float64 {
		x, y, z := v[3*i], v[3*i+1], v[3*i+2]
		w := m[12]*x + m[13]*y + m[14]*z + m[15]
		var p [3]float64
		for k := range 3 {
			p[k] = (m[4*k]*x+m[4*k+1]*y+m[4*k+2]*z+m[4*k+3])/w + origin[k]
		}
		return p
	})
}

// matrix checks a 4×4 matrix, row by row.
func matrix(m []float64) ([16]float64, error) {
	var out [16]float64
	if len(m) != 16 {
		return out, fmt.Errorf("its transformationMatrix has %d numbers; 16 are needed", len(m))
	}
	for i, v := range m {
		if math.Abs(v) > maxOrdinate {
			return out, fmt.Errorf("its transformationMatrix holds %g, which cannot place a city object", v)
		}
		out[i] = v
	}
	return out, nil
}

// read takes the boundaries of a geometry that is no instance; place is the
// position of one of n vertices.
func (b *body) read(g *geometry, n int, place func(int) [3]float64) error {
	r := corners{body: b, n: n, place: place}
	var err error
	b.dim = 2
	switch g.Type {
	case "MultiPoint":
		b.dim = 0
		err = each(g.Boundaries, func(ring []int) error { return r.add(ring) }, true)
	case "MultiLineString":
		b.dim = 1
		err = each(g.Boundaries, r.ring, false)
	case "MultiSurface", "CompositeSurface":
		err = each(g.Boundaries, r.face, false)
	case "Solid":
		err = r.shell(g.Boundaries)
	case "MultiSolid", "CompositeSolid":
		err = each(g.Boundaries, r.shell, false)
	default:
		return fmt.Errorf("its geometry is of type %q, which CityJSON does not have", clip(g.Type))
	}
	if err != nil {
		return err
	}
	b.name(g)
	return nil
}

var errBoundaries = errors.New("its boundaries are not nested as its type of geometry demands")

// each reads an array and gives its elements, or all at once, to f.
func each[T any](raw json.RawMessage, f func(T) error, whole bool) error {
	if whole {
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return errBoundaries
		}
		return f(v)
	}
	var list []T
	if err := json.Unmarshal(raw, &list); err != nil {
		return errBoundaries
	}
	for _, v := range list {
		if err := f(v); err != nil {
			return err
		}
	}
	return nil
}

// shell reads the outer shell of a solid; the others are hollows.
func (r *corners) shell(raw json.RawMessage) error {
	var shells [][][][]int
	if err := json.Unmarshal(raw, &shells); err != nil {
		return errBoundaries
	}
	if len(shells) == 0 {
		return nil
	}
	from := int32(len(r.faces))
	for _, f := range shells[0] {
		if err := r.face(f); err != nil {
			return err
		}
	}
	r.solids = append(r.solids, span{from, int32(len(r.faces))})
	return nil
}

// corners collects corners by the numbers of vertices.
type corners struct {
	*body
	n     int
	place func(int) [3]float64
}

func (r *corners) add(ring []int) error {
	if len(r.xyz)/3+len(ring) > maxCorners {
		return fmt.Errorf("its faces have more than %d corners", maxCorners)
	}
	for _, v := range ring {
		if v < 0 || v >= r.n {
			return fmt.Errorf("it names vertex %d, and there are %d", v, r.n)
		}
		p := r.place(v)
		r.xyz = append(r.xyz, p[0], p[1], p[2])
	}
	return nil
}

func (r *corners) ring(ring []int) error {
	if err := r.add(ring); err != nil {
		return err
	}
	r.ends = append(r.ends, int32(len(r.xyz)/3))
	return nil
}

func (r *corners) face(rings [][]int) error {
	for _, ring := range rings {
		if err := r.ring(ring); err != nil {
			return err
		}
	}
	r.faces = append(r.faces, int32(len(r.ends)))
	r.classes = append(r.classes, 0)
	return nil
}

// name notes what the semantics call the faces; semantics that do not fit are not
// used.
func (b *body) name(g *geometry) {
	if g.Semantics == nil || b.dim != 2 {
		return
	}
	values, err := surfaces(g.Type, g.Semantics.Values)
	if err != nil || len(values) != 0 && len(values) != len(b.faces) {
		b.misfit = true
		return
	}
	for i, v := range values {
		if v == nil {
			continue
		}
		if *v < 0 || *v >= len(g.Semantics.Surfaces) {
			b.misfit = true
			continue
		}
		b.classes[i] = classNamed(g.Semantics.Surfaces[*v].Type)
		b.walls = b.walls || b.classes[i] == layers.RoofSurface || b.classes[i] == layers.WallSurface
	}
}

// surfaces flattens the values of semantics to one a face of the outer shells.
func surfaces(kind string, raw json.RawMessage) (out []*int, err error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	switch kind {
	case "Solid":
		var shells [][]*int
		if err = json.Unmarshal(raw, &shells); err == nil && len(shells) > 0 {
			out = shells[0]
		}
	case "MultiSolid", "CompositeSolid":
		var solids [][][]*int
		err = json.Unmarshal(raw, &solids)
		for _, s := range solids {
			if len(s) > 0 {
				out = append(out, s[0]...)
			}
		}
	default:
		err = json.Unmarshal(raw, &out)
	}
	return out, err
}
