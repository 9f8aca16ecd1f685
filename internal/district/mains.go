package district

import "math"

// carries tells whether a piece of street, behind line i (or j) of the crossing
// axis, has a main of the subkind.
func (b *builder) carries(s *subkind, vertical bool, line, from int) bool {
	pl := b.pl
	i, j := line, from
	if !vertical {
		i, j = from, line
	}
	if vertical && !pl.hasV(i, j) || !vertical && !pl.hasH(i, j) {
		return false
	}
	l := &pl.us[max(i, 0)]
	if !vertical {
		l = &pl.vs[j]
	}
	if s.offset[l.class] == absent {
		return false
	}
	switch s {
	case rs: // heating in the northern half
		return pl.vs[j].at >= pl.vs[len(pl.vs)/2].at-1
	case dq: // gases where industry is
		return pl.use[pl.superblockAt(i, j)] == industry
	case zh: // the utility tunnel under the two arterials next to the middle
		return line == middleArterial(len(pl.us)) && vertical || line == middleArterial(len(pl.vs)) && !vertical
	}
	return true
}

// middleArterial is the arterial nearest to the middle of n lines; arterials are
// every fourth line.
func middleArterial(n int) int { return (n / 2) / 4 * 4 }

// station is a place along a street where a main has a node; −1 is none yet.
type station struct {
	s    float64
	node int32
}

// mains lays a subkind under all streets that carry it. Mains of one subkind join
// where they cross.
func (b *builder) mains(s *subkind) {
	pl := b.pl
	junctions := make(map[[2]int]int32)
	junction := func(i, j int) int32 {
		v := b.carries(s, true, i, j-1) || b.carries(s, true, i, j)
		h := b.carries(s, false, j, i-1) || b.carries(s, false, j, i)
		if !v || !h {
			return -1
		}
		n, ok := junctions[[2]int{i, j}]
		if !ok {
			at := b.crossing(s, i, j)
			n = b.addNode(node{at: at, sub: s, street: pl.us[i].name, z: b.top(s, at), year: b.builtIn(s, true, i)})
			junctions[[2]int{i, j}] = n
		}
		return n
	}
	axis := func(vertical bool, lines, across []line) {
		for li := range lines {
			for from := 0; from < len(across)-1; from++ {
				if !b.carries(s, vertical, li, from) {
					continue
				}
				to := from + 1
				for b.carries(s, vertical, li, to) {
					to++
				}
				b.run(s, vertical, li, from, to, func(k int) int32 {
					if vertical {
						return junction(li, k)
					}
					return junction(k, li)
				})
				from = to - 1
			}
		}
	}
	axis(true, pl.us, pl.vs)
	axis(false, pl.vs, pl.us)
	b.nameJunctions(s)
}

// run lays one stretch of main from crossing line from to crossing line to.
func (b *builder) run(s *subkind, vertical bool, li, from, to int, junction func(int) int32) {
	lines, across := b.pl.us, b.pl.vs
	if !vertical {
		lines, across = across, lines
	}
	l := &lines[li]
	aside := s.aside(vertical, l.class)
	year := b.builtIn(s, vertical, li)
	add := func(at float64, feature, subsidiary string) int32 {
		p := along(vertical, l.at, at, aside)
		return b.addNode(node{at: p, sub: s, street: l.name, feature: feature, subsidiary: subsidiary, z: b.top(s, p), year: year})
	}
	var stations []station
	for k := from; k <= to; k++ {
		if n := junction(k); n >= 0 {
			at := b.network.nodes[n].at
			if vertical {
				stations = append(stations, station{at.v, n})
			} else {
				stations = append(stations, station{at.u, n})
			}
		} else if k == from {
			stations = append(stations, station{across[k].at + 4, add(across[k].at+4, "盖堵", "")})
		} else if k == to {
			stations = append(stations, station{across[k].at - 4, add(across[k].at-4, "盖堵", "")})
		}
	}
	size := s.size[l.class]
	lay := func(a, c int32) {
		n := b.network.nodes
		b.addPipe(pipe{a: a, b: c, za: n[a].z, zb: n[c].z, sub: s, width: int32(size[0]), height: int32(size[1]), material: s.material[l.class], street: l.name, year: year})
	}
	for k := 1; k < len(stations); k++ {
		last := stations[k-1].node
		places := b.between(s, stations[k-1].s, stations[k].s)
		for m, at := range places {
			feature, subsidiary := s.plain, ""
			if s.well != "" {
				feature, subsidiary = "", s.well
			}
			beside := s.valve != "" && (m == 0 || m == len(places)-1)
			if beside {
				feature, subsidiary = "", s.valve
			}
			hydrant := s == jp && !beside && m%2 == 0
			if hydrant {
				feature, subsidiary = "三通", ""
			}
			n := add(at, feature, subsidiary)
			lay(last, n)
			last = n
			if hydrant {
				b.hydrant(n, vertical, l, at, year)
			}
		}
		lay(last, stations[k].node)
	}
}

// between divides the way from one station to the next: a valve 14 m from either
// end where the subkind has valves, and nodes at most spacing apart.
func (b *builder) between(s *subkind, from, to float64) []float64 {
	const beside = 14
	lo, hi := from, to
	var out []float64
	if s.valve != "" && to-from > 5*beside {
		lo, hi = from+beside, to-beside
		out = append(out, lo)
	}
	n := int(math.Ceil((hi - lo) / s.spacing))
	for k := 1; k < n; k++ {
		out = append(out, lo+(hi-lo)*float64(k)/float64(n))
	}
	if hi < to {
		out = append(out, hi)
	}
	return out
}

// hydrant stands on the pavement, on a lead of DN100 from a tee.
func (b *builder) hydrant(tee int32, vertical bool, l *line, at float64, year int16) {
	reach := classes[l.class].half - 0.8
	if !vertical {
		reach = -reach
	}
	p := along(vertical, l.at, at, -reach)
	z := b.top(jp, p)
	h := b.addNode(node{at: p, sub: jp, street: l.name, subsidiary: "消防栓", z: z, year: year})
	b.addPipe(pipe{a: tee, b: h, za: b.network.nodes[tee].z, zb: z, sub: jp, width: 100, height: 100, material: "球墨铸铁", street: l.name, year: year})
}

// nameJunctions calls the nodes where mains cross after the number of pipes.
func (b *builder) nameJunctions(s *subkind) {
	for i := range b.network.nodes {
		n := &b.network.nodes[i]
		if n.sub != s || n.feature != "" || n.subsidiary != "" {
			continue
		}
		if s.well != "" {
			n.subsidiary = s.well
			continue
		}
		switch n.degree {
		case 1:
			n.feature = "盖堵"
		case 2:
			n.feature = "弯头"
		case 3:
			n.feature = "三通"
		default:
			n.feature = "四通"
		}
	}
}

// strays are short pipes that nobody knows, found under some secondary streets.
func (b *builder) strays() {
	pl := b.pl
	for i := range pl.us {
		if pl.us[i].class != secondary {
			continue
		}
		for j := 0; j < len(pl.vs)-1; j++ {
			r := stream(pl.o.Seed, forNetwork, 1<<20|i, j)
			if !pl.hasV(i, j) || r.Float64() > 0.25 {
				continue
			}
			mid := (pl.vs[j].at + pl.vs[j+1].at) / 2
			half := between(r, 8, 18)
			var ends [2]int32
			for k, s := range []float64{mid - half, mid + half} {
				p := along(true, pl.us[i].at, s, bm.offset[secondary])
				ends[k] = b.addNode(node{at: p, sub: bm, street: pl.us[i].name, feature: "非测区", z: b.top(bm, p), year: 0})
			}
			n := b.network.nodes
			b.addPipe(pipe{a: ends[0], b: ends[1], za: n[ends[0]].z, zb: n[ends[1]].z, sub: bm, width: 200, height: 200, material: "铸铁", street: pl.us[i].name})
		}
	}
}
