package server

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"twind/internal/config"
	"twind/layers"
	"twind/realtime"
	"twind/realtime/history"
)

// Bounds of what is asked of readings.
const (
	minEvery     = time.Second
	maxIntervals = 10_000
)

var readingsParams = []string{"layer", "feature", "id", "property", "datastream", "datetime", "start", "end", "every", "limit", "f", "token"}

// readingsQuery is a question about readings of the past, read and checked.
type readingsQuery struct {
	series   history.Series
	from, to int64 // ms since 1970; to is included
	every    time.Duration
	limit    int
	format   string // json, ndjson or csv
	repeat   url.Values
	admit    func(*realtime.Observation) bool
}

// asksReadings tells questions about readings from those about positions.
func asksReadings(q url.Values) bool {
	return q.Has("property") || q.Has("datastream") || q.Has("feature")
}

// readingsHistory answers with the observations of one datastream in the order
// of their phenomenon times:
//
//	layer, feature, property    what was measured of a city object, whichever datastream did
//	datastream                  one datastream
//	every=60s                   count, min, mean and max of each interval instead
func (s *Server) readingsHistory(w http.ResponseWriter, r *http.Request) error {
	q, err := s.readReadingsQuery(r)
	if err != nil {
		return err
	}
	page := readingsPage{q: &q}
	if q.every > 0 {
		page.intervals, err = s.o.History.Intervals(r.Context(), q.series, q.from, q.to+1, q.every.Milliseconds(), q.admit)
		return s.writeReadings(w, r, &page, err)
	}
	var more bool
	page.rows, more, err = s.o.History.ReadingsPage(r.Context(), q.series, q.from, q.to+1, q.limit, q.admit)
	if more {
		q.repeat.Del("datetime")
		q.repeat.Set("start", stamp(page.rows[len(page.rows)-1].Time+1))
		q.repeat.Set("end", stamp(q.to))
		page.next = s.historyAddress(r, q.repeat)
	}
	return s.writeReadings(w, r, &page, err)
}

func (s *Server) readReadingsQuery(r *http.Request) (readingsQuery, error) {
	q := readingsQuery{repeat: url.Values{}}
	p, err := readParams(r, readingsParams...)
	if err != nil {
		return q, err
	}
	for k, v := range p {
		if k != "token" {
			q.repeat.Set(k, v)
		}
	}
	if err := q.readSeries(p); err != nil {
		return q, err
	}
	if q.limit, err = parseLimit(p["limit"], defaultHistoryLimit, maxHistoryLimit); err != nil {
		return q, err
	}
	switch q.format = p["f"]; q.format {
	case "":
		q.format = "json"
	case "json", "ndjson", "csv":
	default:
		return q, fail(400, fmt.Sprintf("f=%s is not offered of readings; use f=json, ndjson or csv.", cut(q.format, 40)))
	}
	i, err := readSpan(p)
	if err != nil {
		return q, err
	}
	from, to := i.closed()
	q.from, q.to = max(0, from.UnixMilli()), to.UnixMilli()
	if err := q.readEvery(p); err != nil {
		return q, err
	}
	return q, s.admitReadings(r, &q)
}

// readSeries reads what was measured.
func (q *readingsQuery) readSeries(p params) error {
	feature, given := p["feature"]
	if id, also := p["id"]; also {
		if given {
			return fail(400, "id and feature name the same object; give one or the other.")
		}
		feature = id
	}
	if stream, ok := p["datastream"]; ok {
		if stream == "" || p["layer"]+feature+p["property"] != "" {
			return fail(400, "Give datastream, or layer, feature and property of the object that was measured: one or the other.")
		}
		q.series.Datastream = stream
		return nil
	}
	id, err := layers.ParseID(p["layer"])
	if err != nil {
		return fail(400, fmt.Sprintf("layer %q: expected the id of the layer of the object that was measured, such as layer=manholes.", cut(p["layer"], 80)))
	}
	if layers.CheckFeatureID(feature) != nil || p["property"] == "" || len(p["property"]) > layers.MaxNameBytes {
		return fail(400, "Give feature and property: which object of the layer was measured, and what of it, such as feature=M-7&property=level.")
	}
	q.series = history.Series{Layer: id, Feature: feature, Property: p["property"]}
	return nil
}

// readEvery reads the width of the intervals. Those that the question may have
// are bounded.
func (q *readingsQuery) readEvery(p params) error {
	text, given := p["every"]
	if !given {
		return nil
	}
	if _, also := p["limit"]; also {
		return fail(400, "every gives all intervals at once; leave out limit.")
	}
	width, ok := config.ParseAge(text)
	q.every = time.Duration(width).Truncate(time.Millisecond)
	if !ok || q.every < minEvery {
		return fail(400, fmt.Sprintf("every %q: expected the width of an interval, a number and a unit of at least 1s, such as 60s, 15m, 1h or 1d.", cut(text, 40)))
	}
	if n := (q.to - q.from) / q.every.Milliseconds(); n > maxIntervals {
		return fail(400, fmt.Sprintf("every=%s makes %d intervals from start to end; at most %d are possible: use wider ones, or ask for a shorter time.", cut(text, 40), n, maxIntervals))
	}
	return nil
}

// admitReadings finds which observations the reader may see: those of objects
// that the reader may see, unless the property is hidden. Who may not see the
// object that the question names is told what a question about none is told.
func (s *Server) admitReadings(r *http.Request, q *readingsQuery) error {
	seen := map[realtime.Binding]bool{}
	may := func(b realtime.Binding) bool {
		ok, known := seen[b]
		if !known && len(seen) < 1000 { // a datastream has had few objects
			ok = s.mayReadObject(r, b)
			seen[b] = ok
		}
		return ok
	}
	q.admit = func(o *realtime.Observation) bool {
		return o.Layer == "" || may(realtime.Binding{Layer: o.Layer, Feature: o.Feature, Property: o.Property})
	}
	if q.series.Layer == "" {
		return nil
	}
	c, err := s.openLayer(r, string(q.series.Layer))
	if err != nil {
		return err
	}
	c.release()
	if !may(realtime.Binding{Layer: q.series.Layer, Feature: q.series.Feature, Property: q.series.Property}) {
		q.admit = func(*realtime.Observation) bool { return false }
	}
	return nil
}

// mayReadObject tells whether the reader may see an object and a property of it.
// What was measured of an object that is gone remains for those who may see all
// of its layer.
func (s *Server) mayReadObject(r *http.Request, b realtime.Binding) bool {
	p := s.policy(r, b.Layer)
	switch {
	case !p.Restricted():
		return true
	case p.Deny || slices.Contains(p.Hidden, b.Property):
		return false
	case p.Rows == nil:
		return true
	}
	c, err := s.openLayer(r, string(b.Layer))
	if err != nil {
		return false
	}
	defer c.release()
	var f layers.Feature
	return c.find(r, b.Feature, &f) == nil
}
