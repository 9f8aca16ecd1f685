package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// readInputs reads the inputs of an execute request (OGC 18-062r2) into a struct
// of a process; names lists them for sentences. Other members of the request are
// of no concern: what is executed answers at once, with its one output.
func readInputs(body []byte, names string, into any) error {
	var request struct {
		Inputs json.RawMessage `json:"inputs"`
	}
	if json.Unmarshal(body, &request) != nil {
		return fail(400, `The body is not a JSON object with inputs; send {"inputs": {…}}.`)
	}
	if len(request.Inputs) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(request.Inputs))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		return nil
	}
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		name := strings.TrimSuffix("inputs."+wrong.Field, ".")
		return fail(400, fmt.Sprintf("%s is a JSON %s; the inputs are %s.", name, wrong.Value, names))
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fail(400, fmt.Sprintf("There is no input %s; the inputs are %s.", cut(name, 80), names))
	}
	return fail(400, fmt.Sprintf("The inputs cannot be read; they are %s.", names))
}

// readCoordinates reads the coordinates of a GeoJSON geometry of a type, which may
// stand by itself or as {"value": …}. In coordinates, a pointer, nil stands for
// null where a number is expected.
func readCoordinates(raw json.RawMessage, name, kind string, coordinates any) error {
	if len(raw) == 0 {
		return fail(400, fmt.Sprintf("inputs.%s is missing; give a GeoJSON %s in degrees.", name, kind))
	}
	type geometry struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	}
	var g struct {
		geometry
		Value *geometry `json:"value"`
	}
	if json.Unmarshal(raw, &g) != nil {
		return fail(400, fmt.Sprintf("inputs.%s is not a GeoJSON %s.", name, kind))
	}
	if g.Type == "" && g.Value != nil {
		g.geometry = *g.Value
	}
	if g.Type != kind {
		return fail(400, fmt.Sprintf("inputs.%s has the type %q; give a GeoJSON %s.", name, cut(g.Type, 40), kind))
	}
	if len(g.Coordinates) == 0 || json.Unmarshal(g.Coordinates, coordinates) != nil {
		return fail(400, fmt.Sprintf("inputs.%s: the coordinates are not those of a GeoJSON %s.", name, kind))
	}
	return nil
}

// appendPositions appends longitude and latitude of each position.
func appendPositions(dst []float64, name string, positions [][]*float64) ([]float64, error) {
	for k, p := range positions {
		if len(p) < 2 || p[0] == nil || p[1] == nil {
			return nil, fail(400, fmt.Sprintf("inputs.%s: vertex %d is not a longitude and a latitude.", name, k+1))
		}
		dst = append(dst, *p[0], *p[1])
	}
	return dst, nil
}
