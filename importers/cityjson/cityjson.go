// Package cityjson imports CityJSON 1.1 and 2.0 and CityJSONSeq, plain or
// gzipped, as flat features: of each city object the footprint with its height.
//
//	file ─▶ [gzip] ─▶ documents ─▶ objects ─▶ highest LoD ─▶ faces ─▶ footprint, z range ─▶ Record
//
// The footprint is that of the surfaces called GroundSurface, else of the lowest
// faces that lie nearly level, else the outline of all faces seen from above, else
// their convex hull. Faces are united on a grid of 1 mm (coarser for what is
// wider than 131 m). From a level of detail of 2 the faces themselves are kept as the
// record's Surfaces: walls, roofs and grounds by the file's semantics, else by how
// they lie, turned outwards where a solid is inside out. A feature has the properties
//
//	object_type       the city object's type
//	parent, children  its relatives' ids
//	lod               the level of detail that was read
//	ground_elevation  lowest z of the object and its relatives, in the file's vertical datum
//	height, base      top and bottom above that, metres
//	has_parts         the object is only an outline; its parts are the solid
//
// beside the object's attributes, those of a parent without geometry included.
// Heights are taken to be metres. A file of many objects (not a sequence) is held
// in memory.
package cityjson

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"twind/importers"
	"twind/layers"
	"twind/layers/geojson"
	"twind/spatial"
	"twind/spatial/crs"
)

// Format is CityJSON as importers.Run takes it. The zero value is ready for use.
type Format struct{ limit int64 } // bytes of one document; 0 is maxDocument

// maxDocument bounds the bytes of a CityJSON document, or of one line of a sequence.
const maxDocument = 512 << 20

var (
	_ importers.Format = Format{}
	_ importers.Source = (*source)(nil)
)

// Name is "CityJSON".
func (Format) Name() string { return "CityJSON" }

var signs = regexp.MustCompile(`"type"\s*:\s*"CityJSON(Feature)?"|"CityObjects"\s*:\s*\{`)

// Match tells CityJSON by the file's name or by what stands at its beginning.
func (Format) Match(path string, head []byte) bool {
	name := strings.TrimSuffix(strings.ToLower(filepath.Base(path)), ".gz")
	for _, ending := range []string{".city.json", ".city.jsonl", ".cityjson", ".cityjsonl", ".cityjsonseq"} {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return signs.Match(importers.ExpandHead(head))
}

// Open begins to read a file. It fails with layers.ErrInvalid where the file is
// no CityJSON of a known version, or has a transform that cannot be.
func (f Format) Open(_ context.Context, path string, o importers.OpenOptions) (importers.Source, error) {
	if o.Encoding != "" {
		if e, err := importers.LookupEncoding(o.Encoding); err != nil {
			return nil, err
		} else if e.Name != importers.UTF8.Name {
			return nil, layers.Errorf(layers.ErrInvalid, "%s is CityJSON, which is always UTF-8; leave the encoding out", path)
		}
	}
	in, err := importers.OpenText(path, 0)
	if err != nil {
		return nil, err
	}
	limit := f.limit
	if limit == 0 {
		limit = maxDocument
	}
	s, err := newSource(path, in, limit, o.Kind)
	if err != nil {
		_ = in.Close()
		return nil, err
	}
	return s, nil
}

// source reads one file.
type source struct {
	path    string
	in      *importers.Text
	json    *json.Decoder
	limiter *limiter
	head    header // of the file
	city    city   // the document being read
	at      int    // in its objects
	seq     bool
	kind    layers.Kind
	chosen  bool // kind is decided
	row     int64
	id      string // of the last record
	decoder geojson.Decoder
	rec     geojson.Record
	fields  []importers.Field
	info    importers.Info
	tally   tally
	shaper  shaper
	done    bool
}

// tally counts what is told at the end.
type tally struct {
	others    map[string]int64 // objects of other kinds, by type
	bare      int64            // without geometry
	coarse    int64            // bodies of a level of detail below 2
	kept      int64            // bodies whose faces are kept
	empty     named            // with faces without area, which were left out
	turned    named            // solids that were inside out
	second    named            // of which a higher level of detail could not be read
	outlined  int64            // by the outline of all faces
	hulls     int64            // by the convex hull
	semantics int64            // semantics that do not fit the faces
}

func newSource(path string, in *importers.Text, limit int64, kind layers.Kind) (*source, error) {
	s := &source{path: path, in: in, kind: kind, tally: tally{others: map[string]int64{}}}
	s.limiter = &limiter{r: in, limit: limit, left: limit}
	s.json = json.NewDecoder(s.limiter)
	s.info = importers.Info{Format: "CityJSON", Files: []string{path}, Declared: -1, Extent: spatial.EmptyEnvelope(), Encoding: "UTF-8", EncodingMethod: "standard"}
	return s, s.begin()
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
func (s *source) Offset() (done, total int64) { return s.in.Offset() }

// Close closes the file.
func (s *source) Close() error { return s.in.Close() }

// Place names a record.
func (s *source) Place(row int64) string {
	if row == s.row {
		return "CityObjects[" + strconv.Quote(clip(s.id)) + "]"
	}
	return "object " + strconv.FormatInt(row, 10)
}

func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// fail is an error of the whole file.
func (s *source) fail(format string, args ...any) error {
	return layers.Errorf(layers.ErrInvalid, "%s: "+format, append([]any{s.path}, args...)...)
}

// document reads the next JSON value of the file.
func (s *source) document(d *document) error {
	s.limiter.left = s.limiter.limit
	err := s.json.Decode(d)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return err
	case errors.Is(err, errTooLong):
		return s.fail("it, or a line of it, is longer than %d MB; cut it into a CityJSONSeq or smaller files, for instance with cjio", s.limiter.limit>>20)
	case errors.Is(err, importers.ErrExpands):
		return s.fail("%v", err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return s.fail("the file is cut off (byte %d); get it again in full: nothing of it was written", s.json.InputOffset())
	case errors.As(err, &syntax):
		return s.fail("%s at byte %d of the JSON", syntax.Error(), syntax.Offset)
	case errors.As(err, &kind):
		return s.fail("%s holds a JSON %s where CityJSON has none", kind.Field, kind.Value)
	}
	return s.fail("it cannot be read: %w", err)
}

// begin reads the first document: the whole city, or the head of a sequence.
func (s *source) begin() error {
	var d document
	err := s.document(&d)
	switch {
	case errors.Is(err, io.EOF):
		return s.fail("there is nothing in it")
	case err != nil:
		return err
	case d.Type == "CityJSONFeature":
		return s.fail("it begins with a CityJSONFeature; a CityJSONSeq begins with a line of type CityJSON that holds transform and metadata: put it back")
	case d.Type != "CityJSON":
		return s.fail("it is of type %q; expected CityJSON", clip(d.Type))
	}
	if err := s.head.read(&d); err != nil {
		return s.fail("%w", err)
	}
	s.readCRS(d.Metadata.ReferenceSystem)
	if err := s.city.read(&d, &s.head); err != nil {
		return s.fail("%w", err)
	}
	s.info.Extent = s.city.extent()
	if x := d.Metadata.Extent; s.info.Extent.IsEmpty() && len(x) == 6 {
		s.info.Extent = spatial.Envelope{MinX: x[0], MinY: x[1], MaxX: x[3], MaxY: x[4]}
	}
	return nil
}

func (s *source) readCRS(name string) {
	if name == "" {
		return
	}
	c, err := crs.Parse(name)
	if err != nil {
		s.info.CRSEvidence = fmt.Sprintf("its metadata.referenceSystem is %s: %v", clip(name), err)
		return
	}
	s.info.CRS, s.info.CRSEvidence = c, "its metadata.referenceSystem is "+name
}

// following reads the next feature of a sequence.
func (s *source) following() error {
	var d document
	if err := s.document(&d); err != nil {
		return err
	}
	if d.Type != "CityJSONFeature" {
		return s.fail("after %d objects stands a value of type %q; expected CityJSONFeature", s.row, clip(d.Type))
	}
	s.seq = true
	if err := s.city.read(&d, &s.head); err != nil {
		return s.fail("feature %q: %w", clip(d.ID), err)
	}
	return nil
}

// Next reads one record.
func (s *source) Next(r *importers.Record) error {
	for !s.done {
		if s.at >= len(s.city.objects) {
			s.at = 0
			if err := s.following(); err != nil {
				s.done = true
				if errors.Is(err, io.EOF) {
					s.summarize()
				}
				return err
			}
			continue
		}
		s.choose()
		o := &s.city.objects[s.at]
		s.at++
		if wanted, err := s.wanted(o); err != nil || !wanted {
			if err != nil {
				return s.refuse(r, o, importers.RefusedRecord, err)
			}
			continue
		}
		return s.record(r, o)
	}
	return io.EOF
}

// choose decides what is imported where nobody said: buildings if there are any.
func (s *source) choose() {
	if s.chosen {
		return
	}
	s.chosen = true
	if s.kind != "" {
		return
	}
	s.kind = layers.KindFeature
	for i := range s.city.objects {
		if kindOf(typeOf(s.city.objects[i].raw)) == layers.KindBuilding {
			s.kind = layers.KindBuilding
			return
		}
	}
}

// wanted tells whether an object becomes a record; otherwise it is counted.
func (s *source) wanted(o *object) (bool, error) {
	if err := o.parse(); err != nil {
		return false, err
	}
	k := kindOf(o.Type)
	selective := s.kind == layers.KindBuilding || s.kind == layers.KindWater || s.kind == layers.KindBlock || s.kind == layers.KindStreet || s.kind == layers.KindRail
	switch {
	case selective && k != s.kind, k == "":
		s.tally.others[o.Type]++
		return false, nil
	case len(o.Geometry) == 0:
		s.tally.bare++
		return false, nil
	}
	return true, nil
}

// kindOf maps types of city objects to kinds of layers; "" is never imported.
func kindOf(t string) layers.Kind {
	switch t {
	case "Building", "BuildingPart":
		return layers.KindBuilding
	case "WaterBody", "Waterway":
		return layers.KindWater
	case "LandUse":
		return layers.KindBlock
	case "Road", "TransportSquare":
		return layers.KindStreet
	case "Railway":
		return layers.KindRail
	case "TINRelief", "BuildingRoom", "BuildingStorey", "BuildingUnit", "BuildingFurniture", "BuildingConstructiveElement", "BuildingInstallation":
		return ""
	}
	return layers.KindFeature
}

// record makes a record of an object.
func (s *source) record(r *importers.Record, o *object) error {
	b := &s.city.body
	if err := s.city.best(o, b); err != nil {
		return s.refuse(r, o, importers.RefusedGeometry, err)
	}
	g, how, err := s.shaper.shape(b)
	if err != nil {
		return s.refuse(r, o, importers.RefusedGeometry, err)
	}
	raw, err := s.city.properties(o, b)
	if err != nil {
		return s.refuse(r, o, importers.RefusedRecord, err)
	}
	if err := s.decoder.Decode(raw, &s.rec, false); err != nil {
		return s.refuse(r, o, importers.RefusedRecord, err)
	}
	surfaces, faults := b.surfaces()
	s.tally.add(o.id, b, how, faults)
	s.row++
	s.id = o.id
	r.Row, r.ID, r.Geometry, r.Values, r.Surfaces = s.row, o.id, g, s.rec.Values, surfaces
	return nil
}

func (t *tally) add(id string, b *body, how method, faults faceFaults) {
	switch {
	case b.solid() && b.rank < minKept:
		t.coarse++
	case b.solid():
		t.kept++
	}
	if faults.empty > 0 {
		t.empty.add(id)
	}
	if faults.turned {
		t.turned.add(id)
	}
	if b.misfit {
		t.semantics++
	}
	if b.second {
		t.second.add(id)
	}
	switch how {
	case byOutline:
		t.outlined++
	case byHull:
		t.hulls++
	}
}

// refuse leaves one object out.
func (s *source) refuse(r *importers.Record, o *object, code string, err error) error {
	s.row++
	s.id = o.id
	r.Row, r.ID, r.Geometry, r.Values, r.Surfaces = s.row, o.id, spatial.Geometry{}, r.Values[:0], nil
	place := s.Place(s.row)
	return &importers.Refusal{Row: s.row, Place: place, Code: code, ID: o.id, Reason: place + ": " + err.Error(), Raw: bytes.Clone(o.raw[:min(len(o.raw), layers.MaxFeatureBytes)])}
}

// summarize says what was counted.
func (s *source) summarize() {
	warn := func(n int64, format string, args ...any) {
		if n > 0 {
			s.info.Warnings = append(s.info.Warnings, fmt.Sprintf(format, append([]any{n}, args...)...))
		}
	}
	warn(s.tally.coarse, "objects of a level of detail below 2, stored as footprint, base and height: %d")
	warn(s.tally.empty.n, "objects with faces without area, which were left out: %d (%s)", strings.Join(s.tally.empty.list(), ", "))
	warn(s.tally.second.n, "objects whose highest level of detail cannot be read, so that a lower one was: %d (%s)", strings.Join(s.tally.second.list(), ", "))
	warn(s.tally.turned.n, "solids that were inside out and were turned: %d (%s)", strings.Join(s.tally.turned.list(), ", "))
	warn(s.tally.bare, "objects without geometry of their own, which are no features and whose attributes were given to their parts: %d")
	warn(s.tally.outlined, "objects without ground surface, whose footprint is the outline of all their faces: %d")
	warn(s.tally.hulls, "objects whose faces could not be united, so that their footprint is the convex hull: %d")
	warn(s.tally.semantics, "objects whose semantics do not fit their faces and were not used: %d")
	var n int64
	var types []string
	for t, k := range s.tally.others {
		n += k
		types = append(types, fmt.Sprintf("%d %s", k, clip(t)))
	}
	sort.Strings(types)
	if len(types) > 20 {
		types = append(types[:20], "…")
	}
	warn(n, "objects of other kinds, which were left out: %d (%s); --kind street, water, block, rail or feature takes what is of that kind, into a layer of its own", strings.Join(types, ", "))
}
