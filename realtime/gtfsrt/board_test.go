package gtfsrt

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/testdata/city"
)

// newYork is the network of the demo city's subway.
func newYork(t testing.TB) *Network {
	t.Helper()
	b, err := city.ReadFile("new-york/subway.geojson")
	require.NoError(t, err)
	var c struct {
		Features []struct {
			ID         string
			Properties struct {
				Name   string
				Symbol string `json:"rt_symbol"`
			}
			Geometry struct{ Coordinates [][]float64 }
		}
	}
	require.NoError(t, json.Unmarshal(b, &c))
	var lines []Line
	for _, f := range c.Features {
		l := Line{ID: f.ID, Routes: strings.Split(f.Properties.Name, "-"), Trunk: f.Properties.Symbol}
		for _, p := range f.Geometry.Coordinates {
			l.XY = append(l.XY, p[0], p[1])
		}
		lines = append(lines, l)
	}
	b, err = city.ReadFile("new-york/stops.txt")
	require.NoError(t, err)
	stops, err := ReadStops(bytes.NewReader(b))
	require.NoError(t, err)
	return NewNetwork(lines, stops, "1", "4", "7")
}

func dump(t testing.TB, name string) *Feed {
	t.Helper()
	feed, err := Decode(dumpBytes(t, name))
	require.NoError(t, err)
	return feed
}

func dumpBytes(t testing.TB, name string) []byte {
	t.Helper()
	b, err := city.ReadFile("new-york/" + name + ".nyct.gtfsrt")
	require.NoError(t, err)
	return b
}

func TestNetworkOfNewYork(t *testing.T) {
	n := newYork(t)
	require.Len(t, n.edges, 742)
	require.Len(t, n.nodes, 705)
	require.Len(t, n.stops, 499)
}

// placedRow is a train of nyct-placed.tsv, placed by another program after the
// same recipe.
type placedRow struct {
	status, next, previous, from string
	run, fraction                float64
	edges                        string
	lon, lat                     float64
}

func placedRows(t *testing.T) map[string]map[string]placedRow {
	t.Helper()
	b, err := city.ReadFile("new-york/nyct-placed.tsv")
	require.NoError(t, err)
	number := func(s string) float64 {
		if s == "-" {
			return math.NaN()
		}
		v, err := strconv.ParseFloat(s, 64)
		require.NoError(t, err)
		return v
	}
	out := make(map[string]map[string]placedRow)
	s := bufio.NewScanner(bytes.NewReader(b))
	s.Scan() // the heading
	for s.Scan() {
		c := strings.Split(s.Text(), "\t")
		require.Len(t, c, 13)
		if out[c[0]] == nil {
			out[c[0]] = make(map[string]placedRow)
		}
		out[c[0]][c[1]] = placedRow{c[3], c[4], c[5], c[6], number(c[7]), number(c[9]), c[10], number(c[11]), number(c[12])}
	}
	return out
}

// TestTrainsStandWhereAnotherProgramPutsThem compares every train of both dumps
// at the moment of the dump.
func TestTrainsStandWhereAnotherProgramPutsThem(t *testing.T) {
	n := newYork(t)
	compared := 0
	for name, rows := range placedRows(t) {
		feed := dump(t, name)
		b := n.Board(feed)
		byTrip := make(map[string]Train)
		for _, tr := range b.At(feed.Time, nil) {
			byTrip[tr.Trip] = tr
		}
		trips := make(map[string]*trip)
		for _, tr := range b.trips {
			trips[tr.ID] = tr
		}
		for id, want := range rows {
			got, ok := byTrip[id]
			require.True(t, ok, "%s: %s is on the network", name, id)
			require.Equal(t, want.status, got.Status.String(), id)
			require.Equal(t, want.next, got.Stop, id)
			p, q := n.plane.metres(got.Lon, got.Lat), n.plane.metres(want.lon, want.lat)
			require.LessOrEqual(t, distance(p, q), 5.0, "%s %s, metres", name, id)
			compared++
			if want.previous == "-" {
				continue
			}
			tr := trips[id]
			require.Equal(t, want.previous, tr.previous, id)
			require.Equal(t, want.from, tr.prevFrom, id)
			require.InDelta(t, want.run, b.runs[[2]string{tr.previous, tr.calls[0].stop.ID}].Seconds(), 0.51, id)
			require.InDelta(t, want.fraction, got.Fraction, 0.001, id)
			way := b.legs[legKey{tr.Route, tr.previous, tr.calls[0].stop.ID}]
			require.NotNil(t, way, id)
			require.Equal(t, want.edges, strings.Join(way.edges, ","), id)
		}
	}
	require.Equal(t, 292, compared)
}

func TestBoardsOfNewYork(t *testing.T) {
	n := newYork(t)
	for _, test := range []struct {
		name                              string
		time                              int64
		updates, vehicles                 int
		legs, other, ghosts               int
		standing, moving, noPredecessor   int
		after0, after10, after20, after30 int
		after40, after60                  int
	}{
		{"2_delay", 1637981311, 208, 136, 3901, 0, 12, 57, 66, 1, 127, 114, 106, 101, 89, 54},
		{"a_division", 1637960185, 285, 174, 5824, 15, 6, 71, 97, 0, 170, 170, 169, 177, 156, 107},
	} {
		t.Run(test.name, func(t *testing.T) {
			feed := dump(t, test.name)
			require.Equal(t, test.time, feed.Time.Unix())
			require.Len(t, feed.Trips, test.updates)
			require.Len(t, feed.Vehicles, test.vehicles)
			for _, v := range feed.Vehicles {
				require.False(t, v.HasPosition)
			}
			b := n.Board(feed)
			require.Equal(t, test.ghosts, b.Ghosts)
			legs, other, missing := 0, 0, 0
			for i := range feed.Trips {
				u := &feed.Trips[i]
				for k := 1; k < len(u.Stops); k++ {
					legs++
					a, _ := n.Stop(u.Stops[k-1].Stop)
					c, _ := n.Stop(u.Stops[k].Stop)
					if way := b.leg(u.Trip.Route, a, c); way == nil {
						missing++
					} else if way.other {
						other++
					}
				}
			}
			require.Equal(t, test.legs, legs)
			require.Zero(t, missing)
			require.Equal(t, test.other, other)
			standing, moving, none := 0, 0, 0
			for _, tr := range b.trips {
				switch {
				case tr.vehicle == nil:
				case tr.vehicle.Status == StoppedAt:
					standing++
				case tr.previous == "":
					none++
				default:
					moving++
				}
			}
			require.Equal(t, []int{test.standing, test.moving, test.noPredecessor}, []int{standing, moving, none})
			var counts []int
			for _, m := range []int{0, 10, 20, 30, 40, 60} {
				counts = append(counts, len(b.At(feed.Time.Add(time.Duration(m)*time.Minute), nil)))
			}
			// The other program leaves out three trips that end as the dump begins.
			require.InDelta(t, test.after0, counts[0], 3)
			require.Equal(t, []int{test.after10, test.after20, test.after30, test.after40, test.after60}, counts[1:])
		})
	}
}

// TestTrainsMoveSteadily plays half an hour in steps of two seconds: no train
// jumps, none goes faster than shown trains may.
func TestTrainsMoveSteadily(t *testing.T) {
	n := newYork(t)
	feed := dump(t, "a_division")
	b := n.Board(feed)
	type seen struct {
		at     place
		moving bool
	}
	last := make(map[string]seen)
	var trains []Train
	moved := 0.0
	for s := 0; s <= 1800; s += 2 {
		at := feed.Time.Add(time.Duration(s) * time.Second)
		trains = b.At(at, trains[:0])
		for _, tr := range trains {
			if tr.Speed < 0 || tr.Speed > MaxSpeed || tr.Course < 0 || tr.Course >= 360 {
				require.Failf(t, "not so", "%s: %g m/s, course %g", tr.Trip, tr.Speed, tr.Course)
			}
			p := n.plane.metres(tr.Lon, tr.Lat)
			if l, ok := last[tr.Trip]; ok {
				d := distance(p, l.at)
				moved += d
				most := MaxSpeed*2*1.01 + 1
				if tr.Moving != l.moving {
					most += stopReach // a station's place may lie beside the line
				}
				if d > most {
					require.Failf(t, "not so", "%s after %d s: %g m in 2 s", tr.Trip, s, d)
				}
			}
			last[tr.Trip] = seen{p, tr.Moving}
		}
	}
	require.Greater(t, moved, 500_000.0, "metres of all trains")
}
