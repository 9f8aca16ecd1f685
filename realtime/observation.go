package realtime

import (
	"math"
	"strconv"

	"twind/layers"
)

// ResultType is what an observation's result is.
type ResultType uint8

// The types of results.
const (
	ResultNumber ResultType = iota
	ResultText
	ResultTruth
)

// Observation is one reading of a datastream, in the words of SensorThings.
type Observation struct {
	Datastream string // its id; "layer/id/property" of one that only a city object's property names
	// Layer, Feature and Property are the city object that the datastream is
	// bound to; empty without one.
	Layer      layers.ID
	Feature    string
	Property   string
	Time       int64 // phenomenonTime, ms since 1970, after the rules for clocks (Flags)
	ResultTime int64 // ms since 1970; 0 absent
	Received   int64 // ms since 1970, the server's clock
	Type       ResultType
	Number     float64 // of ResultNumber; 0 or 1 of ResultTruth
	Text       string  // of ResultText
	Flags      Flag
	Parameters string // a JSON object, or ""
}

// Result is the result as a value: a number, text or truth.
func (o *Observation) Result() layers.Value {
	switch o.Type {
	case ResultText:
		return layers.StringValue(o.Text)
	case ResultTruth:
		return layers.BoolValue(o.Number != 0)
	}
	return layers.FloatValue(o.Number)
}

// AppendResult appends the result as JSON.
func (o *Observation) AppendResult(dst []byte) []byte {
	switch o.Type {
	case ResultText:
		return appendText(dst, o.Text)
	case ResultTruth:
		return strconv.AppendBool(dst, o.Number != 0)
	}
	if math.IsNaN(o.Number) || math.IsInf(o.Number, 0) {
		return append(dst, "null"...)
	}
	return strconv.AppendFloat(dst, o.Number, 'g', -1, 64)
}

// Event is something that happened, numbered without gaps in the order in which
// it was recorded.
type Event struct {
	Sequence uint64 // from 1; the log gives it
	ID       string // what the event is about: an alarm, a case; several events may share it
	Class    string // of the city's words, such as "fence-entered"
	State    string // such as "new", "acknowledged", "closed"; or ""
	Layer    layers.ID
	Entity   string  // entity or feature of Layer; "" without
	Time     int64   // ms since 1970: when it happened
	Received int64   // ms since 1970: when the server knew; the log sets 0 to now
	Lon, Lat float64 // degrees; NaN without a place
	Data     []byte  // a JSON object: the evidence; or nil
}
