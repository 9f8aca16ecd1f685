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

// MaxPositions is the most positions that are replayed at once: they are kept in memory.
const MaxPositions = 10_000_000

// maxBytes bounds the text of one file after unpacking.
const maxBytes = 8 << 30

func readFile(dst []realtime.Position, name string, layer layers.ID) ([]realtime.Position, error) {
	f, err := os.Open(name)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return dst, layers.Errorf(layers.ErrNotFound, "%s: %w", name, err)
	}
	defer f.Close()
	dst, err = Read(dst, f, layer)
	if err != nil {
		return dst, layers.Errorf(layers.ErrInvalid, "%s: %w", name, err)
	}
	return dst, nil
}

// Read appends the positions of a recording to dst: NDJSON or a JSON array of
// positions as realtime.DecodePosition describes them, or CSV whose first line
// names the columns id, time, lon, lat and, where there are, layer, z, course,
// speed; every other column becomes a property. Times in CSV are RFC 3339 or
// seconds since 1970. Any of them may be gzipped. A record that names no layer
// gets the one given. Fails with the first fault and its place.
func Read(dst []realtime.Position, r io.Reader, layer layers.ID) ([]realtime.Position, error) {
	br := bufio.NewReader(io.LimitReader(r, maxBytes))
	if magic, _ := br.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(br)
		if err != nil {
			return dst, err
		}
		defer func() { _ = z.Close() }() // it holds nothing
		br = bufio.NewReader(io.LimitReader(z, maxBytes))
	}
	first, err := firstByte(br)
	if errors.Is(err, io.EOF) {
		return dst, errors.New("the file is empty")
	} else if err != nil {
		return dst, err
	}
	if first == '{' || first == '[' {
		return readJSON(dst, br, layer)
	}
	return readCSV(dst, br, layer)
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

func readJSON(dst []realtime.Position, r io.Reader, layer layers.ID) ([]realtime.Position, error) {
	reader := realtime.NewReader(r, false)
	reader.DefaultLayer(layer)
	for {
		var p realtime.Position
		_, err := reader.Next(&p)
		if errors.Is(err, io.EOF) {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
		p.Properties = bytes.Clone(p.Properties)
		if dst, err = add(dst, p); err != nil {
			return dst, err
		}
	}
}

func add(dst []realtime.Position, p realtime.Position) ([]realtime.Position, error) {
	if len(dst) >= MaxPositions {
		return dst, fmt.Errorf("more than %d positions; replay the files in parts", MaxPositions)
	}
	return append(dst, p), nil
}

func readCSV(dst []realtime.Position, r io.Reader, layer layers.ID) ([]realtime.Position, error) {
	c := csv.NewReader(r)
	c.ReuseRecord = true
	header, err := c.Read()
	if err != nil {
		return dst, fmt.Errorf("neither JSON nor CSV: %w", err)
	}
	header = slices.Clone(header)
	column := map[string]int{}
	for i, name := range header {
		column[strings.ToLower(strings.TrimSpace(name))] = i
	}
	for _, name := range []string{"id", "time", "lon", "lat"} {
		if _, ok := column[name]; !ok {
			return dst, fmt.Errorf("neither JSON nor CSV with a column %q in its first line", name)
		}
	}
	if _, ok := column["layer"]; !ok && layer == "" {
		return dst, errors.New("the CSV has no column \"layer\"; name the layer with --layer")
	}
	for {
		record, err := c.Read()
		if errors.Is(err, io.EOF) {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
		p, err := csvPosition(header, column, record, layer)
		if err != nil {
			line, _ := c.FieldPos(0)
			return dst, fmt.Errorf("line %d: %w", line, err)
		}
		if dst, err = add(dst, p); err != nil {
			return dst, err
		}
	}
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
