package sensing

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"twind/layers"
	"twind/realtime"
)

// DefaultSeed makes the demo's sensors.
const DefaultSeed = 20261121

// Network is all sensors. It is used by one goroutine at a time.
type Network struct {
	Sensors []Sensor // by layer, object and property

	seed  uint64
	alert []int32 // of Sensors: those with a limit, which incidents befall
	order cycle
	skies [len(regions)]sky
}

// New chooses the objects that have sensors among those of the layers that are
// described, always the same of the same features.
func New(described []layers.Layer, features Source, seed uint64) (*Network, error) {
	n := &Network{seed: seed}
	var taken []candidate
	for i := range groups {
		g := &groups[i]
		at := slices.IndexFunc(described, func(l layers.Layer) bool { return l.ID == g.layer })
		if at < 0 {
			return nil, fmt.Errorf("sensing: layer %s is not described", g.layer)
		}
		var found []candidate
		err := features(&described[at], func(f *layers.Feature) bool {
			if c, ok := g.read(seed, &described[at], f); ok {
				found = append(found, c)
			}
			return true
		})
		if err != nil {
			return nil, fmt.Errorf("sensing: layer %s: %w", g.layer, err)
		}
		chosen := choose(g, found, taken)
		taken = append(taken, chosen...)
		for k := range chosen {
			n.Sensors = append(n.Sensors, g.sensors(seed, &chosen[k])...)
		}
	}
	slices.SortFunc(n.Sensors, func(a, b Sensor) int {
		return cmp.Or(cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.Feature, b.Feature), cmp.Compare(a.Property, b.Property))
	})
	for i := range n.Sensors {
		if !math.IsNaN(n.Sensors[i].Limit) {
			n.alert = append(n.alert, int32(i))
		}
	}
	for i := range n.skies {
		n.skies[i] = sky{seed: seed, region: uint64(i), minute: -1}
	}
	return n, nil
}

// Clone is the same network for another goroutine.
func (n *Network) Clone() *Network {
	c := *n
	c.order = cycle{}
	return &c
}

// Due appends the readings whose time is after from and not after to, by sensor.
func (n *Network) Due(from, to time.Time, dst []realtime.Observation) []realtime.Observation {
	a, b := from.UnixMilli(), to.UnixMilli()
	running := n.running(a, b)
	for i := range n.Sensors {
		s := &n.Sensors[i]
		period := s.Period * 1000
		phase := int64(s.stream % uint64(period))
		for at := next(a, period, phase); at <= b; at += period {
			if s.silent(at) {
				continue
			}
			dst = append(dst, realtime.Observation{
				Layer: s.Layer, Feature: s.Feature, Property: s.Property,
				Time: at, Type: realtime.ResultNumber, Number: n.value(int32(i), at, running),
			})
		}
	}
	return dst
}

// Latest appends what each sensor said last at a moment.
func (n *Network) Latest(at time.Time, dst []realtime.Observation) []realtime.Observation {
	const reach = time.Minute // longer than any period
	all := n.Due(at.Add(-reach), at, nil)
	for i := range all {
		if i+1 == len(all) || all[i+1].Layer != all[i].Layer || all[i+1].Feature != all[i].Feature || all[i+1].Property != all[i].Property {
			dst = append(dst, all[i])
		}
	}
	return dst
}

// next is the first moment after one at which a period with a phase comes round.
func next(after, period, phase int64) int64 {
	return after + period - ((after-phase)%period+period)%period
}

// value is what a sensor reads at a moment, ms since 1970.
func (n *Network) value(i int32, at int64, running []incident) float64 {
	s := &n.Sensors[i]
	t := moment{unix: float64(at) / 1000}
	t.hour = math.Mod(math.Mod(t.unix/3600+s.zone, 24)+24, 24)
	w := weather{runoff: n.skies[s.region].runoff(at)}
	v := s.value(&w, s, &t)
	stream := mix(s.stream + uint64(len(s.Property))*977)
	v += s.noise * (0.7*noise(s.seed, stream, t.unix, 90) + 0.3*noise(s.seed, stream+1, t.unix, 11))
	for k := range running {
		if running[k].sensor == i {
			v += (running[k].worst(s) - v) * running[k].share(s, at)
		}
	}
	scale := math.Pow10(s.Decimals)
	return math.Round(min(max(v, s.Low), s.High)*scale) / scale
}
