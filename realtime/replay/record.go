package replay

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"twind/layers"
	"twind/realtime"
)

// Recording is what the files hold.
type Recording struct {
	Positions    []realtime.Position
	Observations []realtime.Observation
}

// Len counts the records.
func (r *Recording) Len() int { return len(r.Positions) + len(r.Observations) }

// record is a position or an observation that is due at a time.
type record struct {
	position    *realtime.Position
	observation *realtime.Observation
	at          time.Time
}

func (r *record) layer() layers.ID {
	if r.position != nil {
		return r.position.Layer
	}
	return r.observation.Layer
}

// entity names what the record is about: entities' records stay in order.
func (r *record) entity() string {
	if r.position != nil {
		return r.position.ID
	}
	if o := r.observation; o.Layer != "" {
		return string(o.Layer) + "/" + o.Feature + "/" + o.Property
	}
	return r.observation.Datastream
}

// append writes the record as JSON with the time at which it is due.
func (r *record) append(line []byte) []byte {
	if r.observation != nil {
		return r.appendObservation(line)
	}
	p := r.position
	line = appendString(append(line, `{"layer":`...), string(p.Layer))
	line = appendString(append(line, `,"id":`...), p.ID)
	line = appendTime(append(line, `,"time":`...), r.at)
	line = strconv.AppendFloat(append(line, `,"lon":`...), p.Lon, 'f', -1, 64)
	line = strconv.AppendFloat(append(line, `,"lat":`...), p.Lat, 'f', -1, 64)
	for _, m := range []struct {
		name string
		v    float64
	}{{`,"z":`, p.Z}, {`,"course":`, p.Course}, {`,"speed":`, p.Speed}} {
		if !math.IsNaN(m.v) && !math.IsInf(m.v, 0) {
			line = strconv.AppendFloat(append(line, m.name...), m.v, 'f', -1, 64)
		}
	}
	if p.Properties != nil {
		line = append(append(line, `,"properties":`...), p.Properties...)
	}
	return append(line, '}')
}

func (r *record) appendObservation(line []byte) []byte {
	if o := r.observation; o.Layer != "" {
		line = appendString(append(line, `{"layer":`...), string(o.Layer))
		line = appendString(append(line, `,"id":`...), o.Feature)
		line = appendString(append(line, `,"property":`...), o.Property)
	} else {
		line = appendString(append(line, `{"datastream":`...), o.Datastream)
	}
	return r.appendResult(append(line, ','))
}

// appendResult writes the members that SensorThings has too, and the end.
func (r *record) appendResult(line []byte) []byte {
	o := r.observation
	line = appendTime(append(line, `"phenomenonTime":`...), r.at)
	line = o.AppendResult(append(line, `,"result":`...))
	if o.ResultTime != 0 { // as long after as it was
		line = appendTime(append(line, `,"resultTime":`...), r.at.Add(time.Duration(o.ResultTime-o.Time)*time.Millisecond))
	}
	if o.Parameters != "" {
		line = append(append(line, `,"parameters":`...), o.Parameters...)
	}
	return append(line, '}')
}

func appendTime(dst []byte, t time.Time) []byte {
	return append(t.UTC().AppendFormat(append(dst, '"'), "2006-01-02T15:04:05.000Z"), '"')
}

func appendString(dst []byte, s string) []byte {
	b, _ := json.Marshal(s) // never fails
	return append(dst, b...)
}
