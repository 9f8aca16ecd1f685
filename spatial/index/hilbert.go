package index

import (
	"slices"

	"twind/spatial/tile"
)

// Hilbert is the place of a world position on the Hilbert curve that fills the
// world, 64 bits deep: positions near on the curve are near in the world.
func Hilbert(x, y uint32) uint64 {
	var d uint64
	state := uint8(0)
	for shift := 30; shift >= 0; shift -= 2 {
		// Two levels a step: the table maps (state, 2 bits of x, 2 bits of y) to 4 bits and a state.
		e := hilbertTable[state<<4|uint8(x>>shift&3)<<2|uint8(y>>shift&3)]
		d = d<<4 | uint64(e&15)
		state = e >> 4
	}
	return d
}

// The curve has four orientations: swap exchanges x and y, flip mirrors both.
// Within an orientation the quadrants are visited in the order (0,0) (0,1) (1,1)
// (1,0) of (x,y) and the first and the last of them are turned.
var hilbertTable = func() (table [64]uint8) {
	step := func(swap, flip bool, x, y uint8) (d uint8, s, f bool) {
		if swap {
			x, y = y, x
		}
		if flip {
			x, y = 1-x, 1-y
		}
		d = x<<1 | (x ^ y)
		if y == 0 {
			// Quadrants 0 and 3 are reflected at the diagonals.
			return d, !swap, flip != (x == 1)
		}
		return d, swap, flip
	}
	for state := range uint8(4) {
		for x := range uint8(4) {
			for y := range uint8(4) {
				d1, s, f := step(state&1 != 0, state&2 != 0, x>>1, y>>1)
				d2, s, f := step(s, f, x&1, y&1)
				next := uint8(0)
				if s {
					next |= 1
				}
				if f {
					next |= 2
				}
				table[state<<4|x<<2|y] = next<<4 | d1<<2 | d2
			}
		}
	}
	return table
}()

// Order is the permutation that sorts boxes along the Hilbert curve by their
// centres; empty boxes (MinX > MaxX) come last, and equals keep their order.
// located counts the boxes that are not empty.
func Order(boxes []tile.WorldBox) (order []uint32, located int) {
	type key struct {
		d uint64
		i uint32
	}
	keys := make([]key, len(boxes))
	end := len(boxes)
	for i, b := range boxes {
		if b.MinX > b.MaxX {
			continue
		}
		x, y := b.MinX+(b.MaxX-b.MinX)/2, b.MinY+(b.MaxY-b.MinY)/2
		keys[located] = key{Hilbert(x, y), uint32(i)}
		located++
	}
	slices.SortFunc(keys[:located], func(a, b key) int {
		switch {
		case a.d < b.d:
			return -1
		case a.d > b.d:
			return 1
		}
		return int(a.i) - int(b.i)
	})
	order = make([]uint32, 0, end)
	for _, k := range keys[:located] {
		order = append(order, k.i)
	}
	for i, b := range boxes {
		if b.MinX > b.MaxX {
			order = append(order, uint32(i))
		}
	}
	return order, located
}
