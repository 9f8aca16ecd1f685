// Package geojson imports GeoJSON: a FeatureCollection, a single feature or
// geometry, and sequences of them, one a line or with record separators
// (RFC 8142), plain or gzipped. It streams: memory does not grow with the file,
// only with its largest feature.
//
//	file ─▶ [gzip] ─▶ [charset] ─▶ values: { … } { … } ─▶ layers/geojson.Decoder ─▶ Record
//
// Coordinates are degrees of longitude and latitude (RFC 7946) unless a "crs"
// member of the older GeoJSON names another system. Whatever the order of that
// system's authority, x comes first, as every writer of such files has it.
package geojson

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"twind/importers"
	"twind/layers"
	"twind/layers/geojson"
	"twind/spatial"
	"twind/spatial/crs"
)

// Format is GeoJSON as importers.Run takes it. The zero value is ready for use.
type Format struct{ limits limits }

// limits bound what a file may make the reader do; zeros are the defaults.
type limits struct {
	feature   int   // bytes of one feature; default layers.MaxFeatureBytes
	expansion int64 // bytes up to which a gzipped file may expand to any degree; default importers.FreeExpansion
}

func (l limits) orDefault() limits {
	if l.feature == 0 {
		l.feature = layers.MaxFeatureBytes
	}
	if l.expansion == 0 {
		l.expansion = importers.FreeExpansion
	}
	return l
}

var (
	_ importers.Format = Format{}
	_ importers.Source = (*source)(nil)
)

// Name is "GeoJSON".
func (Format) Name() string { return "GeoJSON" }

// Match tells GeoJSON by its first character or, where that may be something
// else, by the file's name.
func (Format) Match(path string, head []byte) bool {
	name := strings.ToLower(filepath.Base(path))
	name = strings.TrimSuffix(name, ".gz")
	switch filepath.Ext(name) {
	case ".geojson", ".json", ".geojsonl", ".geojsons", ".ndjson", ".jsonl", ".geojsonseq":
		return true
	}
	for i, c := range head {
		switch {
		case c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == 0x1e:
		case i < 3 && (c == 0xef || c == 0xbb || c == 0xbf):
		default:
			return c == '{' && !strings.HasSuffix(name, ".cityjson")
		}
	}
	return false
}

// Open begins to read a file. It fails with layers.ErrInvalid where the file is
// no GeoJSON at all.
func (f Format) Open(_ context.Context, path string, o importers.OpenOptions) (importers.Source, error) {
	in, err := openInput(path, o.Encoding, f.limits.orDefault().expansion)
	if err != nil {
		return nil, err
	}
	s, err := newSource(path, in, f.limits.orDefault().feature, o)
	if err != nil {
		_ = in.text.Close()
		return nil, err
	}
	return s, nil
}

func newSource(path string, in *input, limit int, o importers.OpenOptions) (*source, error) {
	s := &source{path: path, in: in, reuse: o.Reuse, values: splitter{r: in, limit: limit}}
	s.decoder.Borrow = o.Reuse
	s.info = importers.Info{Format: "GeoJSON", Files: []string{path}, Declared: -1, Extent: spatial.EmptyEnvelope(), Encoding: in.encoding, EncodingMethod: in.method}
	var err error
	if s.info.DefaultCRS, err = crs.ByCode(4326); err != nil {
		return nil, err
	}
	return s, s.begin()
}

// shape is how a file holds its features.
type shape uint8

const (
	collection shape = iota // in the features of one object
	single                  // one feature or geometry
	lines                   // one value a line
	separated               // each value after a record separator
	values                  // one value after another
)

// source reads one file.
type source struct {
	path    string
	in      *input
	reuse   bool
	values  splitter
	shape   shape
	inArray bool // the cursor is in a features array, before an element
	over    bool // the collection's object has been read to its end
	first   bool // nothing has been read of the array yet
	done    bool
	row     int64 // records met
	line    int64 // of the last record, for sequences by line
	rec     geojson.Record
	decoder geojson.Decoder
	fields  []importers.Field
	info    importers.Info
}

// Info describes the file.
func (s *source) Info() *importers.Info { return &s.info }

// Fields are the properties met so far.
func (s *source) Fields() []importers.Field {
	for i := len(s.fields); i < len(s.decoder.Fields.Names); i++ {
		s.fields = append(s.fields, importers.Field{Name: s.decoder.Fields.Names[i]})
	}
	return s.fields
}

// Offset is the progress in bytes of the file itself.
func (s *source) Offset() (done, total int64) { return s.in.text.Offset() }

// Close closes the file.
func (s *source) Close() error { return s.in.text.Close() }

// Place names a record.
func (s *source) Place(row int64) string {
	switch s.shape {
	case collection:
		return "features[" + strconv.FormatInt(row-1, 10) + "]"
	case lines:
		if row == s.row {
			return "line " + strconv.FormatInt(s.line, 10)
		}
	case single:
		return "the feature"
	}
	return "record " + strconv.FormatInt(row, 10)
}

// fail is an error of the whole file.
func (s *source) fail(format string, args ...any) error {
	return layers.Errorf(layers.ErrInvalid, "%s: "+format, append([]any{s.path}, args...)...)
}

// broken says that the file ends or breaks at a place.
func (s *source) broken(err error, where string) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return s.fail("the file is cut off %s (byte %d); get it again in full: nothing of it was written", where, s.values.offset())
	case errors.Is(err, errTooLong):
		return s.fail("%s is longer than %d MB, or its brackets do not match", strings.TrimPrefix(where, "in "), s.values.limit>>20)
	case errors.Is(err, importers.ErrExpands):
		return s.fail("%v", err)
	case errors.Is(err, layers.ErrInvalid):
		return err
	}
	return layers.Errorf(layers.ErrInvalid, "%s cannot be read %s: %w", s.path, where, err)
}

// begin finds out how the file holds its features.
func (s *source) begin() error {
	c, err := s.values.peek()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return s.fail("there is nothing in it")
		}
		return s.broken(err, "at its beginning")
	}
	switch c {
	case 0x1e:
		s.shape = separated
		return nil
	case '{':
	case '[':
		return s.fail("it begins with an array; expected an object of type FeatureCollection, Feature or a geometry")
	default:
		return s.fail("it begins with %q, so it is no JSON object", rune(c))
	}
	kind, err := s.classify()
	if err != nil {
		return err
	}
	if kind == "FeatureCollection" {
		s.shape = collection
		_, _ = s.values.take() // the opening bracket
		if err := s.advance(); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		return nil
	}
	// Another value after the first one makes it a sequence.
	s.shape = single
	end, err := s.values.measure()
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil // cut off: Next says so
	}
	if err != nil {
		return s.broken(err, "the first feature")
	}
	raw := s.values.buf[s.values.pos : s.values.pos+end]
	if bytes.Contains(raw, []byte(`"crs"`)) {
		var old struct {
			CRS json.RawMessage `json:"crs"`
		}
		if json.Unmarshal(raw, &old) == nil && old.CRS != nil {
			s.readCRS(old.CRS)
		}
	}
	oneLine := bytes.IndexByte(raw, '\n') < 0
	newline, another := s.values.follows(end)
	if another {
		s.shape = values
		if newline && oneLine {
			s.shape = lines
		}
	}
	return nil
}

// classify looks ahead into the object at the cursor for its type.
func (s *source) classify() (string, error) {
	kind, err := s.values.memberType()
	switch {
	case errors.Is(err, errSyntax):
		return "", s.fail("%v (byte %d)", err, s.values.offset())
	case err != nil:
		return "", s.broken(err, "before its features")
	}
	switch kind {
	case "FeatureCollection", "Feature":
		return kind, nil
	case "":
		return "", s.fail("the object has no type; expected FeatureCollection, Feature or a geometry")
	}
	if t, ok := spatial.ParseType(kind); ok && t != spatial.Unknown && t.String() == kind {
		return kind, nil
	}
	return "", s.fail("the object is of type %q; expected FeatureCollection, Feature or a geometry", clip(kind))
}

func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}

// Next reads one record.
func (s *source) Next(r *importers.Record) error {
	if s.done {
		return io.EOF
	}
	var raw []byte
	var err error
	bare := false
	switch s.shape {
	case collection:
		if raw, err = s.nextOfCollection(); err != nil {
			return s.ended(err)
		}
	case separated:
		if raw, err = s.values.untilSeparator(); err != nil {
			if !errors.Is(err, io.EOF) {
				err = s.broken(err, fmt.Sprintf("record %d", s.row+1))
			}
			return s.ended(err)
		}
	case lines:
		var n int64
		if raw, n, err = s.values.line(); err != nil {
			if !errors.Is(err, io.EOF) {
				err = s.broken(err, fmt.Sprintf("line %d", s.line+1))
			}
			return s.ended(err)
		}
		s.line += n
	default:
		if _, err = s.values.peek(); errors.Is(err, io.EOF) {
			return s.ended(io.EOF)
		}
		if raw, err = s.values.value(); err != nil {
			return s.ended(s.broken(err, "in "+s.Place(s.row+1)))
		}
	}
	s.row++
	if s.shape != collection {
		if bare, err = s.isGeometry(raw); err != nil {
			return s.refuse(r, raw, err)
		}
	}
	s.rec.ID, s.rec.Geometry, s.rec.Values = "", r.Geometry, r.Values
	if err = s.decoder.Decode(raw, &s.rec, bare); err != nil {
		return s.refuse(r, raw, err)
	}
	r.Row, r.ID, r.Geometry, r.Values = s.row, s.rec.ID, s.rec.Geometry, s.rec.Values
	return nil
}

// ended notes that nothing more can be read.
func (s *source) ended(err error) error {
	s.done = true
	if n := s.decoder.Dimensions; n > 0 {
		s.info.Warnings = append(s.info.Warnings, fmt.Sprintf("%d positions have more than three numbers; only longitude, latitude and height were taken", n))
	}
	return err
}

func (s *source) refuse(r *importers.Record, raw []byte, err error) error {
	r.Row, r.ID, r.Geometry, r.Values = s.row, "", spatial.Geometry{}, r.Values[:0]
	text := err.Error()
	sep := "."
	if strings.HasPrefix(text, "[") || strings.Contains(strings.SplitN(text, ": ", 2)[0], " ") || !strings.Contains(text, ": ") {
		sep = ": "
	}
	place := s.Place(s.row)
	if s.shape != collection {
		sep = ": "
	}
	return &importers.Refusal{Row: s.row, Place: place, Code: importers.RefusedRecord, Reason: place + sep + text, Raw: append([]byte(nil), raw...)}
}

// isGeometry tells a bare geometry from a feature, in a file or sequence.
func (s *source) isGeometry(raw []byte) (bool, error) {
	look := splitter{buf: raw, end: len(raw), eof: true, limit: len(raw)}
	kind, err := look.memberType()
	if err != nil {
		return false, nil // Decode says what is wrong
	}
	if kind == "FeatureCollection" {
		return false, layers.Errorf(layers.ErrInvalid, "a FeatureCollection inside a sequence of features")
	}
	t, ok := spatial.ParseType(kind)
	return ok && t != spatial.Unknown, nil
}

// nextOfCollection is the next element of the features; it fails with io.EOF at
// the sound end of the file.
func (s *source) nextOfCollection() ([]byte, error) {
	for !s.over {
		if !s.inArray {
			if err := s.advance(); err != nil {
				return nil, err
			}
			continue
		}
		raw, more, err := s.element()
		if err != nil || more {
			return raw, err
		}
		if err := s.afterMember(); err != nil {
			return nil, err
		}
	}
	return nil, io.EOF
}

// advance reads members of the collection up to the first of the features or the
// sound end of the file, which is io.EOF.
func (s *source) advance() error {
	v := &s.values
	for {
		key, err := v.key()
		if err != nil {
			return s.brokenSyntax(err)
		}
		switch key {
		case "features":
			c, err := v.take()
			if err != nil {
				return s.broken(err, "before its features")
			}
			if c != '[' {
				return s.fail("features is no array (byte %d)", v.offset())
			}
			s.inArray, s.first = true, true
			return nil
		case "crs":
			raw, err := v.value()
			if err != nil {
				return s.broken(err, "in its member crs")
			}
			s.readCRS(raw)
		default:
			if err := v.skip(); err != nil {
				return s.broken(err, fmt.Sprintf("in its member %s", clip(key)))
			}
		}
		if err := s.afterMember(); err != nil {
			return err
		}
	}
}

// afterMember reads the comma or bracket after a member of the collection. The
// error is io.EOF at the sound end of the file.
func (s *source) afterMember() error {
	v := &s.values
	c, err := v.take()
	if err != nil {
		return s.broken(err, fmt.Sprintf("after %d features", s.row))
	}
	switch c {
	case ',':
		return nil
	case '}':
		s.over = true
		if c, err := v.peek(); err == nil {
			return s.fail("%q stands after the end of the FeatureCollection (byte %d)", rune(c), v.offset())
		} else if !errors.Is(err, io.EOF) {
			return s.broken(err, "after its end")
		}
		return io.EOF
	}
	return s.fail("expected ',' or '}' after %d features, found %q (byte %d)", s.row, rune(c), v.offset()-1)
}

// element is the next feature of the array; more is false at its end.
func (s *source) element() (raw []byte, more bool, err error) {
	v := &s.values
	place := s.Place(s.row + 1)
	c, err := v.peek()
	if err != nil {
		return nil, false, s.broken(err, "before "+place)
	}
	if c == ']' {
		_, _ = v.take()
		s.inArray = false
		return nil, false, nil
	}
	if !s.first {
		if c != ',' {
			return nil, false, s.fail("expected ',' or ']' before %s, found %q (byte %d)", place, rune(c), v.offset())
		}
		_, _ = v.take()
		if c, err = v.peek(); err != nil {
			return nil, false, s.broken(err, "before "+place)
		}
		if c == ']' {
			return nil, false, s.fail("a comma stands before the closing bracket of the features (byte %d)", v.offset())
		}
	}
	s.first = false
	if raw, err = v.value(); err != nil {
		return nil, false, s.broken(err, "in "+place)
	}
	return raw, true, nil
}

func (s *source) brokenSyntax(err error) error {
	if errors.Is(err, errSyntax) {
		return s.fail("%v (byte %d)", err, s.values.offset())
	}
	return s.broken(err, fmt.Sprintf("after %d features", s.row))
}

// readCRS reads the crs member of the older GeoJSON.
func (s *source) readCRS(raw []byte) {
	name := geojson.CRSName(raw)
	if name == "" {
		return // null: none is claimed
	}
	c, err := crs.Parse(name)
	if err != nil {
		s.info.CRSEvidence = fmt.Sprintf("its member crs names %s: %v", clip(name), err)
		return
	}
	s.info.CRS, s.info.CRSEvidence = c, fmt.Sprintf("its member crs names %s", name)
}
