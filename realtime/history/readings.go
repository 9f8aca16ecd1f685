package history

import (
	"context"
	"math"
	"slices"
	"strings"

	"twind/layers"
	"twind/realtime"
)

// Series names the observations of one datastream by its id, or those of one
// property of a city object, whichever datastreams gave them.
type Series struct {
	Datastream string // empty where Layer, Feature and Property are given
	// Layer is the object's layer. With Datastream it says that the datastream
	// belongs to an object of it; empty: any layer or none.
	Layer    layers.ID
	Feature  string
	Property string
}

// Interval summarises the observations of from ≤ t < from + the width asked for.
type Interval struct {
	Time           int64 // ms since 1970: when it begins, a multiple of the width
	Count          int   // observations, also those without a number
	Numbers        int   // of them: numbers, and truth as 0 or 1
	Min, Mean, Max float64
}

// question is what to ask of one stream.
func (s *Series) question(stream string) question {
	q := ask(KindObservation, stream)
	q.id = s.Datastream
	if q.id == "" {
		q.object = string(s.Layer) + "/" + s.Feature + "/" + s.Property
		q.objectPrefix = string(s.Layer) + "/"
	}
	return q
}

// streams are those that may have observations of the series.
func (l *Log) streamsOf(s *Series) []string {
	if s.Layer != "" {
		return []string{string(s.Layer)}
	}
	return l.streams()
}

// Readings calls yield for each observation of a series whose phenomenon time is
// from ≤ t < to (ms since 1970), in no promised order. The observation is lent
// until yield returns. An error of yield ends it and is returned.
func (l *Log) Readings(ctx context.Context, s Series, from, to int64, yield func(*realtime.Observation) error) error {
	var o realtime.Observation
	for _, stream := range l.streamsOf(&s) {
		q := s.question(stream)
		q.timeFrom, q.timeTo = from, to
		err := l.scan(ctx, q, func(t *table, row int) error {
			if q.object != "" && (t.texts[obsFeature].at(row) != s.Feature || t.texts[obsProperty].at(row) != s.Property) {
				return nil
			}
			t.observation(row, &o)
			return yield(&o)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// ReadingsPage lists the observations of a series that admit lets pass, of
// from ≤ t < to, by time, then in the order of receipt. It ends with a whole
// millisecond once it has limit rows: more says that the next begins after the
// last. admit may change the observation.
func (l *Log) ReadingsPage(ctx context.Context, s Series, from, to int64, limit int, admit func(*realtime.Observation) bool) (rows []realtime.Observation, more bool, err error) {
	keep := func() {
		slices.SortStableFunc(rows, func(a, b realtime.Observation) int {
			if c := compare(a.Time, b.Time); c != 0 {
				return c
			}
			return compare(a.Received, b.Received)
		})
		n := limit
		for n > 0 && n < len(rows) && rows[n].Time == rows[n-1].Time {
			n++
		}
		if n < len(rows) {
			rows, more = rows[:n], true
		}
	}
	err = l.Readings(ctx, s, from, to, func(o *realtime.Observation) error {
		if admit(o) {
			if rows = append(rows, *o); len(rows) > 2*limit+1000 {
				keep()
			}
		}
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	keep()
	return rows, more, nil
}

// Intervals summarises the observations of a series that admit lets pass, of
// from ≤ t < to, by intervals of width ms that begin at multiples of it; those
// without observations are left out. The caller bounds (to−from)/width.
func (l *Log) Intervals(ctx context.Context, s Series, from, to, width int64, admit func(*realtime.Observation) bool) ([]Interval, error) {
	known := map[int64]*Interval{}
	err := l.Readings(ctx, s, from, to, func(o *realtime.Observation) error {
		if !admit(o) {
			return nil
		}
		at := o.Time - o.Time%width // times are after 1970
		i := known[at]
		if i == nil {
			i = &Interval{Time: at, Min: math.Inf(1), Max: math.Inf(-1)}
			known[at] = i
		}
		i.add(o)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([]Interval, 0, len(known))
	for _, i := range known {
		if i.Numbers == 0 {
			i.Min, i.Mean, i.Max = math.NaN(), math.NaN(), math.NaN()
		}
		out = append(out, *i)
	}
	slices.SortFunc(out, func(a, b Interval) int { return compare(a.Time, b.Time) })
	return out, nil
}

func (i *Interval) add(o *realtime.Observation) {
	i.Count++
	v := o.Number
	if o.Type == realtime.ResultText || math.IsNaN(v) || math.IsInf(v, 0) {
		return
	}
	i.Numbers++
	i.Min, i.Max = min(i.Min, v), max(i.Max, v)
	i.Mean += (v - i.Mean) / float64(i.Numbers)
}

// mayHoldObject tells whether a block may have observations of an object's
// property. Observations that name the object have the datastream
// layer/feature/property, so a sorted block whose ids all begin with the layer
// has them only if its range of ids says so; other ids may be bound to any.
func (b *blockRef) mayHoldObject(object, prefix string) bool {
	if b.flags&blockSorted == 0 || !strings.HasPrefix(b.minID, prefix) || !strings.HasPrefix(b.maxID, prefix) {
		return true
	}
	return b.minID <= object && object <= b.maxID
}

// holdsObject does the same with the ids of a block.
func holdsObject(t *table, object, prefix string) bool {
	return slices.ContainsFunc(t.texts[colID].words, func(id string) bool {
		return id == object || !strings.HasPrefix(id, prefix)
	})
}
