package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"twind/internal/demo/traffic"
	"twind/internal/district"
	"twind/layers"
	"twind/realtime"
	"twind/spatial"
)

// Patrols is the number of the district's service vehicles.
const Patrols = 60

const patrolsID layers.ID = "demo_vehicles"

// services are what the vehicles are for, in turn.
var services = [...]string{"巡查车", "抢修车", "环卫车"}

// drivable are the classes of traffic that the district's classes of streets are.
var drivable = map[string]string{"主干路": "primary", "次干路": "secondary", "支路": "residential"}

func patrolsLayer() layers.Layer {
	return layers.Layer{
		ID: patrolsID, Kind: layers.KindVehicle, GeometryType: spatial.Point, CRS: 4326, Provenance: layers.Generated,
		Title:       layers.Text{ZH: "城管车辆", EN: "Service vehicles"},
		Description: layers.Text{ZH: "示范城区的巡查、抢修和环卫车辆,由程序生成。", EN: "Patrol, repair and cleaning vehicles of the model district, made by a program."},
		Label:       "callsign", ClassBy: "type", MinZoom: 10, MaxZoom: 16,
		Live: &layers.Live{Period: time.Second, Stale: 10 * time.Second, Offline: time.Minute, Removed: 5 * time.Minute, MaxSpeed: 70},
		Schema: []layers.Property{
			prop("callsign", layers.String, "呼号", "Call sign"),
			prop("type", layers.String, "车型", "Type"),
			prop("street", layers.String, "道路", "Street"),
			prop("generated", layers.Boolean, "模拟", "Generated"),
		},
	}
}

// patrols are service vehicles on the streets of the district.
type patrols struct {
	fleet  *traffic.Fleet
	moved  time.Time
	street []string // that the sink knows
}

func newPatrols(ctx context.Context, n int, seed uint64) (*patrols, error) {
	roads, err := districtRoads(ctx)
	if err != nil {
		return nil, err
	}
	p := &patrols{fleet: traffic.NewFleet(roads, n, seed)}
	p.street = make([]string, p.fleet.Len())
	return p, nil
}

// districtRoads is the streets of the model district.
func districtRoads(ctx context.Context) (*traffic.Roads, error) {
	m := &maker{}
	defer m.close()
	l := layer(district.Streets)
	src, err := m.source(ctx, l)
	if err != nil {
		return nil, err
	}
	name, class, speed := l.PropertyIndex("name"), l.PropertyIndex("class"), l.PropertyIndex("maxspeed")
	var streets []traffic.Street
	for f, err := range src.features {
		if err != nil {
			return nil, err
		}
		streets = append(streets, traffic.Street{
			ID: f.ID, Name: f.Properties[name].Text(), Class: drivable[f.Properties[class].Text()],
			MaxSpeed: f.Properties[speed].Float() / 3.6, XY: f.Geometry.XY,
		})
	}
	return traffic.NewRoads(streets, nil), nil
}

func (p *patrols) due(now time.Time, positions []realtime.Position) []realtime.Position {
	first := p.moved.IsZero()
	for i := range p.fleet.Len() {
		if !first {
			p.fleet.Step(i, now.Sub(p.moved).Seconds())
		}
		lon, lat, course, speed := p.fleet.Place(i)
		at := newPosition(patrolsID, fmt.Sprintf("V%03d", i+1), now, lon, lat, course, speed)
		if street, _ := p.fleet.Street(i); first || street != p.street[i] {
			p.street[i] = street
			at.Properties = patrolProperties(i, street)
		}
		positions = append(positions, at)
	}
	p.moved = now
	return positions
}

// patrolProperties are a vehicle's properties, named as in the layer's schema.
func patrolProperties(i int, street string) json.RawMessage {
	service := services[i%len(services)]
	b, _ := json.Marshal(struct { // text and a boolean always encode
		Callsign  string `json:"callsign"`
		Type      string `json:"type"`
		Street    string `json:"street,omitempty"`
		Generated bool   `json:"generated"`
	}{fmt.Sprintf("%s %02d", service, i/len(services)+1), service, street, true})
	return b
}
