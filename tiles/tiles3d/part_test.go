package tiles3d_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
	"twind/tiles/tiles3d"
)

// TestEveryNodeIsDrawn: what has a subsidiary as that, a fitting as a joint at its
// depth, and what nobody described as a manhole.
func TestEveryNodeIsDrawn(t *testing.T) {
	l := &layers.Layer{ID: "nodes", Kind: layers.KindNode, CRS: 4326, GeometryType: spatial.Point, Title: layers.Text{EN: "Nodes"},
		Schema: []layers.Property{{Name: "feature", Type: layers.String}, {Name: "subsidiary", Type: layers.String}, {Name: "depth", Type: layers.Number}}}
	node := func(id string, east float64, feature, subsidiary string, depth float64) *layers.Feature {
		p := rectangle(east, 0, 0, 0)
		f := &layers.Feature{ID: id, Geometry: spatial.NewPoint(p[0], p[1]), Revision: 1, Properties: make([]layers.Value, 3)}
		for k, v := range []string{feature, subsidiary} {
			if v != "" {
				f.Properties[k] = layers.StringValue(v)
			}
		}
		if depth > 0 {
			f.Properties[2] = layers.FloatValue(depth)
		}
		return f
	}
	c := &catalog{}
	c.put(t, l, 1, []*layers.Feature{
		node("well", 0, "", "检查井", 3), node("tee", 20, "三通", "", 1.2), node("bend", 40, "弯头", "", 0), node("bare", 60, "", "", 2.5),
	}, nil)
	s := newService(t, c)
	drawn := extents(t, s, tiles3d.Request{Layer: "nodes", AboveGround: true})
	require.Len(t, drawn, 4)
	require.InDelta(t, -3, drawn["well"][0], 0.3)
	require.InDelta(t, -2.5, drawn["bare"][0], 0.3, "a manhole")
	require.InDelta(t, 0, drawn["bare"][1], 0.3)
	require.InDelta(t, -1.2, (drawn["tee"][0]+drawn["tee"][1])/2, 0.05, "at its depth")
	require.Less(t, drawn["tee"][1]-drawn["tee"][0], 0.5, "without a shaft")
	require.InDelta(t, -1.5, (drawn["bend"][0]+drawn["bend"][1])/2, 0.05, "at the usual cover")

	box := rectangle(-5, -5, 80, 10)
	x, err := s.Excavate(t.Context(), tiles3d.ExcavationRequest{Ring: box, Depth: 3, Layers: []layers.ID{"nodes"}})
	require.NoError(t, err)
	require.Len(t, x.Items, 4)
	parts := map[string]string{}
	for _, item := range x.Items {
		parts[item.ID] = item.Part
	}
	require.Equal(t, map[string]string{"well": "检查井", "tee": "三通", "bend": "弯头", "bare": ""}, parts)
}
