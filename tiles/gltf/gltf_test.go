package gltf

import (
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial/mesh"
)

const all = mesh.WithNormals | mesh.WithColors | mesh.WithFeatures

// town is a scene of everything: quantised buildings with a table, lofted and
// instanced pipes, and parts.
func town(tb testing.TB, w *Writer) []byte {
	tb.Helper()
	w.Reset()
	w.Frame(Earth([3]float64{1334000.5, -4654000.25, 4138000.75}, [3]float64{0.96, 0.28, 0}, [3]float64{-0.18, 0.62, 0.76}, [3]float64{0.21, -0.73, 0.65}))
	plain := w.Material(Material{Name: "walls", Color: mesh.Color{200, 190, 180, 255}, Roughness: 0.9})
	roofs := w.Material(Material{Name: "roofs", Color: mesh.Color{160, 90, 70, 255}, Roughness: 1})
	glass := w.Material(Material{Color: mesh.Color{90, 120, 200, 128}, DoubleSided: true, Unlit: true})
	table := w.Table(buildingTable())
	addBuildings(w, table, plain, roofs)
	addPipes(tb, w, plain, glass)
	addParts(w, plain)
	out, err := w.Append(nil)
	require.NoError(tb, err)
	return out
}

func buildingTable() *Table {
	return &Table{Name: "buildings", Rows: 3, Properties: []Property{
		{Name: "name", Type: String, Text: []byte("塔A\"\\b"), Ends: []uint32{4, 4, 7}, Null: []bool{false, true, false}},
		{Name: "名称", Type: String, Text: []byte("xyz"), Ends: []uint32{1, 1, 3}, Null: nil},
		{Name: "empty or null", Type: String, Text: []byte("x"), Ends: []uint32{0, 0, 1}, Null: []bool{false, true, false}},
		{Name: "floors", Type: Int64, Ints: []int64{12, 0, 200}, Null: []bool{false, true, false}},
		{Name: "below", Type: Int64, Ints: []int64{-3, 0, 255}},
		{Name: "big", Type: Int64, Ints: []int64{1 << 40, -1, 7}, Null: []bool{false, false, true}},
		{Name: "height", Type: Float64, Floats: []float64{31.5, 12.1, math.NaN()}},
		{Name: "area", Type: Float64, Floats: []float64{100, 50.25, 0}},
		{Name: "listed", Type: Bool, Bools: []bool{true, false, true}},
		{Name: "lit", Type: Bool, Bools: []bool{true, false, true}, Null: []bool{false, false, true}},
		{Name: "kind", Type: Enum, Codes: []uint16{1, 0, 1}, Names: []string{"住宅", "null"}},
		{Name: "state", Type: Enum, Codes: []uint16{0, 0, 1}, Names: []string{"null", "ok"}, Null: []bool{true, false, false}},
		{Name: "kind", Type: Int64, Ints: []int64{1, 2, 3}},
	}}
}

func addBuildings(w *Writer, table, plain, roofs int) {
	var roof, wall mesh.Mesh
	roof.Columns, wall.Columns = all, all
	var e mesh.Extruder
	for i, shape := range []mesh.RoofShape{mesh.Flat, mesh.Gabled, mesh.Pyramidal} {
		x := float64(40 * i)
		pen := mesh.Pen{Feature: uint32(i), Color: mesh.Color{uint8(80 * i), 200, 90, 255}}
		roof.Pen, wall.Pen = pen, pen
		e.Extrude(mesh.Sinks{Roof: &roof, Wall: &wall}, &mesh.Solid{
			XY: []float64{x, 10, x + 20, 10, x + 20, 22, x, 22}, Ends: []int32{4}, Base: 1, Top: 13, Eaves: 9, Roof: shape, Downhill: math.NaN()})
	}
	w.Node(w.Mesh("buildings", true, table, Surface{&wall, plain}, Surface{&roof, roofs}))
}

func addPipes(tb testing.TB, w *Writer, plain, glass int) {
	table := w.Table(&Table{Name: "pipes", Rows: 2, Properties: []Property{{Name: "diameter", Type: Float64, Floats: []float64{0.3, 1.2}}}})
	path := []float64{0, 0, -2, 50, 0, -2.5, 50, 60, -3}
	lofted := mesh.Mesh{Columns: mesh.WithNormals | mesh.WithFeatures}
	l := mesh.Lofter{Sides: 8, Caps: true}
	require.Equal(tb, mesh.OK, l.Loft(&lofted, path, mesh.Section{Width: 0.3}))
	w.Node(w.Mesh("lofted", false, table, Surface{&lofted, glass}))
	var tubes mesh.Tubes
	require.Equal(tb, mesh.OK, tubes.Append(path, mesh.Section{Width: 0.3}, 1))
	require.Equal(tb, mesh.OK, tubes.Append(path, mesh.Section{Kind: mesh.Rectangular, Width: 2, Height: 1}, 0))
	var cylinder, ball, box mesh.Mesh
	for _, m := range []*mesh.Mesh{&cylinder, &ball, &box} {
		m.Columns = mesh.WithNormals
	}
	mesh.UnitCylinder(&cylinder, 8)
	mesh.UnitSphere(&ball, 8)
	mesh.UnitBox(&box)
	w.Instances(w.Mesh("cylinder", false, NoTable, Surface{&cylinder, plain}), &tubes.Cylinders, table)
	w.Instances(w.Mesh("sphere", false, NoTable, Surface{&ball, plain}), &tubes.Spheres, table)
	w.Instances(w.Mesh("box", false, NoTable, Surface{&box, plain}), &tubes.Boxes, NoTable)
}

func addParts(w *Writer, plain int) {
	for model := range mesh.Models {
		m := mesh.Mesh{Columns: mesh.WithNormals | mesh.WithColors}
		model.Build(&m, int(model)%mesh.LODs)
		var at mesh.Instances
		for i := range 3 {
			at.Append([3]float64{4 * float64(model), float64(5 * i), 0}, mesh.Heading(float64(30*i)), [3]float64{1, 1, 1.5}, uint32(i))
		}
		w.Instances(w.Mesh(model.String(), false, NoTable, Surface{&m, plain}), &at, NoTable)
	}
}

func TestATownReadsBack(t *testing.T) {
	var w Writer
	data := town(t, &w)
	d, err := Parse(data, Limits{})
	require.NoError(t, err)
	require.Equal(t, []string{"KHR_mesh_quantization", "EXT_mesh_gpu_instancing"}, d.ExtensionsRequired)
	require.Len(t, d.Tables, 2)
	b := d.Tables[0]
	for name, want := range map[string][]any{
		"name":          {"塔A", nil, "\"\\b"},
		"名称":            {"x", "", "yz"},
		"empty or null": {"", nil, "x"},
		"floors":        {int64(12), nil, int64(200)},
		"below":         {int64(-3), int64(0), int64(255)},
		"big":           {int64(1 << 40), int64(-1), nil},
		"height":        {31.5, 12.1, nil},
		"area":          {100.0, 50.25, 0.0},
		"listed":        {true, false, true},
		"lit":           {int64(1), int64(0), nil},
		"state":         {nil, "null", "ok"},
	} {
		require.Equal(t, want, b.Columns[name], name)
	}
	require.Equal(t, "SCALARUINT8", b.Types["floors"])
	require.Equal(t, "SCALARINT16", b.Types["below"])
	require.Equal(t, "SCALARINT64", b.Types["big"])
	require.Equal(t, "SCALARFLOAT64", b.Types["height"])
	require.Equal(t, "SCALARFLOAT32", b.Types["area"])
	require.Equal(t, []any{0.3, 1.2}, d.Tables[1].Columns["diameter"])

	var again Writer
	require.True(t, bytes.Equal(data, town(t, &again)), "the same calls give the same bytes")
	require.True(t, bytes.Equal(data, town(t, &w)), "also after Reset")
}

func TestPositionsStandInTheEarthFrame(t *testing.T) {
	for _, plain := range []bool{false, true} {
		w := Writer{Plain: plain}
		d, err := Parse(town(t, &w), Limits{})
		require.NoError(t, err)
		require.Equal(t, plain, len(d.ExtensionsRequired) == 1)
		root := d.Nodes[d.Roots[0]].Matrix
		// Back from the content's y-up frame to earth-centred z-up: (X, Y, Z) ← (X, −Z, Y).
		origin := [3]float64{root[12], -root[14], root[13]}
		require.Equal(t, [3]float64{1334000.5, -4654000.25, 4138000.75}, origin)
		local := *d
		local.Nodes = append([]DocumentNode(nil), d.Nodes...)
		local.Nodes[d.Roots[0]].Matrix = [16]float64{0: 1, 5: 1, 10: 1, 15: 1}
		lo, hi := [3]float64{1e9, 1e9, 1e9}, [3]float64{-1e9, -1e9, -1e9}
		features := map[int]bool{}
		local.Triangles(func(tr *Triangle) bool {
			n := cross(sub(tr.Corners[1], tr.Corners[0]), sub(tr.Corners[2], tr.Corners[0]))
			if tr.Normals[0] != ([3]float64{}) && dot(n, n) > 1e-12 {
				// Instances stretch their normals: only the side is compared.
				require.Positive(t, dot(n, tr.Normals[0]), "mesh %d", tr.Mesh)
			}
			if tr.Mesh == 0 {
				features[tr.Feature] = true
				for _, c := range tr.Corners {
					for k := range 3 {
						lo[k], hi[k] = min(lo[k], c[k]), max(hi[k], c[k])
					}
				}
			}
			return true
		})
		// x east, y up, z south: within half a step of the footprints
		for k, want := range [3][2]float64{{0, 100}, {1, 13}, {-22, -10}} {
			require.InDelta(t, want[0], lo[k], 0.005)
			require.InDelta(t, want[1], hi[k], 0.005)
		}
		require.Equal(t, map[int]bool{0: true, 1: true, 2: true}, features)
	}
}

func sub(a, b [3]float64) [3]float64 { return [3]float64{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }
func dot(a, b [3]float64) float64    { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }
func cross(a, b [3]float64) [3]float64 {
	return [3]float64{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}

// An instanced tube lies where the lofted one does.
func TestInstancesStandWhereLoftsDo(t *testing.T) {
	path := []float64{3, 1, -2, 9, 14, -2.5, 9, 14, 4, -20, 10, 3}
	for _, s := range []mesh.Section{{Width: 0.4}, {Kind: mesh.Rectangular, Width: 2, Height: 0.8}} {
		box := func(lofted bool) (lo, hi [3]float64) {
			var w Writer
			material := w.Material(Material{Roughness: 1})
			if lofted {
				m := mesh.Mesh{Columns: mesh.WithNormals}
				l := mesh.Lofter{Sides: 32, Caps: true, BendRadius: 0.56}
				require.Equal(t, mesh.OK, l.Loft(&m, path, s))
				w.Node(w.Mesh("", false, NoTable, Surface{&m, material}))
			} else {
				var tubes mesh.Tubes
				require.Equal(t, mesh.OK, tubes.Append(path, s, 0))
				model := mesh.Mesh{}
				at := &tubes.Cylinders
				if s.Kind == mesh.Rectangular {
					at = &tubes.Boxes
					mesh.UnitBox(&model)
				} else {
					mesh.UnitCylinder(&model, 32)
				}
				w.Instances(w.Mesh("", false, NoTable, Surface{&model, material}), at, NoTable)
			}
			data, err := w.Append(nil)
			require.NoError(t, err)
			d, err := Parse(data, Limits{})
			require.NoError(t, err)
			lo, hi = [3]float64{1e9, 1e9, 1e9}, [3]float64{-1e9, -1e9, -1e9}
			d.Triangles(func(tr *Triangle) bool {
				for _, c := range tr.Corners {
					for k := range 3 {
						lo[k], hi[k] = min(lo[k], c[k]), max(hi[k], c[k])
					}
				}
				return true
			})
			return lo, hi
		}
		a, b := box(true)
		c, d := box(false)
		for k := range 3 {
			require.InDelta(t, a[k], c[k], 0.06, "axis %d of %+v", k, s)
			require.InDelta(t, b[k], d[k], 0.06, "axis %d of %+v", k, s)
		}
	}
}

func TestWideAndLargeMeshes(t *testing.T) {
	wide := mesh.Mesh{Columns: mesh.WithFeatures}
	var e mesh.Extruder
	for i := range 70_000 {
		wide.Pen.Feature = uint32(i)
		x, y := float64(i%300)*3, float64(i/300)*3
		e.Extrude(mesh.Sinks{Roof: &wide}, &mesh.Solid{XY: []float64{x, y, x + 2, y, x, y + 2}, Ends: []int32{3}, Top: 1.0001})
	}
	var w Writer
	material := w.Material(Material{})
	w.Node(w.Mesh("wide", true, NoTable, Surface{&wide, material}))
	data, err := w.Append(nil)
	require.NoError(t, err)
	d, err := Parse(data, Limits{})
	require.NoError(t, err)
	require.Empty(t, d.ExtensionsRequired, "902 m is too wide for steps of a centimetre")
	p := d.Meshes[0].Primitives[0]
	require.Equal(t, 70_000, p.Count)
	require.Equal(t, uint32(69_999), p.Features[len(p.Features)-1], "beyond u16 the ids are float32")
	require.InDelta(t, 1, p.Positions[1], 1.0/512)
	require.Len(t, p.Indices, 210_000)
}

func TestNothingAndMistakes(t *testing.T) {
	var w Writer
	require.True(t, w.Empty())
	data, err := w.Append([]byte("before"))
	require.NoError(t, err)
	d, err := Parse(data[6:], Limits{})
	require.NoError(t, err)
	require.Empty(t, d.Nodes)
	material := w.Material(Material{})
	require.Equal(t, -1, w.Mesh("none", true, NoTable, Surface{&mesh.Mesh{}, material}, Surface{nil, material}))
	w.Node(-1)
	require.True(t, w.Empty())
	require.Equal(t, NoTable, w.Table(&Table{Rows: 0}))

	triangle := mesh.Mesh{Positions: []float32{0, 0, 0, 1, 0, 0, 0, 1, 0}, Indices: []uint32{0, 1, 2}}
	bad := triangle
	bad.Columns = mesh.WithFeatures
	far := triangle
	far.Indices = []uint32{0, 1, 3}
	var at mesh.Instances
	at.Append([3]float64{}, [4]float64{0, 0, 0, 1}, [3]float64{1, 1, 1}, 0)
	for name, do := range map[string]func(){
		"columns differ": func() { w.Mesh("", true, NoTable, Surface{&bad, w.Material(Material{})}) },
		"index":          func() { w.Mesh("", true, NoTable, Surface{&far, w.Material(Material{})}) },
		"material":       func() { w.Mesh("", true, NoTable, Surface{&triangle, 7}) },
		"quantised instance": func() {
			w.Instances(w.Mesh("", true, NoTable, Surface{&triangle, w.Material(Material{})}), &at, NoTable)
		},
		"values": func() { w.Table(&Table{Rows: 2, Properties: []Property{{Name: "x", Type: Bool, Bools: []bool{true}}}}) },
		"codes": func() {
			w.Table(&Table{Rows: 1, Properties: []Property{{Name: "x", Type: Enum, Codes: []uint16{1}, Names: []string{"a"}}}})
		},
		"text": func() { w.Table(&Table{Rows: 1, Properties: []Property{{Name: "x", Ends: []uint32{3}}}}) },
	} {
		w.Reset()
		do()
		out, err := w.Append([]byte("before"))
		require.Error(t, err, name)
		require.Equal(t, "before", string(out))
	}
}

func TestParseRefuses(t *testing.T) {
	var w Writer
	data := town(t, &w)
	broken := func(at int, b ...byte) []byte {
		c := append([]byte(nil), data...)
		copy(c[at:], b)
		return c
	}
	swap := func(from, to string) []byte {
		require.True(t, bytes.Contains(data, []byte(from)), from)
		require.Len(t, to, len(from))
		return bytes.Replace(data, []byte(from), []byte(to), 1)
	}
	for name, c := range map[string][]byte{
		"nothing":           nil,
		"magic":             broken(0, 'x'),
		"version":           broken(4, 1),
		"length":            broken(8, 1),
		"chunk length":      broken(12, 0xff, 0xff, 0xff, 0x7f),
		"cut":               data[:len(data)-8],
		"json":              broken(20, 'x'),
		"feature count":     swap(`"featureCount":3`, `"featureCount":9`),
		"table rows":        swap(`"class":"c0","count":3`, `"class":"c0","count":2`),
		"no positions":      swap(`"POSITION"`, `"POSITIOM"`),
		"cyclic nodes":      swap(`"children":[1,`, `"children":[0,`),
		"mesh not there":    swap(`{"mesh":0,`, `{"mesh":-,`),
		"string offsets":    swap(`"stringOffsetType":"UINT8"`, `"stringOffsetType":"INT64"`),
		"accessor too long": swap(`"count":36,`, `"count":99,`),
	} {
		_, err := Parse(c, Limits{})
		require.Error(t, err, name)
	}
	_, err := Parse(data, Limits{Bytes: 100})
	require.ErrorContains(t, err, "limit")
	_, err = Parse(data, Limits{Elements: 100})
	require.ErrorContains(t, err, "limit")
	_, err = Parse(data, Limits{JSON: 100})
	require.Error(t, err)
}

func FuzzParse(f *testing.F) {
	var w Writer
	plain := w.Material(Material{Name: "m", Roughness: 1})
	table := w.Table(&Table{Rows: 2, Properties: []Property{
		{Name: "n", Text: []byte("ab"), Ends: []uint32{1, 2}},
		{Name: "k", Type: Enum, Codes: []uint16{0, 0}, Names: []string{"x"}},
		{Name: "b", Type: Bool, Bools: []bool{true, false}}}})
	m := mesh.Mesh{Columns: all, Positions: []float32{0, 0, 0, 1, 0, 0, 0, 1, 0}, Normals: make([]int8, 9),
		Colors: make([]uint8, 12), Features: make([]uint32, 3), Indices: []uint32{0, 1, 2}}
	w.Node(w.Mesh("", true, table, Surface{&m, plain}))
	var at mesh.Instances
	at.Append([3]float64{}, [4]float64{0, 0, 0, 1}, [3]float64{1, 1, 1}, 1)
	w.Instances(w.Mesh("", false, table, Surface{&m, plain}), &at, table)
	data, err := w.Append(nil)
	require.NoError(f, err)
	_, err = Parse(data, Limits{})
	require.NoError(f, err)
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(data, Limits{Bytes: 1 << 20, Elements: 1 << 18})
		if err != nil {
			return
		}
		n := 0
		d.Triangles(func(tr *Triangle) bool {
			n++
			return n < 10_000
		})
	})
}
