package tiles3d_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/cql2"
	"twind/spatial"
	"twind/spatial/geodesic"
	"twind/tiles/tiles3d"
)

// met is a crossing for the oracle.
type met struct{ at, depth, top float64 }

// bruteCrossings walks along a pipe in steps of 5 mm and notes where it passes from
// one side of a leg of the line to the other.
func bruteCrossings(pipe axisLine, tall float64, line []float64) (out []met) {
	begin := 0.0
	for leg := 0; leg+3 < len(line); leg += 2 {
		ax, ay, bx, by := line[leg], line[leg+1], line[leg+2], line[leg+3]
		side := func(lon, lat float64) bool { return (bx-ax)*(lat-ay)-(by-ay)*(lon-ax) > 0 }
		for k := 1; k < len(pipe.top); k++ {
			at := func(t float64) (lon, lat float64) {
				return pipe.xy[2*k-2] + (pipe.xy[2*k]-pipe.xy[2*k-2])*t, pipe.xy[2*k-1] + (pipe.xy[2*k+1]-pipe.xy[2*k-1])*t
			}
			if side(at(0)) == side(at(1)) {
				continue
			}
			n := math.Ceil(geodesic.Distance(pipe.xy[2*k-2], pipe.xy[2*k-1], pipe.xy[2*k], pipe.xy[2*k+1]) / 0.005)
			for j := 1.0; j <= n; j++ {
				if side(at((j-1)/n)) == side(at(j/n)) {
					continue
				}
				t := (j - 0.5) / n
				lon, lat := at(t)
				along := ((lon-ax)*(bx-ax) + (lat-ay)*(by-ay)) / ((bx-ax)*(bx-ax) + (by-ay)*(by-ay))
				if along < 0 || along >= 1 {
					continue
				}
				out = append(out, met{
					at:    begin + geodesic.Distance(ax, ay, lon, lat),
					depth: pipe.top[k-1] + (pipe.top[k]-pipe.top[k-1])*t,
					top:   pipe.z[k-1] + (pipe.z[k]-pipe.z[k-1])*t + tall/2,
				})
			}
		}
		begin += geodesic.Distance(ax, ay, bx, by)
	}
	return out
}

// matchCrossings asserts that a profile shows exactly what the oracle finds, to 1 cm.
func matchCrossings(t *testing.T, want map[string][]met, items []tiles3d.Crossing) {
	t.Helper()
	for _, x := range items {
		found := -1
		for k, m := range want[x.ID] {
			if math.Abs(m.at-x.At) < 0.01 {
				found = k
			}
		}
		require.GreaterOrEqual(t, found, 0, "%s at %.3f m: %v", x.ID, x.At, want[x.ID])
		m := want[x.ID][found]
		require.InDelta(t, m.depth, *x.Depth, 0.01, x.ID)
		require.InDelta(t, m.top, *x.Top, 0.01, x.ID)
		require.InDelta(t, *x.Top-x.Tall, *x.Invert, 1e-9, x.ID)
		want[x.ID] = append(want[x.ID][:found:found], want[x.ID][found+1:]...)
	}
	for id, left := range want {
		require.Empty(t, left, "%s is crossed and not shown", id)
	}
}

func TestSectionsEqualBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 2))
	lines, all := randomPipes(rng)
	c := &catalog{}
	c.put(t, pipes(), 1, all[:20], all[20:])
	s := newService(t, c, func(o *tiles3d.Options) { o.Ground = hillside{} })
	shown := 0
	for range 6 {
		var line []float64
		for range 2 + rng.IntN(3) {
			p := rectangle(rng.Float64()*300, rng.Float64()*300, 0, 0)
			line = append(line, p[0], p[1])
		}
		x, err := s.Section(t.Context(), tiles3d.SectionRequest{Line: line, Layers: []layers.ID{"pipes"}})
		require.NoError(t, err)
		want := map[string][]met{}
		for id, pipe := range lines {
			want[id] = bruteCrossings(pipe, 0.3, line)
		}
		matchCrossings(t, want, x.Items)
		shown += len(x.Items)
		for k := 1; k < len(x.Items); k++ {
			require.LessOrEqual(t, x.Items[k-1].At, x.Items[k].At)
		}
		require.InDelta(t, x.Length, x.Ground[len(x.Ground)-1].At, 0)
		require.Len(t, x.Bends, len(line)/2-2)
		for _, g := range x.Ground[:1] {
			h, _ := hillside{}.Height(line[0], line[1])
			require.InDelta(t, h, *g.Elevation, 1e-9)
		}
	}
	require.Greater(t, shown, 50)
}

// TestSectionShowsShapes: a pipe met at an angle is an ellipse, nodes stand beside
// the line, and what the reader may not see is not told.
func TestSectionShowsShapes(t *testing.T) {
	c := &catalog{}
	c.put(t, pipes(), 1, []*layers.Feature{
		pipe("square", 10, -10, 0, 20, []float64{51, 51}, "JS", "管顶", "DN300", 300, 300),
		pipe("slanted", 10, -10, 20, 20, []float64{50, 50}, "WS", "管底", "DN600", 600, 600),
		pipe("duct", 60, -10, 0, 20, nil, "DL", "", "300X200", 0, 0),
		pipe("beside", 0, 1, 100, 0, []float64{51, 51}, "JS", "管顶", "DN300", 300, 300),
	}, nil)
	c.put(t, nodes(), 1, []*layers.Feature{manhole("left", 30, 0.5, 52, 4.5, 1), manhole("far", 40, 5, 52, 4.5, 1)}, nil)
	s := newService(t, c, func(o *tiles3d.Options) { o.Ground = flat(52) })
	from, to := rectangle(0, 0, 0, 0), rectangle(100, 0, 0, 0)
	r := tiles3d.SectionRequest{Line: []float64{from[0], from[1], to[0], to[1]}, Reach: 2, Layers: []layers.ID{"pipes", "manholes"}}
	x, err := s.Section(t.Context(), r)
	require.NoError(t, err)
	require.Len(t, x.Items, 4)
	square, slanted, left, duct := x.Items[0], x.Items[1], x.Items[2], x.Items[3]
	require.Equal(t, []string{"square", "slanted", "left", "duct"}, []string{square.ID, slanted.ID, left.ID, duct.ID})
	require.InDelta(t, 10, square.At, 0.05)
	require.Regexp(t, "^#[0-9a-f]{6}$", square.Color.Light)
	require.NotEqual(t, square.Color, slanted.Color, "kinds differ")
	require.InDelta(t, 90, *square.Angle, 0.2)
	require.InDelta(t, 0.3, square.Wide, 1e-3)
	require.InDelta(t, 1, *square.Depth, 1e-9)
	require.InDelta(t, 51, *square.Top, 1e-9)
	require.InDelta(t, 300, *square.Diameter, 0)
	require.InDelta(t, 45, *slanted.Angle, 0.3)
	require.InDelta(t, 0.6*math.Sqrt2, slanted.Wide, 0.01)
	require.InDelta(t, 0.6, slanted.Tall, 1e-9)
	require.InDelta(t, 50, *slanted.Invert, 1e-9)
	require.InDelta(t, -0.5, *left.Offset, 0.01, "to the left of the line")
	require.InDelta(t, 4.5, *left.Depth, 0)
	require.InDelta(t, 52, *left.Ground, 0)
	require.True(t, duct.Assumed)
	require.InDelta(t, 0.8, *duct.Depth, 1e-9, "the layer's cover")
	require.InDelta(t, 51.2, *duct.Top, 1e-9, "below the ground there")
	require.InDelta(t, 300, *duct.Width, 0)

	rows, err := cql2.ParseText("kind = 'JS'", pipes())
	require.NoError(t, err)
	r.Policy = func(id layers.ID) layers.Policy {
		if id == "pipes" {
			return layers.Policy{Rows: rows, Hidden: []string{"kind", "section", "width"}}
		}
		return layers.Policy{}
	}
	x, err = s.Section(t.Context(), r)
	require.NoError(t, err)
	require.Len(t, x.Items, 2)
	require.Empty(t, x.Items[0].Kind)
	require.Nil(t, x.Items[0].Diameter)
	r.Policy = func(layers.ID) layers.Policy { return layers.Policy{Deny: true} }
	_, err = s.Section(t.Context(), r)
	require.ErrorIs(t, err, layers.ErrInvalid)
}

// TestSectionsCutBuildings: the stretches inside footprints, with holes and notches,
// are those that walking along the line finds.
func TestSectionsCutBuildings(t *testing.T) {
	shell, hole := rectangle(0, 0, 40, 30), rectangle(10, 10, 10, 10)
	notched := rectangle(60, 0, 20, 30)
	notch := rectangle(66, 10, 30, 10) // a U that is open to the east
	u := []float64{notched[0], notched[1], notched[2], notched[3], notched[2], notch[1], notch[0], notch[1], notch[6], notch[7], notched[4], notch[7], notched[4], notched[5], notched[6], notched[7], notched[0], notched[1]}
	c := &catalog{}
	c.put(t, buildings(), 1, []*layers.Feature{
		building("court", spatial.NewPolygon(shell, hole), metres(25)),
		building("u", spatial.NewPolygon(u), map[string]layers.Value{"height": layers.FloatValue(12), "base": layers.FloatValue(3)}),
	}, nil)
	s := newService(t, c)
	rng := rand.New(rand.NewPCG(3, 3))
	rings := map[string][][]float64{"court": {shell[:8], hole[:8]}, "u": {u[:16]}}
	total := 0
	for range 12 {
		a, b := rectangle(rng.Float64()*100-10, rng.Float64()*50-10, 0, 0), rectangle(rng.Float64()*100-10, rng.Float64()*50-10, 0, 0)
		x, err := s.Section(t.Context(), tiles3d.SectionRequest{Line: []float64{a[0], a[1], b[0], b[1]}, Buildings: []layers.ID{"buildings"}})
		require.NoError(t, err)
		got := map[string]float64{}
		for _, part := range x.Buildings {
			got[part.ID] += part.To - part.From
			require.InDelta(t, map[string]float64{"court": 25, "u": 12}[part.ID], part.Height, 1e-9)
			require.InDelta(t, map[string]float64{"court": 0, "u": 3}[part.ID], part.Base, 1e-9)
			total++
		}
		for id, list := range rings {
			want, n := 0.0, math.Ceil(x.Length/0.004)
			for k := range int(n) {
				t := (float64(k) + 0.5) / n
				inside := false
				for _, ring := range list {
					inside = inside != winds(ring, a[0]+(b[0]-a[0])*t, a[1]+(b[1]-a[1])*t)
				}
				if inside {
					want += x.Length / n
				}
			}
			require.InDelta(t, want, got[id], 0.02, id) // four ends to half a step, and what is shorter than 1 cm is left out
		}
	}
	require.Greater(t, total, 8)
	_, err := s.Section(t.Context(), tiles3d.SectionRequest{Line: []float64{lon0, lat0, lon0 + 0.001, lat0}, Buildings: []layers.ID{"moon"}})
	require.ErrorContains(t, err, `there is no layer "moon" of buildings`)
}

func TestSectionRefuses(t *testing.T) {
	c := &catalog{}
	c.put(t, pipes(), 1, nil, nil)
	c.put(t, buildings(), 1, nil, nil)
	s := newService(t, c)
	good := []float64{lon0, lat0, lon0 + 0.001, lat0}
	many := make([]float64, 0, 402)
	for k := range 201 {
		many = append(many, lon0+1e-6*float64(k), lat0)
	}
	for name, bad := range map[string]struct {
		line  []float64
		reach float64
		layer layers.ID
		says  string
	}{
		"empty":        {nil, 1, "pipes", "at least two different vertices; got 0"},
		"one place":    {[]float64{lon0, lat0, lon0, lat0}, 1, "pipes", "at least two different vertices; got 1"},
		"NaN":          {[]float64{lon0, math.NaN(), lon0, lat0}, 1, "pipes", "vertex 1 is at"},
		"off earth":    {[]float64{lon0, lat0, 181, lat0}, 1, "pipes", "vertex 2 is at 181"},
		"short":        {[]float64{lon0, lat0, lon0 + 1e-6, lat0}, 1, "pipes", "a section is at least 0.5 m"},
		"long":         {[]float64{lon0, lat0, lon0 + 1, lat0}, 1, "pipes", "a section is at most 20000 m"},
		"many":         {many, 1, "pipes", "201 vertices, and a section has at most 200"},
		"reach":        {good, 51, "pipes", "reach: 51 m; expected 0 to 50"},
		"reach NaN":    {good, math.NaN(), "pipes", "reach: NaN m"},
		"no layer":     {good, 1, "moon", `there is no layer "moon" of pipes`},
		"not in earth": {good, 1, "buildings", `there is no layer "buildings" of pipes`},
	} {
		_, err := s.Section(t.Context(), tiles3d.SectionRequest{Line: bad.line, Reach: bad.reach, Layers: []layers.ID{bad.layer}})
		require.ErrorIs(t, err, layers.ErrInvalid, name)
		require.ErrorContains(t, err, bad.says, name)
	}
	x, err := s.Section(t.Context(), tiles3d.SectionRequest{Line: many[:400], Layers: []layers.ID{"pipes"}})
	require.NoError(t, err)
	require.Empty(t, x.Items)
	require.Nil(t, x.Ground[0].Elevation, "nobody knows the ground")
}
