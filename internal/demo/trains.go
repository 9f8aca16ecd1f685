package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"twind/realtime"
	"twind/realtime/gtfsrt"
	"twind/testdata/city"
)

// The recorded feed is played for trainLoop and then again from its beginning,
// since it knows only the trains that start within half an hour.
const (
	trainDump = "new-york/a_division.nyct.gtfsrt"
	trainLoop = 30 * time.Minute
)

// trains are the subway's trains as the recorded feed predicts them. Each loop has
// trains of its own: their ids end in the loop's number, so that none jumps back.
type trains struct {
	board  *gtfsrt.Board
	start  time.Time // of the first loop; zero before the first call
	loop   int
	sent   map[string]sentTrain
	placed []gtfsrt.Train
}

// sentTrain is what the sink knows of a train.
type sentTrain struct {
	id         string
	properties trainProperties
	at         time.Time
}

// trainProperties are a train's properties, named as in the layer's schema.
type trainProperties struct {
	Route     string `json:"route"`
	Trip      string `json:"trip"`
	Headsign  string `json:"headsign"`
	Direction string `json:"direction"`
	Status    string `json:"status"`
	NextStop  string `json:"next_stop"`
	Estimated bool   `json:"estimated"`
}

// standing trains are repeated this often, moving ones at each call.
const standingTrain = 5 * time.Second

func newTrains() (*trains, error) {
	network, err := subwayNetwork()
	if err != nil {
		return nil, err
	}
	b, err := city.ReadFile(trainDump)
	if err != nil {
		return nil, err
	}
	feed, err := gtfsrt.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", trainDump, err)
	}
	return &trains{board: network.Board(feed), sent: make(map[string]sentTrain)}, nil
}

// subwayNetwork joins the layer subway and the feed's stops. A segment is named
// after the routes that run over it, such as A-C-E.
func subwayNetwork() (*gtfsrt.Network, error) {
	l := layer("subway")
	src, err := geoJSON(l, files[l.ID])
	if err != nil {
		return nil, err
	}
	name, trunk := l.PropertyIndex("name"), l.PropertyIndex("rt_symbol")
	var lines []gtfsrt.Line
	for f, err := range src.features {
		if err != nil {
			return nil, err
		}
		lines = append(lines, gtfsrt.Line{ID: f.ID, Routes: strings.Split(f.Properties[name].Text(), "-"), Trunk: f.Properties[trunk].Text(), XY: f.Geometry.XY})
	}
	b, err := city.ReadFile("new-york/stops.txt")
	if err != nil {
		return nil, err
	}
	stops, err := gtfsrt.ReadStops(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return gtfsrt.NewNetwork(lines, stops, "1", "4", "7"), nil
}

func (t *trains) due(now time.Time, positions []realtime.Position) []realtime.Position {
	if t.start.IsZero() {
		t.start = now
	}
	since := now.Sub(t.start)
	if loop := int(since / trainLoop); loop != t.loop {
		t.loop = loop
		clear(t.sent)
	}
	t.placed = t.board.At(t.board.Time.Add(since%trainLoop), t.placed[:0])
	for i := range t.placed {
		tr := &t.placed[i]
		s, known := t.sent[tr.Trip]
		next := trainProperties{tr.Route, tr.Trip, tr.Headsign, tr.Direction, tr.Status.String(), tr.StopName, true}
		if known && !tr.Moving && s.properties == next && now.Sub(s.at) < standingTrain {
			continue
		}
		if !known {
			s.id = fmt.Sprintf("%s~%d", tr.Trip, t.loop+1)
		}
		p := newPosition("trains", s.id, now, tr.Lon, tr.Lat, tr.Course, tr.Speed)
		if !known || s.properties != next {
			p.Properties, _ = json.Marshal(next) // text and a boolean always encode
		}
		s.properties, s.at = next, now
		t.sent[tr.Trip] = s
		positions = append(positions, p)
	}
	return positions
}
