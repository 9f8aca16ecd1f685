package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

const kamloops = "canada/kamloops/"

// missing is Kamloops' literal for an elevation that nobody measured; some
// inverts say 0 instead, 340 m below the lowest street.
const missing = 9999

// elevation is a level in metres, rounded to millimetres (the source has noise
// of 1e-7 m), or NaN where the source says that it is missing.
func elevation(f *feature, name string) float64 {
	v := f.number(name)
	if v == missing || v == 0 {
		return math.NaN()
	}
	return math.Round(v*1000) / 1000
}

// digits is an id of the city's register, such as DGM28343, without its letters.
func digits(id string) string { return strings.TrimLeft(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") }

func (p *preparer) kamloops() error {
	for _, step := range []func() error{
		p.kamloopsBuildings,
		func() error { return p.gravityMains("mains.geojson.gz", "kamloops/storm.geojson.gz") },
		func() error { return p.gravityMains("sanitary_mains.geojson.gz", "kamloops/sanitary.geojson.gz") },
		p.manholes, p.catchbasins,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (p *preparer) kamloopsBuildings() error {
	features, err := p.read(kamloops + "buildings.geojson.gz")
	if err != nil {
		return err
	}
	var out []record
	for i := range features {
		f := &features[i]
		o := record{id: digits(f.text("FACILITYID")), geometry: f.Geometry}
		o.set("name", f.text("NAME"))
		o.set("city", "Kamloops")
		o.set("address", f.text("ADDRESS"))
		o.set("usage", strings.ToLower(f.text("TYPE")))
		o.set("height", math.Round(f.number("HEIGHT")*100)/100)
		if y := f.number("APPROXIMATEYEARBUILT"); y > 1700 && y < 2100 {
			o.set("year", y)
		}
		out = append(out, o)
	}
	return p.write("kamloops/buildings.geojson.gz", out)
}

func (p *preparer) gravityMains(from, to string) error {
	features, err := p.read(kamloops + from)
	if err != nil {
		return err
	}
	var out []record
	both := 0
	for i := range features {
		f := &features[i]
		up, down := elevation(f, "UPSTREAMINVERT"), elevation(f, "DOWNSTREAMINVERT")
		if !math.IsNaN(up) && !math.IsNaN(down) {
			both++
		}
		id := f.text("FACILITYID")
		o := record{id: digits(id), geometry: f.Geometry}
		o.set("facility_id", id)
		if d := f.number("DIAMETER"); d > 0 && d != missing {
			o.set("diameter", d)
		}
		o.set("material", f.text("MATERIAL"))
		o.set("upstream_invert", up)
		o.set("downstream_invert", down)
		if v := f.number("FEATURELENGTH"); v > 0 {
			o.set("length", math.Round(v*100)/100)
		}
		if c := f.text("PIPECLASS"); c != "NK" {
			o.set("pipe_class", c)
		}
		o.set("capture", strings.ToLower(f.text("CAPTUREMETHOD")))
		o.set("status", strings.ToLower(f.text("ASSETSTATUS")))
		o.set("age", f.number("AGE"))
		out = append(out, o)
	}
	fmt.Printf("# %s: %d of %d with both inverts\n", to, both, len(out))
	return p.write(to, out)
}

func (p *preparer) manholes() error {
	var out []record
	for _, file := range []struct{ name, network string }{{"manholes.geojson", "storm"}, {"sanitary_manholes.geojson", "sanitary"}} {
		features, err := p.read(kamloops + file.name)
		if err != nil {
			return err
		}
		for i := range features {
			f := &features[i]
			id := f.text("FACILITYID")
			o := record{id: id, geometry: f.Geometry}
			o.set("network", file.network)
			o.set("manhole_id", f.text("MANHOLEID"))
			o.set("rim", elevation(f, "RIMELEVATION"))
			if d := f.number("DEPTH"); d > 0 && d < 99 {
				o.set("depth", math.Round(d*1000)/1000)
			}
			o.set("capture", strings.ToLower(f.text("CAPTUREMETHOD")))
			o.set("status", strings.ToLower(f.text("ASSETSTATUS")))
			o.set("age", f.number("AGE"))
			out = append(out, o)
		}
	}
	return p.write("kamloops/manholes.geojson.gz", out)
}

func (p *preparer) catchbasins() error {
	features, err := p.read(kamloops + "catchbasins.geojson.gz")
	if err != nil {
		return err
	}
	var out []record
	for i := range features {
		f := &features[i]
		id := f.text("FACILITYID")
		o := record{id: digits(id), geometry: f.Geometry}
		o.set("facility_id", id)
		o.set("catchbasin_id", f.text("CATCHBASINID"))
		o.set("rim", elevation(f, "RIMELEVATION"))
		o.set("chamber", strings.ToLower(f.text("CHAMBERTYPE")))
		o.set("status", strings.ToLower(f.text("ASSETSTATUS")))
		o.set("age", f.number("AGE"))
		out = append(out, o)
	}
	return p.write("kamloops/catchbasins.geojson.gz", out)
}

// nanaimo copies the Shapefile set and its licence as the city published them.
func (p *preparer) nanaimo() error {
	const from, to, pipes = "nanaimo-water/", "nanaimo/", 17755
	for _, name := range []string{"pipes.shp.gz", "pipes.shx", "pipes.dbf.gz"} {
		if err := p.copy(from+name, to+strings.TrimSuffix(name, ".gz")+".gz", func([]byte) int { return pipes }); err != nil {
			return err
		}
	}
	for _, name := range []string{"pipes.prj", "LICENCE.txt"} {
		b, err := p.readBytes(from + name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(p.target, to+name), b, 0o644); err != nil {
			return err
		}
		fmt.Printf("%s 1 %d\n", to+name, len(b))
	}
	return nil
}
