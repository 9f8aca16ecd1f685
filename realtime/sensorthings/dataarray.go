package sensorthings

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"twind/realtime"
)

// batch is one element of CreateObservations: rows of values for a Datastream.
type batch struct {
	Datastream object              `json:"Datastream"`
	Components []string            `json:"components"`
	Rows       [][]json.RawMessage `json:"dataArray"`
}

// createObservations makes an Observation of each row by itself: the answer has
// its address, or the word error where it was refused.
func (h *handler) createObservations(w http.ResponseWriter, r *http.Request, body []byte) error {
	if err := checkJSON(body); err != nil {
		return err
	}
	var batches []batch
	if json.Unmarshal(body, &batches) != nil {
		return bad(`The body is no array of {"Datastream", "components", "dataArray"}.`)
	}
	out := &writer{s: h.s, base: h.o.Base(r)}
	made := []string{}
	var readings []realtime.Observation
	var end int64
	for i := range batches {
		if err := batches[i].check(); err != nil {
			return err
		}
	}
	for i := range batches {
		b := &batches[i]
		for _, row := range b.Rows {
			self := "error"
			at, err := h.s.apply(func(c *change) error {
				e, err := b.insert(c, row)
				if err == nil {
					self, readings = out.self(e), append(readings, c.readings()...)
				}
				return err
			})
			if err != nil && !isBad(err) {
				return err
			}
			end = max(end, at)
			made = append(made, self)
		}
	}
	if err := h.s.settle(end); err != nil {
		return &problem{http.StatusServiceUnavailable, "The disk does not take the change: " + err.Error()}
	}
	h.observe(r.Context(), readings)
	answered, _ := json.Marshal(made) // never fails
	answer(w, http.StatusCreated, answered)
	return nil
}

func isBad(err error) bool {
	p, ok := err.(*problem) //nolint:errorlint // problems are not wrapped
	return ok && p.status == http.StatusBadRequest
}

func (b *batch) check() error {
	if b.Datastream == nil {
		return bad(`An element of the body has no Datastream: name one as {"@iot.id": 1}.`)
	}
	if !slices.Contains(b.Components, "result") {
		return bad("An element's components lack result.")
	}
	for _, c := range b.Components {
		if c != "FeatureOfInterest/id" && observations.member(c) < 0 {
			return bad("An Observation has no component %s.", short(c))
		}
	}
	return nil
}

func (b *batch) insert(c *change, row []json.RawMessage) (*entity, error) {
	if len(row) != len(b.Components) {
		return nil, bad("A row has %d values for %d components.", len(row), len(b.Components))
	}
	id, only, err := linked(b.Datastream)
	if err != nil || !only {
		return nil, bad(`Datastream is to be named as {"@iot.id": 1}.`)
	}
	o := object{"Datastream": json.RawMessage(`{"@iot.id":` + strconv.FormatInt(id, 10) + `}`)}
	for i, name := range b.Components {
		switch {
		case name == "FeatureOfInterest/id" && !isNull(row[i]):
			o["FeatureOfInterest"] = slices.Concat(json.RawMessage(`{"@iot.id":`), row[i], json.RawMessage(`}`))
		case name != "FeatureOfInterest/id":
			o[name] = row[i]
		}
	}
	return c.insert(observations, o, nil, 0)
}
