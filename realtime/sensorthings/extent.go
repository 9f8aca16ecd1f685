package sensorthings

import (
	"encoding/json"
	"time"
)

// extent is the time that a Datastream's Observations cover.
type extent struct {
	phenomenon, result times // zero: none
}

func (x *extent) json(member int) json.RawMessage {
	if x == nil {
		return nil
	}
	t := x.phenomenon
	switch member {
	case streamResult:
		t = x.result
	case streamPhenomenon:
	default:
		return nil
	}
	if t.from.IsZero() {
		return nil
	}
	return json.RawMessage(`"` + t.from.UTC().Format(stamp) + "/" + t.to.UTC().Format(stamp) + `"`)
}

// widen counts an Observation in.
func (x *extent) widen(o *entity) {
	if t, ok := parseTimes(unquote(o.values[readingTime])); ok {
		x.phenomenon.cover(t)
	}
	if t, ok := parseTimes(unquote(o.values[readingMade])); ok {
		x.result.cover(t)
	}
}

// measure computes the extent of a Datastream anew.
func (s *Store) measure(e *entity) {
	e.extent = nil
	for _, o := range s.targets(e, streamReadings) {
		if e.extent == nil {
			e.extent = &extent{}
		}
		e.extent.widen(o)
	}
}

const stamp = "2006-01-02T15:04:05.000Z"

// times is an instant, or an interval from <= t <= to.
type times struct {
	from, to time.Time
	interval bool
}

func (t *times) cover(o times) {
	if t.from.IsZero() || o.from.Before(t.from) {
		t.from = o.from
	}
	if t.to.IsZero() || o.to.After(t.to) {
		t.to = o.to
	}
	t.interval = true
}
