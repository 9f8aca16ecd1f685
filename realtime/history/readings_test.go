package history_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/realtime"
	"twind/realtime/history"
)

// readings makes n observations: of properties of manholes by name, of some of
// them by numbered datastreams, and of datastreams that are bound to nothing.
func readings(n int, seed uint64) []realtime.Observation {
	rng := rand.New(rand.NewPCG(seed, 7))
	out := make([]realtime.Observation, n)
	for i := range out {
		ms := noon.UnixMilli() + int64(i)*50 - rng.Int64N(2000)
		o := realtime.Observation{Time: ms, Received: noon.UnixMilli() + int64(i)*50, Number: float64(rng.IntN(1000))}
		k := rng.IntN(60)
		switch rng.IntN(3) {
		case 0:
			o.Datastream = fmt.Sprint("free ", k)
		case 1:
			o.Datastream, o.Layer, o.Feature, o.Property = fmt.Sprint(k), "manholes", fmt.Sprint("M", k), "level"
		default:
			o.Layer, o.Feature, o.Property = "manholes", fmt.Sprint("M", k), []string{"level", "tilt"}[k%2]
			o.Datastream = fmt.Sprint("manholes/M", k, "/", o.Property)
		}
		out[i] = o
	}
	return out
}

func TestReadingsAreThoseOfTheSeries(t *testing.T) {
	o := history.Options{Dir: t.TempDir(), Interval: time.Millisecond, SealBytes: 20 << 10, SealAfter: time.Hour}
	l := open(t, o)
	all := readings(20_000, 3)
	for i := 0; i < len(all); i += 1000 {
		require.NoError(t, l.Observations(all[i:i+1000]))
		require.NoError(t, l.Flush(t.Context()))
	}
	require.Positive(t, l.Stats().Segments, "some are sealed, the rest is in a journal")
	for _, s := range []history.Series{
		{Layer: "manholes", Feature: "M17", Property: "level"}, {Layer: "manholes", Feature: "M17", Property: "tilt"},
		{Layer: "manholes", Feature: "M4", Property: "level"}, {Layer: "pipes", Feature: "M4", Property: "level"},
		{Datastream: "17"}, {Datastream: "17", Layer: "manholes"}, {Datastream: "free 3"}, {Datastream: "manholes/M5/tilt"}, {Datastream: "nobody"},
	} {
		from, to := noon.UnixMilli()+100_000, noon.UnixMilli()+700_000
		wanted := func(o *realtime.Observation) bool {
			if o.Time < from || o.Time >= to || s.Layer != "" && o.Layer != s.Layer {
				return false
			}
			if s.Datastream != "" {
				return o.Datastream == s.Datastream
			}
			return o.Feature == s.Feature && o.Property == s.Property
		}
		var want, got []realtime.Observation
		for i := range all {
			if wanted(&all[i]) {
				want = append(want, all[i])
			}
		}
		for start, more := from, true; more; {
			var rows []realtime.Observation
			var err error
			rows, more, err = l.ReadingsPage(t.Context(), s, start, to, 25, func(*realtime.Observation) bool { return true })
			require.NoError(t, err)
			got = append(got, rows...)
			if more {
				start = rows[len(rows)-1].Time + 1
			}
		}
		require.ElementsMatch(t, want, got, "%+v", s)
		for i := 1; i < len(got); i++ {
			require.LessOrEqual(t, got[i-1].Time, got[i].Time)
		}

		intervals, err := l.Intervals(t.Context(), s, from, to, 60_000, func(*realtime.Observation) bool { return true })
		require.NoError(t, err)
		n := 0
		for _, i := range intervals {
			lo, hi, sum := math.Inf(1), math.Inf(-1), 0.0
			count := 0
			for k := range want {
				if at := want[k].Time; at >= i.Time && at < i.Time+60_000 {
					lo, hi, sum = min(lo, want[k].Number), max(hi, want[k].Number), sum+want[k].Number
					count++
				}
			}
			require.Equal(t, count, i.Count)
			require.Equal(t, count, i.Numbers)
			require.InDelta(t, lo, i.Min, 0)
			require.InDelta(t, hi, i.Max, 0)
			require.InDelta(t, sum/float64(count), i.Mean, 1e-9)
			n += i.Count
		}
		require.Len(t, want, n)
	}
}

// BenchmarkReadings reads the observations of one property of one object, of a
// day of 500 sensors that report once a minute; the ratio is to a reader that
// looks at all observations of the layer.
func BenchmarkReadings(b *testing.B) {
	l := open(b, history.Options{Dir: b.TempDir(), SealBytes: 4 << 20})
	day := noon.UnixMilli()
	batch := make([]realtime.Observation, 500)
	for minute := range 1440 {
		for i := range batch {
			f := fmt.Sprint("M", i)
			at := day + int64(minute)*60_000 + int64(i)
			batch[i] = realtime.Observation{Datastream: "manholes/" + f + "/level", Layer: "manholes", Feature: f, Property: "level", Time: at, Received: at, Number: float64(minute)}
		}
		require.NoError(b, l.Observations(batch))
	}
	require.NoError(b, l.Flush(b.Context()))
	start := time.Now()
	n := 0
	require.NoError(b, l.ReceivedObservations(b.Context(), 0, math.MaxInt64, func(o *realtime.Observation) error {
		if o.Feature == "M250" {
			n++
		}
		return nil
	}))
	whole := time.Since(start)
	require.Equal(b, 1440, n)
	b.ReportAllocs()
	for b.Loop() {
		rows, err := l.Intervals(b.Context(), history.Series{Layer: "manholes", Feature: "M250", Property: "level"}, day, day+86_400_000, 900_000, func(*realtime.Observation) bool { return true })
		require.NoError(b, err)
		require.Len(b, rows, 96)
	}
	b.ReportMetric(float64(whole)/(float64(b.Elapsed())/float64(b.N)), "x-faster-than-all")
}
