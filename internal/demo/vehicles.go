package demo

import (
	"encoding/json"
	"strconv"
	"time"

	"twind/internal/demo/traffic"
	"twind/realtime"
	"twind/spatial"
)

// Vehicles is the number of simulated vehicles.
const Vehicles = 5000

// vehicleGroups is how many calls it takes to move every vehicle once: they take
// turns, so that the load is even.
const vehicleGroups = 10

// vehicles are simulated vehicles on the streets of Manhattan.
type vehicles struct {
	fleet      *traffic.Fleet
	ids        []string
	moved      []time.Time
	street     []string // that the sink knows
	properties map[vehicleProperties]json.RawMessage
	group      int
}

// vehicleProperties are a vehicle's properties, named as in the layer's schema.
type vehicleProperties struct {
	Type      traffic.Kind `json:"type"`
	Street    string       `json:"street,omitempty"`
	Generated bool         `json:"generated"`
}

func newVehicles(roads *traffic.Roads, n int, seed uint64) *vehicles {
	v := &vehicles{fleet: traffic.NewFleet(roads, n, seed), properties: make(map[vehicleProperties]json.RawMessage)}
	v.moved = make([]time.Time, v.fleet.Len())
	v.street = make([]string, v.fleet.Len())
	for i := range v.fleet.Len() {
		v.ids = append(v.ids, strconv.Itoa(i+1))
	}
	return v
}

// manhattanRoads is the streets for driving within the precincts of Manhattan.
func manhattanRoads() (*traffic.Roads, error) {
	l := layer("streets")
	src, err := geoJSON(l, files[l.ID])
	if err != nil {
		return nil, err
	}
	name, class, oneway, speed := l.PropertyIndex("name"), l.PropertyIndex("class"), l.PropertyIndex("oneway"), l.PropertyIndex("maxspeed")
	var streets []traffic.Street
	for f, err := range src.features {
		if err != nil {
			return nil, err
		}
		streets = append(streets, traffic.Street{
			ID: f.ID, Name: f.Properties[name].Text(), Class: f.Properties[class].Text(),
			Oneway: f.Properties[oneway].Bool(), MaxSpeed: f.Properties[speed].Float() / 3.6, XY: f.Geometry.XY,
		})
	}
	within, err := manhattan()
	if err != nil {
		return nil, err
	}
	return traffic.NewRoads(streets, within), nil
}

// manhattan returns the test whether a position lies in a precinct of Manhattan.
func manhattan() (func(lon, lat float64) bool, error) {
	l := layer("precincts")
	src, err := geoJSON(l, files[l.ID])
	if err != nil {
		return nil, err
	}
	borough := l.PropertyIndex("borough")
	type ring struct {
		box spatial.Envelope
		xy  []float64
	}
	var rings []ring
	for f, err := range src.features {
		if err != nil {
			return nil, err
		}
		if f.Properties[borough].Text() != "Manhattan" {
			continue
		}
		for i := range f.Geometry.NumPaths() {
			xy, _ := f.Geometry.Path(i)
			r := ring{spatial.EmptyEnvelope(), xy}
			for k := 0; k < len(xy); k += 2 {
				r.box = r.box.Add(xy[k], xy[k+1])
			}
			rings = append(rings, r)
		}
	}
	return func(lon, lat float64) bool {
		in := false // precincts do not overlap, so even–odd over all rings will do
		for i := range rings {
			r := &rings[i]
			if !r.box.ContainsPoint(lon, lat) {
				continue
			}
			for k := 0; k+3 < len(r.xy); k += 2 {
				x1, y1, x2, y2 := r.xy[k], r.xy[k+1], r.xy[k+2], r.xy[k+3]
				if (y1 > lat) != (y2 > lat) && lon < (x2-x1)*(lat-y1)/(y2-y1)+x1 {
					in = !in
				}
			}
		}
		return in
	}, nil
}

func (v *vehicles) due(now time.Time, positions []realtime.Position) []realtime.Position {
	group := v.group
	v.group = (v.group + 1) % vehicleGroups
	for i := group; i < v.fleet.Len(); i += vehicleGroups {
		if !v.moved[i].IsZero() {
			v.fleet.Step(i, now.Sub(v.moved[i]).Seconds())
		}
		first := v.moved[i].IsZero()
		v.moved[i] = now
		lon, lat, course, speed := v.fleet.Place(i)
		p := newPosition("vehicles", v.ids[i], now, lon, lat, course, speed)
		if street, _ := v.fleet.Street(i); first || street != v.street[i] {
			v.street[i] = street
			p.Properties = v.encoded(vehicleProperties{v.fleet.Kind(i), street, true})
		}
		positions = append(positions, p)
	}
	return positions
}

// encoded is properties as JSON, made once: vehicles share kinds and streets.
func (v *vehicles) encoded(p vehicleProperties) json.RawMessage {
	b, ok := v.properties[p]
	if !ok {
		b, _ = json.Marshal(p) // text and a boolean always encode
		v.properties[p] = b
	}
	return b
}
