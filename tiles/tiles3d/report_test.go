package tiles3d_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
	"twind/tiles/tiles3d"
)

// ring is a polygon of corners in metres from the place.
func ring(corners ...[2]float64) spatial.Geometry {
	var xy []float64
	for _, c := range append(corners, corners[0]) {
		p := rectangle(c[0], c[1], 0, 0)
		xy = append(xy, p[0], p[1])
	}
	return spatial.NewPolygon(xy)
}

// TestBadBuildings: what is wrong is drawn as well as it can be or left out, and
// named; its neighbours stand.
func TestBadBuildings(t *testing.T) {
	many := make([][2]float64, 100_000)
	for i := range many {
		a := 2 * math.Pi * float64(i) / float64(len(many))
		r := 40 + 3*math.Sin(37*a)
		many[i] = [2]float64{200 + r*math.Cos(a), 60 + r*math.Sin(a)}
	}
	touching := box(60, 0, 20, 20)
	for _, hole := range [][4]float64{{62, 5, 6, 8}, {68, 13, 5, 5}} { // corner to corner
		xy := rectangle(hole[0], hole[1], hole[2], hole[3])
		touching.XY = append(touching.XY, xy...)
		touching.Ends = append(touching.Ends, int32(len(touching.XY)/2))
	}
	with := func(m map[string]layers.Value, name string, v layers.Value) map[string]layers.Value {
		m[name] = v
		return m
	}
	all := []*layers.Feature{
		building("good", box(0, 0, 10, 10), metres(12)),
		building("clockwise", ring([2]float64{20, 0}, [2]float64{20, 10}, [2]float64{30, 10}, [2]float64{30, 0}), metres(9)),
		building("bow tie", ring([2]float64{40, 0}, [2]float64{50, 10}, [2]float64{50, 0}, [2]float64{40, 10}), metres(9)),
		building("spike", ring([2]float64{0, 30}, [2]float64{10, 30}, [2]float64{10, 35}, [2]float64{60, 35}, [2]float64{10, 35}, [2]float64{10, 40}, [2]float64{0, 40}), metres(9)),
		building("no area", ring([2]float64{20, 30}, [2]float64{30, 30}, [2]float64{25, 30}), metres(9)),
		building("touching holes", touching, metres(9)),
		building("many", ring(many...), metres(30)),
		building("9999", box(0, 60, 10, 10), metres(9999)),
		building("negative", box(20, 60, 10, 10), metres(-4)),
		building("none", box(40, 60, 10, 10), nil),
		building("NaN", box(0, 80, 10, 10), metres(math.NaN())),
		building("infinite", box(20, 80, 10, 10), metres(math.Inf(1))),
		building("zero", box(40, 80, 10, 10), metres(0)),
		building("floors", box(60, 60, 10, 10), map[string]layers.Value{"floors": layers.IntValue(5)}),
		building("base", box(80, 60, 10, 10), with(metres(5), "base", layers.FloatValue(7))),
		building("ground", box(60, 80, 10, 10), with(metres(5), "ground_elevation", layers.FloatValue(9999))),
		building("nowhere", spatial.Geometry{}, metres(5)),
		building("outline", box(100, 60, 10, 10), with(metres(5), "has_parts", layers.BoolValue(true))),
	}
	c := &catalog{}
	c.put(t, buildings(), 1, all, nil)
	s := newService(t, c)
	tops := map[string]float64{}
	w := &walker{t: t, service: s, request: tiles3d.Request{Layer: "buildings"}, visit: func(_ tiles3d.Cell, _ *tileDoc, k *content) {
		for i := range k.triangles {
			f := &k.triangles[i]
			tops[k.values["id"][f.row].(string)] += upward(f)
		}
	}}
	w.walk()
	for id, area := range map[string]float64{"good": 100, "clockwise": 100, "spike": 100, "9999": 100, "negative": 100, "none": 100, "NaN": 100, "infinite": 100, "zero": 100, "ground": 100, "floors": 100, "base": 100,
		"touching holes": 400 - 48 - 25, "many": math.Pi * (40*40 + 4.5)} {
		require.InEpsilon(t, area, tops[id], 0.01, "the roof of %s", id)
	}
	require.Positive(t, tops["bow tie"])
	require.NotContains(t, tops, "no area")
	require.NotContains(t, tops, "outline")

	got := report(t, s, "buildings")
	require.Equal(t, 18, got.Features)
	require.Equal(t, 15, got.Drawn)
	require.Equal(t, map[tiles3d.Fault][]string{
		tiles3d.FaultShape: {"bow tie"}, tiles3d.FaultNoArea: {"no area"}, tiles3d.FaultHeight: {"9999", "negative", "zero"},
		tiles3d.FaultNoHeight: {"NaN", "infinite", "none"}, tiles3d.FaultBase: {"base"}, tiles3d.FaultNoShape: {"nowhere"},
		tiles3d.FaultElevation: {"ground"},
	}, named(got))
}

func report(t *testing.T, s *tiles3d.Service, id layers.ID) (r tiles3d.Report) {
	t.Helper()
	a, err := s.Report(t.Context(), tiles3d.Request{Layer: id})
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(a.Bytes, &r))
	return r
}

func named(r tiles3d.Report) map[tiles3d.Fault][]string {
	out := map[tiles3d.Fault][]string{}
	for _, f := range r.Faults {
		slices.Sort(f.IDs)
		out[f.Fault] = f.IDs
	}
	return out
}

func TestBadPipes(t *testing.T) {
	all := []*layers.Feature{
		pipe("good", 0, 0, 20, 0, []float64{50, 50}, "JS", "管顶", "DN300", 300, 300),
		pipe("zero", 0, 10, 0, 0, []float64{50, 50}, "JS", "管顶", "DN300", 300, 300),
		pipe("30 m", 0, 20, 20, 0, []float64{50, 50}, "JS", "管顶", "", 30_000, 30_000),
		pipe("9999", 0, 30, 20, 0, []float64{50, 9999}, "JS", "管顶", "DN300", 300, 300),
		pipe("flat", 0, 40, 20, 0, nil, "JS", "管顶", "DN300", 300, 300),
		pipe("bare", 0, 50, 20, 0, []float64{50, 50}, "", "", "", 0, 0),
		pipe("nowhere", 0, 60, 20, 0, nil, "JS", "管顶", "DN300", 300, 300),
		pipe("negative", 0, 70, 20, 0, []float64{50, 50}, "JS", "管顶", "", 0, 0),
		pipe("one end", 0, 80, 20, 0, nil, "JS", "管顶", "DN300", 300, 300),
	}
	all[7].Properties[3], all[7].Properties[4] = layers.IntValue(-300), layers.IntValue(-300)
	all[8].Properties[5] = layers.FloatValue(50)
	all[6].Geometry = spatial.Geometry{}
	c := &catalog{}
	c.put(t, pipes(), 1, all, nil)
	s := newService(t, c)
	drawn := map[string]bool{}
	w := &walker{t: t, service: s, request: tiles3d.Request{Layer: "pipes"}, visit: func(_ tiles3d.Cell, _ *tileDoc, k *content) {
		for _, in := range k.instances {
			drawn[k.values["id"][in.row].(string)] = true
		}
	}}
	w.walk()
	require.Equal(t, map[string]bool{"good": true, "30 m": true, "9999": true, "flat": true, "bare": true, "negative": true, "one end": true}, drawn)
	got := report(t, s, "pipes")
	require.Equal(t, 9, got.Features)
	require.Equal(t, 7, got.Drawn)
	require.Equal(t, map[tiles3d.Fault][]string{
		tiles3d.FaultNoLength: {"zero"}, tiles3d.FaultSection: {"30 m"}, tiles3d.FaultElevation: {"9999"},
		tiles3d.FaultNoDepth: {"flat"}, tiles3d.FaultNoSection: {"bare", "negative"}, tiles3d.FaultOneEnd: {"one end"},
		tiles3d.FaultNoShape: {"nowhere"},
	}, named(got))
}

func TestBadParts(t *testing.T) {
	l := &layers.Layer{ID: "nodes", Kind: layers.KindNode, CRS: 4326, GeometryType: spatial.Point, Title: layers.Text{EN: "Nodes"},
		Schema: []layers.Property{{Name: "subsidiary", Type: layers.String}, {Name: "depth", Type: layers.Number}, {Name: "rim", Type: layers.Number}}}
	manhole := func(id string, depth, rim float64) *layers.Feature {
		p := rectangle(0, 0, 0, 0)
		return &layers.Feature{ID: id, Geometry: spatial.NewPoint(p[0], p[1]), Revision: 1,
			Properties: []layers.Value{layers.StringValue("检查井"), layers.FloatValue(depth), layers.FloatValue(rim)}}
	}
	nan := math.NaN()
	nowhere := manhole("nowhere", 3, 50)
	nowhere.Geometry = spatial.Geometry{}
	c := &catalog{}
	c.put(t, l, 1, []*layers.Feature{
		manhole("good", 3, 50), manhole("NaN", nan, 50), manhole("deep", 9999, 50), manhole("negative", -3, 50),
		manhole("rim", 3, 9999), manhole("bare", nan, nan), nowhere,
	}, nil)
	s := newService(t, c)
	drawn := extents(t, s, tiles3d.Request{Layer: "nodes"})
	require.Len(t, drawn, 6)
	for id, span := range drawn {
		require.Less(t, span[1]-span[0], 4.0, "%s", id)
	}
	got := report(t, s, "nodes")
	require.Equal(t, 7, got.Features)
	require.Equal(t, 6, got.Drawn)
	require.Equal(t, map[tiles3d.Fault][]string{
		tiles3d.FaultSize: {"deep", "negative"}, tiles3d.FaultElevation: {"rim"},
		tiles3d.FaultNoGround: {"bare"}, tiles3d.FaultNoShape: {"nowhere"},
	}, named(got))
}
