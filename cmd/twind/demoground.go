package main

import (
	"bytes"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"twind/internal/config"
	"twind/internal/district"
	"twind/layers"
	"twind/testdata/city"
	"twind/tiles/raster/geotiff"
)

// demoGrounds puts the demo's elevation models into its folder: Nanaimo's, and
// one of the generated district.
func demoGrounds(dir string) ([]config.Raster, error) {
	nanaimo, err := fs.ReadFile(city.FS(), "nanaimo/ground.tif")
	if err != nil {
		return nil, err
	}
	model, err := districtGround()
	if err != nil {
		return nil, err
	}
	list := []config.Raster{{
		ID: "nanaimo_ground", Title: layers.Text{ZH: "纳奈莫地形", EN: "Ground of Nanaimo"}, VerticalDatum: "EPSG:5713", Offset: -18,
		Attribution: "Contains information licenced under the Open Government Licence – Nanaimo",
	}, {
		ID: "demo_ground", Title: layers.Text{ZH: "示范城区地形(生成)", EN: "Ground of the model district (generated)"}, VerticalDatum: "EPSG:5737",
	}}
	for i, b := range [][]byte{nanaimo, model} {
		list[i].Role, list[i].Source = config.RoleDEM, filepath.Join(dir, string(list[i].ID)+".tif")
		if err := keepFile(list[i].Source, b); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// keepFile writes a file unless it is there already: its time is part of what
// clients keep tiles by.
func keepFile(path string, b []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, b) {
		return nil
	}
	if err := os.WriteFile(path+".new", b, 0o644); err != nil {
		return layers.Errorf(layers.ErrUnavailable, "the demo's ground cannot be written to %s: %w; choose another folder with --data", path, err)
	}
	return os.Rename(path+".new", path)
}

// groundStep is the distance in degrees of the generated model's heights, about
// 20 m; its ground bends by less than 1 mm over it.
const groundStep = 0.0002

// districtGround is the generated district's ground as a GeoTIFF in CGCS2000, with
// the country around it.
func districtGround() ([]byte, error) {
	d, err := district.New(district.Options{})
	if err != nil {
		return nil, err
	}
	west, south, east, north := d.Box(600)
	h := geotiff.Heights{
		Width: int(math.Ceil((east - west) / groundStep)), Height: int(math.Ceil((north - south) / groundStep)),
		EPSG: 4490, Geographic: true, Transform: geotiff.Affine{west, groundStep, 0, north, 0, -groundStep},
	}
	h.Values = make([]float32, h.Width*h.Height)
	for i := range h.Values {
		h.Values[i] = float32(d.Ground(h.Transform.Apply(float64(i%h.Width)+0.5, float64(i/h.Width)+0.5)))
	}
	return h.Append(nil)
}
