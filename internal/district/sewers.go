package district

import (
	"math"
)

// sewers is a forest of gravity sewers: each node sends all it gets down one pipe.
type sewers struct {
	b      *builder
	sub    *subkind
	sizes  []sewerSize
	nodes  []int32           // in the order they were made
	down   map[int32]int32   // the pipe that leaves a node
	into   map[int32][]int32 // the pipes that enter it
	joints map[[2]int]int32  // by crossing of us[i] and vs[j]
}

func (b *builder) newSewers(s *subkind, sizes []sewerSize) *sewers {
	return &sewers{b: b, sub: s, sizes: sizes, down: make(map[int32]int32), into: make(map[int32][]int32), joints: make(map[[2]int]int32)}
}

func (w *sewers) add(at point, street string, year int16, feature, subsidiary string) int32 {
	n := w.b.addNode(node{at: at, sub: w.sub, street: street, feature: feature, subsidiary: subsidiary, year: year})
	w.nodes = append(w.nodes, n)
	return n
}

// joint is the manhole where the sewers under us[i] and vs[j] meet.
func (w *sewers) joint(i, j int) int32 {
	n, ok := w.joints[[2]int{i, j}]
	if !ok {
		n = w.add(w.b.crossing(w.sub, i, j), w.b.pl.us[i].name, w.b.builtIn(w.sub, true, i), "", w.sub.well)
		w.joints[[2]int{i, j}] = n
	}
	return n
}

// head is where a sewer begins beside a crossing without joining what flows
// there: clear of every sewer of the other street.
const head = 12.0

// chain lays a sewer along a street from one place to another with manholes
// between. from and to are nodes that are there, or −1 for a new manhole at the
// place.
func (w *sewers) chain(vertical bool, li int, from int32, s0 float64, to int32, s1 float64) {
	pl := w.b.pl
	lines := pl.us
	if !vertical {
		lines = pl.vs
	}
	l := &lines[li]
	aside := w.sub.aside(vertical, l.class)
	year := w.b.builtIn(w.sub, vertical, li)
	if from < 0 {
		from = w.add(along(vertical, l.at, s0, aside), l.name, year, "", w.sub.well)
	}
	n := max(1, int(math.Ceil(math.Abs(s1-s0)/w.sub.spacing)))
	last := from
	for k := 1; k <= n; k++ {
		next := to
		if k < n {
			next = w.add(along(vertical, l.at, s0+(s1-s0)*float64(k)/float64(n), aside), l.name, year, "", w.sub.well)
		}
		w.pipe(last, next, l.name, year)
		last = next
	}
}

func (w *sewers) pipe(a, b int32, street string, year int16) {
	p := w.b.addPipe(pipe{a: a, b: b, sub: w.sub, street: street, year: year})
	w.down[a] = p
	w.into[b] = append(w.into[b], p)
}

// lay lays sewers under all streets. North–south streets of superblock bounds
// collect: they run south, and take what flows to them under the streets between
// them. Row 0, along the river, is left out if asked.
func (w *sewers) lay(riverside bool) {
	pl := w.b.pl
	pl.pieces(func(p piece) {
		if p.vertical {
			i := p.line
			south := w.joint(i, p.from)
			if i%2 == 0 {
				north := w.joint(i, p.to)
				w.chain(true, i, north, w.b.network.nodes[north].at.v, south, w.b.network.nodes[south].at.v)
				return
			}
			s := pl.vs[p.to].at - head - math.Abs(w.sub.offset[pl.vs[p.to].class])
			w.chain(true, i, -1, s, south, w.b.network.nodes[south].at.v)
			return
		}
		j := p.line
		if j == 0 && !riverside {
			return
		}
		west := p.from%2 == 0 // the sewer falls to the collector at its western end
		if west && p.to%2 == 0 {
			west = (p.from/2+j)%2 == 0 // no branch street between two collectors: one takes it all
		}
		if west {
			to := w.joint(p.from, j)
			s1 := w.b.network.nodes[to].at.u
			if p.to%2 != 0 {
				from := w.joint(p.to, j)
				w.chain(false, j, from, w.b.network.nodes[from].at.u, to, s1)
			} else {
				w.chain(false, j, -1, pl.us[p.to].at-head-math.Abs(w.sub.offset[pl.us[p.to].class]), to, s1)
			}
			return
		}
		to := w.joint(p.to, j)
		w.chain(false, j, -1, pl.us[p.from].at+head+math.Abs(w.sub.offset[pl.us[p.from].class]), to, w.b.network.nodes[to].at.u)
	})
}

// order lists the nodes so that each comes after all that flow into it.
func (w *sewers) order() []int32 {
	waiting := make(map[int32]int)
	var out []int32
	for _, n := range w.nodes {
		if waiting[n] = len(w.into[n]); waiting[n] == 0 {
			out = append(out, n)
		}
	}
	for k := 0; k < len(out); k++ {
		if p, ok := w.down[out[k]]; ok {
			next := w.b.network.pipes[p].b
			if waiting[next]--; waiting[next] == 0 {
				out = append(out, next)
			}
		}
	}
	return out
}

// sizeUp gives each pipe the section that the length of sewer above it asks for.
func (w *sewers) sizeUp(order []int32) {
	above := make(map[int32]float64)
	for _, n := range order {
		p, ok := w.down[n]
		if !ok {
			continue
		}
		q := &w.b.network.pipes[p]
		s := sewerSizeOf(w.sizes, above[n])
		q.width, q.height, q.material = int32(s.width), int32(s.height), s.material
		above[q.b] += above[n] + w.length(q)
	}
}

func (w *sewers) length(p *pipe) float64 {
	n := w.b.network.nodes
	return w.b.pl.length(n[p.a].at, n[p.b].at)
}

// slope is the least slope of a pipe's section.
func (w *sewers) slope(p *pipe) float64 {
	for i := range w.sizes {
		if w.sizes[i].width == int(p.width) && w.sizes[i].height == int(p.height) {
			return w.sizes[i].slope
		}
	}
	return w.sizes[0].slope
}

// sink gives each node the level of its invert: under the cover that the ground
// asks for, under limit (an upper bound for a pipe's inverts, or +∞), and below
// all that flows in by the least slopes.
func (w *sewers) sink(order []int32, limit func(*pipe) float64) {
	nodes, pipes := w.b.network.nodes, w.b.network.pipes
	for _, n := range order {
		z := math.Inf(1)
		around := w.into[n]
		if p, ok := w.down[n]; ok {
			around = append(around[:len(around):len(around)], p)
		}
		for _, p := range around {
			q := &pipes[p]
			if nodes[n].feature == "" { // an outfall needs no cover
				z = min(z, w.b.pl.ground(nodes[n].at)-w.sub.cover-wall(int(q.width))-float64(q.height)/1000)
			}
			z = min(z, limit(q))
		}
		for _, p := range w.into[n] {
			q := &pipes[p]
			z = min(z, nodes[q.a].z-w.slope(q)*w.length(q))
		}
		nodes[n].z = math.Floor(z*1000) / 1000
	}
	for _, n := range order {
		if p, ok := w.down[n]; ok {
			q := &pipes[p]
			q.za, q.zb = nodes[q.a].z, nodes[q.b].z
		}
	}
}

// storm lays the storm sewers: each collector ends in an outfall at the river.
func (b *builder) storm() *sewers {
	w := b.newSewers(ys, stormSizes)
	w.lay(true)
	for i := 0; i < len(b.pl.us); i += 2 {
		b.end(w, i, "出水口", "")
	}
	order := w.order()
	w.sizeUp(order)
	w.sink(order, func(*pipe) float64 { return math.Inf(1) })
	return w
}

// end leads the joint of us[i] and the street along the river to the river bank.
func (b *builder) end(w *sewers, i int, feature, subsidiary string) {
	from := w.joint(i, 0)
	l := &b.pl.us[i]
	at := along(true, l.at, b.pl.vs[0].at-b.pl.vs[0].half()-8, w.sub.aside(true, l.class))
	to := w.add(at, b.pl.vs[0].name, b.builtIn(w.sub, true, i), feature, subsidiary)
	w.pipe(from, to, b.pl.vs[0].name, b.builtIn(w.sub, true, i))
}

// stationEvery is how far an interceptor runs before it is pumped, metres.
const stationEvery = 3500.0

// sanitary lays the sewers for waste water: an interceptor along the river takes
// all to a pumping station. They pass below the storm sewers.
func (b *builder) sanitary(storm *sewers) {
	pl := b.pl
	w := b.newSewers(ws, sanitarySizes)
	w.lay(false)
	since, fresh := 0.0, false
	from := 0
	for i := 1; i < len(pl.us); i++ {
		if i%2 != 0 && !pl.meets(i, 0) {
			continue
		}
		to := w.joint(i, 0)
		s1 := b.network.nodes[to].at.u
		if fresh {
			s0 := pl.us[from].at + head + math.Abs(ws.offset[pl.us[from].class])
			w.chain(false, 0, -1, s0, to, s1)
		} else {
			a := w.joint(from, 0)
			w.chain(false, 0, a, b.network.nodes[a].at.u, to, s1)
		}
		since += pl.us[i].at - pl.us[from].at
		fresh = false
		from = i
		if i == len(pl.us)-1 || i%2 == 0 && since+superblock > stationEvery {
			b.end(w, i, "", "泵站")
			since, fresh = 0, true
		}
	}
	order := w.order()
	w.sizeUp(order)
	near := newNeighbours(b.network, storm)
	w.sink(order, func(p *pipe) float64 { return near.below(p) })
}

// clearance is what stays between crossing sewers, metres.
const clearance = 0.3

// neighbours finds the storm sewers that a sanitary one crosses.
type neighbours struct {
	network *network
	grid    map[[2]int32][]int32 // pipes by squares of the plan
}

const square = 64.0

func newNeighbours(n *network, storm *sewers) *neighbours {
	g := &neighbours{n, make(map[[2]int32][]int32)}
	for _, a := range storm.nodes {
		if p, ok := storm.down[a]; ok {
			g.squares(&n.pipes[p], 0, func(k [2]int32) { g.grid[k] = append(g.grid[k], p) })
		}
	}
	return g
}

// box is the extent of a pipe in the plan.
func (g *neighbours) box(p *pipe) (u0, v0, u1, v1 float64) {
	a, b := g.network.nodes[p.a].at, g.network.nodes[p.b].at
	return min(a.u, b.u), min(a.v, b.v), max(a.u, b.u), max(a.v, b.v)
}

func (g *neighbours) squares(p *pipe, grow float64, f func([2]int32)) {
	u0, v0, u1, v1 := g.box(p)
	for x := int32(math.Floor((u0 - grow) / square)); x <= int32(math.Floor((u1+grow)/square)); x++ {
		for y := int32(math.Floor((v0 - grow) / square)); y <= int32(math.Floor((v1+grow)/square)); y++ {
			f([2]int32{x, y})
		}
	}
}

// below is the highest invert with which p passes under every storm sewer that it
// comes close to; +∞ if there is none.
func (g *neighbours) below(p *pipe) float64 {
	limit := math.Inf(1)
	u0, v0, u1, v1 := g.box(p)
	g.squares(p, 3, func(k [2]int32) {
		for _, i := range g.grid[k] {
			q := &g.network.pipes[i]
			s0, t0, s1, t1 := g.box(q)
			apart := float64(p.width+q.width)/2000 + wall(int(p.width)) + wall(int(q.width)) + 0.5
			if max(u0-s1, s0-u1, v0-t1, t0-v1) > apart {
				continue
			}
			limit = min(limit, min(q.za, q.zb)-wall(int(q.width))-clearance-wall(int(p.width))-float64(p.height)/1000)
		}
	})
	return limit
}

// grates sets a pair of inlets at the kerbs beside the manholes of the storm
// sewers, away from crossings, on leads of DN200 that fall by 1 %.
func (b *builder) grates(storm *sewers) {
	pl := b.pl
	for _, m := range storm.nodes {
		n := b.network.nodes[m]
		p, ok := storm.down[m]
		if !ok || n.feature != "" || len(storm.into[m]) != 1 {
			continue
		}
		q := &b.network.pipes[p]
		next := b.network.nodes[q.b].at
		vertical := next.u == n.at.u
		l := pl.lineUnder(n.at, vertical)
		if l == nil || pl.nearCrossing(n.at, vertical, 26) {
			continue
		}
		for _, side := range []float64{-1, 1} {
			kerb := side * (classes[l.class].road - 0.4)
			s := n.at.v
			if !vertical {
				s = n.at.u
			}
			at := along(vertical, l.at, s, kerb)
			lead := pl.length(at, n.at)
			za := millimetre(pl.ground(at) - 0.9)
			zb := millimetre(za - 0.01*lead)
			g := b.addNode(node{at: at, sub: ys, street: l.name, subsidiary: "雨水箅", z: za, year: n.year})
			b.addPipe(pipe{a: g, b: m, za: za, zb: zb, sub: ys, width: 200, height: 200, material: "聚乙烯", street: l.name, year: n.year})
		}
	}
}

// lineUnder is the street under which the storm sewer at a place runs.
func (pl *plan) lineUnder(at point, vertical bool) *line {
	lines, x := pl.us, at.u
	if !vertical {
		lines, x = pl.vs, at.v
	}
	for i := range lines {
		if math.Abs(lines[i].at+ys.aside(vertical, lines[i].class)-x) < 1e-6 {
			return &lines[i]
		}
	}
	return nil
}

// nearCrossing tells whether a crossing street's axis lies within d metres.
func (pl *plan) nearCrossing(at point, vertical bool, d float64) bool {
	lines, x := pl.vs, at.v
	if !vertical {
		lines, x = pl.us, at.u
	}
	for i := range lines {
		if math.Abs(lines[i].at-x) < d {
			return true
		}
	}
	return false
}
