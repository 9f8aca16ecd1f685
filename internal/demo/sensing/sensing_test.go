package sensing

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	model "twind/internal/district"
	"twind/layers"
	"twind/realtime"
	"twind/spatial"
)

var monday = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// described are layers with the properties that groups ask for, and features of
// each group in a loose grid.
func described() (list []layers.Layer, features Source) {
	byLayer := map[layers.ID]*layers.Layer{}
	for _, l := range model.Layers() {
		byLayer[l.ID] = &l
	}
	for _, g := range groups {
		l := byLayer[g.layer]
		if l == nil {
			l = &layers.Layer{ID: g.layer}
			byLayer[g.layer] = l
		}
		for _, name := range []string{g.by, g.name, g.place, g.size} {
			if name != "" && l.PropertyIndex(name) < 0 {
				l.Schema = append(l.Schema, layers.Property{Name: name, Type: layers.String})
			}
		}
	}
	for _, l := range byLayer {
		list = append(list, *l)
	}
	return list, func(l *layers.Layer, yield func(*layers.Feature) bool) error {
		for gi, g := range groups {
			for i := range 3 * g.count {
				if g.layer != l.ID {
					continue
				}
				f := &layers.Feature{ID: fmt.Sprint(gi*1000 + i), Properties: make([]layers.Value, len(l.Schema))}
				if g.by != "" {
					f.Properties[l.PropertyIndex(g.by)] = layers.StringValue(g.is[i%len(g.is)])
				}
				x, y := 100+float64(gi)+float64(i%20)*0.004, 20+float64(i/20)*0.004
				f.Geometry = spatial.NewPoint(x, y)
				if g.size != "" {
					f.Geometry = spatial.NewLineString([]float64{x, y, x + 0.0005, y})
					f.Properties[l.PropertyIndex(g.size)] = layers.IntValue(300)
				}
				if !yield(f) {
					return nil
				}
			}
		}
		return nil
	}
}

func network(t testing.TB, seed uint64) *Network {
	list, features := described()
	n, err := New(list, features, seed)
	require.NoError(t, err)
	return n
}

func TestNetworkIsTheSameEveryTime(t *testing.T) {
	a, b := network(t, 1), network(t, 1)
	require.Equal(t, len(a.Sensors), len(b.Sensors))
	require.Greater(t, len(a.Sensors), 400)
	one := a.Due(monday, monday.Add(10*time.Minute), nil)
	var parts []realtime.Observation
	for s := range 600 {
		from := monday.Add(time.Duration(s) * time.Second)
		parts = b.Due(from, from.Add(time.Second), parts)
	}
	order := func(x, y realtime.Observation) int {
		return cmp.Or(cmp.Compare(x.Time, y.Time), cmp.Compare(x.Layer, y.Layer), cmp.Compare(x.Feature, y.Feature), cmp.Compare(x.Property, y.Property))
	}
	slices.SortFunc(one, order)
	slices.SortFunc(parts, order)
	require.Equal(t, one, parts, "in one step or in many")
	other := network(t, 2).Due(monday, monday.Add(10*time.Minute), nil)
	require.NotEqual(t, one, other)
}

func TestReadingsAreInRangeAndOnTime(t *testing.T) {
	n := network(t, DefaultSeed)
	bySensor := map[realtime.Binding]*Sensor{}
	for i := range n.Sensors {
		s := &n.Sensors[i]
		require.NotContains(t, bySensor, s.Binding, "one sensor a quantity of an object")
		bySensor[s.Binding] = s
		require.Less(t, s.Period, int64(60))
	}
	last := map[realtime.Binding]int64{}
	count := 0
	for h := range 24 {
		from := monday.Add(time.Duration(h) * time.Hour)
		for _, o := range n.Due(from, from.Add(2*time.Minute), nil) {
			b := realtime.Binding{Layer: o.Layer, Feature: o.Feature, Property: o.Property}
			s := bySensor[b]
			require.NotNil(t, s, b)
			require.True(t, o.Number >= s.Low && o.Number <= s.High, "%v reads %v", b, o.Number)
			scale := math.Pow10(s.Decimals)
			require.InDelta(t, math.Round(o.Number*scale), o.Number*scale, 1e-6, "%v has %d decimals", o.Number, s.Decimals)
			require.Greater(t, o.Time, last[b])
			require.True(t, o.Time > from.UnixMilli() && o.Time <= from.Add(2*time.Minute).UnixMilli())
			last[b] = o.Time
			count++
		}
	}
	require.Greater(t, count, 24*len(n.Sensors))
}

func TestTheDayIsSeenInTheReadings(t *testing.T) {
	n := network(t, DefaultSeed)
	mean := func(property string, unit string, hour float64) float64 {
		sum, count := 0.0, 0.0
		for i := range n.Sensors {
			s := &n.Sensors[i]
			if s.Quantity != property || s.Unit != unit {
				continue
			}
			at := monday.Add(time.Duration((hour - s.zone) * float64(time.Hour))).UnixMilli()
			sum += n.value(int32(i), at, nil)
			count++
		}
		return sum / count
	}
	require.Greater(t, mean("power", "W", 21), 80.0, "lamps are on in the evening")
	require.Less(t, mean("power", "W", 12), 5.0, "and off at noon")
	require.Greater(t, mean("pressure", "kPa", 3), mean("pressure", "kPa", 7.5), "pressure is low when people use water")
	require.Greater(t, mean("temperature", "°C", 20), mean("temperature", "°C", 4)+8)
}

func TestRainFillsTheStormSewers(t *testing.T) {
	n := network(t, DefaultSeed)
	var dry, wet float64
	for minute := range 3 * 24 * 60 {
		at := monday.Add(time.Duration(minute) * time.Minute)
		runoff := n.skies[district].runoff(at.UnixMilli())
		require.GreaterOrEqual(t, runoff, 0.0)
		require.Less(t, runoff, 40.0)
		if runoff == 0 {
			dry++
		} else if runoff > 2 {
			wet++
		}
	}
	require.Greater(t, dry, 1000.0, "most of the time it is dry")
	require.Greater(t, wet, 60.0, "and it rains within three days")
}

func TestSomeSensorsFallSilentForAWhile(t *testing.T) {
	n := network(t, DefaultSeed)
	silent := 0
	for h := range 24 {
		for i := range n.Sensors {
			if n.Sensors[i].silent(monday.Add(time.Duration(h) * time.Hour).UnixMilli()) {
				silent++
			}
		}
	}
	share := float64(silent) / float64(24*len(n.Sensors))
	require.InDelta(t, 0.02, share, 0.012)
}

func TestLatestIsOneReadingEach(t *testing.T) {
	n := network(t, DefaultSeed)
	at := monday.Add(9 * time.Hour)
	latest := n.Latest(at, nil)
	seen := map[realtime.Binding]bool{}
	for _, o := range latest {
		b := realtime.Binding{Layer: o.Layer, Feature: o.Feature, Property: o.Property}
		require.False(t, seen[b], b)
		seen[b] = true
		require.LessOrEqual(t, o.Time, at.UnixMilli())
	}
	require.Greater(t, len(latest), len(n.Sensors)*9/10)
}

func TestIncidentsBefallSensorsInTurn(t *testing.T) {
	n := network(t, DefaultSeed)
	slot := monday.UnixMilli() / incidentEvery
	slot -= slot % int64(len(n.alert)) // a whole cycle
	seen := map[int32]bool{}
	for k := range int64(len(n.alert)) {
		x := n.incident(slot + k)
		require.False(t, seen[x.sensor], "all others come first")
		seen[x.sensor] = true
		s := &n.Sensors[x.sensor]
		require.False(t, math.IsNaN(s.Limit))
		at := (x.begin + x.end) / 2
		v := n.value(x.sensor, at, []incident{x})
		if s.Below {
			require.Less(t, v, s.Limit)
		} else {
			require.Greater(t, v, s.Limit)
		}
		calm := n.value(x.sensor, at, nil)
		if s.Below {
			require.Greater(t, calm, s.Limit+s.Margin, "%s of %s is calm without", s.Quantity, s.Layer)
		} else {
			require.Less(t, calm, s.Limit-s.Margin, "%s of %s is calm without", s.Quantity, s.Layer)
		}
	}
}

func TestRulesAreWhatTheServerTakes(t *testing.T) {
	n := network(t, DefaultSeed)
	list := n.Rules()
	ids := map[string]bool{}
	for _, r := range list {
		require.False(t, ids[r.ID])
		ids[r.ID] = true
		require.True(t, strings.HasPrefix(r.ID, RulePrefix))
		require.NotEmpty(t, r.Title.ZH)
		require.NotEmpty(t, r.Title.EN)
	}
	require.Len(t, list, len(ids))
	require.Contains(t, ids, "demo-manholes-water_level-warning")
}
