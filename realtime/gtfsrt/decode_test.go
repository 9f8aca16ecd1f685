package gtfsrt

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The encoder of the tests: just enough protobuf to make feeds.
func tag(number, wire int) []byte { return binary.AppendUvarint(nil, uint64(number<<3|wire)) }

func num(number int, v uint64) []byte { return binary.AppendUvarint(tag(number, varint), v) }

func sub(number int, parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return append(binary.AppendUvarint(tag(number, delimited), uint64(len(b))), b...)
}

func str(number int, s string) []byte { return sub(number, []byte(s)) }

func f32(number int, v float32) []byte {
	return binary.LittleEndian.AppendUint32(tag(number, fixed32), math.Float32bits(v))
}

func join(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

var header = sub(1, str(1, "2.0"), num(3, 1637960185))

func TestDecodeEveryField(t *testing.T) {
	trip := [][]byte{str(1, "095850_4..N06R"), str(3, "20211126"), str(5, "4"), sub(1001, str(1, "04 1558+ NLT/WDL"), num(2, 1), num(3, 3))}
	feed, err := Decode(join(
		sub(1, str(1, "1.0"), num(2, 1), num(3, 1637960185), sub(1001, str(1, "x"))),
		sub(2, str(1, "7"), sub(3, sub(1, trip...), sub(2, num(1, 5), sub(2, num(1, 60), num(2, 1637960200)), sub(3, num(2, 1637960230)), str(4, "250N"), sub(1001, str(1, "3"), str(2, "4"))), num(99, 1))),
		sub(2, str(1, "8"), sub(4, sub(1, trip...), sub(2, f32(1, 40.5), f32(2, -73.75), f32(3, 90), f32(5, 12.5)), num(3, 5), num(4, 1), num(5, 1637960180), str(7, "250N"), sub(8, str(1, "v1"), str(2, "car 1")))),
		sub(2, str(1, "9"), sub(4, sub(1, trip...))),
		sub(2, str(1, "10"), sub(5, sub(5, sub(4, trip...)), sub(10, sub(1, str(1, "Train delayed"), str(2, "en"))))),
		sub(77, str(1, "unknown")),
	))
	require.NoError(t, err)
	require.Equal(t, "1.0", feed.Version)
	require.True(t, feed.Differential)
	require.Equal(t, int64(1637960185), feed.Time.Unix())
	wantTrip := Trip{ID: "095850_4..N06R", Route: "4", StartDate: "20211126", Train: "04 1558+ NLT/WDL", Assigned: true}
	require.Len(t, feed.Trips, 1)
	u := feed.Trips[0]
	require.Equal(t, "7", u.Entity)
	require.Equal(t, wantTrip, u.Trip)
	require.Len(t, u.Stops, 1)
	s := u.Stops[0]
	require.Equal(t, int64(1637960200), s.Arrival.Unix())
	require.Equal(t, int64(1637960230), s.Departure.Unix())
	require.Equal(t, []any{int64(5), "250N", int64(60), "3", "4"}, []any{s.Sequence, s.Stop, s.ArrivalDelay, s.PlannedTrack, s.ActualTrack})
	require.Len(t, feed.Vehicles, 2)
	v := feed.Vehicles[0]
	require.Equal(t, wantTrip, v.Trip)
	require.True(t, v.HasPosition)
	require.Equal(t, []float64{-73.75, 40.5, 90, 12.5}, []float64{v.Lon, v.Lat, v.Bearing, v.Speed})
	require.Equal(t, StoppedAt, v.Status)
	require.Equal(t, []string{"250N", "v1", "car 1"}, []string{v.Stop, v.ID, v.Label})
	require.Equal(t, InTransitTo, feed.Vehicles[1].Status, "no status means in transit")
	require.False(t, feed.Vehicles[1].HasPosition)
	require.True(t, math.IsNaN(feed.Vehicles[1].Speed))
	require.Equal(t, []Alert{{Entity: "10", Trips: []Trip{wantTrip}, Header: "Train delayed"}}, feed.Alerts)
}

func TestDecodeRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		b    []byte
		says string
	}{
		{"nothing", nil, "no header"},
		{"text", []byte("Not a feed at all"), "malformed"},
		{"cut off", header[:len(header)-1], "a value of"},
		{"cut in a number", join(header, tag(2, fixed32), []byte{1}), "ends within a value"},
		{"a length beyond the end", join(header, tag(2, delimited), []byte{200, 1}), "a value of 200 bytes where 0 are left"},
		{"a group", join(header, tag(2, 3)), "wire type 3"},
		{"field number 0", []byte{0, 0}, "field number 0"},
		{"a varint without end", join(header, tag(9, varint), []byte(strings.Repeat("\xff", 11))), "more than 64 bits"},
		{"an entity that is a number", join(header, num(2, 1)), "entity 1"},
		{"a time beyond the year 9999", sub(1, num(3, 1<<40)), "time"},
		{"a text of 5 kB", join(header, sub(2, str(1, strings.Repeat("x", 5000)))), "5000 bytes"},
		{"a trip with too many stops", join(header, sub(2, str(1, "a"), sub(3, []byte(strings.Repeat(string(sub(2, num(1, 1))), maxStops+1))))), "more than 1000 stops"},
		{"too many entities", join(header, []byte(strings.Repeat(string(sub(2)), maxEntities+1))), "more than 50000 entities"},
		{"too large", make([]byte, MaxBytes+1), "at most"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Decode(test.b)
			require.ErrorIs(t, err, ErrMalformed)
			require.ErrorContains(t, err, test.says)
		})
	}
}

func TestReadStopsRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"empty":        "",
		"no latitude":  "stop_id,stop_name,stop_lon\n1,a,2\n",
		"not a number": "stop_id,stop_name,stop_lat,stop_lon\n1,a,north,2\n",
		"out of range": "stop_id,stop_name,stop_lat,stop_lon\n1,a,91,2\n",
		"bad quotes":   "stop_id,stop_name,stop_lat,stop_lon\n1,\"a,91,2\n",
	} {
		_, err := ReadStops(strings.NewReader(text))
		require.ErrorIs(t, err, ErrMalformed, name)
	}
	stops, err := ReadStops(strings.NewReader("\ufeffstop_id,stop_name,stop_lat,stop_lon,parent_station\n101,Van Cortlandt Park-242 St,40.889248,-73.898583,\n101N,Van Cortlandt Park-242 St,40.889248,-73.898583,101\n"))
	require.NoError(t, err)
	require.Equal(t, []Stop{{"101", "Van Cortlandt Park-242 St", -73.898583, 40.889248}}, stops)
}

func TestShortestPathTakesReroutes(t *testing.T) {
	// Two routes side by side, joined at the ends: A has a gap in the middle.
	at := func(x, y float64) (float64, float64) { return -74 + x/1000, 40.7 + y/1000 }
	line := func(id, route, trunk string, xy ...float64) Line {
		l := Line{ID: id, Routes: []string{route}, Trunk: trunk}
		for i := 0; i < len(xy); i += 2 {
			x, y := at(xy[i], xy[i+1])
			l.XY = append(l.XY, x, y)
		}
		return l
	}
	stop := func(id string, x, y float64) Stop {
		lon, lat := at(x, y)
		return Stop{ID: id, Name: id, Lon: lon, Lat: lat}
	}
	a, b := stop("a", 0, 0), stop("b", 10, 0)
	n := NewNetwork([]Line{
		line("1", "A", "1", 0, 0, 4, 0), line("2", "A", "1", 10, 0, 6, 0), line("3", "B", "1", 4, 0, 5, 1, 6, 0), line("4", "C", "9", 4, 0, 6, 0),
	}, []Stop{a, b}, "1")
	p := n.between("A", a, b)
	require.NotNil(t, p)
	require.True(t, p.other)
	require.Equal(t, []string{"1", "3", "-2"}, p.edges)
	require.Nil(t, n.between("A", a, stop("far", 10, 50)), "no line ends near")
	_, course := p.at(0.1)
	require.InDelta(t, 90, course, 0.01, "east")
	require.Equal(t, fmt.Sprint(len(p.vertices)), fmt.Sprint(len(p.along)))
}

func FuzzDecode(f *testing.F) {
	f.Add(header)
	f.Add(join(header, sub(2, str(1, "7"), sub(3, sub(1, str(1, "095850_4..N06R")), sub(2, sub(2, num(2, 1637960200)), str(4, "250N"))))))
	for _, name := range []string{"a_division", "2_delay"} {
		b := dumpBytes(f, name)
		f.Add(b[:min(len(b), 3000)])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		feed, err := Decode(b)
		if err != nil {
			require.ErrorIs(t, err, ErrMalformed)
			return
		}
		n := NewNetwork(nil, []Stop{{ID: "250", Lon: -73.9, Lat: 40.7}})
		for _, tr := range n.Board(feed).At(feed.Time, nil) {
			require.False(t, math.IsNaN(tr.Lon) || math.IsNaN(tr.Lat) || math.IsNaN(tr.Course) || math.IsNaN(tr.Speed))
		}
	})
}

func FuzzReadStops(f *testing.F) {
	f.Add("stop_id,stop_name,stop_lat,stop_lon,parent_station\n101,x,40.889248,-73.898583,\n")
	f.Fuzz(func(t *testing.T, s string) {
		stops, err := ReadStops(strings.NewReader(s))
		if err != nil {
			require.ErrorIs(t, err, ErrMalformed)
			return
		}
		for _, stop := range stops {
			require.NotEmpty(t, stop.ID)
			require.LessOrEqual(t, math.Abs(stop.Lat), 90.0)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	data := dumpBytes(b, "a_division")
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAt(b *testing.B) {
	board := newYork(b).Board(dump(b, "a_division"))
	var trains []Train
	b.ReportAllocs()
	for b.Loop() {
		trains = board.At(board.Time.Add(600e9), trains[:0])
	}
}
