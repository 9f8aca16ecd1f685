package realtime

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"twind/layers"
)

// ObservationsHandler takes POST /live/observations: one observation, a JSON
// array or NDJSON, as DecodeObservation describes them. Its answers are those of
// PositionsHandler; a refusal's id is the datastream's.
func ObservationsHandler(ob *Observatory, o PositionsOptions) http.Handler {
	if o.MaxBody <= 0 {
		o.MaxBody = 32 << 20
	}
	return &ingestor{
		noun: "observation", origins: o.Origins, maxBody: o.MaxBody, journal: ob.o.Journal, malformed: func() {},
		batch: itemBatch(func(b []byte, x *Observation) (string, error) {
			err := DecodeObservation(b, x)
			return x.name(), err
		}, ob.Apply),
	}
}

// DecodeObservation reads one observation in its JSON form, in the words of
// SensorThings:
//
//	{"datastream" | "layer","id","property", "phenomenonTime" | "time", "result", "resultTime"?, "parameters"?}
//
// The datastream is named by its id, or by the property of a city object that
// it measures. Times are RFC 3339, the result is a number, a text of at most
// 8 KiB or true or false, parameters are a JSON object. A member that is null
// is absent.
func DecodeObservation(b []byte, o *Observation) error {
	*o = Observation{}
	if len(b) > MaxPositionBytes {
		return fmt.Errorf("an observation of %d bytes; at most %d are possible", len(b), MaxPositionBytes)
	}
	if !utf8.Valid(b) {
		return errors.New("the observation is not UTF-8")
	}
	s := scanner{b: b}
	if s.next() != '{' {
		return s.unexpected("an object")
	}
	d := observationDecoder{o: o}
	err := s.members('{', func(rawName []byte, escaped bool) error {
		name := string(text(rawName, escaped))
		v, err := s.value(0)
		if err == nil && v[0] != 'n' {
			err = d.member(name, v)
		}
		if err != nil {
			return fmt.Errorf("%.40s: %w", name, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if s.next(); s.i < len(b) {
		return s.unexpected("the end of the observation")
	}
	return d.complete()
}

// observationDecoder takes the members of one observation.
type observationDecoder struct {
	o                  *Observation
	hasTime, hasResult bool
}

func (d *observationDecoder) member(name string, v []byte) (err error) {
	o := d.o
	switch name {
	case "datastream":
		o.Datastream, err = idText(v)
	case "layer":
		var id string
		id, err = idText(v)
		o.Layer = layers.ID(id)
	case "id":
		o.Feature, err = idText(v)
	case "property":
		o.Property, err = idText(v)
	case "phenomenonTime", "time":
		if d.hasTime {
			return errors.New("time and phenomenonTime are the same; send one")
		}
		d.hasTime = true
		o.Time, err = timeMember(v)
	case "resultTime":
		o.ResultTime, err = timeMember(v)
	case "result":
		d.hasResult = true
		err = d.result(v)
	case "parameters":
		err = d.parameters(v)
	default:
		return errors.New("unknown member: an observation has datastream, or layer, id and property, and phenomenonTime, resultTime, result and parameters; put other values into parameters")
	}
	return err
}

func (d *observationDecoder) result(v []byte) (err error) {
	o := d.o
	switch v[0] {
	case 't', 'f':
		o.Type = ResultTruth
		if v[0] == 't' {
			o.Number = 1
		}
	case '"':
		o.Type = ResultText
		if o.Text = string(text(v, bytes.IndexByte(v, '\\') >= 0)); len(o.Text) > maxResultBytes {
			return fmt.Errorf("a text of %d bytes; at most %d are possible", len(o.Text), maxResultBytes)
		}
	case '{', '[':
		return errors.New("expected a number, a text, true or false")
	default:
		o.Number, _, err = numberMember(v)
	}
	return err
}

func (d *observationDecoder) parameters(v []byte) error {
	b, err := objectMember(v)
	d.o.Parameters = string(b)
	return err
}

func (d *observationDecoder) complete() error {
	o := d.o
	object := o.Layer != "" || o.Feature != "" || o.Property != ""
	switch {
	case o.Datastream != "" && object:
		return errors.New("datastream and layer, id, property name the same thing; send one or the other")
	case o.Datastream == "" && (o.Layer == "" || o.Feature == "" || o.Property == ""):
		return errors.New("datastream is missing: expected its id, or layer, id and property of the object that it measures")
	case !d.hasTime:
		return errors.New("phenomenonTime is missing: expected RFC 3339, such as 2026-11-21T08:00:00Z")
	case !d.hasResult:
		return errors.New("result is missing: expected a number, a text, true or false")
	}
	return nil
}

func idText(v []byte) (string, error) {
	t, err := idMember(v)
	return string(t), err
}

func timeMember(v []byte) (int64, error) {
	t, err := textMember(v)
	if err != nil {
		return 0, err
	}
	var at time.Time
	if at.UnmarshalText(t) != nil {
		return 0, fmt.Errorf("%.40q: expected RFC 3339, such as 2026-11-21T08:00:00Z", t)
	}
	return at.UnixMilli(), nil
}
