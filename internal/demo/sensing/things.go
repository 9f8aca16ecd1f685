package sensing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"twind/layers"
	"twind/realtime"
)

// Door asks a SensorThings service: a method, a path below its root with its
// query, and a body or nil. It gives the status and the answer.
type Door func(ctx context.Context, method, path string, body []byte) (status int, answer []byte, err error)

// The JSON of SensorThings, as far as the demo says it.
type (
	link struct {
		ID int64 `json:"@iot.id"`
	}
	unit struct {
		Name       string `json:"name"`
		Symbol     string `json:"symbol"`
		Definition string `json:"definition"`
	}
	thing struct {
		Name        string         `json:"name"`
		Description string         `json:"description"`
		Properties  map[string]any `json:"properties"`
		Locations   []location     `json:"Locations"`
		Datastreams []datastream   `json:"Datastreams"`
	}
	location struct {
		Name         string `json:"name"`
		Description  string `json:"description"`
		EncodingType string `json:"encodingType"`
		Location     point  `json:"location"`
	}
	point struct {
		Type        string     `json:"type"`
		Coordinates [2]float64 `json:"coordinates"`
	}
	datastream struct {
		Name             string         `json:"name"`
		Description      string         `json:"description"`
		ObservationType  string         `json:"observationType"`
		Unit             unit           `json:"unitOfMeasurement"`
		Properties       map[string]any `json:"properties"`
		Sensor           link           `json:"Sensor"`
		ObservedProperty link           `json:"ObservedProperty"`
	}
)

const made = "Generated; measures nothing."

// kept is how many Observations of a Datastream stay in SensorThings; all readings
// are in the history.
const kept = 48

// Register makes a Thing of each object that has sensors, with a Datastream for
// each quantity, bound to the object by its properties twind:layer, twind:feature
// and twind:property. What the service has already stays as it is.
func (n *Network) Register(ctx context.Context, ask Door) error {
	streams, err := Bound(ctx, ask)
	if err != nil {
		return err
	}
	known := map[[2]string]bool{}
	for b := range streams {
		known[[2]string{string(b.Layer), b.Feature}] = true
	}
	catalog := catalog{ask: ask, ids: map[string]int64{}}
	for i := 0; i < len(n.Sensors); {
		end := i + 1
		for end < len(n.Sensors) && n.Sensors[end].Layer == n.Sensors[i].Layer && n.Sensors[end].Feature == n.Sensors[i].Feature {
			end++
		}
		object := n.Sensors[i:end]
		i = end
		if known[[2]string{string(object[0].Layer), object[0].Feature}] {
			continue
		}
		body, err := catalog.thing(ctx, object)
		if err != nil {
			return err
		}
		if err := post(ctx, ask, "/Things", body, nil); err != nil {
			return err
		}
	}
	return nil
}

// Bound lists the ids of the Datastreams that are bound to city objects.
func Bound(ctx context.Context, ask Door) (map[realtime.Binding]int64, error) {
	known := map[realtime.Binding]int64{}
	for path := "/Datastreams?$top=1000"; path != ""; {
		var page struct {
			Value []struct {
				link
				Properties map[string]any `json:"properties"`
			} `json:"value"`
			Next string `json:"@iot.nextLink"`
		}
		if err := get(ctx, ask, path, &page); err != nil {
			return nil, err
		}
		for _, d := range page.Value {
			text := func(name string) string {
				s, _ := d.Properties[name].(string)
				return s
			}
			b := realtime.Binding{Layer: layers.ID(text("twind:layer")), Feature: text("twind:feature"), Property: text("twind:property")}
			if b.Layer != "" && b.Feature != "" && b.Property != "" {
				known[b] = d.ID
			}
		}
		_, query, more := strings.Cut(page.Next, "/Datastreams?")
		if path = ""; more {
			path = "/Datastreams?" + query
		}
	}
	return known, nil
}

// batch is the Observations of one Datastream in a CreateObservations.
type batch struct {
	Datastream link     `json:"Datastream"`
	Components []string `json:"components"`
	Rows       [][]any  `json:"dataArray"`
}

// Post gives readings to their Datastreams as Observations, all at once.
func Post(ctx context.Context, ask Door, streams map[realtime.Binding]int64, readings []realtime.Observation) error {
	var all []batch
	for i := range readings {
		o := &readings[i]
		id, ok := streams[realtime.Binding{Layer: o.Layer, Feature: o.Feature, Property: o.Property}]
		if !ok {
			continue
		}
		at := time.UnixMilli(o.Time).UTC().Format("2006-01-02T15:04:05.000Z")
		all = append(all, batch{link{id}, []string{"phenomenonTime", "result"}, [][]any{{at, o.Number}}})
	}
	if len(all) == 0 {
		return nil
	}
	return post(ctx, ask, "/CreateObservations", all, nil)
}

// catalog makes each Sensor and ObservedProperty once.
type catalog struct {
	ask Door
	ids map[string]int64 // by set and name
}

func (c *catalog) id(ctx context.Context, set, name string, body any) (link, error) {
	key := set + "/" + name
	if id, ok := c.ids[key]; ok {
		return link{id}, nil
	}
	var page struct {
		Value []link `json:"value"`
	}
	query := url.Values{"$filter": {"name eq '" + name + "'"}, "$top": {"1"}}
	if err := get(ctx, c.ask, "/"+set+"?"+query.Encode(), &page); err != nil {
		return link{}, err
	}
	var l link
	if len(page.Value) > 0 {
		l = page.Value[0]
	} else if err := post(ctx, c.ask, "/"+set, body, &l); err != nil {
		return link{}, err
	}
	c.ids[key] = l.ID
	return l, nil
}

// thing is an object with its sensors.
func (c *catalog) thing(ctx context.Context, object []Sensor) (*thing, error) {
	s := &object[0]
	t := &thing{
		Name: s.Object.EN, Description: strings.TrimSpace(s.Object.ZH + " " + s.Place + ". " + made),
		Properties: map[string]any{"generated": true, "twind:layer": s.Layer, "twind:feature": s.Feature},
		Locations: []location{{
			Name: s.Object.EN, Description: made, EncodingType: "application/geo+json",
			Location: point{"Point", [2]float64{s.Lon, s.Lat}},
		}},
	}
	for i := range object {
		d, err := c.datastream(ctx, &object[i])
		if err != nil {
			return nil, err
		}
		t.Datastreams = append(t.Datastreams, d)
	}
	return t, nil
}

func (c *catalog) datastream(ctx context.Context, s *Sensor) (datastream, error) {
	d := datastream{
		Name: s.Title.EN, Description: s.Title.ZH + ". " + made,
		ObservationType: "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
		Unit:            unit{s.UnitName, s.Unit, "https://ucum.org/ucum#" + s.Code},
		Properties: map[string]any{
			"twind:layer": s.Layer, "twind:feature": s.Feature, "twind:property": s.Quantity,
			"twind:title": s.Title, "generated": true, "twind:keep": map[string]any{"count": kept},
		},
	}
	instrument := map[string]any{
		"name": s.Sensor.EN, "description": s.Sensor.ZH + ". " + made, "encodingType": "text/plain",
		"metadata": made, "properties": map[string]any{"generated": true, "twind:title": s.Sensor},
	}
	property := map[string]any{
		"name": s.Title.EN, "description": s.Title.ZH, "definition": "https://qudt.org/vocab/quantitykind/" + s.Quality,
		"properties": map[string]any{"twind:title": s.Title},
	}
	var err error
	if d.Sensor, err = c.id(ctx, "Sensors", s.Sensor.EN, instrument); err != nil {
		return d, err
	}
	d.ObservedProperty, err = c.id(ctx, "ObservedProperties", s.Title.EN, property)
	return d, err
}

func get(ctx context.Context, ask Door, path string, into any) error {
	status, answer, err := ask(ctx, http.MethodGet, path, nil)
	return read(path, http.StatusOK, status, answer, err, into)
}

func post(ctx context.Context, ask Door, path string, body, into any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	status, answer, err := ask(ctx, http.MethodPost, path, b)
	return read(path, http.StatusCreated, status, answer, err, into)
}

func read(path string, want, status int, answer []byte, err error, into any) error {
	switch {
	case err != nil:
		return err
	case status != want:
		return fmt.Errorf("sensing: %s answers %d: %.200s", path, status, answer)
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return errors.Join(fmt.Errorf("sensing: the answer of %s", path), err)
	}
	return nil
}
