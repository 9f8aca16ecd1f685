package tiles3d_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/geodesic"
	"twind/tiles/tiles3d"
)

func nodes() *layers.Layer {
	return &layers.Layer{ID: "manholes", Kind: layers.KindNode, CRS: 4326, GeometryType: spatial.Point, Title: layers.Text{EN: "Manholes"},
		Schema: []layers.Property{{Name: "rim", Type: layers.Number}, {Name: "depth", Type: layers.Number}, {Name: "note", Type: layers.String}}}
}

func manhole(id string, east, north, rim, depth float64, revision layers.Revision) *layers.Feature {
	p := rectangle(east, north, 0, 0)
	f := &layers.Feature{ID: id, Geometry: spatial.NewPoint(p[0], p[1]), Revision: revision, Properties: make([]layers.Value, 3)}
	f.Properties[1] = layers.FloatValue(depth)
	if rim != 0 {
		f.Properties[0] = layers.FloatValue(rim)
	}
	return f
}

// slope is an elevation model that knows the west only.
type slope struct{}

func (slope) Height(lon, _ float64) (float64, bool) { return 100, lon < lon0 }

// extent is the lowest and highest vertex of each feature of a layer, metres.
func extents(t *testing.T, s *tiles3d.Service, r tiles3d.Request) map[string][2]float64 {
	t.Helper()
	out := map[string][2]float64{}
	add := func(id string, p geodesic.Vec3) {
		_, _, h := geodesic.Geodetic(p)
		e, ok := out[id]
		if !ok {
			e = [2]float64{h, h}
		}
		out[id] = [2]float64{min(e[0], h), max(e[1], h)}
	}
	(&walker{t: t, service: s, request: r, visit: func(_ tiles3d.Cell, _ *tileDoc, k *content) {
		for i := range k.triangles {
			for _, p := range k.triangles[i].corners {
				add(k.values["id"][k.triangles[i].row].(string), p)
			}
		}
		for _, in := range k.instances {
			if in.mesh == "cylinder" { // near tubes tell it better
				continue
			}
			id := k.values["id"][in.row].(string)
			add(id, in.matrix.at(0, in.lo[1], 0))
			add(id, in.matrix.at(0, in.hi[1], 0))
		}
	}}).walk()
	return out
}

func require2(t *testing.T, low, high float64, got [2]float64, what string) {
	t.Helper()
	require.InDelta(t, low, got[0], 0.015, "%s: low", what)
	require.InDelta(t, high, got[1], 0.015, "%s: high", what)
}

// TestGroundFromModelThenRims: what has no height of its own stands on the
// elevation model, else on the ground that rims tell, else at 0.
func TestGroundFromModelThenRims(t *testing.T) {
	c := &catalog{}
	bare := func(id string, east, north float64) *layers.Feature {
		f := building(id, box(east, north, 10, 10), metres(12))
		return f
	}
	c.put(t, nodes(), 1, []*layers.Feature{manhole("a", 100, 0, 50, 3, 1), manhole("b", 140, 0, 52, 2, 1), manhole("unknown", 120, 5, 0, 2.5, 1)}, nil)
	c.put(t, buildings(), 1, []*layers.Feature{bare("on the model", -300, 0), bare("among rims", 118, 0), bare("far", 2000, 0)}, nil)
	l := pipes()
	l.Heights = nil
	c.put(t, l, 1, []*layers.Feature{pipe("p", 100, 0, 40, 0, nil, "JS", "", "DN200", 0, 0), pipe("recorded", 100, 0, 40, 0, []float64{48, 49}, "JS", "管顶", "DN200", 0, 0)}, nil)
	list := func() (list []layers.Layer) {
		for _, v := range c.views {
			list = append(list, *v.layer)
		}
		return list
	}
	s := newService(t, c, func(o *tiles3d.Options) {
		o.Ground, o.Layers = slope{}, list
		o.GroundRevision = func() string { return "slope" }
	})
	got := extents(t, s, tiles3d.Request{Layer: "buildings"})
	require2(t, 100-9.25, 112-9.25, got["on the model"], "on the model")
	require.InDelta(t, 51-9.25+12, got["among rims"][1], 1)
	require2(t, 0-9.25, 12-9.25, got["far"], "far from all rims")

	got = extents(t, s, tiles3d.Request{Layer: "pipes"})
	require.InDelta(t, 50-1.5-0.2, got["p"][0], 0.02, "at the layer's cover below the rims at its ends")
	require.InDelta(t, 52-1.5, got["p"][1], 0.02)

	got = extents(t, s, tiles3d.Request{Layer: "manholes"})
	require.InDelta(t, 50-3, got["a"][0], 0.3, "a shaft's depth, and its bottom's thickness")
	require.InDelta(t, 51, got["unknown"][1], 1, "a cover without a rim lies on the ground that others tell")

	// Above the ground all stands at its own height or depth.
	above := tiles3d.Request{Layer: "buildings", AboveGround: true, Query: "vertical=ground"}
	for id, e := range extents(t, s, above) {
		require2(t, 0, 12, e, id)
	}
	above.Layer = "pipes"
	got = extents(t, s, above)
	require2(t, -1.7, -1.5, got["p"], "p")
	require2(t, -3.2, -2, got["recorded"], "recorded")

	// A rim that is measured anew moves what stands on it, and nothing else.
	contents, _ := addresses(t, s, tiles3d.Request{Layer: "buildings"})
	c.put(t, nodes(), 2, []*layers.Feature{manhole("a", 100, 0, 50.5, 3, 2), manhole("b", 140, 0, 52, 2, 1), manhole("unknown", 120, 5, 0, 2.5, 1)}, nil)
	after, _ := addresses(t, s, tiles3d.Request{Layer: "buildings"})
	require.Len(t, changed(contents, after), 1)
	// What is noted at a manhole moves nothing.
	noted := manhole("a", 100, 0, 50.5, 3, 3)
	noted.Properties[2] = layers.StringValue("cover replaced")
	c.put(t, nodes(), 3, []*layers.Feature{noted, manhole("b", 140, 0, 52, 2, 1), manhole("unknown", 120, 5, 0, 2.5, 1)}, nil)
	again, _ := addresses(t, s, tiles3d.Request{Layer: "buildings"})
	require.Empty(t, changed(after, again))
}
