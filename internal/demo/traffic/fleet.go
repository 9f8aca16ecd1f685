package traffic

import (
	"math"
	"math/rand/v2"
)

// Fleet is vehicles on roads. It is not safe for concurrent use.
type Fleet struct {
	roads *Roads
	cars  []car
}

// Kind is what a vehicle is.
type Kind string

// The kinds of vehicles.
const (
	Car   Kind = "car"
	Taxi  Kind = "taxi"
	Van   Kind = "van"
	Truck Kind = "truck"
	Bus   Kind = "bus"
)

// car is the state of one vehicle.
type car struct {
	rng     rand.PCG
	stretch int32
	next    int32   // the stretch after this one
	segment int32   // of the stretch, where the vehicle is
	stop    bool    // it stops at the end of the stretch
	at      float64 // metres from the start of the stretch
	speed   float64 // m/s
	wait    float64 // seconds left to stand
	style   float64 // share of the speed allowed that the driver takes
	kind    Kind
}

// How vehicles drive.
const (
	accelerate  = 1.6 // m/s²
	brake       = 2.2 // m/s²
	stopChance  = 0.4 // of stopping at a busy crossing
	shortestRed = 3   // seconds
	longestRed  = 28
	stopLine    = 8 // metres before the crossing
)

// MaxSpeed is faster than any vehicle of a fleet drives, m/s: signs allow 120 mph at
// most in the data, and no driver takes that.
const MaxSpeed = 30.0

// NewFleet puts n vehicles on roads, spread by length; none on empty roads.
func NewFleet(r *Roads, n int, seed uint64) *Fleet {
	f := &Fleet{roads: r}
	if len(r.stretches) == 0 {
		return f
	}
	deal := rand.New(rand.NewPCG(seed, 0x7261666669))
	f.cars = make([]car, n)
	for i := range f.cars {
		c := &f.cars[i]
		c.rng = *rand.NewPCG(deal.Uint64(), deal.Uint64())
		c.stretch, c.at = r.draw(deal.Float64() * r.Length())
		c.style = 0.72 + 0.3*deal.Float64()
		c.kind = [...]Kind{Car, Car, Car, Car, Car, Car, Taxi, Taxi, Taxi, Taxi, Van, Van, Van, Truck, Bus}[deal.IntN(15)]
		c.speed = f.limit(c)
		f.settle(c)
		f.choose(c)
	}
	return f
}

// Len is the number of vehicles.
func (f *Fleet) Len() int { return len(f.cars) }

// Kind is what vehicle i is.
func (f *Fleet) Kind(i int) Kind { return f.cars[i].kind }

// Street is the name of the street that vehicle i is on, "" without one, and the
// street's id.
func (f *Fleet) Street(i int) (name, id string) {
	s := &f.roads.streets[f.roads.stretches[f.cars[i].stretch].street]
	return s.Name, s.ID
}

// Place is where vehicle i is: degrees, the course in degrees clockwise from
// north, the speed in m/s.
func (f *Fleet) Place(i int) (lon, lat, course, speed float64) {
	c := &f.cars[i]
	s := &f.roads.stretches[c.stretch]
	k := int(c.segment)
	t := 0.0
	if d := s.along[k+1] - s.along[k]; d > 0 {
		t = (c.at - s.along[k]) / d
	}
	x0, y0, x1, y1 := s.lonlat[2*k], s.lonlat[2*k+1], s.lonlat[2*k+2], s.lonlat[2*k+3]
	return x0 + t*(x1-x0), y0 + t*(y1-y0), s.course[k], c.speed
}

// limit is the speed that a driver takes on the stretch.
func (f *Fleet) limit(c *car) float64 {
	return min(MaxSpeed, f.roads.stretches[c.stretch].speed*c.style)
}

func float(p *rand.PCG) float64 { return float64(p.Uint64()>>11) / (1 << 53) }

// choose decides where a vehicle goes after its stretch, and whether it stops
// there first. It turns back only where nothing else is left.
func (f *Fleet) choose(c *car) {
	r := f.roads
	s := &r.stretches[c.stretch]
	out := r.out[s.to]
	heading := s.course[len(s.course)-1]
	sum := 0.0
	weight := func(i int32) float64 {
		if i == s.reverse {
			return 0
		}
		t := &r.stretches[i]
		turn := math.Abs(math.Mod(t.course[0]-heading+540, 360) - 180)
		w := t.rank * (1.15 - turn/180) // straight on rather than around
		if turn < 35 {
			w *= 4
		} else if turn > 150 {
			w *= 0.02
		}
		if t.street == s.street {
			w *= 1.5
		}
		return max(w, 0.001)
	}
	for _, i := range out {
		sum += weight(i)
	}
	c.next = -1
	if sum > 0 {
		x := float(&c.rng) * sum
		for _, i := range out {
			if w := weight(i); w > 0 {
				c.next = i
				if x -= w; x < 0 {
					break
				}
			}
		}
	}
	if c.next < 0 {
		c.next = s.reverse // a dead end; strong connection promises one way out
		if c.next < 0 {
			c.next = out[0]
		}
	}
	c.stop = r.busy[s.to] && s.length() > 3*stopLine && float(&c.rng) < stopChance
}

// Step drives vehicle i for dt seconds, at most 10.
func (f *Fleet) Step(i int, dt float64) {
	c := &f.cars[i]
	for dt = min(dt, 10); dt > 1e-9; {
		if c.wait > 0 {
			w := min(c.wait, dt)
			c.wait -= w
			dt -= w
			continue
		}
		h := min(dt, 0.5)
		dt -= h
		s := &f.roads.stretches[c.stretch]
		left := s.length() - c.at
		if c.stop {
			if left -= stopLine; left < 0.5 {
				c.wait, c.speed, c.stop = shortestRed+float(&c.rng)*(longestRed-shortestRed), 0, false
				continue
			}
		}
		// The speed at the end: nothing to stop, else what the next street and
		// the turn into it allow.
		n := &f.roads.stretches[c.next]
		end := 0.0
		if !c.stop {
			turn := math.Abs(math.Mod(n.course[0]-s.course[len(s.course)-1]+540, 360) - 180)
			end = min(MaxSpeed, n.speed*c.style)
			if turn > 30 {
				end = min(end, max(2.5, 9-turn/20))
			}
		}
		want := min(f.limit(c), math.Sqrt(end*end+2*brake*max(0, left)))
		if want > c.speed {
			c.speed = min(want, c.speed+accelerate*h)
		} else {
			c.speed = want
		}
		c.at += max(c.speed, 0.4) * h // creep up to the stop line
		for c.at >= s.length() {
			c.stretch, c.at, c.segment = c.next, c.at-s.length(), 0
			f.choose(c)
			s = &f.roads.stretches[c.stretch]
		}
	}
	f.settle(c)
}

// settle finds the segment of the stretch where a vehicle is, from the one where
// it was.
func (f *Fleet) settle(c *car) {
	s := &f.roads.stretches[c.stretch]
	for int(c.segment) < len(s.along)-2 && s.along[c.segment+1] < c.at {
		c.segment++
	}
}
