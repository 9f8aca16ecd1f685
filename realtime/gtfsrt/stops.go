package gtfsrt

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// Stop is a station of stops.txt.
type Stop struct {
	ID       string
	Name     string
	Lon, Lat float64 // degrees
}

const maxStopRows = 1_000_000

// ReadStops reads the stations of a stops.txt: the rows without a
// parent_station. It fails with ErrMalformed.
func ReadStops(r io.Reader) ([]Stop, error) {
	c := csv.NewReader(r)
	c.ReuseRecord = true
	c.FieldsPerRecord = -1
	head, err := c.Read()
	if err != nil {
		return nil, fmt.Errorf("%w: stops.txt: %w", ErrMalformed, err)
	}
	columns := map[string]int{"stop_id": -1, "stop_name": -1, "stop_lat": -1, "stop_lon": -1, "parent_station": -1}
	for i, name := range head {
		if len(name) >= 3 && name[:3] == "\ufeff" {
			name = name[3:]
		}
		if _, ok := columns[name]; ok {
			columns[name] = i
		}
	}
	for _, need := range []string{"stop_id", "stop_name", "stop_lat", "stop_lon"} {
		if columns[need] < 0 {
			return nil, fmt.Errorf("%w: stops.txt has no column %s", ErrMalformed, need)
		}
	}
	var stops []Stop
	for row := 2; ; row++ {
		rec, err := c.Read()
		if errors.Is(err, io.EOF) {
			return stops, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: stops.txt: %w", ErrMalformed, err)
		}
		if row > maxStopRows {
			return nil, fmt.Errorf("%w: stops.txt has more than %d rows", ErrMalformed, maxStopRows)
		}
		at := func(name string) string {
			if i := columns[name]; i >= 0 && i < len(rec) {
				return rec[i]
			}
			return ""
		}
		if at("parent_station") != "" {
			continue
		}
		lat, err1 := strconv.ParseFloat(at("stop_lat"), 64)
		lon, err2 := strconv.ParseFloat(at("stop_lon"), 64)
		if err1 != nil || err2 != nil || at("stop_id") == "" || !(math.Abs(lat) <= 90 && math.Abs(lon) <= 180) {
			return nil, fmt.Errorf("%w: stops.txt, row %d: %q at %q, %q", ErrMalformed, row, at("stop_id"), at("stop_lat"), at("stop_lon"))
		}
		stops = append(stops, Stop{ID: at("stop_id"), Name: at("stop_name"), Lon: lon, Lat: lat})
	}
}

// parent is a stop id of New York without the direction at its end.
func parent(stop string) string {
	if n := len(stop); n > 0 && (stop[n-1] == 'N' || stop[n-1] == 'S') {
		return stop[:n-1]
	}
	return stop
}

// direction is N or S, the last letter of a stop id; "" for others.
func direction(stop string) string {
	return stop[len(parent(stop)):]
}
