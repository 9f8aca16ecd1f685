package tiles3d_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/geodesic"
	"twind/tiles/tiles3d"
)

func pipes() *layers.Layer {
	return &layers.Layer{ID: "pipes", Kind: layers.KindPipe, CRS: 4490, GeometryType: spatial.LineString, HasZ: true, ClassBy: "kind",
		Heights: &layers.Heights{EllipsoidOffset: -9.25, Cover: 0.8},
		Schema: []layers.Property{
			{Name: "kind", Type: layers.String}, {Name: "elevation_of", Type: layers.String}, {Name: "section", Type: layers.String},
			{Name: "width", Type: layers.Integer, Unit: "mm"}, {Name: "height", Type: layers.Integer, Unit: "mm"},
			{Name: "start_elevation", Type: layers.Number}, {Name: "end_elevation", Type: layers.Number},
		}}
}

// pipe runs from a place so many metres east and north of the origin.
func pipe(id string, east, north, dx, dy float64, z []float64, kind, of, section string, width, height int64) *layers.Feature {
	a := rectangle(east, north, dx, dy)
	g := spatial.NewLineString([]float64{a[0], a[1], a[4], a[5]})
	g.Z = z
	f := &layers.Feature{ID: id, Geometry: g, Revision: 1, Properties: make([]layers.Value, 7)}
	for k, v := range []string{kind, of, section} {
		if v != "" {
			f.Properties[k] = layers.StringValue(v)
		}
	}
	if width > 0 {
		f.Properties[3], f.Properties[4] = layers.IntValue(width), layers.IntValue(height)
	}
	return f
}

// axis is a pipe's axis at its ends as it should be drawn, and its size in metres.
type axis struct{ z0, z1, width, height float64 }

func TestPipesLieAsRecorded(t *testing.T) {
	fall := func(f *layers.Feature, a, b float64) *layers.Feature {
		f.Properties[5], f.Properties[6] = layers.FloatValue(a), layers.FloatValue(b)
		return f
	}
	all := []*layers.Feature{
		pipe("invert", 0, 0, 40, 0, []float64{50, 49.8}, "WS", "管底", "DN600", 600, 600),
		pipe("top", 0, 10, 0, 40, []float64{52, 52.3}, "JS", "管顶", "DN300", 300, 300),
		pipe("channel", 10, 0, 30, 20, []float64{48, 48}, "PS", "管底", "2000X1500", 2000, 1500),
		pipe("ducts", 5, 0, 30, 20, []float64{51, 51.1}, "DL", "管顶", "300X300", 300, 300),
		fall(pipe("ends", 60, 0, 30, 20, nil, "JS", "", "DN200", 0, 0), 51.5, 52.5),
		pipe("unknown", 80, 0, 30, 20, nil, "RQ", "", "", 0, 0),
		pipe("custom", 80, 40, 30, 20, []float64{50, 50}, "YS", "", "500", 0, 0),
	}
	want := map[string]axis{
		"invert": {50.3, 50.1, 0.6, 0.6}, "top": {51.85, 52.15, 0.3, 0.3}, "channel": {48.75, 48.75, 2, 1.5}, "ducts": {50.85, 50.95, 0.3, 0.3},
		"ends": {51.4, 52.4, 0.2, 0.2}, "unknown": {-0.9, -0.9, 0.2, 0.2}, "custom": {50.25, 50.25, 0.5, 0.5},
	}
	c := &catalog{}
	c.put(t, pipes(), 1, all, nil)
	s := newService(t, c)
	seen := map[string][2]int{}
	w := &walker{t: t, service: s, request: tiles3d.Request{Layer: "pipes"}, visit: func(cell tiles3d.Cell, d *tileDoc, k *content) {
		far := cell.Level == 14
		if far {
			require.Equal(t, "REPLACE", d.Refine)
			require.NotEmpty(t, d.Children, "a far tile is replaced by near ones")
			require.Empty(t, k.triangles)
		} else {
			require.Empty(t, k.instances)
			require.Zero(t, *d.GeometricError)
		}
		for row := range k.rows {
			id := k.values["id"][row].(string)
			n := seen[id]
			if far {
				n[0]++
			} else {
				n[1]++
			}
			seen[id] = n
			require.Equal(t, id == "unknown", k.values["elevationAssumed"][row] == 1.0)
		}
		checkPipes(t, k, func(row int) (spatial.Geometry, axis) {
			id := k.values["id"][row].(string)
			a := want[id]
			a.z0, a.z1 = a.z0-9.25, a.z1-9.25
			for _, f := range all {
				if f.ID == id {
					return f.Geometry, a
				}
			}
			panic(id)
		})
	}}
	w.walk()
	require.Len(t, seen, len(all))
	for id, n := range seen {
		require.Equal(t, [2]int{1, 1}, n, "%s stands in one far and one near content", id)
	}
}

// checkPipes compares straight pipes with their records to 1 cm: the ends of the
// axis in plan and height, and the size of the section.
func checkPipes(t *testing.T, k *content, source func(row int) (spatial.Geometry, axis)) {
	t.Helper()
	for _, in := range k.instances {
		if in.mesh == "sphere" {
			continue
		}
		g, a := source(in.row)
		lo, hi := in.matrix.at(0, 0, in.lo[2]), in.matrix.at(0, 0, in.hi[2]) // glTF's z is the model's axis
		e0, e1 := geodesic.ECEF(g.XY[0], g.XY[1], a.z0), geodesic.ECEF(g.XY[2], g.XY[3], a.z1)
		if lo.Sub(e0).Norm() > lo.Sub(e1).Norm() {
			e0, e1 = e1, e0
		}
		require.Less(t, lo.Sub(e0).Norm(), 0.07, "seen from afar")
		require.Less(t, hi.Sub(e1).Norm(), 0.07)
		width := in.matrix.at(in.hi[0], 0, 0).Sub(in.matrix.at(in.lo[0], 0, 0)).Norm()
		height := in.matrix.at(0, in.hi[1], 0).Sub(in.matrix.at(0, in.lo[1], 0)).Norm()
		require.InDelta(t, a.width, width, 0.01)
		require.InDelta(t, a.height, height, 0.01)
	}
	type ends struct{ low, high [2]float64 }
	by := map[int]*ends{}
	for _, f := range k.triangles {
		g, a := source(f.row)
		e := by[f.row]
		if e == nil {
			e = &ends{[2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}}
			by[f.row] = e
		}
		for _, p := range f.corners {
			_, _, h := geodesic.Geodetic(p)
			end := 0
			if p.Sub(geodesic.ECEF(g.XY[0], g.XY[1], a.z0)).Norm() > p.Sub(geodesic.ECEF(g.XY[2], g.XY[3], a.z1)).Norm() {
				end = 1
			}
			e.low[end], e.high[end] = min(e.low[end], h), max(e.high[end], h)
			require.Less(t, distanceToAxis(p, g, a), math.Hypot(a.width, a.height)/2+0.01, "a tube keeps to its axis")
		}
	}
	for row, e := range by {
		_, a := source(row)
		for end, z := range [2]float64{a.z0, a.z1} {
			require.InDelta(t, z+a.height/2, e.high[end], 0.01, "top")
			require.InDelta(t, z-a.height/2, e.low[end], 0.01, "invert")
		}
	}
}

func distanceToAxis(p geodesic.Vec3, g spatial.Geometry, a axis) float64 {
	from, to := geodesic.ECEF(g.XY[0], g.XY[1], a.z0), geodesic.ECEF(g.XY[2], g.XY[3], a.z1)
	d := to.Sub(from)
	share := max(0, min(1, p.Sub(from).Dot(d)/d.Dot(d)))
	return p.Sub(from.Add(d.Scale(share))).Norm()
}
