package sensing

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"twind/layers"
	"twind/realtime"
)

// Sensor is one quantity of one object.
type Sensor struct {
	realtime.Binding
	*Kind
	Lon, Lat float64     // degrees: the object's point, or the middle of its line
	Object   layers.Text // what the object is called
	Place    string      // the street it is in; ""

	region int     // of the rain
	zone   float64 // hours east of Greenwich
	size   float64 // of a pipe, metres; 1 of all else
	seed   uint64
	stream uint64 // names it among the chances
}

// trait is a number from 0 to 1 that stays with the object.
func (s *Sensor) trait(i uint64) float64 { return chance(s.seed, forTraits, s.stream, i) }

// Source gives the features of a layer; New stops reading where yield says so.
type Source func(layer *layers.Layer, yield func(*layers.Feature) bool) error

// region is a place with a sky and a clock of its own.
type region struct {
	zone    float64
	spacing float64 // metres between objects with sensors
}

// The regions.
const (
	district = iota
	kamloops
	nanaimo
)

var regions = [...]region{district: {8, 55}, kamloops: {-8, 38}, nanaimo: {-8, 250}}

// group is a kind of object that has sensors.
type group struct {
	layer  layers.ID
	region int
	count  int
	by     string // property that tells the objects; "" all
	is     []string
	kinds  []*Kind
	object layers.Text
	name   string // property that names one; "" its id
	place  string // property that says where it is
	size   string // property with the width in mm
}

var groups = []group{
	{layer: "demo_nodes", region: district, count: 56, by: "subsidiary", is: []string{"雨水井"}, kinds: []*Kind{stormLevel}, object: text("雨水井", "Storm manhole"), name: "point_id", place: "street"},
	{layer: "demo_nodes", region: district, count: 32, by: "subsidiary", is: []string{"污水井"}, kinds: []*Kind{sewageLevel, methane}, object: text("污水井", "Sanitary manhole"), name: "point_id", place: "street"},
	{layer: "demo_parts", region: district, count: 56, by: "class_code", is: []string{"0102", "0103", "0105", "0107"}, kinds: []*Kind{coverTilt}, object: text("井盖", "Manhole cover"), name: "code", place: "location"},
	{layer: "demo_parts", region: district, count: 44, by: "class_code", is: []string{"0118"}, kinds: []*Kind{lampPower, leakage}, object: text("路灯", "Street lamp"), name: "code", place: "location"},
	{layer: "demo_parts", region: district, count: 26, by: "class_code", is: []string{"0113"}, kinds: []*Kind{hydrantPressure}, object: text("消火栓", "Hydrant"), name: "code", place: "location"},
	{layer: "demo_parts", region: district, count: 14, by: "class_code", is: []string{"0134"}, kinds: []*Kind{transformerHeat}, object: text("变压器", "Transformer"), name: "code", place: "location"},
	{layer: "demo_parts", region: district, count: 14, by: "class_code", is: []string{"0305"}, kinds: []*Kind{binFill}, object: text("垃圾箱", "Litter bin"), name: "code", place: "location"},
	{layer: "demo_pipes", region: district, count: 30, by: "subkind", is: []string{"JP", "SS"}, kinds: []*Kind{mainPressure, mainFlow}, object: text("给水管", "Water main"), name: "code", place: "street", size: "width"},
	{layer: "demo_pipes", region: district, count: 14, by: "subkind", is: []string{"TR"}, kinds: []*Kind{gasPressure}, object: text("燃气管", "Gas main"), name: "code", place: "street", size: "width"},
	{layer: "demo_pipes", region: district, count: 12, by: "subkind", is: []string{"YS"}, kinds: []*Kind{stormFlow}, object: text("雨水管", "Storm sewer"), name: "code", place: "street", size: "width"},
	{layer: "manholes", region: kamloops, count: 30, by: "network", is: []string{"storm"}, kinds: []*Kind{stormLevel}, object: text("雨水检查井", "Storm manhole")},
	{layer: "manholes", region: kamloops, count: 34, by: "network", is: []string{"sanitary"}, kinds: []*Kind{sewageLevel, coverTilt}, object: text("污水检查井", "Sanitary manhole")},
	{layer: "catchbasins", region: kamloops, count: 18, kinds: []*Kind{stormLevel}, object: text("雨水口", "Catch basin")},
	{layer: "storm", region: kamloops, count: 16, kinds: []*Kind{stormFlow}, object: text("雨水管", "Storm sewer"), name: "facility_id", size: "diameter"},
	{layer: "sanitary", region: kamloops, count: 16, kinds: []*Kind{sewageFlow}, object: text("污水管", "Sanitary sewer"), name: "facility_id", size: "diameter"},
	{layer: "water", region: nanaimo, count: 36, kinds: []*Kind{townPressure, mainFlow}, object: text("供水管", "Water main"), size: "DIAMETER"},
}

// candidate is an object that could have sensors.
type candidate struct {
	id, name, place string
	lon, lat, size  float64
	rank            uint64 // the order in which they are tried
}

// choose lists the objects of a group that have sensors: by chance, but apart
// from one another and from those of other groups.
func choose(g *group, found []candidate, taken []candidate) []candidate {
	slices.SortFunc(found, func(a, b candidate) int { return cmp.Compare(a.rank, b.rank) })
	var chosen []candidate
	near := func(list []candidate, c *candidate) bool {
		return slices.ContainsFunc(list, func(o candidate) bool { return metres(c, &o) < regions[g.region].spacing })
	}
	for i := range found {
		if len(chosen) == g.count {
			break
		}
		if c := &found[i]; !near(taken, c) && !near(chosen, c) {
			chosen = append(chosen, *c)
		}
	}
	return chosen
}

// metres between two places, on a plane that is good enough for spacing.
func metres(a, b *candidate) float64 {
	dy := (a.lat - b.lat) * 111_195
	dx := (a.lon - b.lon) * 111_195 * math.Cos(a.lat*math.Pi/180)
	return math.Hypot(dx, dy)
}

// read gives a candidate of a feature; false: it is not of the group, or too
// short a pipe to see.
func (g *group) read(seed uint64, l *layers.Layer, f *layers.Feature) (candidate, bool) {
	get := func(name string) string {
		if i := l.PropertyIndex(name); name != "" && i >= 0 {
			return f.Properties[i].Text()
		}
		return ""
	}
	if g.by != "" && !slices.Contains(g.is, get(g.by)) {
		return candidate{}, false
	}
	c := candidate{id: f.ID, name: get(g.name), place: get(g.place), size: 1, rank: draw(seed, forSites, hash(string(l.ID)), hash(f.ID))}
	if i := l.PropertyIndex(g.size); g.size != "" && i >= 0 {
		c.size = max(0.1, f.Properties[i].Float()/1000)
	}
	var long float64
	c.lon, c.lat, long = middle(f.Geometry.XY)
	return c, g.size == "" || long > 25
}

// middle is the place halfway along a path in degrees, and its length in metres.
func middle(xy []float64) (lon, lat, length float64) {
	step := func(i int) float64 {
		return metres(&candidate{lon: xy[i], lat: xy[i+1]}, &candidate{lon: xy[i+2], lat: xy[i+3]})
	}
	for i := 0; i+3 < len(xy); i += 2 {
		length += step(i)
	}
	rest := length / 2
	for i := 0; i+3 < len(xy); i += 2 {
		d := step(i)
		if rest <= d && d > 0 {
			return xy[i] + (xy[i+2]-xy[i])*rest/d, xy[i+1] + (xy[i+3]-xy[i+1])*rest/d, length
		}
		rest -= d
	}
	return xy[0], xy[1], length
}

// sensors are those of one object.
func (g *group) sensors(seed uint64, c *candidate) []Sensor {
	var out []Sensor
	for _, k := range g.kinds {
		name := c.name
		if name == "" {
			name = c.id
		}
		out = append(out, Sensor{
			Binding: realtime.Binding{Layer: g.layer, Feature: c.id, Property: k.Quantity}, Kind: k,
			Lon: c.lon, Lat: c.lat, Place: c.place, size: c.size, seed: seed,
			Object: text(fmt.Sprintf("%s %s", g.object.ZH, name), fmt.Sprintf("%s %s", g.object.EN, name)),
			region: g.region, zone: regions[g.region].zone, stream: hash(string(g.layer) + "/" + c.id),
		})
	}
	return out
}
