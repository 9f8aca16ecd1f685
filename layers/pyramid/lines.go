package pyramid

import (
	"cmp"
	"slices"

	"twind/layers/snapshot"
)

// line is a line of the layer, or one that was joined before.
type line struct {
	candidate
	from  uint8
	count uint32
}

// chain is lines that follow each other.
type chain struct {
	links  []link
	from   uint8
	length float64 // world units
}

type link struct {
	line int
	back bool // walked from its end
}

// end is an end of a line: 2·line, plus 1 for the last vertex.
type end int32

// maxJoin is the number of properties that lines must agree in to be joined.
const maxJoin = 3

// joint is a place where lines of one name and class end.
type joint struct {
	ends [2]end
	n    int32
}

type jointKey struct {
	group uint32
	at    uint64
}

// drawLines joins the lines, simplifies them, and leaves out the shortest of the
// lowest rank where they are too many.
func (b *builder) drawLines() {
	chains := b.join()
	slices.SortFunc(chains, func(x, y chain) int {
		return cmp.Or(cmp.Compare(x.from, y.from), cmp.Compare(y.length, x.length), cmp.Compare(x.links[0].line, y.links[0].line))
	})
	if len(chains) > b.s.limits.lines {
		for _, c := range chains[b.s.limits.lines:] {
			b.leaveOut(c)
		}
		chains = chains[:b.s.limits.lines]
	}
	factor := 1.0
	for ; factor < 1<<12; factor *= 2 {
		n := 0
		for i := range chains {
			b.draw(&chains[i], factor)
			n += len(b.geom.xy) / 2
		}
		if n <= b.s.limits.vertices {
			break
		}
	}
	// The least important first, so that others are drawn over them.
	slices.Reverse(chains)
	for i := range chains {
		c := &chains[i]
		if b.draw(c, factor); len(b.geom.kinds) == 0 {
			b.leaveOut(*c)
			continue
		}
		b.putChain(c)
	}
}

func (b *builder) leaveOut(c chain) {
	for _, l := range c.links {
		b.cell.Dropped += b.lines[l.line].count
	}
}

func (b *builder) putChain(c *chain) {
	first := b.lines[c.links[0].line]
	count := uint32(0)
	for _, l := range c.links {
		count += b.lines[l.line].count
	}
	role := RoleFeature
	if count > 1 || len(c.links) > 1 {
		role = RoleJoined
	}
	ok := b.put(role, first.candidate, count, 0, func(column int) uint32 {
		v := b.value(first.candidate, column)
		for _, l := range c.links[1:] {
			if b.value(b.lines[l.line].candidate, column) != v {
				return 0
			}
		}
		return v
	})
	if ok && role == RoleJoined {
		k := b.derived(Joined)
		s := &b.cell.Segment
		s.Columns[k][s.N-1] = b.number(b.count(count))
	}
}

// draw makes the geometry at hand a chain's.
func (b *builder) draw(c *chain, factor float64) {
	g := &b.geom
	g.reset()
	step, tolerance := snapUnits*unit(b.z)*uint64(factor), pixel(b.z)/2*factor
	if len(c.links) == 1 {
		l := b.lines[c.links[0].line]
		in := b.inputs[l.input]
		for p := in.seg.FeaturePath[l.feature]; p < in.seg.FeaturePath[l.feature+1]; p++ {
			if in.seg.PathKinds[p] == snapshot.PathLine {
				g.line(in.path(p), step, tolerance)
			}
		}
		return
	}
	var xy []uint32
	for i, l := range c.links {
		part := b.vertices(l.line)
		if l.back {
			part = backwards(part)
		}
		if i > 0 {
			part = part[2:]
		}
		xy = append(xy, part...)
	}
	g.line(xy, step, tolerance)
}

func backwards(xy []uint32) []uint32 {
	out := make([]uint32, 0, len(xy))
	for i := len(xy) - 2; i >= 0; i -= 2 {
		out = append(out, xy[i], xy[i+1])
	}
	return out
}

// vertices is a line's only path, or nil when it has several.
func (b *builder) vertices(i int) []uint32 {
	l := b.lines[i]
	in := b.inputs[l.input]
	p := in.seg.FeaturePath[l.feature]
	if in.seg.FeaturePath[l.feature+1]-p != 1 {
		return nil
	}
	return in.path(p)
}

// join finds the chains: of lines with the same name, class and rank, wherever
// two of them, and no third, end in one place.
func (b *builder) join() []chain {
	groups := make(map[[maxJoin]uint32]uint32, len(b.lines)/2)
	group := make([]uint32, len(b.lines))
	joints := make(map[jointKey]joint, 2*len(b.lines))
	for i := range b.lines {
		var key [maxJoin]uint32
		for k, c := range b.s.join {
			key[k] = b.value(b.lines[i].candidate, c)
		}
		g, ok := groups[key]
		if !ok {
			g = uint32(len(groups))
			groups[key] = g
		}
		group[i] = g
		xy := b.vertices(i)
		if len(xy) < 4 {
			continue
		}
		for e := range 2 {
			k := jointKey{g, endOf(xy, e)}
			j := joints[k]
			if j.n < 2 {
				j.ends[j.n] = end(2*i + e)
			}
			j.n++
			joints[k] = j
		}
	}
	// next is the end that follows an end of a line in its joint.
	next := func(e end) (end, bool) {
		j := joints[jointKey{group[e/2], endOf(b.vertices(int(e/2)), int(e%2))}]
		if j.n != 2 || j.ends[0]/2 == j.ends[1]/2 {
			return 0, false
		}
		if j.ends[0] == e {
			return j.ends[1], true
		}
		return j.ends[0], true
	}
	used := make([]bool, len(b.lines))
	chains := make([]chain, 0, len(b.lines))
	for i := range b.lines {
		if used[i] {
			continue
		}
		chains = append(chains, b.follow(i, used, next))
	}
	return chains
}

// endOf is the first or the last vertex of a path.
func endOf(xy []uint32, e int) uint64 {
	k := 0
	if e == 1 {
		k = len(xy) - 2
	}
	return uint64(xy[k])<<32 | uint64(xy[k+1])
}

// follow walks from a line back to where its chain begins, and then to its end.
func (b *builder) follow(i int, used []bool, next func(end) (end, bool)) chain {
	c := chain{from: b.lines[i].from}
	start := end(2 * i) // the end by which the first line is entered
	if len(b.vertices(i)) >= 4 {
		for at := start; ; {
			n, ok := next(at)
			if !ok || int(n/2) == i || used[n/2] {
				break
			}
			at = n ^ 1 // the other end of the line before
			start = at
		}
	}
	for at := start; ; {
		l := int(at / 2)
		used[l] = true
		c.links = append(c.links, link{l, at%2 == 1})
		c.length += b.length(l)
		if len(b.vertices(l)) < 4 {
			break
		}
		n, ok := next(at ^ 1)
		if !ok || used[n/2] {
			break
		}
		at = n
	}
	return c
}

// length is that of all paths of a line.
func (b *builder) length(i int) (sum float64) {
	l := b.lines[i]
	in := b.inputs[l.input]
	for p := in.seg.FeaturePath[l.feature]; p < in.seg.FeaturePath[l.feature+1]; p++ {
		sum += lengthOf(in.path(p))
	}
	return sum
}
