package exporters_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/exporters"
	"twind/layers"
	"twind/layers/geojson"
	"twind/layers/geopackage"
	"twind/spatial"
)

func layer(t spatial.Type, z bool) *layers.Layer {
	return &layers.Layer{ID: "lamps", CRS: 4490, MaxZoom: 16, Kind: layers.KindPart, Title: layers.Text{ZH: "路灯"}, GeometryType: t, HasZ: z, Schema: []layers.Property{
		{Name: "名称", Type: layers.String}, {Name: "height", Type: layers.Number}, {Name: "count", Type: layers.Integer}, {Name: "lit", Type: layers.Boolean}, {Name: "built", Type: layers.Date}}}
}

func features() []*layers.Feature {
	square := spatial.NewPolygon([]float64{0, 0, 4, 0, 4, 4, 0, 0}, []float64{1, 1, 2, 2, 2, 1, 1, 1})
	two := spatial.NewPolygon([]float64{0, 0, 4, 0, 4, 4, 0, 0}, []float64{5, 5, 6, 5, 6, 6, 5, 5})
	two.Type, two.Parts = spatial.MultiPolygon, []int32{1, 2}
	line := spatial.NewLineString([]float64{0, 0, 1, 1})
	line.Z = []float64{1, 2.5}
	empty := make([]layers.Value, 5)
	return []*layers.Feature{
		{ID: "1", Geometry: spatial.Geometry{Type: spatial.Point, XY: []float64{112.98, 28.2}, Z: []float64{44.25}}, Properties: []layers.Value{layers.StringValue(`五一 "广场", 一号`), layers.FloatValue(8.5), layers.IntValue(-3), layers.BoolValue(true), layers.TextValue(layers.Date, "2020-05-01")}},
		{ID: "b,1", Geometry: spatial.NewPoint(1, 2), Properties: []layers.Value{layers.StringValue(""), {}, {}, {}, {}}},
		{ID: "3", Properties: []layers.Value{layers.StringValue("=1+1\r\nx"), {}, {}, {}, {}}},
		{ID: "4", Geometry: line, Properties: empty},
		{ID: "5", Geometry: square, Properties: empty},
		{ID: "6", Geometry: two, Properties: empty},
		{ID: "7", Geometry: spatial.Geometry{Type: spatial.MultiPoint, XY: []float64{1, 2, 3, 4}}, Properties: empty},
		{ID: "8", Geometry: spatial.Geometry{Type: spatial.MultiLineString, XY: []float64{0, 0, 1, 1, 2, 2, 3, 3}, Ends: []int32{2, 4}}, Properties: empty},
		{ID: "9", Geometry: spatial.Geometry{Type: spatial.GeometryCollection, Members: []spatial.Geometry{spatial.NewPoint(1, 2), {Type: spatial.Polygon}}}, Properties: empty},
	}
}

func scanOf(fs []*layers.Feature) exporters.Scan {
	return func(_ context.Context, yield func(*layers.Feature) error) error {
		for _, f := range fs {
			if err := yield(f); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestGeoJSON(t *testing.T) {
	l := layer(spatial.Unknown, true)
	for _, name := range []string{"a.geojson", "a.json.gz", "a.geojsonl", "a.geojsonseq", "a.ndjson.gz"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			res, err := exporters.Export(t.Context(), path, l, scanOf(features()), exporters.Options{})
			require.NoError(t, err)
			require.EqualValues(t, 9, res.Features)
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			require.EqualValues(t, len(b), res.Bytes)
			if strings.HasSuffix(name, ".gz") {
				z, err := gzip.NewReader(bytes.NewReader(b))
				require.NoError(t, err)
				b, err = io.ReadAll(z)
				require.NoError(t, err)
			}
			var lines [][]byte
			if strings.HasPrefix(name, "a.json") || name == "a.geojson" {
				var c struct {
					Type, Name string
					Features   []json.RawMessage
				}
				require.NoError(t, json.Unmarshal(b, &c))
				require.Equal(t, "FeatureCollection", c.Type)
				require.Equal(t, "lamps", c.Name)
				for _, f := range c.Features {
					lines = append(lines, f)
				}
			} else {
				lines = bytes.Split(bytes.TrimSpace(b), []byte("\n"))
			}
			require.Len(t, lines, 9)
			for i, line := range lines {
				if name == "a.geojsonseq" {
					require.Equal(t, byte(0x1e), line[0])
					line = line[1:]
				}
				got, err := geojson.ParseFeature(line, l)
				require.NoError(t, err)
				require.Equal(t, features()[i], got)
			}
		})
	}
}

func TestEmptyLayer(t *testing.T) {
	l := layer(spatial.Point, false)
	var b bytes.Buffer
	n, err := exporters.Write(t.Context(), &b, l, scanOf(nil), exporters.Options{Format: exporters.GeoJSON})
	require.NoError(t, err)
	require.Zero(t, n)
	require.JSONEq(t, `{"type":"FeatureCollection","name":"lamps","features":[]}`, b.String())
	b.Reset()
	_, err = exporters.Write(t.Context(), &b, l, scanOf(nil), exporters.Options{Format: exporters.CSV})
	require.NoError(t, err)
	require.Equal(t, "id,名称,height,count,lit,built,lon,lat\r\n", b.String())
}

func TestCSV(t *testing.T) {
	text := func(l *layers.Layer, fs []*layers.Feature, o exporters.Options) string {
		o.Format = exporters.CSV
		var b bytes.Buffer
		_, err := exporters.Write(t.Context(), &b, l, scanOf(fs), o)
		require.NoError(t, err)
		return b.String()
	}
	got := text(layer(spatial.Unknown, true), features(), exporters.Options{})
	require.Equal(t, "id,名称,height,count,lit,built,wkt\r\n"+
		"1,\"五一 \"\"广场\"\", 一号\",8.5,-3,true,2020-05-01,\"POINT Z (112.98 28.2 44.25)\"\r\n"+
		"\"b,1\",\"\",,,,,\"POINT (1 2)\"\r\n"+
		"3,\"=1+1\r\nx\",,,,,\r\n"+
		"4,,,,,,\"LINESTRING Z (0 0 1, 1 1 2.5)\"\r\n"+
		"5,,,,,,\"POLYGON ((0 0, 4 0, 4 4, 0 0), (1 1, 2 2, 2 1, 1 1))\"\r\n"+
		"6,,,,,,\"MULTIPOLYGON (((0 0, 4 0, 4 4, 0 0)), ((5 5, 6 5, 6 6, 5 5)))\"\r\n"+
		"7,,,,,,\"MULTIPOINT ((1 2), (3 4))\"\r\n"+
		"8,,,,,,\"MULTILINESTRING ((0 0, 1 1), (2 2, 3 3))\"\r\n"+
		"9,,,,,,\"GEOMETRYCOLLECTION (POINT (1 2), POLYGON EMPTY)\"\r\n", got)
	rows, err := csv.NewReader(strings.NewReader(got)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 10)
	require.Equal(t, `五一 "广场", 一号`, rows[1][1])

	points := features()[:3]
	require.Equal(t, "\ufeffid,名称,height,count,lit,built,lon,lat,z\r\n"+
		"1,\"五一 \"\"广场\"\", 一号\",8.5,-3,true,2020-05-01,112.98,28.2,44.25\r\n"+
		"\"b,1\",\"\",,,,,1,2,\r\n"+
		"3,\"'=1+1\r\nx\",,,,,,,\r\n", text(layer(spatial.Point, true), points, exporters.Options{BOM: true, GuardFormulas: true}))
	require.Equal(t, "id,名称,height,count,lit,built\r\n", text(layer(spatial.Point, true), nil, exporters.Options{Geometry: exporters.Without}))
	clash := &layers.Layer{ID: "x", GeometryType: spatial.Point, Schema: []layers.Property{{Name: "id", Type: layers.String}, {Name: "lon", Type: layers.String}}}
	require.Equal(t, "_id,id,lon,_lon,lat\r\n", text(clash, nil, exporters.Options{}))

	var b bytes.Buffer
	_, err = exporters.Write(t.Context(), &b, layer(spatial.Polygon, false), scanOf(nil), exporters.Options{Format: exporters.CSV, Geometry: exporters.LonLat})
	require.ErrorContains(t, err, "layer lamps holds Polygon; only points can be written as lon and lat, others as wkt")
}

func openGeoPackage(ctx context.Context, path string) (exporters.Container, error) {
	return geopackage.Open(ctx, path, geopackage.Options{Create: true})
}

func TestGeoPackage(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "lamps.gpkg")
	l := layer(spatial.Unknown, true)
	res, err := exporters.Export(t.Context(), path, l, scanOf(features()), exporters.Options{OpenContainer: openGeoPackage})
	require.NoError(t, err)
	require.EqualValues(t, 9, res.Features)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "one file, nothing beside it: %v", entries)
	s, err := geopackage.Open(t.Context(), path, geopackage.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	n := 0
	require.NoError(t, s.Scan(t.Context(), "lamps", layers.Query{}, func(f *layers.Feature) error {
		n++
		for _, want := range features() {
			if want.ID == f.ID {
				require.Equal(t, want.Geometry, f.Clone().Geometry)
				require.Equal(t, want.Properties, f.Properties)
			}
		}
		return nil
	}))
	require.Equal(t, 9, n)
}

func TestWhatCannotBeWritten(t *testing.T) {
	l := layer(spatial.Point, false)
	dir := t.TempDir()
	fails := errors.New("the store is gone")
	broken := func(ctx context.Context, yield func(*layers.Feature) error) error {
		if err := yield(features()[1]); err != nil {
			return err
		}
		return fails
	}
	old := filepath.Join(dir, "old.geojson")
	require.NoError(t, os.WriteFile(old, []byte("old"), 0o600))
	for name, c := range map[string]struct {
		path string
		o    exporters.Options
		scan exporters.Scan
		kind error
		want string
	}{
		"no format":            {filepath.Join(dir, "a.xyz"), exporters.Options{}, nil, layers.ErrInvalid, "does not tell a format; say --format gpkg, geojson, geojsonseq, csv or pmtiles"},
		"unknown format":       {filepath.Join(dir, "a.csv"), exporters.Options{Format: "dwg"}, nil, layers.ErrInvalid, `format "dwg" is unknown`},
		"no folder":            {filepath.Join(dir, "none", "a.csv"), exporters.Options{}, nil, layers.ErrUnavailable, filepath.Join(dir, "none", "a.csv") + " cannot be written: no such file or directory"},
		"a folder":             {dir, exporters.Options{Format: exporters.CSV}, nil, layers.ErrInvalid, "is a folder; name a file in it"},
		"no container":         {filepath.Join(dir, "a.gpkg"), exporters.Options{}, nil, layers.ErrUnsupported, "GeoPackage cannot be written here"},
		"gzipped container":    {filepath.Join(dir, "a.gpkg.gz"), exporters.Options{OpenContainer: openGeoPackage}, nil, layers.ErrInvalid, "leave .gz off"},
		"a scan that fails":    {old, exporters.Options{}, broken, fails, "the store is gone"},
		"a scan into a store":  {filepath.Join(dir, "a.gpkg"), exporters.Options{OpenContainer: openGeoPackage}, broken, fails, "the store is gone"},
		"geometry of nonsense": {filepath.Join(dir, "a.csv"), exporters.Options{Geometry: "wkb"}, nil, layers.ErrInvalid, `geometry "wkb" is unknown`},
	} {
		t.Run(name, func(t *testing.T) {
			if c.scan == nil {
				c.scan = scanOf(features()[:1])
			}
			_, err := exporters.Export(t.Context(), c.path, l, c.scan, c.o)
			require.ErrorIs(t, err, c.kind)
			require.ErrorContains(t, err, c.want)
		})
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing unfinished stays: %v", entries)
	b, err := os.ReadFile(old)
	require.NoError(t, err)
	require.Equal(t, "old", string(b))
	_, err = exporters.Write(t.Context(), io.Discard, l, scanOf(nil), exporters.Options{Format: exporters.GeoPackage})
	require.ErrorContains(t, err, "cannot be written to a stream")
}

func TestProgress(t *testing.T) {
	fs := make([]*layers.Feature, 3000)
	for i := range fs {
		fs[i] = &layers.Feature{ID: fmt.Sprint(i), Properties: make([]layers.Value, 5)}
	}
	var told []int64
	_, err := exporters.Write(t.Context(), io.Discard, layer(spatial.Point, false), scanOf(fs), exporters.Options{Format: exporters.CSV, Progress: func(n int64) { told = append(told, n) }})
	require.NoError(t, err)
	require.Equal(t, []int64{1024, 2048, 3000}, told)
}

func BenchmarkWrite(b *testing.B) {
	fs := make([]*layers.Feature, 1000)
	for i := range fs {
		fs[i] = features()[i%9]
	}
	for _, f := range []exporters.Format{exporters.GeoJSON, exporters.CSV} {
		b.Run(string(f), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := exporters.Write(b.Context(), io.Discard, layer(spatial.Unknown, true), scanOf(fs), exporters.Options{Format: f}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
