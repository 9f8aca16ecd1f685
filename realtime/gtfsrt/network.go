package gtfsrt

import (
	"container/heap"
	"math"
	"strings"
)

// Line is one segment of track between two places where lines may part.
type Line struct {
	ID     string
	Routes []string  // that run over it
	Trunk  string    // the trunk line it belongs to
	XY     []float64 // longitude, latitude, degrees; at least two positions
}

// The distances of the recipe, metres.
const (
	mergeEnds   = 2.0   // ends of lines closer than this are one node
	stopReach   = 100.0 // a stop is the nearest end within this
	detour      = 2.2   // a path may be this much longer than the straight way …
	detourExtra = 400.0 // … and this
)

// Network is the lines of a subway with its stations. It is immutable and safe
// for concurrent use.
type Network struct {
	stops  map[string]Stop // by id without direction
	edges  []edge
	nodes  []place
	around [][]int32 // edges by node
	trunks map[string]bool
	plane  plane
}

type place struct{ x, y float64 } // metres from the origin of the plane

type edge struct {
	id     string
	from   int32
	to     int32
	length float64 // metres
	routes map[string]bool
	trunk  string
	line   []place
}

// plane turns degrees into metres around a place; within a city the error is
// under a metre in ten kilometres.
type plane struct{ lon, lat, mLon, mLat float64 }

func newPlane(lon, lat float64) plane {
	const a, f = 6378137.0, 1 / 298.257223563
	const e2 = f * (2 - f)
	sin, cos := math.Sincos(lat * math.Pi / 180)
	w := math.Sqrt(1 - e2*sin*sin)
	return plane{lon, lat, a / w * cos * math.Pi / 180, a * (1 - e2) / (w * w * w) * math.Pi / 180}
}

func (p plane) metres(lon, lat float64) place {
	return place{(lon - p.lon) * p.mLon, (lat - p.lat) * p.mLat}
}

func (p plane) degrees(at place) (lon, lat float64) { return p.lon + at.x/p.mLon, p.lat + at.y/p.mLat }

func distance(a, b place) float64 { return math.Hypot(a.x-b.x, a.y-b.y) }

// NewNetwork joins lines to a graph. Where a route has no way between two of its
// stops, or no end near one, all lines of the given trunks are tried: trains
// leave their line at night and around works.
func NewNetwork(lines []Line, stops []Stop, trunks ...string) *Network {
	n := &Network{stops: make(map[string]Stop, len(stops)), trunks: make(map[string]bool)}
	for _, t := range trunks {
		n.trunks[t] = true
	}
	for _, s := range stops {
		n.stops[s.ID] = s
	}
	if len(lines) > 0 && len(lines[0].XY) >= 2 {
		n.plane = newPlane(lines[0].XY[0], lines[0].XY[1])
	}
	for _, l := range lines {
		if len(l.XY) < 4 {
			continue
		}
		e := edge{id: l.ID, trunk: l.Trunk, routes: make(map[string]bool)}
		for _, r := range l.Routes {
			e.routes[r] = true
		}
		for i := 0; i+1 < len(l.XY); i += 2 {
			e.line = append(e.line, n.plane.metres(l.XY[i], l.XY[i+1]))
			if k := len(e.line); k > 1 {
				e.length += distance(e.line[k-2], e.line[k-1])
			}
		}
		e.from, e.to = n.node(e.line[0]), n.node(e.line[len(e.line)-1])
		i := int32(len(n.edges))
		n.edges = append(n.edges, e)
		n.around[e.from] = append(n.around[e.from], i)
		if e.to != e.from {
			n.around[e.to] = append(n.around[e.to], i)
		}
	}
	return n
}

// node is the node within mergeEnds of a place, or a new one.
func (n *Network) node(p place) int32 {
	for i, q := range n.nodes {
		if distance(p, q) <= mergeEnds {
			return int32(i)
		}
	}
	n.nodes = append(n.nodes, p)
	n.around = append(n.around, nil)
	return int32(len(n.nodes) - 1)
}

// Stop is a station by the id of a feed, with or without direction.
func (n *Network) Stop(id string) (Stop, bool) {
	if s, ok := n.stops[id]; ok {
		return s, true
	}
	s, ok := n.stops[parent(id)]
	return s, ok
}

// onRoute allows the edges of a route.
func onRoute(route string) func(*edge) bool {
	return func(e *edge) bool { return e.routes[route] }
}

func (n *Network) onTrunks(e *edge) bool { return n.trunks[e.trunk] }

// lineRoute is the route under which the lines know the route of a feed: the
// shuttle GS is S, express variants such as 6X run on the line of the 6.
func lineRoute(route string) string {
	if route == "GS" {
		return "S"
	}
	if len(route) == 2 && strings.HasSuffix(route, "X") {
		return route[:1]
	}
	return route
}

// nearest is the node that a stop stands for: the nearest end of an allowed edge
// within stopReach, or −1.
func (n *Network) nearest(s Stop, allowed func(*edge) bool) int32 {
	p := n.plane.metres(s.Lon, s.Lat)
	best, at := stopReach, int32(-1)
	for i := range n.nodes {
		d := distance(p, n.nodes[i])
		if d > best || d == best && at >= 0 {
			continue
		}
		for _, e := range n.around[i] {
			if allowed(&n.edges[e]) {
				best, at = d, int32(i)
				break
			}
		}
	}
	return at
}

// path is a way over edges, with its length along from the start at each vertex.
type path struct {
	vertices []place
	along    []float64
	edges    []string // ids; a minus marks those run against their direction
	other    bool     // it uses lines of other routes
}

func (p *path) length() float64 {
	if len(p.along) == 0 {
		return 0
	}
	return p.along[len(p.along)-1]
}

// at is the place after a fraction of the way, and the heading there, degrees
// clockwise from north.
func (p *path) at(fraction float64) (place, float64) {
	want := p.length() * fraction
	i := 1
	for i < len(p.along)-1 && p.along[i] < want {
		i++
	}
	a, b := p.vertices[i-1], p.vertices[i]
	t := 0.0
	if l := p.along[i] - p.along[i-1]; l > 0 {
		t = min(1, max(0, (want-p.along[i-1])/l))
	}
	heading := math.Atan2(b.x-a.x, b.y-a.y) * 180 / math.Pi
	if heading < 0 {
		heading += 360
	}
	return place{a.x + t*(b.x-a.x), a.y + t*(b.y-a.y)}, heading
}

// between finds the way of a route from one stop to another, over the trunks
// when its own lines do not lead there directly; nil if there is none.
func (n *Network) between(route string, a, b Stop) *path {
	limit := detour*distance(n.plane.metres(a.Lon, a.Lat), n.plane.metres(b.Lon, b.Lat)) + detourExtra
	for _, try := range []struct {
		allowed func(*edge) bool
		other   bool
	}{{onRoute(lineRoute(route)), false}, {n.onTrunks, true}} {
		from, to := n.nearest(a, try.allowed), n.nearest(b, try.allowed)
		if from < 0 || to < 0 || from == to {
			continue
		}
		if p := n.shortest(from, to, limit, try.allowed); p != nil {
			p.other = try.other
			return p
		}
	}
	return nil
}

// shortest is Dijkstra's way over allowed edges of at most limit metres, or nil.
func (n *Network) shortest(from, to int32, limit float64, allowed func(*edge) bool) *path {
	type reached struct {
		d    float64
		via  int32
		done bool
	}
	seen := map[int32]*reached{from: {via: -1}}
	q := &queue{{from, 0}}
	for q.Len() > 0 {
		at := heap.Pop(q).(queued)
		r := seen[at.node]
		if r.done {
			continue
		}
		r.done = true
		if at.node == to {
			break
		}
		for _, i := range n.around[at.node] {
			e := &n.edges[i]
			if !allowed(e) {
				continue
			}
			next := e.to
			if next == at.node {
				next = e.from
			}
			d := at.d + e.length
			if d > limit {
				continue
			}
			if s, ok := seen[next]; !ok || d < s.d && !s.done {
				seen[next] = &reached{d: d, via: i}
				heap.Push(q, queued{next, d})
			}
		}
	}
	end, ok := seen[to]
	if !ok || !end.done {
		return nil
	}
	var chain []int32
	for node := to; node != from; {
		i := seen[node].via
		chain = append(chain, i)
		if e := &n.edges[i]; e.to == node {
			node = e.from
		} else {
			node = e.to
		}
	}
	p := &path{}
	node := from
	for k := len(chain) - 1; k >= 0; k-- {
		e := &n.edges[chain[k]]
		if e.from == node {
			p.edges = append(p.edges, e.id)
			for _, v := range e.line {
				p.add(v)
			}
			node = e.to
		} else {
			p.edges = append(p.edges, "-"+e.id)
			for j := len(e.line) - 1; j >= 0; j-- {
				p.add(e.line[j])
			}
			node = e.from
		}
	}
	return p
}

func (p *path) add(v place) {
	d := 0.0
	if k := len(p.vertices); k > 0 {
		step := distance(p.vertices[k-1], v)
		if step == 0 {
			return
		}
		d = p.along[k-1] + step
	}
	p.vertices = append(p.vertices, v)
	p.along = append(p.along, d)
}

// queue orders nodes by distance, then by number.
type queue []queued

type queued struct {
	node int32
	d    float64
}

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].d < q[j].d || q[i].d == q[j].d && q[i].node < q[j].node
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(queued)) }
func (q *queue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}
