package sensorthings

import (
	"strconv"

	"twind/layers"
	"twind/realtime"
)

// readings are the Observations that the change made, as the Observatory takes
// them: results that are numbers, texts or truth. A Datastream whose properties
// have twind:layer, twind:feature and twind:property is bound to that object.
func (c *change) readings() []realtime.Observation {
	var out []realtime.Observation
	for _, e := range c.touched {
		if e.kind != observations || !c.created[e] || c.gone[e] {
			continue
		}
		if o, ok := c.s.reading(e); ok {
			out = append(out, o)
		}
	}
	return out
}

func (s *Store) reading(e *entity) (realtime.Observation, bool) {
	stream := s.find(datastreams, e.one(readingStream))
	o := realtime.Observation{Datastream: strconv.FormatInt(stream.id, 10)}
	switch v := fromJSON(e.values[readingResult], formAny); v.typ {
	case typeNumber:
		o.Type, o.Number = realtime.ResultNumber, v.number
	case typeText:
		o.Type, o.Text = realtime.ResultText, v.text
	case typeTruth:
		o.Type = realtime.ResultTruth
		if v.truth {
			o.Number = 1
		}
	default:
		return o, false
	}
	at, ok := parseTimes(unquote(e.values[readingTime]))
	if !ok {
		return o, false
	}
	o.Time = at.to.UnixMilli()
	if t, ok := parseTimes(unquote(e.values[readingMade])); ok {
		o.ResultTime = t.from.UnixMilli()
	}
	if p := e.values[readingParams]; !isNull(p) {
		o.Parameters = string(p)
	}
	bound := func(name string) string { return unquote(reach(stream.values[streamProperties], []string{name})) }
	if l, f, p := bound("twind:layer"), bound("twind:feature"), bound("twind:property"); l != "" && f != "" && p != "" {
		o.Layer, o.Feature, o.Property = layers.ID(l), f, p
	}
	return o, true
}
