package gtfsrt

import (
	"slices"
	"strings"
	"time"
)

// The rules of the feed's age.
const (
	stalled   = 90 * time.Second  // a train that has not moved for so long stands: its clock stops
	ghostAge  = 600 * time.Second // and one that has not for so long, with all its times past, is gone
	lastPart  = 0.98              // a train that has not arrived is at most here on its way
	lingering = 30 * time.Second  // a train stays so long at its last stop
)

// MaxSpeed is the highest speed that is shown, m/s; some predictions ask for more.
const MaxSpeed = 25.0

// Board is the trains of one full feed with the way each has before it. It is
// immutable and safe for concurrent use.
type Board struct {
	Time   time.Time // of the feed
	Ghosts int       // vehicles left out: silent for 10 min and all their times past

	network *Network
	trips   []*trip
	legs    map[legKey]*path
	runs    map[[2]string]time.Duration // median running time by stations
}

// legKey names the way of a route between two stations.
type legKey struct{ route, from, to string }

// Train is a train as it is estimated to be at one moment.
type Train struct {
	Trip      string
	Route     string
	Direction string // N or S
	Status    Status
	Stop      string // id of the stop it stands at or goes to
	StopName  string
	Headsign  string  // name of its last stop
	Lon, Lat  float64 // degrees
	Course    float64 // degrees clockwise from north
	Speed     float64 // m/s, at most MaxSpeed
	Fraction  float64 // of the way from the last stop to Stop; 0 at a stop
	Moving    bool    // on its way; else it stands
}

// trip is a train's way: its calls and the legs between them.
type trip struct {
	Trip
	calls    []call
	vehicle  *Vehicle
	previous string // station it came from; "" unknown or at a stop
	prevFrom string // path, route or direction: among which trips it was found
	fraction float64
}

// call is a stop of a trip. A missing time is filled with the other one.
type call struct {
	stop      Stop
	id        string
	arrival   time.Time
	departure time.Time
}

// Board places the trains of a full feed.
func (n *Network) Board(feed *Feed) *Board {
	b := &Board{Time: feed.Time, network: n, legs: make(map[legKey]*path), runs: medians(feed)}
	vehicles := make(map[string]*Vehicle)
	for i := range feed.Vehicles {
		vehicles[feed.Vehicles[i].Trip.ID] = &feed.Vehicles[i]
	}
	predecessors := newPredecessors(feed)
	for i := range feed.Trips {
		u := &feed.Trips[i]
		t := &trip{Trip: u.Trip, vehicle: vehicles[u.Trip.ID]}
		for _, s := range u.Stops {
			stop, ok := n.Stop(s.Stop)
			if !ok {
				continue
			}
			c := call{stop: stop, id: s.Stop, arrival: s.Arrival, departure: s.Departure}
			if c.arrival.IsZero() {
				c.arrival = c.departure
			}
			if c.departure.IsZero() {
				c.departure = c.arrival
			}
			if !c.arrival.IsZero() {
				t.calls = append(t.calls, c)
			}
		}
		if len(t.calls) == 0 {
			continue
		}
		if v := t.vehicle; v != nil {
			if feed.Time.Sub(v.Time) > ghostAge && feed.Time.After(t.calls[len(t.calls)-1].departure) {
				b.Ghosts++
				continue
			}
			if v.Status != StoppedAt {
				t.previous, t.prevFrom = predecessors.of(u)
				t.fraction = b.fractionAt(t, feed.Time)
			}
		}
		if t.previous != "" {
			if stop, ok := n.Stop(t.previous); ok {
				b.leg(t.Route, stop, t.calls[0].stop)
			}
		}
		for k := 1; k < len(t.calls); k++ {
			b.leg(t.Route, t.calls[k-1].stop, t.calls[k].stop)
		}
		b.trips = append(b.trips, t)
	}
	return b
}

// leg finds a way once.
func (b *Board) leg(route string, from, to Stop) *path {
	k := legKey{route, from.ID, to.ID}
	p, ok := b.legs[k]
	if !ok {
		p = b.network.between(route, from, to)
		b.legs[k] = p
	}
	return p
}

// fractionAt is how far a moving train was on the way to its first call when the
// feed was made.
func (b *Board) fractionAt(t *trip, at time.Time) float64 {
	run := b.runs[[2]string{t.previous, t.calls[0].stop.ID}]
	if t.previous == "" || run <= 0 {
		return 0
	}
	if stop := t.vehicle.Time.Add(stalled); at.After(stop) {
		at = stop
	}
	f := 1 - float64(t.calls[0].arrival.Sub(at))/float64(run)
	return max(0, min(lastPart, f))
}

// At appends the trains that are on the network at a time, in the order of the
// feed. At the feed's time they are where the feed says; afterwards each follows
// its predictions; before it, they are as at the feed's time.
func (b *Board) At(at time.Time, trains []Train) []Train {
	if at.Before(b.Time) {
		at = b.Time
	}
	for _, t := range b.trips {
		if tr, ok := b.place(t, at); ok {
			trains = append(trains, tr)
		}
	}
	return trains
}

func (b *Board) place(t *trip, at time.Time) (Train, bool) {
	tr := Train{Trip: t.ID, Route: t.Route, Direction: direction(t.calls[0].id), Headsign: t.calls[len(t.calls)-1].stop.Name}
	last := &t.calls[len(t.calls)-1]
	atEnd := last.arrival
	if len(t.calls) == 1 && last.departure.After(atEnd) {
		atEnd = last.departure
	}
	if t.vehicle == nil && at.Before(t.calls[0].departure) {
		return tr, false
	}
	if (at.After(b.Time) || t.vehicle == nil) && at.After(atEnd.Add(lingering)) {
		return tr, false
	}
	// The leg to the first call, for trains that were moving.
	arrived := t.calls[0].arrival
	if t.vehicle != nil && t.vehicle.Status != StoppedAt {
		var way *path
		if stop, ok := b.network.Stop(t.previous); ok && t.previous != "" {
			way = b.legs[legKey{t.Route, stop.ID, t.calls[0].stop.ID}]
		}
		if way != nil {
			// What is left of the way takes what the feed says, but at least what
			// MaxSpeed allows.
			left := time.Duration((1 - t.fraction) * way.length() / MaxSpeed * float64(time.Second))
			if least := b.Time.Add(left); arrived.Before(least) {
				arrived = least
			}
		}
		if !at.After(b.Time) || at.Before(arrived) {
			tr.Status = t.vehicle.Status
			return b.onLeg(tr, way, &t.calls[0], t.fraction, b.Time, arrived, at), true
		}
	}
	if t.vehicle != nil && arrived.Before(b.Time) {
		arrived = b.Time // it stands there, whatever was predicted
	}
	// Each call is left at its departure, or on arrival if that is late.
	for k := range t.calls {
		c := &t.calls[k]
		leaves := c.departure
		if leaves.Before(arrived) {
			leaves = arrived
		}
		if k == len(t.calls)-1 || !at.After(leaves) {
			tr.Status = StoppedAt
			return b.atStop(tr, t, k), true
		}
		next := &t.calls[k+1]
		way := b.legs[legKey{t.Route, c.stop.ID, next.stop.ID}]
		arrived = next.arrival
		if way != nil {
			least := leaves.Add(time.Duration(way.length() / MaxSpeed * float64(time.Second)))
			if arrived.Before(least) {
				arrived = least
			}
		}
		if at.Before(arrived) {
			tr.Status = InTransitTo
			return b.onLeg(tr, way, next, 0, leaves, arrived, at), true
		}
	}
	return tr, false
}

// onLeg places a train on the way to a call: at fraction since a time, there at
// arrived. Without a way it waits at the call.
func (b *Board) onLeg(tr Train, way *path, to *call, fraction float64, since, arrived, at time.Time) Train {
	tr.Stop, tr.StopName = to.id, to.stop.Name
	if way == nil {
		tr.Lon, tr.Lat = to.stop.Lon, to.stop.Lat
		return tr
	}
	rate := 0.0
	if total := arrived.Sub(since); total > 0 {
		rate = (1 - fraction) / total.Seconds()
	}
	tr.Fraction = fraction
	if dt := at.Sub(since); dt > 0 {
		tr.Fraction = min(1, fraction+rate*dt.Seconds())
	}
	p, heading := way.at(tr.Fraction)
	tr.Lon, tr.Lat = b.network.plane.degrees(p)
	tr.Course = heading
	tr.Speed = min(MaxSpeed, rate*way.length())
	tr.Moving = true
	return tr
}

// atStop places a train at its k-th call, heading the way it goes on, or came.
func (b *Board) atStop(tr Train, t *trip, k int) Train {
	c := &t.calls[k]
	tr.Stop, tr.StopName = c.id, c.stop.Name
	tr.Lon, tr.Lat = c.stop.Lon, c.stop.Lat
	if k+1 < len(t.calls) {
		if way := b.legs[legKey{t.Route, c.stop.ID, t.calls[k+1].stop.ID}]; way != nil {
			_, tr.Course = way.at(0)
		}
	} else if k > 0 {
		if way := b.legs[legKey{t.Route, t.calls[k-1].stop.ID, c.stop.ID}]; way != nil {
			_, tr.Course = way.at(1)
		}
	}
	return tr
}

// medians is the median time from leaving one station to reaching the next, over
// all trips of a feed.
func medians(feed *Feed) map[[2]string]time.Duration {
	all := make(map[[2]string][]time.Duration)
	for i := range feed.Trips {
		stops := feed.Trips[i].Stops
		for k := 1; k < len(stops); k++ {
			left, reached := stops[k-1].Departure, stops[k].Arrival
			if left.IsZero() {
				left = stops[k-1].Arrival
			}
			if reached.IsZero() {
				reached = stops[k].Departure
			}
			if left.IsZero() || reached.IsZero() {
				continue
			}
			key := [2]string{parent(stops[k-1].Stop), parent(stops[k].Stop)}
			all[key] = append(all[key], reached.Sub(left))
		}
	}
	out := make(map[[2]string]time.Duration, len(all))
	for k, v := range all {
		slices.Sort(v)
		m := v[len(v)/2]
		if len(v)%2 == 0 {
			m = (v[len(v)/2-1] + m) / 2
		}
		out[k] = m
	}
	return out
}

// predecessors counts from which stop trains come to another: among trips of one
// path, of one route and direction, and of one direction.
type predecessors map[string]map[string]int

func newPredecessors(feed *Feed) predecessors {
	p := make(predecessors)
	for i := range feed.Trips {
		u := &feed.Trips[i]
		for k := 1; k < len(u.Stops); k++ {
			from, to := u.Stops[k-1].Stop, u.Stops[k].Stop
			for _, key := range predecessorKeys(u, to) {
				if p[key] == nil {
					p[key] = make(map[string]int)
				}
				p[key][parent(from)]++
			}
		}
	}
	return p
}

func predecessorKeys(u *TripUpdate, to string) [3]string {
	_, way, _ := strings.Cut(u.Trip.ID, "_")
	return [3]string{"path " + way + " " + to, "route " + u.Trip.Route + " " + to, "direction " + to}
}

// of is the commonest station before a trip's first stop, the smallest id among
// equals, and among which trips it was found.
func (p predecessors) of(u *TripUpdate) (station, from string) {
	if len(u.Stops) == 0 {
		return "", ""
	}
	for i, key := range predecessorKeys(u, u.Stops[0].Stop) {
		best := 0
		for s, n := range p[key] {
			if n > best || n == best && s < station {
				station, best = s, n
			}
		}
		if best > 0 {
			return station, [3]string{"path", "route", "direction"}[i]
		}
	}
	return "", ""
}
