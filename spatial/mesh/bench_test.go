package mesh

import (
	"bytes"
	"encoding/json"
	"math"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkTriangulate triangulates every polygon of the fixtures, a coastline
// of 100,000 vertices and a ring of 20,000 that are all spikes, beside Mapbox's earcut under node (ratio: how
// many times faster this is; absent where node or its module is).
func BenchmarkTriangulate(b *testing.B) {
	big := polygon{xy: coast(100_000, 3), ends: []int32{100_000}}
	spikes := polygon{xy: ragged(20_000, 3), ends: []int32{20_000}}
	for name, list := range map[string][]polygon{"fixtures": torture(b), "coast": {big}, "spikes": {spikes}} {
		b.Run(name, func(b *testing.B) {
			var tri Triangulator
			var dst []uint32
			vertices := 0
			for i := range list {
				vertices += len(list[i].xy) / 2
				dst, _ = tri.Triangulate(dst[:0], list[i].xy, list[i].ends)
			}
			b.ReportAllocs()
			spent := cpu()
			for b.Loop() {
				for i := range list {
					dst, _ = tri.Triangulate(dst[:0], list[i].xy, list[i].ends)
				}
			}
			perRun := float64(spent().Nanoseconds()) / float64(b.N)
			b.ReportMetric(perRun/float64(vertices), "cpu-ns/vertex")
			if peer := earcutNanoseconds(list); peer > 0 {
				b.ReportMetric(peer/perRun, "×earcut.js")
			}
		})
	}
}

// cpu starts a clock of this process's CPU time.
func cpu() func() time.Duration {
	now := func() time.Duration {
		var u syscall.Rusage
		if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
			return 0
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	start := now()
	return func() time.Duration { return now() - start }
}

// earcutNanoseconds is the time that earcut takes under node, or 0 without it.
func earcutNanoseconds(list []polygon) float64 {
	var in bytes.Buffer
	for _, p := range list {
		var rings [][][2]float64
		from := int32(0)
		for _, to := range p.ends {
			ring := [][2]float64{}
			for i := from; i < to; i++ {
				ring = append(ring, [2]float64(p.xy[2*i:2*i+2]))
			}
			rings = append(rings, ring)
			from = to
		}
		line, err := json.Marshal(rings)
		if err != nil {
			return 0
		}
		in.Write(append(line, '\n'))
	}
	cmd := exec.Command("node", filepath.Join("..", "..", "test", "judges", "earcut.mjs"))
	cmd.Stdin = &in
	out, err := cmd.Output()
	var result struct{ NS float64 }
	if err != nil || json.Unmarshal(out, &result) != nil {
		return 0
	}
	return result.NS
}

// BenchmarkExtrude makes prisms of L-shaped houses.
func BenchmarkExtrude(b *testing.B) {
	for name, columns := range map[string]Columns{"normals": WithNormals | WithFeatures, "shared": WithFeatures} {
		b.Run(name, func(b *testing.B) {
			var e Extruder
			m := Mesh{Columns: columns}
			s := Solid{XY: []float64{0, 0, 20, 0, 20, 8, 9, 8, 9, 15, 0, 15, 0, 0}, Ends: []int32{7}, Top: 12, Eaves: math.NaN()}
			b.ReportAllocs()
			spent := cpu()
			for b.Loop() {
				m.Reset()
				for range 100 {
					e.Extrude(Sinks{Roof: &m, Wall: &m}, &s)
				}
			}
			b.ReportMetric(100*float64(b.N)/spent().Seconds(), "buildings/cpu-s")
		})
	}
}

// BenchmarkLoft lofts pipes of three bends, BenchmarkTubes makes instances.
func BenchmarkLoft(b *testing.B) {
	path := []float64{0, 0, -2, 20, 1, -2.1, 24, 18, -2.3, 50, 30, -2.5, 90, 31, -3}
	l := Lofter{Sides: 8, Caps: true}
	m := Mesh{Columns: WithNormals | WithFeatures}
	b.ReportAllocs()
	for b.Loop() {
		m.Reset()
		if l.Loft(&m, path, Section{Width: 0.3}) != OK {
			b.Fatal("not lofted")
		}
	}
}

func BenchmarkTubes(b *testing.B) {
	path := []float64{0, 0, -2, 20, 1, -2.1, 24, 18, -2.3, 50, 30, -2.5, 90, 31, -3}
	var t Tubes
	b.ReportAllocs()
	for b.Loop() {
		t.Reset()
		if t.Append(path, Section{Width: 0.3}, 0) != OK {
			b.Fatal("not drawn")
		}
	}
}

// In the steady state nothing is allocated.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	var e Extruder
	var l Lofter
	var tubes Tubes
	var p Planar
	m := Mesh{Columns: WithNormals | WithFeatures | WithColors}
	house := Solid{XY: []float64{0, 0, 20, 0, 20, 8, 0, 8, 3, 3, 5, 3, 5, 5, 3, 5}, Ends: []int32{4, 8}, Top: 12}
	gabled := Solid{XY: house.XY[:8], Ends: house.Ends[:1], Top: 12, Eaves: 8, Roof: Gabled}
	tower := Solid{XY: coast(300, 1), Ends: []int32{300}, Top: 12}
	wall := []float64{0, 0, 0, 4, 0, 0, 4, 0, 3, 0, 0, 3}
	path := []float64{0, 0, -2, 20, 1, -2.1, 24, 18, -2.3, 24, 18, 5}
	all := func() {
		m.Reset()
		tubes.Reset()
		for _, s := range [...]*Solid{&house, &gabled, &tower} {
			e.Extrude(Sinks{&m, &m, &m}, s)
		}
		p.Surface(&m, wall, []int32{4})
		l.Loft(&m, path, Section{Width: 0.3})
		l.Loft(&m, path, Section{Kind: Rectangular, Width: 1, Height: 2})
		tubes.Append(path, Section{Width: 0.3}, 3)
	}
	all()
	require.Zero(t, testing.AllocsPerRun(20, all))
}
