package realtime_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/realtime"
)

func TestDecodePosition(t *testing.T) {
	var p realtime.Position
	require.NoError(t, realtime.DecodePosition([]byte(` {"layer":"vehicles","id":"京A·12345","time":"2026-11-21T08:00:00.5+08:00","lon":112.98,"lat":-28.2e0,
		"z":4,"course":359.9,"speed":0,"properties":{"line":"4"}} `), &p))
	require.Equal(t, realtime.Position{Layer: "vehicles", ID: "京A·12345", Time: p.Time, Lon: 112.98, Lat: -28.2, Z: 4, Course: 359.9, Speed: 0, Properties: []byte(`{"line":"4"}`)}, p)
	require.True(t, p.Time.Equal(time.Date(2026, 11, 21, 0, 0, 0, 5e8, time.UTC)))

	require.NoError(t, realtime.DecodePosition([]byte(`{"id":17,"layer":"a","lat":1,"lon":2,"time":"2026-11-21T08:00:00Z","z":null,"properties":null}`), &p))
	require.Equal(t, "17", p.ID)
	require.Nil(t, p.Properties)
	require.True(t, math.IsNaN(p.Z) && math.IsNaN(p.Course) && math.IsNaN(p.Speed))

	const rest = `"layer":"a","id":"b","time":"2026-11-21T08:00:00Z"`
	for in, want := range map[string]string{
		``:                                   "ends in the middle",
		`[]`:                                 `'[' at byte 1 of the JSON, expected an object`,
		`{}`:                                 "layer is missing",
		`{"layer":"a"}`:                      "id is missing",
		`{"layer":"a","id":"b"}`:             "time is missing",
		`{` + rest + `}`:                     "lon or lat is missing",
		`{` + rest + `,"lon":1,"lat":null}`:  "lon or lat is missing",
		`{` + rest + `,"lon":"1","lat":2}`:   `lon: "1" is no number`,
		`{` + rest + `,"lon":NaN,"lat":2}`:   `'N' at byte`,
		`{` + rest + `,"lon":1e999,"lat":2}`: "beyond any number",
		`{` + rest + `,"lon":01,"lat":2}`:    "expected a comma",
		`{` + rest + `,"lon":1,"lat":2`:      "ends in the middle",
		`{` + rest + `,"lon":1,"lat":2}}`:    "expected the end",
		`{` + rest + `,"lng":1,"lat":2}`:     `unknown member "lng"`,
		`{` + rest + `,"lon":1,"lat":2,"properties":[]}`:                   "expected an object",
		`{` + rest + `,"lon":1,"lat":2,"properties":{"a":"` + "\n" + `"}}`: "control character",
		`{"layer":"a","id":"b","time":"yesterday","lon":1,"lat":2}`:        `time "yesterday": expected RFC 3339`,
		`{"layer":"a","id":"b","time":1234567890,"lon":1,"lat":2}`:         "is no string",
		`{"layer":"a","id":true,"time":"2026-11-21T08:00:00Z"}`:            "is no string",
		`{"layer":"a","id":"` + "\xff" + `"}`:                              "not UTF-8",
		`{"layer":"a","id":"\x"}`:                                          "an escape of JSON",
		`{"layer":"` + strings.Repeat("a", 70000) + `"}`:                   "at most 65536",
		strings.Repeat("[", 100):                                           "expected an object",
	} {
		err := realtime.DecodePosition([]byte(in), &p)
		require.ErrorContains(t, err, want, "%.100s", in)
	}
}

// readAll reads a stream of positions: the ids of the good ones, and the errors.
func readAll(r *realtime.Reader) (ids []string, faults []string, fatal error) {
	for {
		var p realtime.Position
		i, err := r.Next(&p)
		var item *realtime.ItemError
		switch {
		case errors.Is(err, io.EOF):
			return ids, faults, nil
		case errors.As(err, &item):
			if item.Index != i {
				return ids, faults, errors.New("index differs")
			}
			faults = append(faults, err.Error())
		case err != nil:
			return ids, faults, err
		default:
			ids = append(ids, p.ID)
		}
	}
}

func position(id string) string {
	return `{"layer":"a","id":"` + id + `","time":"2026-11-21T08:00:00Z","lon":1,"lat":2,"properties":{"x":{"}":"]\""}}}`
}

func TestReader(t *testing.T) {
	a, b, c := position("a"), position("b"), position("c")
	huge := `{"layer":"` + strings.Repeat("x", 100_000) + `"}`
	for _, test := range []struct {
		name   string
		in     string
		lines  bool
		ids    []string
		faults int
		fatal  string
	}{
		{"one", a, false, []string{"a"}, 0, ""},
		{"pretty", strings.ReplaceAll(a, ",", ",\n  "), false, []string{"a"}, 0, ""},
		{"array", " [" + a + " , " + b + "\n," + c + "] ", false, []string{"a", "b", "c"}, 0, ""},
		{"empty array", "[ ]", false, nil, 0, ""},
		{"nothing", "", false, nil, 0, ""},
		{"lines, found out", a + "\n" + b + "\r\n\n" + c, false, []string{"a", "b", "c"}, 0, ""},
		{"lines, told", "\n" + a + "\n" + b + "\r\n" + c + "\n", true, []string{"a", "b", "c"}, 0, ""},
		{"JSON text sequence", "\x1e" + a + "\n\x1e" + b + "\n", true, []string{"a", "b"}, 0, ""},
		{"a bad one among others", "[" + a + `,{"id":7},` + c + "]", false, []string{"a", "c"}, 1, ""},
		{"a bad line among others", a + "\n{\"id\": \"half\n" + c, true, []string{"a", "c"}, 1, ""},
		{"one too long in an array", "[" + a + "," + huge + "," + c + "]", false, []string{"a", "c"}, 1, ""},
		{"one too long of lines", a + "\n" + huge + "\n" + c, true, []string{"a", "c"}, 1, ""},
		{"cut off", "[" + a + "," + b[:40], false, []string{"a"}, 0, "ends in the middle of position 1"},
		{"no end", "[" + a, false, []string{"a"}, 0, "ends after position 1 without its ]"},
		{"comma missing", "[" + a + b + "]", false, []string{"a"}, 0, "expected a comma"},
		{"no object", "[1]", false, nil, 0, "which is an object"},
		{"text", "hello", false, nil, 0, `begins with 'h'`},
		{"behind the array", "[" + a + "] x", false, []string{"a"}, 0, "after the end"},
		{"nested arrays", "[[" + a + "]]", false, nil, 0, "which is an object"},
	} {
		t.Run(test.name, func(t *testing.T) {
			// Pieces of one byte find borders that one read hides.
			for _, r := range []io.Reader{strings.NewReader(test.in), iotestOneByte{strings.NewReader(test.in)}} {
				ids, faults, fatal := readAll(realtime.NewReader(r, test.lines))
				require.Equal(t, test.ids, ids)
				require.Len(t, faults, test.faults)
				if test.fatal == "" {
					require.NoError(t, fatal)
				} else {
					require.ErrorContains(t, fatal, test.fatal)
				}
			}
		})
	}
}

type iotestOneByte struct{ r io.Reader }

func (o iotestOneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }

// FuzzDecodePosition compares with encoding/json: what it takes is valid JSON
// with the same values, and nothing panics.
func FuzzDecodePosition(f *testing.F) {
	f.Add([]byte(position("a")))
	f.Add([]byte(`{"layer":"a","id":"b\u00e9\ud83d\ude00","time":"2026-11-21T08:00:00Z","lon":-1.5e-3,"lat":2,"z":0.25,"course":null}`))
	f.Add([]byte(`{"layer":"a","id":1,"time":"2026-11-21T08:00:00+05:30","lon":1,"lat":2,"lat":3}`))
	f.Add([]byte(`{"a":[{},[]],"properties":{"a":1}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var p realtime.Position
		if realtime.DecodePosition(in, &p) != nil {
			return
		}
		var want struct {
			Layer, Time      string
			ID               json.RawMessage
			Lon, Lat         float64
			Z, Course, Speed *float64
			Properties       json.RawMessage
		}
		dec := json.NewDecoder(bytes.NewReader(in))
		if err := dec.Decode(&want); err != nil {
			t.Fatalf("taken, but encoding/json says %v: %q", err, in)
		}
		// encoding/json folds the case of names; positions do not.
		if bytes.ContainsAny(in, "LITCSPDRY") || bytes.ContainsRune(in, '\\') || bytes.ContainsRune(in, 'ſ') || bytes.ContainsRune(in, 'K') {
			return
		}
		if want.Lon != p.Lon || want.Lat != p.Lat || want.Layer != string(p.Layer) {
			t.Fatalf("%+v, expected %+v", p, want)
		}
		if id := strings.Trim(string(want.ID), `"`); id != p.ID && id != "null" {
			t.Fatalf("id %q, expected %q", p.ID, id)
		}
		if want.Z != nil && *want.Z != p.Z || p.Properties != nil && !json.Valid(p.Properties) {
			t.Fatalf("%+v, expected %+v", p, want)
		}
	})
}

// FuzzReader reads any stream to its end.
func FuzzReader(f *testing.F) {
	for _, lines := range []bool{false, true} {
		f.Add([]byte("["+position("a")+","+position("b")+"]"), lines)
		f.Add([]byte(position("a")+"\n"+position("b")), lines)
		f.Add([]byte(`[{"a":"\"}{"},`), lines)
	}
	f.Fuzz(func(t *testing.T, in []byte, lines bool) {
		r := realtime.NewReader(bytes.NewReader(in), lines)
		for n := 0; ; n++ {
			var p realtime.Position
			_, err := r.Next(&p)
			var item *realtime.ItemError
			if err != nil && !errors.As(err, &item) {
				return
			}
			if n > len(in) {
				t.Fatal("more positions than bytes")
			}
		}
	})
}

// FuzzClientMessage reads any message of a client.
func FuzzClientMessage(f *testing.F) {
	f.Add([]byte(`{"type":"subscribe","request":1,"bbox":[-74,40,-73,41],"zoom":12,"layers":["vehicles"],"filter":{"vehicles":"line='4'"},"maxHz":5,"maxEntities":-1,"epoch":5,"change":3,"sequences":{"vehicles":{"sequence":7,"view":1,"window":{"z":14,"x":1,"y":2,"w":3,"h":4}}}}`))
	f.Add([]byte(`{"type":"ping","request":7}`))
	f.Add([]byte(`{"type":"subscribe","bbox":[1e999]}`))
	hub := realtime.New(realtime.Options{ParseFilter: parseLine})
	if err := hub.AddLayer(liveLayer("vehicles", liveTimes)); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := realtime.DecodeClientMessage(in)
		if err != nil {
			return
		}
		s, err := realtime.SubscriptionOf(m)
		if err != nil {
			return
		}
		v, err := hub.Attach(true)
		require.NoError(t, err)
		defer v.Close()
		if _, _, err := v.Subscribe(s); err == nil {
			v.Take()
			v.Ready()
			hub.Tick()
		}
	})
}
