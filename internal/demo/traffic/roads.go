package traffic

import (
	"math"
	"slices"
)

// Street is a centre line with what driving needs to know. Lines that share a
// position (equal coordinates) at any vertex meet there.
type Street struct {
	ID       string
	Name     string
	Class    string    // OpenStreetMap's highway value, such as primary or residential
	MaxSpeed float64   // m/s; 0: by class
	Oneway   bool      // in the direction of the line
	XY       []float64 // longitude, latitude, degrees
}

// speeds are those of classes without a sign, m/s. Classes that are not here are
// not for driving.
var speeds = map[string]float64{
	"motorway": 24, "motorway_link": 14, "trunk": 18, "trunk_link": 12, "primary": 11.2, "primary_link": 9,
	"secondary": 11.2, "secondary_link": 9, "tertiary": 11.2, "tertiary_link": 9, "unclassified": 9, "residential": 9, "living_street": 5,
}

// ranks order classes: vehicles rather turn into greater streets.
var ranks = map[string]float64{
	"motorway": 1.2, "motorway_link": 0.9, "trunk": 1.8, "trunk_link": 1, "primary": 2.4, "primary_link": 1.2,
	"secondary": 1.9, "secondary_link": 1, "tertiary": 1.4, "tertiary_link": 0.9, "unclassified": 0.8, "residential": 0.8, "living_street": 0.3,
}

// stretch is a street between two crossings, in one direction of driving.
type stretch struct {
	street   int32 // into Roads.streets
	from, to int32 // crossings
	reverse  int32 // the same stretch the other way, or −1
	speed    float64
	rank     float64
	along    []float64 // metres from the start at each vertex
	lonlat   []float64
	course   []float64 // of each segment, degrees clockwise from north
}

func (s *stretch) length() float64 { return s.along[len(s.along)-1] }

// Roads is the network that vehicles drive on: of the streets given, the part
// within which one can drive from everywhere to everywhere. It is immutable and
// safe for concurrent use.
type Roads struct {
	streets   []Street
	stretches []stretch
	out       [][]int32 // stretches by the crossing they leave
	busy      []bool    // crossings where at least three stretches leave or end
	total     []float64 // running sum of the stretches' lengths, for drawing one by length
}

type position struct{ lon, lat float64 }

// NewRoads makes the network of the streets that are for driving and lie in the
// area for which within is true (nil: all).
func NewRoads(streets []Street, within func(lon, lat float64) bool) *Roads {
	r := &Roads{}
	uses := make(map[position]int)
	for _, s := range streets {
		if speeds[s.Class] == 0 || len(s.XY) < 4 {
			continue
		}
		r.streets = append(r.streets, s)
		for i := 0; i+1 < len(s.XY); i += 2 {
			uses[position{s.XY[i], s.XY[i+1]}]++
		}
		// Ends are crossings even where nothing else is.
		uses[position{s.XY[0], s.XY[1]}]++
		uses[position{s.XY[len(s.XY)-2], s.XY[len(s.XY)-1]}]++
	}
	crossings := make(map[position]int32)
	crossing := func(p position) int32 {
		n, ok := crossings[p]
		if !ok {
			n = int32(len(crossings))
			crossings[p] = n
		}
		return n
	}
	var all []stretch
	for i, s := range r.streets {
		start := 0
		for k := 2; k+1 < len(s.XY); k += 2 {
			if uses[position{s.XY[k], s.XY[k+1]}] < 2 {
				continue
			}
			xy := s.XY[start : k+2]
			from := crossing(position{xy[0], xy[1]})
			to := crossing(position{xy[len(xy)-2], xy[len(xy)-1]})
			start = k
			f := newStretch(&r.streets[i], int32(i), from, to, xy)
			if f.length() < 0.5 && from == to {
				continue
			}
			mid := len(xy) / 4 * 2
			if within != nil && !(within(xy[0], xy[1]) && within(xy[mid], xy[mid+1]) && within(xy[len(xy)-2], xy[len(xy)-1])) {
				continue
			}
			all = append(all, f)
			if !s.Oneway {
				back := newStretch(&r.streets[i], int32(i), to, from, reversed(xy))
				all[len(all)-1].reverse = int32(len(all))
				back.reverse = int32(len(all) - 1)
				all = append(all, back)
			}
		}
	}
	r.keep(all, len(crossings))
	return r
}

func reversed(xy []float64) []float64 {
	out := make([]float64, 0, len(xy))
	for i := len(xy) - 2; i >= 0; i -= 2 {
		out = append(out, xy[i], xy[i+1])
	}
	return out
}

func newStretch(s *Street, street, from, to int32, xy []float64) stretch {
	t := stretch{street: street, from: from, to: to, reverse: -1, speed: s.MaxSpeed, rank: ranks[s.Class], lonlat: xy, along: []float64{0}}
	if t.speed <= 0 {
		t.speed = speeds[s.Class]
	}
	for i := 2; i+1 < len(xy); i += 2 {
		dx, dy := metres(xy[i-2], xy[i-1], xy[i], xy[i+1])
		t.along = append(t.along, t.along[len(t.along)-1]+math.Hypot(dx, dy))
		c := math.Atan2(dx, dy) * 180 / math.Pi
		if c < 0 {
			c += 360
		}
		if c >= 360 {
			c = 0
		}
		t.course = append(t.course, c)
	}
	return t
}

// metres is the way from one position to another near it, east and north.
func metres(lon0, lat0, lon1, lat1 float64) (dx, dy float64) {
	const perDegree = 111_320
	return (lon1 - lon0) * perDegree * math.Cos((lat0+lat1)/2*math.Pi/180), (lat1 - lat0) * perDegree
}

// keep takes of all stretches those of the greatest strongly connected part.
func (r *Roads) keep(all []stretch, crossings int) {
	out := make([][]int32, crossings)
	for i := range all {
		out[all[i].from] = append(out[all[i].from], int32(i))
	}
	part := strongParts(all, out)
	size := make(map[int32]float64)
	for i := range all {
		if part[all[i].from] == part[all[i].to] {
			size[part[all[i].from]] += all[i].length()
		}
	}
	best := int32(-1)
	for p, s := range size {
		if best < 0 || s > size[best] || s == size[best] && p < best {
			best = p
		}
	}
	renumbered := make([]int32, len(all))
	for i := range all {
		renumbered[i] = -1
		if best >= 0 && part[all[i].from] == best && part[all[i].to] == best {
			renumbered[i] = int32(len(r.stretches))
			r.stretches = append(r.stretches, all[i])
		}
	}
	r.out = make([][]int32, crossings)
	meet := make([]int, crossings)
	sum := 0.0
	for i := range r.stretches {
		s := &r.stretches[i]
		if s.reverse >= 0 {
			s.reverse = renumbered[s.reverse]
		}
		r.out[s.from] = append(r.out[s.from], int32(i))
		if s.reverse < int32(i) { // count a stretch of two directions once
			meet[s.from]++
			meet[s.to]++
		}
		sum += s.length()
		r.total = append(r.total, sum)
	}
	r.busy = make([]bool, crossings)
	for i, n := range meet {
		r.busy[i] = n >= 3
	}
}

// strongParts numbers the strongly connected parts of the graph (Tarjan, without
// recursion).
func strongParts(all []stretch, out [][]int32) []int32 {
	n := len(out)
	index, low, part := make([]int32, n), make([]int32, n), make([]int32, n)
	onStack := make([]bool, n)
	var stack []int32
	type frame struct {
		node int32
		next int
	}
	next, parts := int32(1), int32(0)
	for root := range n {
		if index[root] != 0 {
			continue
		}
		work := []frame{{int32(root), 0}}
		for len(work) > 0 {
			f := &work[len(work)-1]
			v := f.node
			if f.next == 0 {
				index[v], low[v] = next, next
				next++
				stack = append(stack, v)
				onStack[v] = true
			}
			if f.next < len(out[v]) {
				w := all[out[v][f.next]].to
				f.next++
				if index[w] == 0 {
					work = append(work, frame{w, 0})
				} else if onStack[w] {
					low[v] = min(low[v], index[w])
				}
				continue
			}
			if low[v] == index[v] {
				for {
					w := stack[len(stack)-1]
					stack = stack[:len(stack)-1]
					onStack[w] = false
					part[w] = parts
					if w == v {
						break
					}
				}
				parts++
			}
			work = work[:len(work)-1]
			if len(work) > 0 {
				p := work[len(work)-1].node
				low[p] = min(low[p], low[v])
			}
		}
	}
	return part
}

// Length is the length of all stretches, each direction counted, metres.
func (r *Roads) Length() float64 {
	if len(r.total) == 0 {
		return 0
	}
	return r.total[len(r.total)-1]
}

// draw is the stretch at a place of the whole length, and how far along it.
func (r *Roads) draw(at float64) (int32, float64) {
	i, _ := slices.BinarySearch(r.total, at)
	i = min(i, len(r.total)-1)
	before := 0.0
	if i > 0 {
		before = r.total[i-1]
	}
	return int32(i), min(max(0, at-before), r.stretches[i].length())
}
