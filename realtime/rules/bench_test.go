package rules_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/realtime"
	"twind/spatial/geodesic"
)

// fleet makes 1,000 fences over 60 × 60 km, of which entities meet one in about
// ten positions, and the positions of 10,000 entities in two places, one second
// apart, both within the same fences.
func fleet(tb testing.TB, count int) (p *place, batches [2][]realtime.Believed, fences [][3]float64) {
	p = open(tb, nil)
	r := rand.New(rand.NewPCG(1, 2))
	lon0, lat0, side := 113.0, 23.0, 0.55
	for i := range count {
		f := [3]float64{lon0 + r.Float64()*side, lat0 + r.Float64()*side, 100 + 500*r.Float64()}
		fences = append(fences, f)
		area := fmt.Sprintf(`{"circle":{"center":[%v,%v],"radius":%v}}`, f[0], f[1], f[2])
		if i%2 == 1 { // a polygon of 33 vertices
			ring := ""
			for k := range 33 {
				sin, cos := math.Sincos(float64(k%32) / 32 * 2 * math.Pi)
				ring += fmt.Sprintf(",[%.7f,%.7f]", f[0]+cos*f[2]/102_000, f[1]+sin*f[2]/110_800)
			}
			area = `{"polygon":{"type":"Polygon","coordinates":[[` + ring[1:] + `]]}}`
		}
		p.put(fmt.Sprint("f", i), `{"kind":"fence","quiet":true,"layer":"vehicles","area":`+area+`,"margin":50}`)
	}
	for range 10_000 {
		b := realtime.Believed{ID: fmt.Sprint("v", len(batches[0])), Lon: lon0 + r.Float64()*side, Lat: lat0 + r.Float64()*side, Speed: 12}
		batches[0] = append(batches[0], b)
		batches[1] = append(batches[1], b)
	}
	return p, batches, fences
}

func pass(p *place, batch []realtime.Believed, second int) {
	ms := noon.UnixMilli() + int64(second)*1000
	for i := range batch {
		batch[i].Time, batch[i].Received = ms, ms
	}
	p.rules.Positions("vehicles", batch)
}

// BenchmarkRulesPositions evaluates positions with 1,000 fences: positions a
// second, and how many times faster that is than measuring the distance from
// each to the centre of each fence.
func BenchmarkRulesPositions(b *testing.B) {
	p, batches, fences := fleet(b, 1000)
	for s := range 4 { // everybody has entered
		pass(p, batches[s%2], s)
		p.settle()
	}
	began := time.Now()
	const few = 200
	near := 0
	for i := range few {
		for _, f := range fences {
			if geodesic.Distance(batches[0][i].Lon, batches[0][i].Lat, f[0], f[1]) < f[2] {
				near++
			}
		}
	}
	each := time.Since(began).Seconds() / few
	b.ReportAllocs()
	b.ResetTimer()
	n := 0
	for b.Loop() {
		pass(p, batches[n%2], 4+n)
		n++
	}
	seconds := b.Elapsed().Seconds() / float64(n*len(batches[0]))
	b.ReportMetric(1/seconds, "positions/s")
	b.ReportMetric(each/seconds, "xBruteForce")
	require.NotZero(b, near)
}

// TestPositionsAllocateNothing holds where no outcome comes.
func TestPositionsAllocateNothing(t *testing.T) {
	p, batches, _ := fleet(t, 50)
	p.put("slow", `{"kind":"threshold","quiet":true,"source":"positions","layer":"vehicles","property":"speed","above":50}`)
	second := 0
	for range 4 {
		pass(p, batches[second%2], second)
		p.settle()
		second++
	}
	require.NotEmpty(t, p.events())
	least := math.Inf(1)
	for try := 0; try < 20 && least > 0; try++ { // a checkpoint that is written meanwhile counts too
		least = min(least, testing.AllocsPerRun(5, func() {
			pass(p, batches[second%2], second)
			second++
		}))
	}
	require.Zero(t, least)
}
