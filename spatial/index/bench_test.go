package index

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/quadtree"
	"github.com/tidwall/rtree"

	"twind/spatial/tile"
)

// cityBoxes is n boxes of 10 to 40 m in a city of 60 km, in Hilbert order.
func cityBoxes(n int) []tile.WorldBox {
	rng := rand.New(rand.NewPCG(1, 2))
	boxes := make([]tile.WorldBox, n)
	const city, origin = 60000 * 140, 1 << 31 // about 140 units a metre
	for i := range boxes {
		x, y := origin+rng.Uint32N(city), origin+rng.Uint32N(city)
		boxes[i] = tile.WorldBox{MinX: x, MinY: y, MaxX: x + 1400 + rng.Uint32N(4200), MaxY: y + 1400 + rng.Uint32N(4200)}
	}
	order, _ := Order(boxes)
	sorted := make([]tile.WorldBox, n)
	for k, i := range order {
		sorted[k] = boxes[i]
	}
	return sorted
}

func windows(boxes []tile.WorldBox, size uint32) []tile.WorldBox {
	rng := rand.New(rand.NewPCG(3, 4))
	ws := make([]tile.WorldBox, 1024)
	for i := range ws {
		b := boxes[rng.IntN(len(boxes))]
		ws[i] = tile.WorldBox{MinX: b.MinX, MinY: b.MinY, MaxX: b.MinX + size, MaxY: b.MinY + size}
	}
	return ws
}

const million = 1000000

// BenchmarkSearch finds the boxes in a window (a tile of zoom 16) among a million:
// packed, in tidwall/rtree over the same boxes, and in orb's quadtree over their
// centres. "x" is how many times longer the other takes than packed in this run.
func BenchmarkSearch(b *testing.B) {
	boxes := cityBoxes(million)
	ws := windows(boxes, 1<<16)
	packed, err := NewPacked(boxes, Pack(boxes))
	if err != nil {
		b.Fatal(err)
	}
	var perSearch time.Duration
	b.Run("packed", func(b *testing.B) {
		b.ReportAllocs()
		dst := make([]uint32, 0, 4096)
		hits, start := 0, time.Now()
		for i := range b.N {
			dst = packed.Search(ws[i%len(ws)], dst[:0])
			hits += len(dst)
		}
		perSearch = time.Since(start) / time.Duration(b.N)
		b.ReportMetric(float64(hits)/float64(b.N), "hits/op")
	})
	other := func(name string, search func(w tile.WorldBox) int) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			hits, start := 0, time.Now()
			for i := range b.N {
				hits += search(ws[i%len(ws)])
			}
			b.ReportMetric(float64(hits)/float64(b.N), "hits/op")
			b.ReportMetric(float64(time.Since(start)/time.Duration(b.N))/float64(perSearch), "x")
		})
	}
	var tree rtree.RTreeG[uint32]
	for i, box := range boxes {
		lo, hi := corners(box)
		tree.Insert(lo, hi, uint32(i))
	}
	dst := make([]uint32, 0, 4096)
	other("tidwall", func(w tile.WorldBox) int {
		lo, hi := corners(w)
		dst = dst[:0]
		tree.Search(lo, hi, func(_, _ [2]float64, i uint32) bool { dst = append(dst, i); return true })
		return len(dst)
	})
	bounds := orb.Bound{Min: orb.Point{0, 0}, Max: orb.Point{1 << 32, 1 << 32}}
	quad := quadtree.New(bounds)
	for _, box := range boxes {
		if err := quad.Add(orb.Point{float64(box.MinX)/2 + float64(box.MaxX)/2, float64(box.MinY)/2 + float64(box.MaxY)/2}); err != nil {
			b.Fatal(err)
		}
	}
	var points []orb.Pointer
	other("orb", func(w tile.WorldBox) int {
		points = quad.InBound(points[:0], orb.Bound{Min: orb.Point{float64(w.MinX), float64(w.MinY)}, Max: orb.Point{float64(w.MaxX), float64(w.MaxY)}})
		return len(points)
	})
}

// BenchmarkBuild orders and packs a million boxes.
func BenchmarkBuild(b *testing.B) {
	boxes := cityBoxes(million)
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(boxes), func(i, j int) { boxes[i], boxes[j] = boxes[j], boxes[i] })
	b.Run("order", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			Order(boxes)
		}
	})
	b.Run("pack", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			Pack(boxes)
		}
	})
}

// BenchmarkDynamicPublish inserts one box into 10,000 and copies the tree, as
// each published edit does.
func BenchmarkDynamicPublish(b *testing.B) {
	boxes := cityBoxes(10000)
	var d Dynamic
	for i, box := range boxes {
		d.Insert(box, uint32(i))
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		k := i % len(boxes)
		d.Delete(boxes[k], uint32(k))
		d.Insert(boxes[k], uint32(k))
		d.Copy()
	}
}

// BenchmarkNearby finds the ten nearest of a million.
func BenchmarkNearby(b *testing.B) {
	boxes := cityBoxes(million)
	packed, err := NewPacked(boxes, Pack(boxes))
	if err != nil {
		b.Fatal(err)
	}
	ws := windows(boxes, 1)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		w := ws[i%len(ws)]
		n := 0
		packed.Nearby(plane{float64(w.MinX), float64(w.MinY), boxes, nil}, 1e18, func(uint32, float64) bool { n++; return n < 10 })
	}
}
