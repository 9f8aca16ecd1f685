package traffic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/testdata/city"
)

// lowerManhattan reads the demo city's streets there, once for all tests.
var lowerManhattan = sync.OnceValues(func() (*Roads, error) {
	b, err := city.ReadFile("new-york/streets.geojson")
	if err != nil {
		return nil, err
	}
	var streets []Street
	for line := range bytes.Lines(b) {
		// Most lines lie elsewhere; those are not worth decoding.
		if !bytes.Contains(line, []byte("[-74.0")) && !bytes.Contains(line, []byte("[-73.9")) || bytes.Contains(line, []byte(`"footway"`)) {
			continue
		}
		var f struct {
			ID         string
			Properties struct {
				Name, Class string
				Oneway      bool
				MaxSpeed    float64
			}
			Geometry struct{ Coordinates [][]float64 }
		}
		if err := json.Unmarshal(bytes.TrimRight(line, ",\n"), &f); err != nil {
			return nil, err
		}
		s := Street{ID: f.ID, Name: f.Properties.Name, Class: f.Properties.Class, Oneway: f.Properties.Oneway, MaxSpeed: f.Properties.MaxSpeed / 3.6}
		for _, p := range f.Geometry.Coordinates {
			s.XY = append(s.XY, p[0], p[1])
		}
		streets = append(streets, s)
	}
	return NewRoads(streets, func(lon, lat float64) bool { return lon > -74.02 && lon < -73.97 && lat > 40.70 && lat < 40.76 }), nil
})

func manhattan(t testing.TB) *Roads {
	t.Helper()
	r, err := lowerManhattan()
	require.NoError(t, err)
	return r
}

func TestRoadsLeadFromEverywhereToEverywhere(t *testing.T) {
	r := manhattan(t)
	require.Greater(t, len(r.stretches), 4000)
	require.Greater(t, r.Length(), 400_000.0)
	in := make([][]int32, len(r.out))
	for i := range r.stretches {
		s := &r.stretches[i]
		require.NotEmpty(t, r.out[s.to], "a way on from stretch %d", i)
		require.InDelta(t, 0, float64(len(s.along)-len(s.lonlat)/2), 0)
		in[s.to] = append(in[s.to], int32(i))
		if s.reverse >= 0 {
			back := &r.stretches[s.reverse]
			require.Equal(t, []int32{s.from, s.to}, []int32{back.to, back.from})
			require.False(t, r.streets[s.street].Oneway)
		}
	}
	reach := func(next func(n int32) []int32) int {
		start := r.stretches[0].from
		seen := map[int32]bool{start: true}
		for work := []int32{start}; len(work) > 0; {
			n := work[len(work)-1]
			work = work[:len(work)-1]
			for _, m := range next(n) {
				if !seen[m] {
					seen[m] = true
					work = append(work, m)
				}
			}
		}
		return len(seen)
	}
	forth := reach(func(n int32) (to []int32) {
		for _, i := range r.out[n] {
			to = append(to, r.stretches[i].to)
		}
		return to
	})
	back := reach(func(n int32) (from []int32) {
		for _, i := range in[n] {
			from = append(from, r.stretches[i].from)
		}
		return from
	})
	used := 0
	for n := range r.out {
		if len(r.out[n]) > 0 {
			used++
		}
	}
	require.Equal(t, []int{used, used}, []int{forth, back})
}

// TestVehiclesStayOnStreetsWithinTheirSpeed drives 300 vehicles for ten minutes.
func TestVehiclesStayOnStreetsWithinTheirSpeed(t *testing.T) {
	r := manhattan(t)
	f := NewFleet(r, 300, 7)
	type seen struct{ lon, lat float64 }
	last := make([]seen, f.Len())
	changed, stood, far := make(map[int]bool), 0, 0.0
	first := make([]string, f.Len())
	for s := range 600 {
		for i := range f.Len() {
			if s > 0 {
				f.Step(i, 1)
			}
			lon, lat, course, speed := f.Place(i)
			if away := r.distance(f.cars[i].stretch, lon, lat); speed < 0 || speed > MaxSpeed || course < 0 || course >= 360 || away > 0.05 {
				require.Failf(t, "not so", "vehicle %d: %g m/s, course %g, %g m from its street", i, speed, course, away)
			}
			if s > 0 {
				dx, dy := metres(last[i].lon, last[i].lat, lon, lat)
				if d := math.Hypot(dx, dy); d > MaxSpeed+1 {
					require.Failf(t, "not so", "vehicle %d: %g m in a second", i, d)
				}
				far += math.Hypot(dx, dy)
			}
			if speed == 0 {
				stood++
			}
			_, id := f.Street(i)
			if s == 0 {
				first[i] = id
			} else if id != first[i] {
				changed[i] = true
			}
			last[i] = seen{lon, lat}
		}
	}
	require.Greater(t, len(changed), 290, "vehicles that turned into another street")
	require.Greater(t, far/300/600, 2.0, "mean m/s")
	require.Less(t, far/300/600, 12.0, "mean m/s")
	require.True(t, stood > 300*600/50 && stood < 300*600*6/10, "%d of %d positions stand", stood, 300*600)
}

// distance is how far a position is from a stretch, metres.
func (r *Roads) distance(stretch int32, lon, lat float64) float64 {
	s := &r.stretches[stretch]
	best := math.Inf(1)
	for k := 0; k+3 < len(s.lonlat); k += 2 {
		ax, ay := metres(lon, lat, s.lonlat[k], s.lonlat[k+1])
		bx, by := metres(lon, lat, s.lonlat[k+2], s.lonlat[k+3])
		dx, dy := bx-ax, by-ay
		t := 0.0
		if l := dx*dx + dy*dy; l > 0 {
			t = max(0, min(1, -(ax*dx+ay*dy)/l))
		}
		best = min(best, math.Hypot(ax+t*dx, ay+t*dy))
	}
	return best
}

func TestFleetFollowsFromItsSeed(t *testing.T) {
	r := manhattan(t)
	drive := func(seed uint64) string {
		f := NewFleet(r, 50, seed)
		var b strings.Builder
		for s := range 120 {
			for i := range f.Len() {
				f.Step(i, 1)
				if s == 119 {
					lon, lat, course, speed := f.Place(i)
					fmt.Fprintf(&b, "%.9f %.9f %g %g %s\n", lon, lat, course, speed, f.Kind(i))
				}
			}
		}
		return b.String()
	}
	require.Equal(t, drive(1), drive(1))
	require.NotEqual(t, drive(1), drive(2))
}

func TestOnewayAndDeadEnds(t *testing.T) {
	// A square of one-way streets, a two-way street that leads to a dead end, and
	// a one-way street that leads away for good.
	at := func(x, y float64) []float64 { return []float64{-74 + x/85_000, 40.7 + y/111_000} }
	line := func(points ...[]float64) (xy []float64) {
		for _, p := range points {
			xy = append(xy, p...)
		}
		return xy
	}
	a, b, c, d, e, g := at(0, 0), at(200, 0), at(200, 200), at(0, 200), at(-150, 0), at(400, 0)
	r := NewRoads([]Street{
		{ID: "ring", Class: "residential", Oneway: true, XY: line(a, b, c, d, a)},
		{ID: "cul-de-sac", Class: "residential", XY: line(a, e)},
		{ID: "away", Class: "primary", Oneway: true, XY: line(b, g)},
		{ID: "path", Class: "footway", XY: line(c, g)},
	}, nil)
	f := NewFleet(r, 20, 3)
	visited := make(map[string]bool)
	for range 900 {
		for i := range f.Len() {
			before := f.cars[i].stretch
			f.Step(i, 1)
			_, id := f.Street(i)
			visited[id] = true
			s := &r.stretches[f.cars[i].stretch]
			if f.cars[i].stretch != before && r.streets[s.street].ID == "ring" {
				require.Equal(t, int32(-1), s.reverse)
			}
		}
	}
	require.Equal(t, map[string]bool{"ring": true, "cul-de-sac": true}, visited)
	require.Zero(t, NewFleet(NewRoads(nil, nil), 5, 1).Len(), "no roads, no vehicles")
}

func BenchmarkStep(b *testing.B) {
	f := NewFleet(manhattan(b), 5000, 1)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		f.Step(i%5000, 1)
	}
}
