package mvt

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/district"
	"twind/layers/snapshot"
	"twind/spatial/tile"
)

// cpuTime is the processor time that this process has used, its collector and the
// kernel included: their sum is exact, how much of it is whose is guessed by ticks.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCity encodes an eighth of the generated million, as dense as the whole:
// the processor time of a tile, search included, is the best of many turns, since
// what else the machine does only adds to it: with the drawings that it keeps, and
// without. BenchmarkScale compares with others.
func BenchmarkCity(b *testing.B) {
	city := district.Scale{Buildings: 125_000, Streets: 25_000, Points: 37_500, Side: 10_607}
	list := district.ScaleLayers()
	var drawers []*drawer
	for i := range list {
		drawers = append(drawers, newDrawer(b, &list[i], city.Features(list[i].ID)))
	}
	for i := range list {
		kept := newDrawings(b, 64<<20)
		for _, zoom := range []struct {
			z     uint8
			tiles int
		}{{14, 6}, {16, 48}} {
			ids := busyTiles(&drawers[i].view, zoom.z, zoom.tiles)
			for _, drawings := range []struct {
				name string
				kept *Drawings
			}{{"kept", kept}, {"anew", nil}} {
				drawers[i].encoder.drawings = drawings.kept
				b.Run(fmt.Sprintf("%s/z%d/%s", list[i].ID, zoom.z, drawings.name), func(b *testing.B) { encodeInTurns(b, drawers[i], ids) })
			}
		}
	}
}

// busyTiles draws n tiles by lot, those with more features more often.
func busyTiles(v *snapshot.SegmentView, z uint8, n int) (ids []tile.ID) {
	rng := rand.New(rand.NewPCG(7, uint64(z)))
	for len(ids) < n {
		x, y := v.Envelope(rng.IntN(v.N)).Center()
		if id := tile.Of(x, y, z); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func encodeInTurns(b *testing.B, d *drawer, ids []tile.ID) {
	best := time.Duration(1 << 62)
	features, bytes := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		begin, rounds := cpuTime(b), 0
		for ; rounds == 0 || cpuTime(b)-begin < 10*time.Millisecond; rounds++ {
			features, bytes = 0, 0
			for _, id := range ids {
				stats := d.draw(id)
				features, bytes = features+stats.Features, bytes+len(d.buf)
			}
		}
		best = min(best, (cpuTime(b)-begin)/time.Duration(rounds*len(ids)))
	}
	b.ReportMetric(float64(best.Nanoseconds())/1e3, "cpu-µs/tile")
	b.ReportMetric(float64(features)/float64(len(ids)), "features/tile")
	b.ReportMetric(float64(bytes)/float64(len(ids)), "bytes/tile")
}
