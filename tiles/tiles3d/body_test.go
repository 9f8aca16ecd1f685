package tiles3d_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/geodesic"
	"twind/tiles/tiles3d"
)

// face is corners east, north and up in metres, and the class of the face.
type face struct {
	class   layers.SurfaceClass
	corners [][3]float64
}

// gabled is a house with a gabled roof over a rectangle, its ridge from west to east.
func gabled(width, depth, eaves, ridge float64) []face {
	a, b, c, d := [3]float64{0, 0, 0}, [3]float64{width, 0, 0}, [3]float64{width, depth, 0}, [3]float64{0, depth, 0}
	up := func(p [3]float64, z float64) [3]float64 { return [3]float64{p[0], p[1], z} }
	e, f, g, h := up(a, eaves), up(b, eaves), up(c, eaves), up(d, eaves)
	i, j := [3]float64{0, depth / 2, ridge}, [3]float64{width, depth / 2, ridge}
	return []face{
		{layers.GroundSurface, [][3]float64{a, d, c, b}},
		{layers.WallSurface, [][3]float64{a, b, f, e}}, {layers.WallSurface, [][3]float64{b, c, g, j, f}},
		{layers.WallSurface, [][3]float64{c, d, h, g}}, {layers.OtherSurface, [][3]float64{d, a, e, i, h}},
		{layers.RoofSurface, [][3]float64{e, f, j, i}}, {layers.RoofSurface, [][3]float64{g, h, i, j}},
	}
}

// surfacesOf places faces so far east and north of the place, on a ground.
func surfacesOf(t testing.TB, east, north, ground float64, faces []face) layers.Surfaces {
	t.Helper()
	g := spatial.Geometry{Type: spatial.MultiPolygon}
	var classes []layers.SurfaceClass
	for _, f := range faces {
		for k := range len(f.corners) + 1 {
			c := f.corners[k%len(f.corners)]
			g.XY = append(g.XY, lon0+(east+c[0])/(111320*math.Cos(lat0*math.Pi/180)), lat0+(north+c[1])/111000)
			g.Z = append(g.Z, ground+c[2])
		}
		g.Ends = append(g.Ends, int32(len(g.Z)))
		g.Parts = append(g.Parts, int32(len(g.Ends)))
		classes = append(classes, f.class)
	}
	s, err := layers.NewSurfaces(g, classes)
	require.NoError(t, err)
	return s
}

// village is the town, every third building of it with the faces of its body.
func village(t testing.TB) []*layers.Feature {
	list := town()
	for i, f := range list {
		if i%3 != 0 {
			continue
		}
		size, height := 6+float64(i*i%150), f.Properties[1].Float()
		f.Surfaces = surfacesOf(t, float64(i%11)*380, float64(i/11)*410, f.Properties[4].Float(), gabled(size, size/2+3, 0.75*height, height))
	}
	return list
}

// volumeOf is what triangles of a row enclose in cubic metres.
func volumeOf(c *content, row int) (v float64) {
	var o *geodesic.Vec3
	for i := range c.triangles {
		f := &c.triangles[i]
		if f.row != row {
			continue
		}
		if o == nil {
			o = &f.corners[0]
		}
		v += f.corners[0].Sub(*o).Dot(cross(f.corners[1].Sub(*o), f.corners[2].Sub(*o))) / 6
	}
	return v
}

func detailed(d *tileDoc) bool { return strings.Contains(d.Content.URI, ".lod2.glb?") }

func TestBodiesReplaceFootprints(t *testing.T) {
	c := &catalog{}
	all := village(t)
	c.put(t, buildings(), 1, all[:90], all[90:])
	s := newService(t, c)
	for _, relative := range []bool{false, true} {
		t.Run(fmt.Sprint("relative ", relative), func(t *testing.T) { checkVillage(t, s, all, relative) })
	}
}

func checkVillage(t *testing.T, s *tiles3d.Service, all []*layers.Feature, relative bool) {
	byID := map[string]*layers.Feature{}
	for _, f := range all {
		byID[f.ID] = f
	}
	plain, faced := map[string]tiles3d.Cell{}, map[string]tiles3d.Cell{}
	bodies := 0
	w := &walker{t: t, service: s, request: tiles3d.Request{Layer: "buildings", AboveGround: relative}}
	w.visit = func(cell tiles3d.Cell, d *tileDoc, k *content) {
		seen := plain
		if detailed(d) {
			seen = faced
			require.Zero(t, *d.GeometricError)
			require.Empty(t, d.Children)
		} else if len(d.Children) > 0 && detailed(&d.Children[0]) {
			require.Equal(t, "REPLACE", d.Refine)
			require.Len(t, d.Children, 1)
			require.InDelta(t, tiles3d.DetailError, *d.GeometricError, 0)
		}
		for row := range k.rows {
			id := k.values["id"][row].(string)
			f := byID[id]
			require.NotContains(t, seen, id, "it stands once")
			seen[id] = cell
			require.Equal(t, f.Properties[0].Text(), k.values["name"][row])
			require.InDelta(t, f.Properties[1].Float(), k.values["height"][row], 0)
			if detailed(d) && f.Surfaces != nil {
				bodies++
				checkBody(t, k, row, f, relative)
			}
		}
	}
	w.walk()
	require.Len(t, plain, len(all), "footprints of all")
	for id, cell := range faced {
		require.Equal(t, cell, plain[id], "the content that replaces another holds the same buildings")
	}
	require.Equal(t, 40, bodies)
}

// checkBody compares a body's triangles with the faces it is made of: corners and
// heights to 1 cm, area by class, volume.
func checkBody(t *testing.T, k *content, row int, f *layers.Feature, relative bool) {
	t.Helper()
	var g spatial.Geometry
	classes, err := f.Surfaces.Decode(&g)
	require.NoError(t, err)
	ground := f.Properties[4].Float()
	shift := -9.25
	if relative {
		shift = -ground
	}
	drawn := map[string]float64{}
	for i := range k.triangles {
		tr := &k.triangles[i]
		if tr.row != row {
			continue
		}
		drawn[tr.material] += cross(tr.corners[1].Sub(tr.corners[0]), tr.corners[2].Sub(tr.corners[0])).Norm() / 2
		for _, p := range tr.corners {
			nearest := math.Inf(1)
			for v := range g.Z {
				nearest = min(nearest, p.Sub(geodesic.ECEF(g.XY[2*v], g.XY[2*v+1], g.Z[v]+shift)).Norm())
			}
			require.Less(t, nearest, 0.01, "%s: a corner of a face", f.ID)
		}
	}
	frame := geodesic.NewLocal(g.XY[0], g.XY[1], 0)
	want, volume := map[string]float64{}, 0.0
	for i := range g.Parts {
		xy, z := g.Path(i)
		sum, cone := geodesic.Vec3{}, 0.0
		at := func(v int) geodesic.Vec3 {
			x, y, h := frame.Place(xy[2*v], xy[2*v+1], z[v]-g.Z[0])
			return geodesic.Vec3{x, y, h}
		}
		for v := 1; v+2 < len(z); v++ {
			n := cross(at(v).Sub(at(0)), at(v+1).Sub(at(0)))
			sum = sum.Add(n)
			cone += at(0).Dot(n) / 6
		}
		want[map[byte]string{'G': "ground", 'W': "wall", 'O': "wall", 'R': "roof"}[classes[i]]] += sum.Norm() / 2
		volume += cone
	}
	require.Len(t, drawn, 3)
	for material, area := range want {
		require.InEpsilon(t, area, drawn[material], 0.002, "%s: area of %s", f.ID, material)
	}
	require.Positive(t, volume)
	require.InEpsilon(t, volume, volumeOf(k, row), 0.005, "%s: closed, and seen from outside", f.ID)
}

// A face with holes is triangulated around them.
func TestFacesKeepTheirHoles(t *testing.T) {
	c := &catalog{}
	f := building("h1", box(0, 0, 20, 20), map[string]layers.Value{"height": layers.FloatValue(5), "ground_elevation": layers.FloatValue(0)})
	g := spatial.Geometry{Type: spatial.MultiPolygon}
	for _, ring := range [][]float64{rectangle(0, 0, 20, 20), rectangle(2, 2, 4, 4), rectangle(10, 10, 5, 5)} {
		g.XY = append(g.XY, ring...)
		for range len(ring) / 2 {
			g.Z = append(g.Z, 5)
		}
		g.Ends = append(g.Ends, int32(len(g.Z)))
	}
	g.Parts = []int32{3}
	var err error
	f.Surfaces, err = layers.NewSurfaces(g, []layers.SurfaceClass{layers.RoofSurface})
	require.NoError(t, err)
	c.put(t, buildings(), 1, []*layers.Feature{f}, nil)
	s := newService(t, c)
	w := &walker{t: t, service: s, request: tiles3d.Request{Layer: "buildings"}}
	w.visit = func(_ tiles3d.Cell, d *tileDoc, k *content) {
		if !detailed(d) {
			return
		}
		area := 0.0
		for i := range k.triangles {
			area += upward(&k.triangles[i])
		}
		whole := planArea(box(0, 0, 20, 20)) - planArea(box(2, 2, 4, 4)) - planArea(box(10, 10, 5, 5))
		require.InEpsilon(t, whole, area, 0.001)
	}
	w.walk()
}

// A layer whose only node has bodies has a tileset that begins with it; filters and
// properties hold for detailed contents too.
func TestBodiesThroughFilters(t *testing.T) {
	c := &catalog{}
	house := building("h1", box(0, 0, 12, 8), map[string]layers.Value{"height": layers.FloatValue(9), "ground_elevation": layers.FloatValue(40), "name": layers.StringValue("甲")})
	house.Surfaces = surfacesOf(t, 0, 0, 40, gabled(12, 8, 6, 9))
	other := building("h2", box(30, 0, 12, 8), map[string]layers.Value{"height": layers.FloatValue(5), "ground_elevation": layers.FloatValue(40), "name": layers.StringValue("乙")})
	c.put(t, buildings(), 1, []*layers.Feature{house, other}, nil)
	s := newService(t, c)
	contents := func(r tiles3d.Request) (names []string) {
		w := &walker{t: t, service: s, request: r}
		w.visit = func(_ tiles3d.Cell, d *tileDoc, k *content) {
			for row := range k.rows {
				names = append(names, fmt.Sprint(k.values["id"][row], " ", detailed(d), " ", len(k.values)))
			}
		}
		w.walk()
		return names
	}
	require.Equal(t, []string{"h1 false 4", "h2 false 4", "h1 true 4", "h2 true 4"}, contents(tiles3d.Request{Layer: "buildings"}))
	query := "filter=name+%3D+%27x%27&properties="
	require.Equal(t, []string{"h1 false 1", "h1 true 1"}, contents(tiles3d.Request{Layer: "buildings", Query: query, Properties: []string{}, Filter: layers.Comparison{Property: "name", Value: layers.StringValue("甲")}}))
	require.Equal(t, []string{"h2 false 1"}, contents(tiles3d.Request{Layer: "buildings", Query: query, Properties: []string{}, Filter: layers.Comparison{Property: "name", Value: layers.StringValue("乙")}}))
	_, err := s.DetailedContent(t.Context(), tiles3d.Request{Layer: "buildings", Filter: layers.Comparison{Property: "name", Value: layers.StringValue("乙")}}, tiles3d.CellAt(lon0, lat0, 15))
	require.ErrorIs(t, err, layers.ErrNotFound)
}

// An edit of the surfaces alone names the content anew; nothing else changes.
func TestBodiesFollowEdits(t *testing.T) {
	c := &catalog{}
	all := village(t)
	c.put(t, buildings(), 1, all, nil)
	s := newService(t, c)
	uris := func() map[string]string {
		out := map[string]string{}
		w := &walker{t: t, service: s, request: tiles3d.Request{Layer: "buildings"}}
		w.visit = func(_ tiles3d.Cell, d *tileDoc, _ *content) {
			name, revision, _ := strings.Cut(d.Content.URI, "?")
			out[name] = revision
		}
		w.walk()
		return out
	}
	before := uris()
	edited := all[0].Clone()
	edited.Revision = 2
	edited.Surfaces = surfacesOf(t, 0, 0, 40, gabled(6, 6, 1, 2.9))
	c.put(t, buildings(), 2, all[1:], []*layers.Feature{edited})
	after := uris()
	require.Len(t, after, len(before))
	changed := 0
	for name, revision := range after {
		if before[name] != revision {
			changed++
		}
	}
	require.Equal(t, 2, changed, "the content with footprints and the one with faces")
}

// Bodies that cannot be drawn are drawn from their footprints, or without what is
// wrong, counted and named; the content is whole.
func TestBadBodiesAreReported(t *testing.T) {
	c := &catalog{}
	var list []*layers.Feature
	add := func(id string, ground float64, faces []face) {
		x := float64(len(list)) * 40
		f := building(id, box(x, 0, 12, 8), map[string]layers.Value{"height": layers.FloatValue(9), "ground_elevation": layers.FloatValue(40)})
		f.Surfaces = surfacesOf(t, x, 0, ground, faces)
		list = append(list, f)
	}
	good := gabled(12, 8, 6, 9)
	add("good", 40, good)
	bow := append(good[:6:6], face{layers.RoofSurface, [][3]float64{{0, 8, 6}, {12, 4, 9}, {12, 8, 6}, {0, 4, 9}}})
	add("crossed", 40, bow)
	add("flat", 40, append(good[:7:7], face{layers.WallSurface, [][3]float64{{1, 1, 1}, {2, 2, 2}, {1, 1, 1}}}))
	add("nothing", 40, []face{{layers.RoofSurface, [][3]float64{{1, 1, 1}, {2, 2, 2}, {1, 1, 1}}}})
	add("in the sky", 20_000, good)
	add("tall", 40, []face{{layers.WallSurface, [][3]float64{{0, 0, 0}, {12, 0, 0}, {12, 0, 5000}}}})
	add("elsewhere", 40, []face{{layers.WallSurface, [][3]float64{{5000, 0, 0}, {5012, 0, 0}, {5012, 0, 5}}}})
	c.put(t, buildings(), 1, list, nil)
	s := newService(t, c)
	a, err := s.Report(t.Context(), tiles3d.Request{Layer: "buildings"})
	require.NoError(t, err)
	var report tiles3d.Report
	require.NoError(t, json.Unmarshal(a.Bytes, &report))
	require.Equal(t, len(list), report.Drawn)
	got := map[tiles3d.Fault][]string{}
	for _, f := range report.Faults {
		require.Len(t, f.IDs, f.Count)
		got[f.Fault] = f.IDs
	}
	require.Len(t, got, 3, "%v", got)
	require.ElementsMatch(t, []string{"nothing", "in the sky", "tall", "elsewhere"}, got[tiles3d.FaultBody])
	require.Equal(t, []string{"crossed"}, got[tiles3d.FaultFace])
	require.Equal(t, []string{"flat"}, got[tiles3d.FaultFlat])

	rows := map[string]bool{}
	w := &walker{t: t, service: s, request: tiles3d.Request{Layer: "buildings"}}
	w.visit = func(_ tiles3d.Cell, d *tileDoc, k *content) {
		for i := range k.triangles {
			if detailed(d) {
				rows[k.values["id"][k.triangles[i].row].(string)] = true
			}
		}
	}
	w.walk()
	require.Len(t, rows, len(list), "every one is drawn in the content with faces")
}

func TestExportWritesBodies(t *testing.T) {
	c := &catalog{}
	all := village(t)
	c.put(t, buildings(), 1, all, nil)
	s := newService(t, c)
	files := map[string]int{}
	out, err := s.Export(t.Context(), tiles3d.Request{Layer: "buildings"}, func(name string, b []byte) error {
		files[name] = len(b)
		return nil
	}, nil)
	require.NoError(t, err)
	require.Equal(t, len(all), out.Features)
	faced := 0
	for name := range files {
		if plain, ok := strings.CutSuffix(name, ".lod2.glb"); ok {
			faced++
			require.Contains(t, files, plain+".glb")
		}
	}
	require.Positive(t, faced)
}
