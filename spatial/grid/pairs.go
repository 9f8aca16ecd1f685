package grid

import "slices"

// edge is a segment between two positions.
type edge struct{ ax, ay, bx, by int32 }

// pairFinder lists the pairs of edges whose envelopes meet. It cuts the plane
// into horizontal strips and sorts the edges of each by their western end.
type pairFinder struct {
	keys []uint64 // strip, west (24 bits), number
}

const (
	maxStrips = 256
	westBits  = 24
)

// each calls yield with i ≠ j for each pair of edges whose envelopes meet, at
// least once, until yield returns false. It gives up, and reports false, after
// comparing more than budget pairs. Ordinates differ by less than MaxExtent.
func (p *pairFinder) each(edges []edge, budget int, yield func(i, j int) bool) bool {
	if len(edges) == 0 {
		return true
	}
	minX, minY, maxX, maxY := edges[0].ax, edges[0].ay, edges[0].ax, edges[0].ay
	for i := range edges {
		e := &edges[i]
		minX, maxX = min(minX, e.ax, e.bx), max(maxX, e.ax, e.bx)
		minY, maxY = min(minY, e.ay, e.by), max(maxY, e.ay, e.by)
	}
	shift := 0
	for (int64(maxX)-int64(minX))>>shift >= 1<<westBits {
		shift++
	}
	height := int64(maxY) - int64(minY) + 1
	strips := int64(max(1, min(maxStrips, len(edges)/32)))
	for !p.index(edges, minX, minY, height, strips, shift) {
		strips /= 2
	}
	slices.Sort(p.keys)
	for k, key := range p.keys {
		i := int(uint32(key))
		e := &edges[i]
		east := key>>(32+westBits)<<westBits | uint64(int64(max(e.ax, e.bx))-int64(minX))>>shift
		low, high := min(e.ay, e.by), max(e.ay, e.by)
		for _, other := range p.keys[k+1:] {
			if other>>32 > east {
				break
			}
			if budget--; budget < 0 {
				return false
			}
			j := int(uint32(other))
			f := &edges[j]
			if max(f.ay, f.by) < low || min(f.ay, f.by) > high || max(f.ax, f.bx) < min(e.ax, e.bx) || min(f.ax, f.bx) > max(e.ax, e.bx) {
				continue
			}
			if !yield(i, j) {
				return true
			}
		}
	}
	return true
}

// index fills keys; it reports false when long edges stand in too many strips.
func (p *pairFinder) index(edges []edge, minX, minY int32, height, strips int64, shift int) bool {
	p.keys = p.keys[:0]
	limit := 4*len(edges) + 1024
	for i := range edges {
		e := &edges[i]
		west := uint64(int64(min(e.ax, e.bx))-int64(minX)) >> shift
		from := (int64(min(e.ay, e.by)) - int64(minY)) * strips / height
		to := (int64(max(e.ay, e.by)) - int64(minY)) * strips / height
		if strips > 1 && len(p.keys)+int(to-from) >= limit {
			return false
		}
		for s := from; s <= to; s++ {
			p.keys = append(p.keys, uint64(s)<<(32+westBits)|west<<32|uint64(i))
		}
	}
	return true
}
