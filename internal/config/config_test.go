package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
)

func TestParse(t *testing.T) {
	c, err := Parse(nil)
	require.NoError(t, err, "an empty file is the defaults")
	require.Equal(t, "127.0.0.1:8080", c.Addr)
	require.EqualValues(t, 256<<20, c.TileCacheBytes)
	require.EqualValues(t, 64<<20, c.DrawingBytes)
	c, err = Parse([]byte("tileCacheBytes: 1GiB\ndrawingBytes: 1\n"))
	require.NoError(t, err)
	require.EqualValues(t, 1<<30, c.TileCacheBytes)
	require.EqualValues(t, 1, c.DrawingBytes, "nothing is kept")
	c, err = Parse([]byte("tileCacheBytes: 0\ndrawingBytes: 67108864\n"))
	require.NoError(t, err)
	require.EqualValues(t, 256<<20, c.TileCacheBytes, "0 is the default")
	require.EqualValues(t, 64<<20, c.DrawingBytes)
	c, err = Parse([]byte("store: postgres://gis@db/city\npublished:\n  - {table: public.parcels, layer: parcels, srid: 4547, reload: 30s, title: {zh: 宗地}}\n"))
	require.NoError(t, err)
	require.EqualValues(t, 4547, c.Published[0].SRID)
	require.EqualValues(t, 16, c.Published[0].MaxZoom)
	require.Equal(t, "宗地", c.Published[0].Title.In("en"))
	c, err = Parse([]byte("archives: [{id: base, source: https://maps.example/city.pmtiles, title: {en: Base}}]\nrasters: [{id: ground, source: dem.tif, role: dem, verticalDatum: 'EPSG:5773', offset: -0.5}]\n"))
	require.NoError(t, err)
	require.Equal(t, Archive{ID: "base", Source: "https://maps.example/city.pmtiles", Title: layers.Text{EN: "Base"}}, c.Archives[0])
	require.Equal(t, Raster{ID: "ground", Source: "dem.tif", Role: RoleDEM, VerticalDatum: "EPSG:5773", Offset: -0.5}, c.Rasters[0])
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"adresse: x":                                                 "adresse",
		"addr: 8080":                                                 "expected host:port",
		"publicUrl: city.example":                                    "absolute http",
		"debug: ':6060'":                                             "a loopback address",
		"trustedProxies: [everybody]":                                "everybody",
		"tokens: [{name: a, sha256: abc}]":                           "64 hexadecimal",
		"published: [{table: a.b}]":                                  "needs a PostgreSQL store",
		"store: postgres://x/y\npublished: [{}]":                     "schema.table",
		"live: [{id: Bus}]":                                          "layer id",
		"live: [{id: bus, kind: building}]":                          "expected vehicle, train, sensor or event",
		"live: [{id: bus, period: -1s}]":                             "must not be negative",
		"live: [{id: bus, maxSpeed: .nan}]":                          "must not be negative",
		"mqtt: {listen: 1883}":                                       "mqtt.listen",
		"mqtt: {listen: '0.0.0.0:1883'}":                             "tokens are needed",
		"sensorthings: {count: -1}":                                  "sensorthings: count",
		"mqtt: {publicUrl: 'http://h'}":                              "mqtt.publicUrl",
		"mqtt: {brokers: [{url: host}]}":                             "expected mqtt://host:1883",
		"mqtt: {brokers: [{url: 'mqtt://h', qos: 3}]}":               "expected 0, 1 or 2",
		"jt808: {listen: ':x:y'}":                                    "jt808.listen",
		"jt808: {listen: ':808', zone: Moon}":                        "expected a name such as Asia/Shanghai",
		"gtfs: [{layer: bus, url: 'file:///x'}]":                     "expected an http or https address",
		"gtfs: [{layer: bus, url: 'http://h', every: -1s}]":          "expected a time such as 30s",
		"tileCacheBytes: -1":                                         "line 1: size \"-1\": expected a whole number of bytes, KiB, MiB",
		"drawingBytes: 64MB":                                         "line 1: size \"64MB\": expected a whole number of bytes, KiB, MiB",
		"store: postgres://x/y\npublished: [{table: a.b, layer: Ä}]": "layer id",
		"bookmarks: [{id: x, center: [999, 1], zoom: 14}]":           "bookmarks: x: center [999, 1]: expected longitude",
		"bookmarks: [{id: x, center: [1, -91]}]":                     "latitude −90 to 90",
		"bookmarks: [{id: x, center: [1, 1], zoom: 99}]":             "bookmarks: x: zoom 99: expected 0 to 24",
		"bookmarks: [{id: x, center: [.nan, 1]}]":                    "expected longitude",
		"bookmarks: [{id: x, pitch: 120}]":                           "bookmarks: x: pitch 120",
		"bookmarks: [{id: x, bearing: 1000}]":                        "bookmarks: x: bearing 1000",
		"a: [":                                                       "line 1 is no YAML: ",
		"archives: [{id: Ä, source: a.pmtiles}]":                     "layer id",
		"archives: [{id: a}]":                                        "needs source",
		"archives: [{id: a, source: a.pmtiles}]\nrasters: [{id: a, source: a.tif, role: dem}]": "stands twice",
		"archives: [{id: a, source: 'http://h/a.mbtiles'}]":                                    "convert it to PMTiles",
		"archives: [{id: a, source: 'http://'}]":                                               "http(s) URL",
		"rasters: [{id: a, source: a.tif}]":                                                    "imagery or dem",
		"rasters: [{id: a, source: a.tif, role: dem, offset: .nan}]":                           "offset",
	} {
		_, err := Parse([]byte(text))
		require.ErrorContains(t, err, want, "%s", text)
		require.NotContains(t, err.Error(), "\n", "one line")
	}
	_, err := Parse(make([]byte, MaxBytes+1))
	require.ErrorContains(t, err, "larger")
	_, err = Load("/nonexistent/twind.yaml")
	require.ErrorContains(t, err, "cannot be read")
}

func TestFaultsAreToldInTheWordsOfTheFile(t *testing.T) {
	for text, want := range map[string]string{
		"addr: a:1\nfoo: 1": "line 2: there is no key foo; docs/configuration.md lists those that there are",
		"mqtt:\n  brokers:\n    - {url: 'mqtt://h', uhr: x}": "line 3: there is no key mqtt.brokers.uhr;",
		"mqtt:\n  listen: [a]":                               "line 2: mqtt.listen: expected a text, not a list",
		"mqtt: {brokers: {x: 1}}":                            "line 1: mqtt.brokers: expected a list, not keys with values",
		"history: {retention: 5}":                            "line 1: history.retention: expected keys with values, not 5",
		"mqtt: {brokers: [{url: 'mqtt://h', qos: many}]}":    "line 1: mqtt.brokers.qos: expected a whole number, not many",
		"live:\n  - {id: a, period: soon}":                   "line 2: live.period: expected a time such as 30s, not soon",
		"tileCacheBytes: a lot of memory":                    "line 1: size \"a lot of memory\": expected a whole number of bytes",
		"history: {default: often}":                          "line 1: age \"often\": expected a number and a unit",
		"tokens: all":                                        "line 1: tokens: expected a list, not all",
		"addr: a:1\naddr: b:1":                               "line 2: the key addr stands on line 1 too",
		"foo: 1\nbar: 2":                                     "there is no key foo; docs/configuration.md lists those that there are; line 2: there is no key bar",
		"a: b: c":                                            "is no YAML",
		"- a":                                                "expected keys with values, not a list",
	} {
		_, err := Parse([]byte(text))
		require.ErrorContains(t, err, want, "%s", text)
		for _, word := range []string{"unmarshal", "!!", "config.", "into", "mapping"} {
			require.NotContains(t, strings.ReplaceAll(err.Error(), "docs/configuration.md", ""), word, "%s", text)
		}
	}
}

func TestLoopback(t *testing.T) {
	for addr, want := range map[string]bool{"127.0.0.1:80": true, "localhost:80": true, "[::1]:80": true, "0.0.0.0:80": false, ":80": false, "10.0.0.1:80": false, "[::]:80": false, "nonsense": false} {
		require.Equal(t, want, Loopback(addr), addr)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("addr: 127.0.0.1:8080\ntokens: [{name: a, sha256: 00}]"))
	f.Add([]byte("published: [{table: a.b, minZoom: 300}]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Parse(b)
		if err == nil {
			require.NoError(t, c.Validate())
		}
	})
}
