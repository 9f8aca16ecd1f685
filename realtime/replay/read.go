package replay

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"twind/layers"
	"twind/realtime"
)

// MaxRecords is the most records that are replayed at once: they are kept in memory.
const MaxRecords = 10_000_000

// maxBytes bounds the text of one file after unpacking.
const maxBytes = 8 << 30

func (rec *Recording) readFile(name string, layer layers.ID) error {
	f, err := os.Open(name)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return layers.Errorf(layers.ErrNotFound, "%s: %w", name, err)
	}
	defer f.Close()
	if err := rec.Read(f, layer); err != nil {
		return layers.Errorf(layers.ErrInvalid, "%s: %w", name, err)
	}
	return nil
}

// Read adds what a file holds: NDJSON or a JSON array of positions and
// observations as realtime.DecodePosition and DecodeObservation describe them,
// or CSV whose first line names the columns. A CSV of positions has id, time,
// lon, lat and, where there are, layer, z, course, speed; every other column
// becomes a property. One of observations has time (or phenomenonTime), result,
// and datastream or feature (or id) and property, and may have layer, resultTime
// and parameters, as /live/history writes them. Times in CSV are RFC 3339 or
// seconds since 1970. Any of them may be gzipped. A position that names no layer
// gets the one given, and so does an observation of a feature. Fails with the
// first fault and its place.
func (rec *Recording) Read(r io.Reader, layer layers.ID) error {
	br := bufio.NewReader(io.LimitReader(r, maxBytes))
	if magic, _ := br.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(br)
		if err != nil {
			return err
		}
		defer func() { _ = z.Close() }() // it holds nothing
		br = bufio.NewReader(io.LimitReader(z, maxBytes))
	}
	first, err := firstByte(br)
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty")
	} else if err != nil {
		return err
	}
	if first == '{' || first == '[' {
		return rec.readJSON(br, layer)
	}
	return rec.readCSV(br, layer)
}

// firstByte skips a byte order mark and white space.
func firstByte(r *bufio.Reader) (byte, error) {
	if bom, _ := r.Peek(3); bytes.Equal(bom, []byte("\ufeff")) {
		_, _ = r.Discard(3)
	}
	for {
		b, err := r.Peek(1)
		if err != nil {
			return 0, err
		}
		if !strings.ContainsRune(" \t\r\n", rune(b[0])) {
			return b[0], nil
		}
		_, _ = r.Discard(1)
	}
}

func (rec *Recording) readJSON(r io.Reader, layer layers.ID) error {
	reader := realtime.NewReader(r, false)
	reader.DefaultLayer(layer)
	for {
		var p realtime.Position
		var o realtime.Observation
		observed, err := reader.NextRecord(&p, &o)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if observed {
			err = rec.addObservation(o)
		} else {
			p.Properties = bytes.Clone(p.Properties)
			err = rec.addPosition(p)
		}
		if err != nil {
			return err
		}
	}
}

func (rec *Recording) room() error {
	if rec.Len() >= MaxRecords {
		return fmt.Errorf("more than %d records; replay the files in parts", MaxRecords)
	}
	return nil
}

func (rec *Recording) addPosition(p realtime.Position) error {
	rec.Positions = append(rec.Positions, p)
	return rec.room()
}

func (rec *Recording) addObservation(o realtime.Observation) error {
	rec.Observations = append(rec.Observations, o)
	return rec.room()
}

func (rec *Recording) readCSV(r io.Reader, layer layers.ID) error {
	c := csv.NewReader(r)
	c.ReuseRecord = true
	header, err := c.Read()
	if err != nil {
		return fmt.Errorf("neither JSON nor CSV: %w", err)
	}
	header = slices.Clone(header)
	column := map[string]int{}
	for i, name := range header {
		column[strings.ToLower(strings.TrimSpace(name))] = i
	}
	read, err := rec.csvReader(header, column, layer)
	if err != nil {
		return err
	}
	for {
		record, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := read(record); err != nil {
			line, _ := c.FieldPos(0)
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// csvReader is what takes the lines after the header: a result without a place
// makes them observations.
func (rec *Recording) csvReader(header []string, column map[string]int, layer layers.ID) (func([]string) error, error) {
	_, result := column["result"]
	if _, place := column["lon"]; result && !place {
		return func(line []string) error {
			o, err := csvObservation(column, line, layer)
			if err != nil {
				return err
			}
			return rec.addObservation(o)
		}, nil
	}
	for _, name := range []string{"id", "time", "lon", "lat"} {
		if _, ok := column[name]; !ok {
			return nil, fmt.Errorf("neither JSON nor CSV with a column %q in its first line", name)
		}
	}
	if _, ok := column["layer"]; !ok && layer == "" {
		return nil, errors.New("the CSV has no column \"layer\"; name the layer with --layer")
	}
	return func(line []string) error {
		p, err := csvPosition(header, column, line, layer)
		if err != nil {
			return err
		}
		return rec.addPosition(p)
	}, nil
}

func csvPosition(header []string, column map[string]int, record []string, layer layers.ID) (realtime.Position, error) {
	p := realtime.Position{Layer: layer}
	if i, ok := column["layer"]; ok && record[i] != "" {
		p.Layer = layers.ID(strings.Clone(record[i]))
	}
	if p.Layer == "" {
		return p, errors.New("layer is missing")
	}
	if p.ID = strings.Clone(record[column["id"]]); p.ID == "" {
		return p, errors.New("id is missing")
	}
	var err error
	if p.Time, err = csvTime(record[column["time"]]); err != nil {
		return p, err
	}
	for name, to := range map[string]*float64{"lon": &p.Lon, "lat": &p.Lat, "z": &p.Z, "course": &p.Course, "speed": &p.Speed} {
		*to = math.NaN()
		i, ok := column[name]
		if !ok || record[i] == "" {
			continue
		}
		if *to, err = strconv.ParseFloat(record[i], 64); err != nil {
			return p, fmt.Errorf("%s %.40q is no number", name, record[i])
		}
	}
	if math.IsNaN(p.Lon) || math.IsNaN(p.Lat) {
		return p, errors.New("lon or lat is missing")
	}
	props := map[string]any{}
	for i, name := range header {
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "layer", "id", "time", "lon", "lat", "z", "course", "speed":
			continue
		}
		if record[i] == "" {
			continue
		}
		props[name] = csvValue(record[i])
	}
	if len(props) > 0 {
		if p.Properties, err = json.Marshal(props); err != nil {
			return p, err
		}
	}
	return p, nil
}

// csvValue makes a number of what reads back as it stands, and text of all else
// (so 007 and 1e5 stay text).
func csvValue(s string) any {
	if i, err := strconv.ParseInt(s, 10, 64); err == nil && strconv.FormatInt(i, 10) == s {
		return i
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && strconv.FormatFloat(f, 'f', -1, 64) == s {
		return f
	}
	return strings.Clone(s)
}

func csvTime(s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && f > 0 && f < 1e11 {
		return time.UnixMilli(int64(math.Round(f * 1000))), nil
	}
	return time.Time{}, fmt.Errorf("time %.40q: expected RFC 3339, such as 2026-11-21T08:00:00Z, or seconds since 1970", s)
}

// csvObservation makes an observation of a line. A number, true and false are
// such results, all else is text.
func csvObservation(column map[string]int, line []string, layer layers.ID) (realtime.Observation, error) {
	field := func(names ...string) string {
		for _, name := range names {
			if i, ok := column[name]; ok && line[i] != "" {
				return strings.Clone(line[i])
			}
		}
		return ""
	}
	o := realtime.Observation{Layer: layers.ID(field("layer")), Feature: field("feature", "id"), Property: field("property"), Parameters: field("parameters")}
	if o.Layer == "" && o.Feature != "" {
		o.Layer = layer
	}
	if o.Layer == "" { // what the datastream of an object is called is made of the object
		o.Datastream, o.Feature, o.Property = field("datastream"), "", ""
	}
	if o.Datastream == "" && (o.Layer == "" || o.Feature == "" || o.Property == "") {
		return o, errors.New("datastream is missing: expected it, or layer, feature and property")
	}
	if o.Parameters != "" && !json.Valid([]byte(o.Parameters)) {
		return o, fmt.Errorf("parameters %.40q are no JSON", o.Parameters)
	}
	at, err := csvTime(field("time", "phenomenontime"))
	if err != nil {
		return o, err
	}
	o.Time = at.UnixMilli()
	if text := field("resulttime"); text != "" {
		if at, err = csvTime(text); err != nil {
			return o, err
		}
		o.ResultTime = at.UnixMilli()
	}
	switch text := field("result"); text {
	case "":
		return o, errors.New("result is missing")
	case "true", "false":
		o.Type = realtime.ResultTruth
		if text == "true" {
			o.Number = 1
		}
	default:
		if o.Number, err = strconv.ParseFloat(text, 64); err != nil || math.IsNaN(o.Number) || math.IsInf(o.Number, 0) {
			o.Type, o.Number, o.Text = realtime.ResultText, 0, text
		}
	}
	return o, nil
}
