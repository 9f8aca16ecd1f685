package main

import (
	"fmt"
	"strconv"
	"strings"
)

const nyc = "place-nyc/"

// pierReach is how far a building outside of every precinct (on a pier, or on
// made land that the boundaries leave out) may lie from Manhattan's, metres.
const pierReach = 300

func (p *preparer) newYork() error {
	precincts, err := p.read(nyc + "nyc-police-precincts.geojson.gz")
	if err != nil {
		return err
	}
	if err := p.precincts(precincts); err != nil {
		return err
	}
	in, err := manhattan(precincts)
	if err != nil {
		return err
	}
	for _, step := range []func() error{func() error { return p.buildings(in) }, p.streets, p.subway, p.stations} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// manhattan returns the test whether a position belongs to Manhattan: in
// precincts 1 to 34, on Roosevelt Island (a part of precinct 114 that lies apart
// from Queens), or outside of every precinct and within pierReach of one of these.
func manhattan(precincts []feature) (func(x, y float64) bool, error) {
	var ours, others []area
	for i := range precincts {
		polygons, err := areas(precincts[i].Geometry)
		if err != nil {
			return nil, err
		}
		number, err := strconv.Atoi(precincts[i].text("precinct"))
		if err != nil {
			return nil, err
		}
		for _, a := range polygons {
			island := number == 114 && a.minX > -73.965 && a.maxX < -73.935 && a.minY > 40.745 && a.maxY < 40.775
			if number <= 34 || island {
				ours = append(ours, a)
			} else {
				others = append(others, a)
			}
		}
	}
	return func(x, y float64) bool {
		for i := range ours {
			if ours[i].contains(x, y) {
				return true
			}
		}
		for i := range others {
			if others[i].contains(x, y) {
				return false
			}
		}
		for i := range ours {
			if ours[i].near(x, y, pierReach) {
				return true
			}
		}
		return false
	}, nil
}

// osmID is the id of an OpenStreetMap object: ways as digits, relations with an
// r before them. The source marks building parts with a p behind.
func osmID(id string) string { return strings.TrimPrefix(strings.TrimSuffix(id, "p"), "w") }

func (p *preparer) buildings(in func(x, y float64) bool) error {
	features, err := p.read(nyc + "nyc_buildings.geojson.gz")
	if err != nil {
		return err
	}
	part := func(f *feature) bool { return f.text("kind") == "building_part" }
	root := func(f *feature) string {
		r := f.text("root_id")
		if strings.HasPrefix(r, "-") { // a relation
			return "r" + r[1:]
		}
		return r
	}
	keep := make(map[string]bool) // outlines
	withParts := make(map[string]bool)
	for i := range features {
		f := &features[i]
		polygons, err := areas(f.Geometry)
		if err != nil {
			return err
		}
		shell := polygons[0].rings[0]
		x, y := 0.0, 0.0
		for _, v := range shell[1:] {
			x, y = x+v[0]/float64(len(shell)-1), y+v[1]/float64(len(shell)-1)
		}
		if !in(x, y) {
			continue
		}
		if !part(f) {
			keep[osmID(f.ID.(string))] = true
		} else if r := root(f); r != "" {
			keep[r] = true
			withParts[r] = true
		} else {
			keep["part "+osmID(f.ID.(string))] = true
		}
	}
	var out []record
	parts, heights, bases := 0, 0, 0
	for i := range features {
		f := &features[i]
		id := osmID(f.ID.(string))
		r := ""
		if part(f) {
			if r = root(f); r == "" && !keep["part "+id] || r != "" && !keep[r] {
				continue
			}
			parts++
		} else if !keep[id] {
			continue
		}
		o := record{id: id, geometry: f.Geometry}
		o.set("name", f.text("name"))
		o.set("city", "New York")
		o.set("address", strings.TrimSpace(f.text("addr_housenumber")+" "+f.text("addr_street")))
		o.set("usage", f.text("kind_detail"))
		height, base := f.number("height"), f.number("min_height")
		o.set("height", height)
		if base >= height {
			bases++ // a base above the top is a fault of the source
		} else {
			o.set("base", base)
		}
		o.set("roof_shape", f.text("roof_shape"))
		o.set("part", part(f))
		o.set("root", r)
		o.set("has_parts", withParts[id] && !part(f))
		if height > 0 && !part(f) {
			heights++
		}
		out = append(out, o)
	}
	fmt.Printf("# buildings: %d outlines, %d of them with height; %d parts; %d bases above the top left out\n", len(out)-parts, heights, parts, bases)
	return p.write("new-york/buildings.geojson.gz", out)
}

func (p *preparer) streets() error {
	features, err := p.read(nyc + "nyc_streets.geojson.gz")
	if err != nil {
		return err
	}
	var out []record
	for i := range features {
		f := &features[i]
		if f.text("oneway") == "T" {
			return fmt.Errorf("street %s is one-way against its direction, which the file cannot say", f.text("osm_id"))
		}
		o := record{id: f.text("osm_id"), geometry: f.Geometry}
		o.set("name", f.text("name"))
		o.set("class", f.text("fclass"))
		o.set("ref", f.text("ref"))
		o.set("oneway", f.text("oneway") == "F")
		if v := f.number("maxspeed"); v > 0 {
			o.set("maxspeed", v)
		}
		if v := f.number("layer"); v != 0 {
			o.set("level", v)
		}
		o.set("bridge", f.text("bridge") == "T")
		o.set("tunnel", f.text("tunnel") == "T")
		out = append(out, o)
	}
	return p.write("new-york/streets.geojson.gz", out)
}

func (p *preparer) subway() error {
	return p.pick(nyc+"nyc_subway_lines.geojson.gz", "new-york/subway.geojson.gz", "name", "rt_symbol")
}

func (p *preparer) stations() error {
	return p.pick(nyc+"nyc_subway_stations.geojson", "new-york/stations.geojson.gz", "name", "line", "notes")
}

// pick writes the features of a file with some of their texts.
func (p *preparer) pick(from, to string, texts ...string) error {
	features, err := p.read(from)
	if err != nil {
		return err
	}
	var out []record
	for i := range features {
		f := &features[i]
		o := record{id: f.text("objectid"), geometry: f.Geometry}
		for _, name := range texts {
			o.set(name, f.text(name))
		}
		out = append(out, o)
	}
	return p.write(to, out)
}

// precincts writes the police precincts; their numbers tell the borough.
func (p *preparer) precincts(features []feature) error {
	var out []record
	for i := range features {
		f := &features[i]
		number, err := strconv.Atoi(f.text("precinct"))
		if err != nil {
			return err
		}
		borough := "Staten Island"
		switch {
		case number < 40:
			borough = "Manhattan"
		case number < 60:
			borough = "Bronx"
		case number < 100:
			borough = "Brooklyn"
		case number < 120:
			borough = "Queens"
		}
		o := record{id: strconv.Itoa(number), geometry: f.Geometry}
		o.set("precinct", number)
		o.set("borough", borough)
		out = append(out, o)
	}
	return p.write("new-york/precincts.geojson.gz", out)
}

// trains copies the recorded feeds, the table of stops, and the places that the
// trains must have.
func (p *preparer) trains() error {
	for _, dump := range []struct {
		name     string
		entities int
	}{{"a_division", 460}, {"2_delay", 345}} {
		if err := p.copy(nyc+"gtfs-rt/"+dump.name+".nyct.gtfsrt", "new-york/"+dump.name+".nyct.gtfsrt.gz", func([]byte) int { return dump.entities }); err != nil {
			return err
		}
	}
	if err := p.copy(nyc+"gtfs-rt/stops.txt", "new-york/stops.txt.gz", lines); err != nil {
		return err
	}
	return p.copy("feeds/nyct-placed.tsv", "new-york/nyct-placed.tsv.gz", lines)
}
