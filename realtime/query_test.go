package realtime_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/spatial"
)

var liveTimes = layers.Live{Stale: time.Minute, Offline: 2 * time.Minute, Removed: time.Hour}

func TestItems(t *testing.T) {
	hub, clk := newHub(t, realtime.Options{}, liveTimes)
	for i, line := range []string{"A", "B", "A"} {
		p := realtime.NewPosition("vehicles", fmt.Sprint("v", 2-i), clk.t, -74+float64(i)*0.1, 40.7)
		p.Properties = []byte(fmt.Sprintf(`{"line":%q,"load":%d,"note":"n%d"}`, line, i, i))
		if i == 0 {
			p.Z, p.Course, p.Speed = 12.5, 90, 7.25
		}
		require.Empty(t, apply(t, hub, p).Refused)
	}
	items := func(q layers.Query) (out []*layers.Feature) {
		require.NoError(t, hub.Items(context.Background(), "vehicles", q, func(f *layers.Feature) error { out = append(out, f); return nil }))
		return out
	}
	ids := func(q layers.Query) (out []string) {
		for _, f := range items(q) {
			out = append(out, f.ID)
		}
		return out
	}
	l, err := hub.Layer("vehicles")
	require.NoError(t, err)
	all := items(layers.Query{})
	require.Len(t, all, 3)
	require.Equal(t, &layers.Feature{
		ID: "v2", Geometry: spatial.Geometry{Type: spatial.Point, XY: []float64{-74, 40.7}, Z: []float64{12.5}},
		Properties: []layers.Value{
			layers.TextValue(layers.DateTime, "2026-11-21T08:00:00Z"), layers.TextValue(layers.DateTime, "2026-11-21T08:00:00Z"),
			layers.StringValue("live"), layers.FloatValue(90), layers.FloatValue(7.25),
			layers.StringValue("ok"), layers.StringValue("A"), layers.FloatValue(0), layers.StringValue("n0"),
		},
	}, all[2])
	for _, f := range all {
		require.NoError(t, layers.CheckFeature(&l, f))
	}
	require.True(t, all[0].Properties[3].IsNull())

	require.Equal(t, []string{"v0", "v1", "v2"}, ids(layers.Query{}))
	require.Equal(t, []string{"v0", "v2"}, ids(layers.Query{IDs: []string{"v2", "v0", "v2", "none"}}))
	require.Equal(t, []string{"v0", "v2"}, ids(layers.Query{Filter: layers.Comparison{Property: "line", Op: layers.Equal, Value: layers.StringValue("A")}}))
	box := spatial.Envelope{MinX: -73.9, MinY: 40.7, MaxX: -73, MaxY: 41}
	require.Equal(t, []string{"v0", "v1"}, ids(layers.Query{Envelope: &box}))
	require.Empty(t, ids(layers.Query{Policy: layers.Policy{Deny: true}}))
	require.Equal(t, []string{"v1"}, ids(layers.Query{Policy: layers.Policy{Rows: layers.Comparison{Property: "load", Op: layers.Equal, Value: layers.IntValue(1)}}}))
	hidden := items(layers.Query{Policy: layers.Policy{Hidden: []string{"line", "note", "speed"}}})[2]
	require.True(t, hidden.Properties[4].IsNull() && hidden.Properties[6].IsNull() && hidden.Properties[8].IsNull())
	require.False(t, hidden.Properties[7].IsNull())

	nothing := func(*layers.Feature) error { return nil }
	require.ErrorIs(t, hub.Items(context.Background(), "none", layers.Query{}, nothing), layers.ErrNotFound)
	require.ErrorIs(t, hub.Items(context.Background(), "vehicles", layers.Query{Time: clk.t}, nothing), layers.ErrUnsupported)
	stop := errors.New("stop")
	require.ErrorIs(t, hub.Items(context.Background(), "vehicles", layers.Query{}, func(*layers.Feature) error { return stop }), stop)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, hub.Items(ended, "vehicles", layers.Query{}, nothing), context.Canceled)
}

// TestPlaceQueries compares boxes and neighbours with a walk over everything.
func TestPlaceQueries(t *testing.T) {
	hub, clk := newHub(t, realtime.Options{}, liveTimes)
	rng := rand.New(rand.NewPCG(7, 7))
	type place struct {
		id       string
		lon, lat float64
	}
	var places []place
	for i := range 2000 {
		p := place{fmt.Sprint("p", i), -74 + rng.NormFloat64()*0.1, 40.7 + rng.NormFloat64()*0.1}
		switch i % 20 {
		case 0:
			p.lon, p.lat = rng.Float64()*360-180, rng.Float64()*180-90 // anywhere, the poles too
		case 1:
			p.lon, p.lat = wrap(180+rng.NormFloat64()*0.01), rng.NormFloat64()*0.01
		case 2:
			p.lon, p.lat = -74, 40.7 // many in one place: ties by id
		}
		places = append(places, p)
		require.Empty(t, apply(t, hub, realtime.NewPosition("vehicles", p.id, clk.t, p.lon, p.lat)).Refused)
	}
	around := func() (lon, lat float64) {
		switch rng.IntN(4) {
		case 0:
			return rng.Float64()*360 - 180, rng.Float64()*180 - 90
		case 1:
			return wrap(180 + rng.NormFloat64()*0.02), rng.NormFloat64() * 0.02
		}
		return -74 + rng.NormFloat64()*0.1, 40.7 + rng.NormFloat64()*0.1
	}
	for range 200 {
		lon, lat := around()
		k, far := 1+rng.IntN(30), 0.0
		if rng.IntN(2) == 0 {
			far = math.Exp(rng.Float64() * 14)
		}
		got, err := hub.Nearest("vehicles", lon, lat, k, far)
		require.NoError(t, err)
		want := slices.Clone(places)
		distance := func(p place) float64 { return realtime.Haversine(lon, lat, p.lon, p.lat) }
		sort.Slice(want, func(i, j int) bool {
			a, b := distance(want[i]), distance(want[j])
			return a < b || a == b && want[i].id < want[j].id
		})
		want = want[:k]
		if far > 0 {
			for len(want) > 0 && distance(want[len(want)-1]) > far {
				want = want[:len(want)-1]
			}
		}
		require.Len(t, got, len(want), "%d nearest to %v, %v within %v", k, lon, lat, far)
		for i, n := range got {
			require.Equal(t, want[i].id, n.ID, "%d nearest to %v, %v within %v", k, lon, lat, far)
			require.Equal(t, distance(want[i]), n.Metres)
		}
	}
	for range 500 {
		lon, lat := around()
		e := spatial.Envelope{MinX: lon, MinY: lat, MaxX: lon + rng.ExpFloat64()*0.1, MaxY: lat + rng.ExpFloat64()*0.1}
		if rng.IntN(50) == 0 {
			e = spatial.Envelope{MinX: -180, MinY: -90, MaxX: 180, MaxY: 90}
		}
		got, err := hub.Box("vehicles", e)
		require.NoError(t, err)
		var ids, want []string
		for _, g := range got {
			ids = append(ids, g.ID)
		}
		for _, p := range places {
			if e.ContainsPoint(p.lon, p.lat) {
				want = append(want, p.id)
			}
		}
		require.ElementsMatch(t, want, ids, "%v", e)
	}
	_, err := hub.Nearest("vehicles", math.NaN(), 0, 1, 0)
	require.ErrorIs(t, err, layers.ErrInvalid)
	none, err := hub.Nearest("vehicles", 0, 0, 0, 0)
	require.NoError(t, err)
	require.Empty(t, none)
	empty, err := hub.Box("vehicles", spatial.EmptyEnvelope())
	require.NoError(t, err)
	require.Empty(t, empty)
}

// TestFilters tries each kind of condition on an entity; layers.Matcher, which
// evaluates them, has tests of its own.
func TestFilters(t *testing.T) {
	clk := newClock()
	hub := realtime.New(realtime.Options{Now: clk.now})
	l := liveLayer("vehicles", liveTimes)
	l.Schema = append(l.Schema, layers.Property{Name: "absent", Type: layers.Number})
	require.NoError(t, hub.AddLayer(l))
	p := realtime.NewPosition("vehicles", "v1", clk.t, -74, 40.7)
	p.Speed = 5
	p.Properties = []byte(`{"line":"四惠东","load":3,"full":false,"seen":"2026-11-21T07:00:00+08:00"}`)
	require.Empty(t, apply(t, hub, p).Refused)
	prop := func(name string, op layers.Op, v layers.Value) layers.Filter {
		return layers.Comparison{Property: name, Op: op, Value: v}
	}
	text, number := layers.StringValue, layers.FloatValue
	when := func(s string) layers.Value { return layers.TextValue(layers.DateTime, s) }
	yes, null := prop("load", layers.Equal, number(3)), prop("absent", layers.Equal, number(3))
	for name, c := range map[string]struct {
		f    layers.Filter
		want bool
	}{
		"equal":                   {yes, true},
		"integer and number":      {prop("load", layers.Less, number(3.5)), true},
		"number and text":         {prop("load", layers.Equal, text("3")), false},
		"not equal":               {prop("line", layers.NotEqual, text("x")), true},
		"less or equal":           {prop("speed", layers.LessEqual, number(5)), true},
		"greater":                 {prop("speed", layers.Greater, number(5)), false},
		"greater or equal":        {prop("speed", layers.GreaterEqual, number(5)), true},
		"boolean":                 {prop("full", layers.Equal, layers.BoolValue(false)), true},
		"boolean and text":        {prop("full", layers.Equal, text("false")), false},
		"state":                   {prop("state", layers.Equal, text("live")), true},
		"instants":                {prop("seen", layers.Equal, when("2026-11-20T23:00:00Z")), true},
		"time":                    {prop("time", layers.Less, when("2026-11-21T09:00:00+01:00")), false},
		"time, no time":           {prop("time", layers.Less, when("soon")), false},
		"absent":                  {null, false},
		"not absent":              {layers.Not{Filter: null}, false},
		"not":                     {layers.Not{Filter: yes}, false},
		"and":                     {layers.And{yes, null}, false},
		"not (false and unknown)": {layers.Not{Filter: layers.And{layers.Not{Filter: yes}, null}}, true},
		"or":                      {layers.Or{null, yes}, true},
		"empty and":               {layers.And{}, true},
		"empty or":                {layers.Or{}, false},
		"in":                      {layers.In{Property: "line", Values: []layers.Value{text("a"), text("四惠东")}}, true},
		"in none":                 {layers.In{Property: "line"}, false},
		"not in, absent":          {layers.Not{Filter: layers.In{Property: "absent", Values: []layers.Value{number(1)}}}, false},
		"between":                 {layers.Between{Property: "load", Low: number(3), High: number(4)}, true},
		"not between":             {layers.Between{Property: "load", Low: number(4), High: number(5)}, false},
		"between, absent":         {layers.Between{Property: "absent", Low: number(4), High: number(5)}, false},
		"is null":                 {layers.IsNull{Property: "absent"}, true},
		"is not null":             {layers.IsNull{Property: "line"}, false},
		"like":                    {layers.Like{Property: "line", Pattern: "四_东"}, true},
		"like, case":              {layers.Like{Property: "state", Pattern: "L%"}, false},
		"like, folded":            {layers.Like{Property: "state", Pattern: "L%", FoldCase: true}, true},
		"like, absent":            {layers.Not{Filter: layers.Like{Property: "absent", Pattern: "%"}}, false},
		"intersects":              {layers.Intersects{Box: spatial.Envelope{MinX: -74, MinY: 40.7, MaxX: -74, MaxY: 40.7}}, true},
		"like, escaped":           {layers.Like{Property: "state", Pattern: `\liv_`}, true},
		"like, escaped wildcard":  {layers.Like{Property: "state", Pattern: `liv\_`}, false},
		"properties":              {layers.PropertyComparison{Left: "load", Op: layers.Less, Right: "speed"}, true},
		"properties, absent":      {layers.PropertyComparison{Left: "load", Op: layers.Less, Right: "absent"}, false},
		"no geometry":             {layers.GeometryIsNull{}, false},
		"geometry":                {layers.Not{Filter: layers.GeometryIsNull{}}, true},
		"intersects line":         {layers.IntersectsGeometry{Geometry: spatial.NewLineString([]float64{-75, 40.7, -73, 40.7})}, true},
		"intersects line not":     {layers.IntersectsGeometry{Geometry: spatial.NewLineString([]float64{-75, 40.7, -73, 40.8})}, false},
		"intersects not":          {layers.Intersects{Box: spatial.Envelope{MinX: 0, MinY: 0, MaxX: 1, MaxY: 1}}, false},
	} {
		n := 0
		require.NoError(t, hub.Items(context.Background(), "vehicles", layers.Query{Filter: c.f}, func(*layers.Feature) error { n++; return nil }))
		require.Equal(t, c.want, n == 1, name)
	}
	err := hub.Items(context.Background(), "vehicles", layers.Query{Filter: prop("colour", layers.Equal, text("red"))}, func(*layers.Feature) error { return nil })
	require.ErrorIs(t, err, layers.ErrInvalid, "no such property")
}
