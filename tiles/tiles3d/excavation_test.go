package tiles3d_test

import (
	"context"
	"fmt"
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

// axisLine is a pipe for the oracle: positions in degrees, the depth of its top
// below the ground and the height of its axis at each, metres.
type axisLine struct{ xy, top, z []float64 }

// bruteLength walks a line in steps of 2 mm and sums up those whose middle lies in
// the ring and above the floor.
func bruteLength(line axisLine, ring []float64, floor float64) float64 {
	const block, step = 10.0, 0.002
	sum := 0.0
	for k := 1; k < len(line.top); k++ {
		at := func(t float64) (lon, lat float64) {
			return line.xy[2*k-2] + (line.xy[2*k]-line.xy[2*k-2])*t, line.xy[2*k-1] + (line.xy[2*k+1]-line.xy[2*k-1])*t
		}
		whole := geodesic.Distance(line.xy[2*k-2], line.xy[2*k-1], line.xy[2*k], line.xy[2*k+1])
		blocks := math.Ceil(whole / block)
		for j := range int(blocks) {
			from, to := float64(j)/blocks, float64(j+1)/blocks
			ax, ay := at(from)
			bx, by := at(to)
			d := geodesic.Distance(ax, ay, bx, by)
			n := math.Ceil(d / step)
			piece := math.Hypot(d/n, (line.z[k]-line.z[k-1])*(to-from)/n)
			for i := range int(n) {
				t := from + (to-from)*(float64(i)+0.5)/n
				lon, lat := at(t)
				if line.top[k-1]+(line.top[k]-line.top[k-1])*t <= floor && winds(ring, lon, lat) {
					sum += piece
				}
			}
		}
	}
	return sum
}

// winds tells by the sum of the signed crossings whether an open ring winds around
// a position.
func winds(ring []float64, x, y float64) bool {
	n := 0
	for k := 0; k < len(ring); k += 2 {
		j := (k + 2) % len(ring)
		side := (ring[j]-ring[k])*(y-ring[k+1]) - (x-ring[k])*(ring[j+1]-ring[k+1])
		switch {
		case ring[k+1] <= y && ring[j+1] > y && side > 0:
			n++
		case ring[k+1] > y && ring[j+1] <= y && side < 0:
			n--
		}
	}
	return n != 0
}

// star is an open simple ring around a position, of a radius in metres at most.
func star(rng *rand.Rand, lon, lat, radius float64, corners int) []float64 {
	var ring []float64
	for k := range corners {
		a := 2 * math.Pi * (float64(k) + 0.8*rng.Float64()) / float64(corners)
		d := radius * (0.25 + 0.75*rng.Float64())
		ring = append(ring, lon+d*math.Cos(a)/(111320*math.Cos(lat*math.Pi/180)), lat+d*math.Sin(a)/111000)
	}
	return ring
}

// hillside is ground that falls to the east.
type hillside struct{}

func (hillside) Height(lon, lat float64) (float64, bool) {
	return 55 - 400*(lon-lon0) + 150*(lat-lat0), true
}

// randomPipes are 30 pipes of DN300 on the hillside, within 300 m, with what the
// oracle needs of each.
func randomPipes(rng *rand.Rand) (map[string]axisLine, []*layers.Feature) {
	lines := map[string]axisLine{}
	var all []*layers.Feature
	for k := range 30 {
		line := axisLine{}
		var z []float64
		for range 2 + rng.IntN(4) {
			p := rectangle(rng.Float64()*300, rng.Float64()*300, 0, 0)
			ground, _ := hillside{}.Height(p[0], p[1])
			depth := rng.Float64() * 5
			line.xy = append(line.xy, p[0], p[1])
			line.top, line.z, z = append(line.top, depth), append(line.z, ground-depth-0.15), append(z, ground-depth)
		}
		g := spatial.NewLineString(line.xy)
		g.Z = z
		f := &layers.Feature{ID: fmt.Sprint(k), Geometry: g, Revision: 1, Properties: make([]layers.Value, 7)}
		f.Properties[1], f.Properties[2] = layers.StringValue("管顶"), layers.StringValue("DN300")
		lines[f.ID] = line
		all = append(all, f)
	}
	return lines, all
}

func TestExcavatedLengthsEqualBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	lines, all := randomPipes(rng)
	c := &catalog{}
	c.put(t, pipes(), 1, all[:20], all[20:])
	s := newService(t, c, func(o *tiles3d.Options) { o.Ground = hillside{} })
	middle := rectangle(150, 150, 0, 0)
	for range 3 {
		ring := star(rng, middle[0], middle[1], 170, 3+rng.IntN(30))
		floor := 1 + 3*rng.Float64()
		x, err := s.Excavate(t.Context(), tiles3d.ExcavationRequest{Ring: ring, Depth: floor, Layers: []layers.ID{"pipes"}})
		require.NoError(t, err)
		require.NotEmpty(t, x.Items)
		got, total := map[string]float64{}, 0.0
		for _, e := range x.Items {
			got[e.ID] = *e.Length
			total += *e.Length
			require.LessOrEqual(t, *e.DepthMax, floor+1e-6)
			require.LessOrEqual(t, *e.DepthMin, *e.DepthMax)
			require.InDelta(t, 300, *e.Diameter, 0)
			require.False(t, e.Assumed)
		}
		for id, line := range lines {
			require.InDelta(t, bruteLength(line, ring, floor), got[id], 0.01, "pipe %s", id)
		}
		require.InDelta(t, total, x.Totals[0].Length, 1e-6)
		require.Equal(t, len(x.Items), x.Totals[0].Count)
	}
}

// TestExcavationNamesWhatItFinds: kinds, sections, depths of pipes and points, and
// what the reader may not see is not told.
func TestExcavationNamesWhatItFinds(t *testing.T) {
	c := &catalog{}
	c.put(t, pipes(), 1, []*layers.Feature{
		pipe("duct", 0, 0, 30, 0, nil, "DL", "", "300X200", 0, 0),
		pipe("deep", 0, 5, 30, 0, []float64{40, 40}, "WS", "管底", "DN600", 600, 600),
		pipe("slope", 0, 10, 30, 0, []float64{51, 47}, "JS", "管顶", "DN300", 300, 300),
	}, nil)
	c.put(t, nodes(), 1, []*layers.Feature{manhole("in", 10, 5, 52, 4.5, 1), manhole("out", 40, 5, 52, 4.5, 1)}, nil)
	s := newService(t, c, func(o *tiles3d.Options) { o.Ground = flat(52) })
	ring := rectangle(-5, -5, 25, 30)
	r := tiles3d.ExcavationRequest{Ring: ring, Depth: 3, Layers: []layers.ID{"pipes", "manholes"}}
	x, err := s.Excavate(t.Context(), r)
	require.NoError(t, err)
	require.InDelta(t, 25*30, x.Area, 3)
	require.InDelta(t, 3*x.Area, x.Volume, 1e-9)
	require.Len(t, x.Items, 3, "the deep one lies below the floor, one manhole outside")
	duct, slope, in := x.Items[0], x.Items[1], x.Items[2]
	require.Equal(t, []string{"duct", "DL", "slope", "JS", "in"}, []string{duct.ID, duct.Kind, slope.ID, slope.Kind, in.ID})
	require.True(t, duct.Assumed)
	require.InDelta(t, 0.8, *duct.DepthMin, 1e-9, "the layer's cover")
	require.InDelta(t, 20, *duct.Length, 0.1)
	require.InDelta(t, 300, *duct.Width, 0)
	require.InDelta(t, 200, *duct.Height, 0)
	require.Nil(t, duct.Diameter)
	require.InDelta(t, 1, *slope.DepthMin, 1e-9)
	require.InDelta(t, 3, *slope.DepthMax, 1e-9, "to the floor")
	require.InDelta(t, 15*math.Hypot(1, 4./30), *slope.Length, 0.1)
	require.Nil(t, in.Length)
	require.InDelta(t, 4.5, *in.DepthMax, 0)
	require.Equal(t, []tiles3d.ExcavatedTotal{
		{Layer: "pipes", Kind: "DL", Count: 1, Length: *duct.Length}, {Layer: "pipes", Kind: "JS", Count: 1, Length: *slope.Length}, {Layer: "manholes", Count: 1},
	}, x.Totals)

	rows, err := cql2.ParseText("kind = 'JS'", pipes())
	require.NoError(t, err)
	r.Policy = func(id layers.ID) layers.Policy {
		if id == "pipes" {
			return layers.Policy{Rows: rows, Hidden: []string{"kind", "section", "width"}}
		}
		return layers.Policy{}
	}
	x, err = s.Excavate(t.Context(), r)
	require.NoError(t, err)
	require.Len(t, x.Items, 2)
	require.Equal(t, "slope", x.Items[0].ID)
	require.Empty(t, x.Items[0].Kind)
	require.Nil(t, x.Items[0].Diameter)
	r.Policy = func(layers.ID) layers.Policy { return layers.Policy{Deny: true} }
	_, err = s.Excavate(t.Context(), r)
	require.ErrorIs(t, err, layers.ErrInvalid)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	r.Policy = nil
	_, err = s.Excavate(gone, r)
	require.ErrorIs(t, err, context.Canceled)
}

// flat is ground of one height.
type flat float64

func (f flat) Height(_, _ float64) (float64, bool) { return float64(f), true }

func TestExcavationRefuses(t *testing.T) {
	c := &catalog{}
	c.put(t, pipes(), 1, nil, nil)
	c.put(t, buildings(), 1, nil, nil)
	s := newService(t, c)
	many := make([]float64, 2*10_002)
	for k := range 10_002 {
		a := 2 * math.Pi * float64(k) / 10_002
		many[2*k], many[2*k+1] = lon0+0.001*math.Cos(a), lat0+0.001*math.Sin(a)
	}
	good := rectangle(0, 0, 30, 30)
	ring := func(meters ...float64) (xy []float64) {
		for k := 0; k < len(meters); k += 2 {
			xy = append(xy, rectangle(meters[k], meters[k+1], 0, 0)[:2]...)
		}
		return xy
	}
	for name, bad := range map[string]struct {
		ring  []float64
		depth float64
		layer layers.ID
		says  string
	}{
		"depth 0":      {good, 0, "pipes", "depth: 0 m; expected 0.1 to 60"},
		"depth NaN":    {good, math.NaN(), "pipes", "depth: NaN m"},
		"too deep":     {good, 61, "pipes", "depth: 61 m"},
		"empty":        {nil, 3, "pipes", "at least three corners; got 0"},
		"two corners":  {ring(0, 0, 10, 0, 0, 0), 3, "pipes", "at least three corners"},
		"a line":       {ring(0, 0, 10, 0, 20, 0), 3, "pipes", "no area"},
		"NaN":          {[]float64{lon0, lat0, math.NaN(), lat0, lon0, lat0 + 1}, 3, "pipes", "vertex 2 is at NaN"},
		"off earth":    {[]float64{190, 0, 191, 0, 190, 1}, 3, "pipes", "vertex 1 is at 190, 0"},
		"bowtie":       {ring(0, 0, 30, 20, 30, 0, 0, 40), 3, "pipes", "crosses or touches itself near 116.3"},
		"spike":        {ring(0, 0, 30, 0, 60, 0, 40, 0, 30, 30), 3, "pipes", "crosses or touches itself"},
		"touch":        {ring(0, 0, 40, 0, 40, 40, 20, 0, 0, 40), 3, "pipes", "crosses or touches itself"},
		"huge":         {rectangle(0, 0, 3000, 3000), 3, "pipes", "its area is 9.0"},
		"long":         {rectangle(0, 0, 30_000, 10), 3, "pipes", "from end to end"},
		"many":         {many, 3, "pipes", "10002 vertices, and a pit has at most 10000"},
		"no layer":     {good, 3, "moon", `there is no layer "moon" of pipes`},
		"not in earth": {good, 3, "buildings", `there is no layer "buildings" of pipes`},
	} {
		_, err := s.Excavate(t.Context(), tiles3d.ExcavationRequest{Ring: bad.ring, Depth: bad.depth, Layers: []layers.ID{bad.layer}})
		require.ErrorIs(t, err, layers.ErrInvalid, name)
		require.ErrorContains(t, err, bad.says, name)
	}
	x, err := s.Excavate(t.Context(), tiles3d.ExcavationRequest{Ring: many[:2*10_000], Depth: 60, Layers: []layers.ID{"pipes"}})
	require.NoError(t, err)
	require.Empty(t, x.Items)
}
