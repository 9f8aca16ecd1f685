package sensing

import "math"

// Once in every incidentEvery ms something goes wrong with one sensor's object.
const incidentEvery = 60_000

// An incident lasts this long, in seconds.
const (
	shortest = 150
	longest  = 330
)

// incident is something that takes one sensor's value beyond its limit.
type incident struct {
	slot       int64
	sensor     int32 // of Network.Sensors
	begin, end int64 // ms since 1970
	severity   float64
}

// cycle is an order in which all sensors with a limit have their turn.
type cycle struct {
	number int64
	turns  []int32
}

// incident is the one that begins in a slot of incidentEvery.
func (n *Network) incident(slot int64) incident {
	count := int64(len(n.alert))
	number := slot / count
	if n.order.turns == nil || n.order.number != number {
		n.order = cycle{number, append(n.order.turns[:0], n.alert...)}
		for i := len(n.order.turns) - 1; i > 0; i-- {
			k := draw(n.seed, forIncidents, uint64(number), uint64(i)) % uint64(i+1)
			n.order.turns[i], n.order.turns[k] = n.order.turns[k], n.order.turns[i]
		}
	}
	draws := func(i uint64) float64 { return chance(n.seed, forIncidents, uint64(slot), i<<32) }
	begin := slot*incidentEvery + int64(draws(1)*0.6*incidentEvery)
	return incident{
		slot: slot, sensor: n.order.turns[slot%count], begin: begin,
		end: begin + int64(between(draws(2), shortest, longest)*1000), severity: draws(3),
	}
}

// running are the incidents of a stretch of time, ms since 1970.
func (n *Network) running(from, to int64) []incident {
	if len(n.alert) == 0 {
		return nil
	}
	var out []incident
	for slot := from/incidentEvery - longest*1000/incidentEvery - 1; slot <= to/incidentEvery; slot++ {
		if x := n.incident(max(0, slot)); x.begin <= to && x.end >= from {
			out = append(out, x)
		}
	}
	return out
}

// worst is the value that it leads to.
func (x *incident) worst(s *Sensor) float64 {
	return between(x.severity, s.worst[0], s.worst[1])
}

// share is how much of it there is at a moment, 0 to 1.
func (x *incident) share(s *Sensor, at int64) float64 {
	if at < x.begin || at > x.end {
		return 0
	}
	if s.sudden {
		return 1
	}
	const ramp = 40_000 // ms
	u := min(1, float64(min(at-x.begin, x.end-at))/ramp)
	return u * u * (3 - 2*u)
}

// Sensors fall silent for a part of every third stretch or so of their time.
const (
	silenceEvery = 3 * 3600_000 // ms
	silenceOdds  = 0.22
)

// silent tells whether a sensor says nothing at a moment, ms since 1970.
func (s *Sensor) silent(at int64) bool {
	stretch := uint64(math.Floor(float64(at) / silenceEvery))
	draws := func(i uint64) float64 { return chance(s.seed, forSilence, s.stream^stretch, i) }
	if draws(0) > silenceOdds {
		return false
	}
	long := between(draws(1), 4, 28) * 60_000
	begin := float64(stretch)*silenceEvery + draws(2)*(silenceEvery-long)
	return float64(at) >= begin && float64(at) < begin+long
}
