package index

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial/tile"
)

// randomBoxes makes n boxes of very different sizes, in Hilbert order.
func randomBoxes(rng *rand.Rand, n int) []tile.WorldBox {
	boxes := make([]tile.WorldBox, n)
	for i := range boxes {
		x, y := rng.Uint32(), rng.Uint32()
		s := uint32(1) << rng.IntN(32)
		boxes[i] = tile.WorldBox{MinX: x, MinY: y, MaxX: grow(x, rng.Uint32N(s)), MaxY: grow(y, rng.Uint32N(s))}
	}
	order, located := Order(boxes)
	sorted := make([]tile.WorldBox, located)
	for k, i := range order {
		sorted[k] = boxes[i]
	}
	return sorted
}

func grow(v, d uint32) uint32 {
	if v > math.MaxUint32-d {
		return math.MaxUint32
	}
	return v + d
}

func brute(boxes []tile.WorldBox, box tile.WorldBox) []uint32 {
	var found []uint32
	for i, b := range boxes {
		if b.MinX <= box.MaxX && b.MaxX >= box.MinX && b.MinY <= box.MaxY && b.MaxY >= box.MinY {
			found = append(found, uint32(i))
		}
	}
	return found
}

func queries(rng *rand.Rand, boxes []tile.WorldBox, n int) []tile.WorldBox {
	qs := []tile.WorldBox{{MaxX: math.MaxUint32, MaxY: math.MaxUint32}, {}, {MinX: math.MaxUint32, MinY: math.MaxUint32, MaxX: math.MaxUint32, MaxY: math.MaxUint32}}
	for range n {
		qs = append(qs, randomBoxes(rng, 1)[0])
		if len(boxes) > 0 { // touching a border exactly
			b := boxes[rng.IntN(len(boxes))]
			qs = append(qs, b, tile.WorldBox{MinX: b.MaxX, MinY: b.MaxY, MaxX: b.MaxX, MaxY: b.MaxY})
		}
	}
	return qs
}

func TestSearchEqualsBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 15, 16, 17, 255, 256, 257, 4096, 4097, 9000} {
		boxes := randomBoxes(rng, n)
		packed, err := NewPacked(boxes, Pack(boxes))
		require.NoError(t, err)
		var dynamic Dynamic
		for i, b := range boxes {
			dynamic.Insert(b, uint32(i))
		}
		for _, q := range queries(rng, boxes, 60) {
			want := brute(boxes, q)
			require.True(t, slices.Equal(want, packed.Search(q, nil)), "%d boxes, %v", n, q)
			require.Equal(t, append([]uint32{7}, want...), dynamic.Search(q, []uint32{7}))
			var walked []uint32
			packed.Walk(func(b tile.WorldBox) bool { return b.Intersects(q) }, func(i uint32) bool {
				walked = append(walked, i)
				return true
			})
			require.Equal(t, want, walked)
		}
	}
}

func TestWalkStops(t *testing.T) {
	boxes := randomBoxes(rand.New(rand.NewPCG(3, 3)), 1000)
	packed, err := NewPacked(boxes, Pack(boxes))
	require.NoError(t, err)
	n := 0
	packed.Walk(func(tile.WorldBox) bool { return true }, func(uint32) bool { n++; return n < 10 })
	require.Equal(t, 10, n)
}

func TestNewPackedRefusesWrongNumbers(t *testing.T) {
	boxes := randomBoxes(rand.New(rand.NewPCG(3, 3)), 100)
	_, err := NewPacked(boxes, Pack(boxes)[1:])
	require.EqualError(t, err, "index: 7 nodes over 100 leaves, expected 8")
}

// plane is a metric of squared distances in world units, for tests.
type plane struct {
	x, y  float64
	boxes []tile.WorldBox
	skip  map[uint32]bool
}

func (p plane) Bound(b tile.WorldBox) float64 {
	dx := max(0, float64(b.MinX)-p.x, p.x-float64(b.MaxX))
	dy := max(0, float64(b.MinY)-p.y, p.y-float64(b.MaxY))
	return dx*dx + dy*dy
}

// Distance is to the box's centre, so that it differs from the bound.
func (p plane) Distance(i uint32) float64 {
	if p.skip[i] {
		return math.Inf(1)
	}
	b := p.boxes[i]
	dx, dy := (float64(b.MinX)+float64(b.MaxX))/2-p.x, (float64(b.MinY)+float64(b.MaxY))/2-p.y
	return dx*dx + dy*dy
}

func TestNearbyEqualsBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	for _, n := range []int{0, 1, 16, 300, 5000} {
		boxes := randomBoxes(rng, n)
		packed, err := NewPacked(boxes, Pack(boxes))
		require.NoError(t, err)
		var dynamic Dynamic
		for i, b := range boxes {
			dynamic.Insert(b, uint32(i))
		}
		for range 50 {
			m := plane{float64(rng.Uint32()), float64(rng.Uint32()), boxes, map[uint32]bool{}}
			for range n / 10 {
				m.skip[rng.Uint32N(uint32(n))] = true
			}
			limit := math.Inf(1)
			if rng.IntN(2) == 0 {
				limit = math.Pow(float64(rng.Uint32()), 2)
			}
			var want []float64
			for i := range boxes {
				if d := m.Distance(uint32(i)); d <= limit && !math.IsInf(d, 1) {
					want = append(want, d)
				}
			}
			slices.Sort(want)
			k := min(20, len(want))
			for _, nearby := range []func(Metric, float64, func(uint32, float64) bool){packed.Nearby, dynamic.Nearby} {
				var got []float64
				nearby(m, limit, func(i uint32, d float64) bool {
					if math.IsInf(d, 1) {
						return false
					}
					require.Equal(t, m.Distance(i), d)
					got = append(got, d)
					return len(got) < k
				})
				require.Equal(t, want[:k], got[:min(k, len(got))])
			}
		}
	}
}

// A copy stays as it was while the original goes on.
func TestDynamicCopyIsIndependent(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	boxes := randomBoxes(rng, 2000)
	var d Dynamic
	for i := range 1000 {
		d.Insert(boxes[i], uint32(i))
	}
	c := d.Copy()
	for i := range 500 {
		d.Delete(boxes[i], uint32(i))
	}
	for i := 1000; i < 2000; i++ {
		d.Insert(boxes[i], uint32(i))
	}
	all := tile.WorldBox{MaxX: math.MaxUint32, MaxY: math.MaxUint32}
	require.Equal(t, brute(boxes[:1000], all), c.Search(all, nil))
	require.Len(t, d.Search(all, nil), 1500)
	require.Equal(t, 1500, d.Len())
}

func TestSearchDoesNotAllocate(t *testing.T) {
	boxes := randomBoxes(rand.New(rand.NewPCG(1, 1)), 10000)
	packed, err := NewPacked(boxes, Pack(boxes))
	require.NoError(t, err)
	dst := make([]uint32, 0, len(boxes))
	require.Zero(t, testing.AllocsPerRun(10, func() { dst = packed.Search(boxes[17], dst[:0]) }))
}

// Whatever the boxes and nodes hold, searching ends and does not panic; with true
// nodes it equals brute force.
func FuzzPacked(f *testing.F) {
	f.Add([]byte("0123456789abcdef0123456789abcdefQQQQWWWWEEEERRRR"), uint32(0), uint32(0), uint32(1<<31), uint32(1<<31), false)
	f.Fuzz(func(t *testing.T, data []byte, x0, y0, x1, y1 uint32, lie bool) {
		var boxes []tile.WorldBox
		for ; len(data) >= 16; data = data[16:] {
			at := func(i int) uint32 {
				return uint32(data[i]) | uint32(data[i+1])<<8 | uint32(data[i+2])<<16 | uint32(data[i+3])<<24
			}
			b := tile.WorldBox{MinX: min(at(0), at(8)), MinY: min(at(4), at(12)), MaxX: max(at(0), at(8)), MaxY: max(at(4), at(12))}
			boxes = append(boxes, b)
		}
		nodes := Pack(boxes)
		if lie {
			for i := range nodes {
				nodes[i] = tile.WorldBox{MinX: x1, MinY: y1, MaxX: x0, MaxY: y0}
			}
		}
		p, err := NewPacked(boxes, nodes)
		if err != nil {
			t.Fatal(err)
		}
		q := tile.WorldBox{MinX: min(x0, x1), MinY: min(y0, y1), MaxX: max(x0, x1), MaxY: max(y0, y1)}
		got := p.Search(q, nil)
		if !lie && !slices.Equal(got, brute(boxes, q)) {
			t.Fatalf("%v of %v: %v", q, boxes, got)
		}
	})
}
