package district_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/district"
	"twind/layers"
	"twind/spatial"
)

// made is a district read whole, with ways to ask for properties by name.
type made struct {
	d        *district.District
	layers   map[layers.ID]*layers.Layer
	features map[layers.ID][]*layers.Feature
}

func makeDistrict(t testing.TB, o district.Options) *made {
	t.Helper()
	d, err := district.New(o)
	require.NoError(t, err)
	m := &made{d, make(map[layers.ID]*layers.Layer), make(map[layers.ID][]*layers.Feature)}
	for _, l := range district.Layers() {
		m.layers[l.ID] = &l
		m.features[l.ID] = slices.Collect(d.Features(l.ID))
		require.Equal(t, int64(len(m.features[l.ID])), d.Count(l.ID))
	}
	return m
}

// get is a function that reads a property of a layer's features.
func (m *made) get(id layers.ID, name string) func(*layers.Feature) layers.Value {
	i := m.layers[id].PropertyIndex(name)
	if i < 0 {
		panic(fmt.Sprintf("%s has no %s", id, name))
	}
	return func(f *layers.Feature) layers.Value { return f.Properties[i] }
}

// metres are the coordinates of a geometry in metres from the district's centre,
// near enough for tests of distances.
func metres(g spatial.Geometry) []float64 {
	const mLon, mLat = 98_180.0, 110_850.0
	out := make([]float64, len(g.XY))
	for i := 0; i < len(g.XY); i += 2 {
		out[i], out[i+1] = (g.XY[i]-district.Lon)*mLon, (g.XY[i+1]-district.Lat)*mLat
	}
	return out
}

func (m *made) hash() [32]byte {
	h := sha256.New()
	for _, l := range district.Layers() {
		for _, f := range m.features[l.ID] {
			fmt.Fprintf(h, "%s %s %d %v %v", l.ID, f.ID, f.Geometry.Type, f.Geometry.Ends, f.Properties)
			_ = binary.Write(h, binary.LittleEndian, f.Geometry.XY)
			_ = binary.Write(h, binary.LittleEndian, f.Geometry.Z)
		}
	}
	return [32]byte(h.Sum(nil))
}

func TestTheSameSeedMakesTheSameBytes(t *testing.T) {
	small := district.Options{Seed: 5, Width: 1200, Height: 1100}
	first := makeDistrict(t, small).hash()
	require.Equal(t, first, makeDistrict(t, small).hash())
	small.Seed = 6
	require.NotEqual(t, first, makeDistrict(t, small).hash())
	small.Seed, small.Width = 5, 1201
	require.NotEqual(t, first, makeDistrict(t, small).hash())
}

func TestFeaturesFitTheirLayersAtEverySize(t *testing.T) {
	for _, o := range []district.Options{{}, {Width: 1000, Height: 1000}, {Seed: 3, Width: 4700, Height: 1300}, {Seed: 4, Lon: -70.5, Lat: -33.4, Width: 1500, Height: 2500}} {
		m := makeDistrict(t, o)
		for id, l := range m.layers {
			require.NoError(t, l.Validate())
			require.Equal(t, layers.Generated, l.Provenance)
			seen := make(map[string]bool)
			for _, f := range m.features[id] {
				err := layers.CheckFeature(l, f)
				check(t, err == nil && l.HasZ == f.Geometry.HasZ(), "%s %s: %v", id, f.ID, err)
				check(t, !seen[f.ID], "%s %s twice", id, f.ID)
				seen[f.ID] = true
			}
			require.NotEmpty(t, seen, id)
			for _, p := range l.Schema {
				require.NotEmpty(t, p.Title.ZH, p.Name)
				require.NotEmpty(t, p.Title.EN, p.Name)
			}
		}
	}
}

func TestTheDefaultDistrict(t *testing.T) {
	m := makeDistrict(t, district.Options{})
	for id, between := range map[layers.ID][2]int{
		district.Streets: {250, 600}, district.Blocks: {100, 300}, district.Buildings: {2000, 4000}, district.Pipes: {10_000, 25_000},
		district.Nodes: {10_000, 25_000}, district.Parts: {15_000, 35_000}, district.Cells: {600, 1200},
	} {
		n := len(m.features[id])
		require.True(t, n >= between[0] && n <= between[1], "%d features in %s", n, id)
	}
	count := func(id layers.ID, name string) map[string]int {
		get, out := m.get(id, name), make(map[string]int)
		for _, f := range m.features[id] {
			out[get(f).Text()]++
		}
		return out
	}
	kinds := count(district.Pipes, "kind")
	require.Len(t, kinds, 8)
	for _, k := range []string{"JS", "PS", "RQ", "RL", "DL", "TX", "GY", "QT"} {
		require.Positive(t, kinds[k], k)
	}
	require.Len(t, count(district.Streets, "class"), 3)
	require.Len(t, count(district.Blocks, "usage"), 9)
	require.GreaterOrEqual(t, len(count(district.Parts, "class_code")), 20)
	require.Len(t, count(district.Parts, "state"), 4)
	ground := m.get(district.Nodes, "ground_elevation")
	low, high := math.Inf(1), math.Inf(-1)
	for _, f := range m.features[district.Nodes] {
		low, high = min(low, ground(f).Float()), max(high, ground(f).Float())
	}
	require.True(t, low > 40 && low < 46 && high > 55 && high < 60, "ground from %g to %g m", low, high)
	e := spatial.EmptyEnvelope()
	for _, f := range m.features[district.Cells] {
		e = e.Union(f.Geometry.Envelope())
	}
	x, y := e.Center()
	require.InDelta(t, district.Lon, x, 1e-4)
	require.InDelta(t, district.Lat, y, 1e-4)
}

func TestOptionsRefuse(t *testing.T) {
	for name, o := range map[string]district.Options{
		"too small": {Width: 500}, "too large": {Height: 1e6}, "not a number": {Width: math.NaN()}, "at the pole": {Lon: 10, Lat: 89},
	} {
		_, err := district.New(o)
		require.ErrorIs(t, err, layers.ErrInvalid, name)
	}
}

func BenchmarkDistrict(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		d, err := district.New(district.Options{})
		if err != nil {
			b.Fatal(err)
		}
		for _, l := range district.Layers() {
			for range d.Features(l.ID) { //nolint:revive // counting is not the point
			}
		}
	}
}
