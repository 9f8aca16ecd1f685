// Command prepare makes the files of testdata/city from the folder of source
// files that its README names:
//
//	go run ./internal/demo/prepare SOURCE testdata/city
//
// It keeps the attributes that the demo shows, rounds coordinates to 1e-7
// degrees (1.1 cm) and compresses with gzip without time or name, so that the
// same source makes the same bytes. It prints one line a file, as the README's
// table has it: name, count, bytes.
package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "prepare: give the source folder and the target folder: go run ./internal/demo/prepare SOURCE testdata/city")
		os.Exit(2)
	}
	p := preparer{source: os.Args[1], target: os.Args[2]}
	if err := p.run(); err != nil {
		fmt.Fprintf(os.Stderr, "prepare: %v\n", err)
		os.Exit(1)
	}
}

// preparer reads below source and writes below target.
type preparer struct{ source, target string }

func (p *preparer) run() error {
	for _, step := range []func() error{p.newYork, p.trains, p.kamloops, p.nanaimo} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// feature is one feature of a GeoJSON file. Coordinates stay raw until they
// are rounded on writing.
type feature struct {
	ID         any             `json:"id"`
	Properties map[string]any  `json:"properties"`
	Geometry   json.RawMessage `json:"geometry"`
}

// text is a property as text, trimmed; "" for null and absent ones.
func (f *feature) text(name string) string {
	switch v := f.Properties[name].(type) {
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		return v.String()
	}
	return ""
}

// number is a property as a number; NaN for null, absent and non-numeric ones.
func (f *feature) number(name string) float64 {
	switch v := f.Properties[name].(type) {
	case json.Number:
		if x, err := v.Float64(); err == nil {
			return x
		}
	case string:
		if x, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil {
			return x
		}
	}
	return math.NaN()
}

// read decodes the features of a source file, through gzip if it ends in .gz.
func (p *preparer) read(name string) ([]feature, error) {
	b, err := p.readBytes(name)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var c struct {
		Features []feature `json:"features"`
	}
	if err := d.Decode(&c); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c.Features, nil
}

func (p *preparer) readBytes(name string) ([]byte, error) {
	f, err := os.Open(filepath.Join(p.source, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return io.ReadAll(r)
}

// record is a feature to be written: its properties in the order of the file.
type record struct {
	id       string
	geometry json.RawMessage
	names    []string
	values   []any
}

// set adds a property; empty text, NaN, nil and false are left out (null).
func (r *record) set(name string, v any) {
	switch x := v.(type) {
	case string:
		if x == "" {
			return
		}
	case float64:
		if math.IsNaN(x) {
			return
		}
	case bool:
		if !x {
			return
		}
	case nil:
		return
	}
	r.names = append(r.names, name)
	r.values = append(r.values, v)
}

// write makes a gzipped GeoJSON FeatureCollection with one feature a line.
func (p *preparer) write(name string, records []record) error {
	var b bytes.Buffer
	b.WriteString("{\"type\":\"FeatureCollection\",\"features\":[\n")
	for i := range records {
		r := &records[i]
		b.WriteString(`{"type":"Feature","id":`)
		b.Write(quote(r.id))
		b.WriteString(`,"properties":{`)
		for j, n := range r.names {
			if j > 0 {
				b.WriteByte(',')
			}
			b.Write(quote(n))
			b.WriteByte(':')
			switch v := r.values[j].(type) {
			case string:
				b.Write(quote(v))
			case float64:
				b.WriteString(strconv.FormatFloat(v, 'f', -1, 64))
			default:
				fmt.Fprint(&b, v)
			}
		}
		b.WriteString(`},"geometry":`)
		if err := rounded(&b, r.geometry); err != nil {
			return fmt.Errorf("%s: feature %s: %w", name, r.id, err)
		}
		b.WriteByte('}')
		if i < len(records)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]}\n")
	return p.writeBytes(name, b.Bytes(), len(records))
}

// writeBytes compresses b to name and prints the line of the README's table.
func (p *preparer) writeBytes(name string, b []byte, count int) error {
	path := filepath.Join(p.target, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	var z bytes.Buffer
	w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(b); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	fmt.Printf("%s %d %d\n", name, count, z.Len())
	return os.WriteFile(path, z.Bytes(), 0o644)
}

// copy compresses a source file as it is.
func (p *preparer) copy(from, to string, count func([]byte) int) error {
	b, err := p.readBytes(from)
	if err != nil {
		return err
	}
	return p.writeBytes(to, b, count(b))
}

// lines counts the lines of a table below its heading.
func lines(b []byte) int {
	n := -1
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		if len(bytes.TrimSpace(s.Bytes())) > 0 {
			n++
		}
	}
	return n
}

func quote(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
