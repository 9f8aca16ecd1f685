package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// square is a ring of side degrees around a place.
func square(lon, lat, side float64) [][][]float64 {
	h := side / 2
	return [][][]float64{{{lon - h, lat - h}, {lon + h, lat - h}, {lon + h, lat + h}, {lon - h, lat + h}, {lon - h, lat - h}}}
}

func polygon(rings [][][]float64) map[string]any {
	return map[string]any{"type": "Polygon", "coordinates": rings}
}

type properties = map[string]any

// source writes a file of features as the sources have them.
func source(t *testing.T, dir, name string, features ...map[string]any) {
	t.Helper()
	b, err := json.Marshal(map[string]any{"type": "FeatureCollection", "features": features})
	require.NoError(t, err)
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	if strings.HasSuffix(name, ".gz") {
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		_, err = w.Write(b)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		b = z.Bytes()
	}
	require.NoError(t, os.WriteFile(path, b, 0o644))
}

func made(t *testing.T, path string) map[string]map[string]any {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	z, err := gzip.NewReader(bytes.NewReader(b))
	require.NoError(t, err)
	require.True(t, z.ModTime.IsZero(), "no time, so that the same source makes the same bytes")
	b, err = io.ReadAll(z)
	require.NoError(t, err)
	var c struct {
		Features []struct {
			ID         string
			Properties map[string]any
			Geometry   map[string]any
		}
	}
	require.NoError(t, json.Unmarshal(b, &c))
	out := make(map[string]map[string]any)
	for _, f := range c.Features {
		f.Properties["geometry"] = f.Geometry["coordinates"]
		out[f.ID] = f.Properties
	}
	return out
}

func TestBuildingsOfManhattan(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	p := &preparer{source: from, target: to}
	precinct := func(n string, lon, lat, side float64) map[string]any {
		return properties{"type": "Feature", "properties": properties{"precinct": n}, "geometry": polygon(square(lon, lat, side))}
	}
	source(t, from, nyc+"nyc-police-precincts.geojson.gz",
		precinct("1", -74, 40.7, 0.02), precinct("84", -73.97, 40.7, 0.02), precinct("114", -73.95, 40.76, 0.01), precinct("114", -73.9, 40.76, 0.02))
	building := func(id string, lon, lat float64, more properties) map[string]any {
		props := properties{"kind": "building", "height": 20.5, "area": 1}
		for k, v := range more {
			props[k] = v
		}
		return properties{"type": "Feature", "id": id, "properties": props, "geometry": polygon(square(lon, lat, 0.0003))}
	}
	source(t, from, nyc+"nyc_buildings.geojson.gz",
		building("w11", -74, 40.7, properties{"name": " Hall ", "addr_street": "Broadway", "addr_housenumber": "5", "kind_detail": "office", "min_height": 30}),
		building("r12", -74.001, 40.7, properties{"height": nil}),
		building("w13p", -74.001, 40.7, properties{"kind": "building_part", "root_id": -12, "min_height": 3, "roof_shape": "flat"}),
		building("w14", -73.97, 40.7, nil),                                                     // Brooklyn
		building("w15", -73.95, 40.76, nil),                                                    // Roosevelt Island
		building("w16", -73.9, 40.76, nil),                                                     // Queens
		building("w17", -74.0115, 40.7095, nil),                                                // on a pier
		building("w18", -74.02, 40.72, nil),                                                    // in the river, far out
		building("w19p", -73.97, 40.7, properties{"kind": "building_part", "root_id": 14}),     // of Brooklyn
		building("w20p", -74, 40.7005, properties{"kind": "building_part"}),                    // of no outline
		building("w21", -73.9, 40.7, nil),                                                      // outside, but the root of the next
		building("w22p", -74, 40.7001, properties{"kind": "building_part", "root_id": 21}),     // inside
		building("w23p", -73.97, 40.7001, properties{"kind": "building_part", "root_id": 999}), // of nothing
	)
	source(t, from, nyc+"nyc_streets.geojson.gz", properties{"type": "Feature", "properties": properties{
		"osm_id": "77", "fclass": "primary", "name": "Broadway", "ref": nil, "oneway": "F", "maxspeed": 40, "layer": 1, "bridge": "T", "tunnel": "F"},
		"geometry": properties{"type": "LineString", "coordinates": [][]float64{{-74.00000001, 40.7}, {-74, 40.7}, {-74.1234567891, 40.8}}}})
	source(t, from, nyc+"nyc_subway_lines.geojson.gz")
	source(t, from, nyc+"nyc_subway_stations.geojson")
	require.NoError(t, p.newYork())

	got := made(t, filepath.Join(to, "new-york/buildings.geojson.gz"))
	var ids []string
	for id, f := range got {
		ids = append(ids, id)
		delete(f, "geometry")
	}
	require.ElementsMatch(t, []string{"11", "r12", "13", "15", "17", "20", "21", "22"}, ids)
	require.Equal(t, properties{"name": "Hall", "city": "New York", "address": "5 Broadway", "usage": "office", "height": 20.5}, got["11"], "a base above the top is left out")
	require.Equal(t, properties{"city": "New York", "has_parts": true}, got["r12"])
	require.Equal(t, properties{"city": "New York", "height": 20.5, "base": 3.0, "roof_shape": "flat", "part": true, "root": "r12"}, got["13"])
	require.Equal(t, true, got["21"]["has_parts"])

	streets := made(t, filepath.Join(to, "new-york/streets.geojson.gz"))
	require.Equal(t, properties{"name": "Broadway", "class": "primary", "oneway": true, "maxspeed": 40.0, "level": 1.0, "bridge": true,
		"geometry": []any{[]any{-74.0, 40.7}, []any{-74.1234568, 40.8}}}, streets["77"])
	require.Equal(t, "Manhattan", made(t, filepath.Join(to, "new-york/precincts.geojson.gz"))["1"]["borough"])

	first, err := os.ReadFile(filepath.Join(to, "new-york/buildings.geojson.gz"))
	require.NoError(t, err)
	require.NoError(t, p.newYork())
	again, err := os.ReadFile(filepath.Join(to, "new-york/buildings.geojson.gz"))
	require.NoError(t, err)
	require.Equal(t, first, again)
}

func TestStreetAgainstItsDirectionIsRefused(t *testing.T) {
	p := &preparer{source: t.TempDir(), target: t.TempDir()}
	source(t, p.source, nyc+"nyc_streets.geojson.gz", properties{"type": "Feature", "properties": properties{"osm_id": "77", "oneway": "T"},
		"geometry": properties{"type": "LineString", "coordinates": [][]float64{{0, 0}, {1, 1}}}})
	require.ErrorContains(t, p.streets(), "street 77")
}

func TestMissingElevations(t *testing.T) {
	p := &preparer{source: t.TempDir(), target: t.TempDir()}
	line := properties{"type": "LineString", "coordinates": [][]float64{{-120.33, 50.67}, {-120.331, 50.67}}}
	main := func(id string, up, down any) map[string]any {
		return properties{"type": "Feature", "properties": properties{"FACILITYID": id, "UPSTREAMINVERT": up, "DOWNSTREAMINVERT": down, "DIAMETER": 300, "PIPECLASS": "NK", "ASSETSTATUS": "IN SERVICE"}, "geometry": line}
	}
	source(t, p.source, kamloops+"mains.geojson.gz", main("DGM1", 357.00000034, 356.5), main("DGM2", 9999, 0), main("DGM3", nil, 350))
	require.NoError(t, p.gravityMains("mains.geojson.gz", "kamloops/storm.geojson.gz"))
	got := made(t, filepath.Join(p.target, "kamloops/storm.geojson.gz"))
	for id, want := range map[string][2]any{"1": {357.0, 356.5}, "2": {nil, nil}, "3": {nil, 350.0}} {
		require.Equal(t, want, [2]any{got[id]["upstream_invert"], got[id]["downstream_invert"]}, id)
		require.Equal(t, "in service", got[id]["status"])
		require.Nil(t, got[id]["pipe_class"])
	}
}

func TestRoundedKeepsRingsAndLines(t *testing.T) {
	for in, want := range map[string]string{
		`{"type":"Point","coordinates":[1.00000004,2]}`:                                                   `{"type":"Point","coordinates":[1,2]}`,
		`{"type":"LineString","coordinates":[[1,2],[1.00000001,2]]}`:                                      `{"type":"LineString","coordinates":[[1,2],[1,2]]}`,
		`{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,0.00000001],[1,1],[0,0]]]}`:                     `{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}`,
		`{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,0]]],[[[5,5],[6,5],[6,6],[5,5]]]]}`: `{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,0]]],[[[5,5],[6,5],[6,6],[5,5]]]]}`,
	} {
		var b bytes.Buffer
		require.NoError(t, rounded(&b, json.RawMessage(in)))
		require.Equal(t, want, b.String())
	}
	require.ErrorContains(t, rounded(&bytes.Buffer{}, json.RawMessage(`{"type":"Curve","coordinates":[]}`)), "Curve")
}

func TestNumbersAndTexts(t *testing.T) {
	f := feature{Properties: properties{"a": json.Number("1.5"), "b": " 2 ", "c": nil, "d": true}}
	require.Equal(t, "[1.5 2 NaN NaN NaN]", fmt.Sprint([]float64{f.number("a"), f.number("b"), f.number("c"), f.number("d"), f.number("e")}))
	require.Equal(t, []string{"1.5", "2", "", "", ""}, []string{f.text("a"), f.text("b"), f.text("c"), f.text("d"), f.text("e")})
	require.True(t, math.IsNaN(elevation(&feature{Properties: properties{"z": json.Number("9999")}}, "z")))
	require.Equal(t, "28343", digits("DGM28343"))
}

func TestWhatIsNotThereIsNamed(t *testing.T) {
	p := &preparer{source: t.TempDir(), target: t.TempDir()}
	require.ErrorContains(t, p.run(), "nyc-police-precincts.geojson.gz")
}
