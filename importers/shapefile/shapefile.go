// Package shapefile imports Esri shapefiles (Esri white paper J-7855, 1998) with
// their dBASE tables, all types of shape included, also out of a zip archive.
//
//	.shx  offset and length of each record ─┐ (without it the .shp is read from front to back)
//	.shp  shapes ───────────────────────────┼─▶ Record
//	.dbf  attributes, decoded by ───────────┘
//	.cpg  the name of the charset, or the language driver in the .dbf, or the bytes themselves
//	.prj  the coordinate system, by its parameters
//
// Heights (Z) are kept, measures (M) are not. Nothing in the files is believed:
// every count and length is compared with what is there.
package shapefile

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"twind/importers"
	"twind/layers"
	"twind/spatial"
	"twind/spatial/crs"
)

// Format is the shapefile as importers.Run takes it. The zero value is ready for
// use.
type Format struct {
	expansion int64 // bytes up to which an archive may unpack to any degree; 0 is freeExpansion
}

var (
	_ importers.Format    = Format{}
	_ importers.Companion = Format{}
	_ importers.Source    = (*source)(nil)
)

// Name is "Shapefile".
func (Format) Name() string { return "Shapefile" }

// Match tells a .shp by its file code, its other parts by their names, and a zip
// archive by its name and signature.
func (Format) Match(path string, head []byte) bool {
	if len(head) >= 4 && binary.BigEndian.Uint32(head) == fileCode {
		return true
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".shp", ".shx", ".dbf":
		return true
	case ".zip":
		return len(head) >= 4 && string(head[:4]) == "PK\x03\x04"
	}
	return false
}

// MainFile is the .shp beside a file that belongs to a shapefile.
func (Format) MainFile(path string) string {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".dbf", ".shx", ".prj", ".cpg", ".sbn", ".sbx", ".qix", ".qpj":
		return sibling(path, ".shp")
	}
	return ""
}

// sibling is the file of the same name with another extension, in whatever
// letter case; "" if there is none.
func sibling(path, ext string) string {
	base := strings.TrimSuffix(path, filepath.Ext(path))
	for _, e := range []string{ext, strings.ToUpper(ext)} {
		if info, err := os.Stat(base + e); err == nil && info.Mode().IsRegular() {
			return base + e
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return ""
	}
	for _, e := range entries {
		if strings.EqualFold(e.Name(), filepath.Base(base)+ext) && e.Type().IsRegular() {
			return filepath.Join(filepath.Dir(path), e.Name())
		}
	}
	return ""
}

// part is one file of a shapefile; a nil reader is one that is missing.
type part struct {
	io.ReaderAt
	size int64
}

// source reads one shapefile.
type source struct {
	name     string // for messages: the .shp, or archive.zip/name.shp
	base     string // of its files, without extension
	cleanup  func()
	files    []*os.File
	shp      *shapes
	dbf      *table // nil without attributes
	onlyGeom bool
	fields   []importers.Field
	info     importers.Info
	row      int64
	size     int64
	deleted  int64
	measured bool
	orphans  int64 // holes that lie in no shell
	done     bool
}

// Open begins to read a .shp with what lies beside it, or a zip archive with one
// shapefile in it.
func (f Format) Open(ctx context.Context, path string, o importers.OpenOptions) (importers.Source, error) {
	s := &source{name: path, cleanup: func() {}, onlyGeom: o.GeometryOnly}
	named := []string{path}
	if strings.EqualFold(filepath.Ext(path), ".zip") {
		shp, dir, err := unzip(ctx, path, cmp.Or(f.expansion, freeExpansion))
		if err != nil {
			return nil, err
		}
		s.cleanup = func() { _ = os.RemoveAll(dir) }
		s.name = path + "/" + shp
		path = filepath.Join(dir, unpackedName)
	}
	if err := s.open(path, o, named); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (s *source) fail(format string, args ...any) error {
	return layers.Errorf(layers.ErrInvalid, "%s: "+format, append([]any{s.name}, args...)...)
}

// open opens the files of which path is the .shp; named are those that the user
// sees.
func (s *source) open(path string, o importers.OpenOptions, named []string) error {
	s.base = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	if ext := strings.ToLower(filepath.Ext(path)); ext == ".dbf" || ext == ".shx" {
		return s.fail("it is part of a shapefile whose .shp is missing; put %s.shp beside it", s.base)
	}
	parts := map[string]part{}
	for _, ext := range []string{".shp", ".dbf", ".shx", ".prj", ".cpg"} {
		name := path
		if ext != ".shp" {
			name = sibling(path, ext)
		}
		if name == "" || ext == ".dbf" && o.GeometryOnly {
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return layers.Errorf(layers.ErrUnavailable, "%s cannot be read: %w", name, err)
		}
		s.files = append(s.files, f)
		info, err := f.Stat()
		if err != nil {
			return layers.Errorf(layers.ErrUnavailable, "%s cannot be read: %w", name, err)
		}
		parts[ext] = part{f, info.Size()}
		if ext != ".shp" && s.name == path {
			named = append(named, name)
		}
	}
	return s.start(parts, o, named)
}

// start begins to read the parts, by extension.
func (s *source) start(parts map[string]part, o importers.OpenOptions, named []string) error {
	_, hasTable := parts[".dbf"]
	if !hasTable && !o.GeometryOnly {
		return s.fail("it lacks its .dbf, the file with the attributes; put %s.dbf beside it, or import the shapes alone with --geometry-only", s.base)
	}
	s.info = importers.Info{Format: "Shapefile", Files: named, Declared: -1, Multi: true, Extent: spatial.EmptyEnvelope()}
	var err error
	if s.shp, err = openShapes(s, parts[".shp"], parts[".shx"]); err != nil {
		return err
	}
	s.size = s.shp.size
	s.info.Extent = s.shp.extent
	if s.shp.count >= 0 {
		s.info.Declared = s.shp.count
	}
	if hasTable && !o.GeometryOnly {
		if err := s.openTable(parts[".dbf"], parts[".cpg"], o); err != nil {
			return err
		}
	} else {
		s.info.Warnings = append(s.info.Warnings, "the shapes are imported without attributes; their record numbers are their identifiers")
	}
	if prj, ok := parts[".prj"]; ok {
		s.readPRJ(prj)
	}
	return nil
}

func (s *source) openTable(dbf, cpg part, o importers.OpenOptions) error {
	var err error
	if s.dbf, err = openTable(dbf); err != nil {
		return s.fail("its .dbf cannot be read: %w", err)
	}
	t := s.dbf
	s.size += t.file.size
	if s.shp.count >= 0 && t.count != s.shp.count {
		return s.fail("the .dbf holds %d records and the .shp %d, so they do not belong together; get the files again, or import the shapes alone with --geometry-only", t.count, s.shp.count)
	}
	s.info.Declared = t.count
	claim := ""
	if cpg.ReaderAt != nil {
		b, err := cpg.small(1 << 10)
		if err != nil {
			return s.fail("its .cpg cannot be read: %w", err)
		}
		claim = strings.TrimSpace(string(b))
	}
	found, err := t.findEncoding(o.Encoding, claim, o.Reuse)
	if err != nil {
		return s.fail("%w", err)
	}
	s.info.Encoding, s.info.EncodingMethod, s.info.EncodingSamples = found.encoding.Name, found.method, found.samples
	s.info.Warnings = append(s.info.Warnings, found.warnings...)
	s.fields, err = t.nameFields(found.encoding)
	if err != nil {
		return s.fail("%w", err)
	}
	for _, f := range t.fields {
		if f.kind == 'M' || f.kind == 'G' || f.kind == 'P' {
			s.info.Warnings = append(s.info.Warnings, fmt.Sprintf("field %s is a memo; its texts stand in another file and are left out", f.name))
		}
	}
	return nil
}

// small is the content of a small file, or its beginning.
func (p part) small(limit int64) ([]byte, error) {
	return io.ReadAll(io.NewSectionReader(p, 0, min(limit, p.size)))
}

func (s *source) readPRJ(prj part) {
	b, err := prj.small(1 << 20)
	if err != nil {
		s.info.CRSEvidence = fmt.Sprintf("its .prj cannot be read: %v", err)
		return
	}
	text := strings.TrimSpace(strings.Trim(string(b), "\x00"))
	if text == "" {
		s.info.Warnings = append(s.info.Warnings, "its .prj is empty")
		return
	}
	c, err := crs.FromWKT(text)
	if err != nil {
		s.info.CRSEvidence = "its .prj: " + strings.TrimPrefix(err.Error(), crs.ErrUnknown.Error()+": ")
		return
	}
	s.info.CRS, s.info.CRSEvidence = c, "the parameters in its .prj"
}

// Info describes the shapefile.
func (s *source) Info() *importers.Info { return &s.info }

// Fields are the table's.
func (s *source) Fields() []importers.Field { return s.fields }

// Place names a record.
func (s *source) Place(row int64) string { return "record " + strconv.FormatInt(row, 10) }

// Offset is the progress in bytes of .shp and .dbf.
func (s *source) Offset() (done, total int64) {
	done = s.shp.read
	if s.dbf != nil {
		done += s.dbf.read
	}
	return done, s.size
}

// Close closes the files and removes what was unpacked.
func (s *source) Close() error {
	var err error
	for _, f := range s.files {
		if e := f.Close(); err == nil {
			err = e
		}
	}
	s.cleanup()
	return err
}

// Next reads one record; those that the table marks as deleted are passed over.
func (s *source) Next(r *importers.Record) error {
	for {
		if s.done {
			return io.EOF
		}
		shape, fault, err := s.shp.next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				if s.dbf != nil && s.row < s.dbf.count {
					return s.fail("the .shp ends after %d records, the .dbf holds %d: they do not belong together, or the .shp is cut off", s.row, s.dbf.count)
				}
				s.ended()
				return io.EOF
			}
			return err
		}
		s.row++
		r.Row, r.ID = s.row, ""
		r.Values = r.Values[:0]
		if s.dbf != nil {
			if s.row > s.dbf.count {
				return s.fail("the .shp goes on after the %d records of its .dbf: they do not belong together", s.dbf.count)
			}
			deleted, err := s.dbf.next(r)
			if err != nil {
				return s.fail("record %d of the .dbf: %w", s.row, err)
			}
			if deleted {
				s.deleted++
				continue
			}
		} else {
			r.ID = strconv.FormatInt(s.row, 10)
		}
		if fault == "" {
			fault = s.shp.decode(shape, &r.Geometry)
			s.measured = s.measured || s.shp.measured
			s.orphans += s.shp.orphans
		}
		if fault != "" {
			r.Geometry = spatial.Geometry{}
			place := s.Place(s.row)
			return &importers.Refusal{Row: s.row, Place: place, Code: importers.RefusedRecord, ID: r.ID, Reason: place + ": " + fault, Raw: append([]byte(nil), shape...)}
		}
		return nil
	}
}

func (s *source) ended() {
	s.done = true
	warn := func(format string, args ...any) {
		s.info.Warnings = append(s.info.Warnings, fmt.Sprintf(format, args...))
	}
	if s.deleted > 0 {
		warn("%d records are marked as deleted and were left out", s.deleted)
		s.info.Declared -= s.deleted
	}
	if s.measured {
		warn("the measures (M) of the shapes were left out")
	}
	if s.orphans > 0 {
		warn("%d rings turn like holes and lie in no shell; they became polygons of their own", s.orphans)
	}
	if s.dbf != nil {
		if s.dbf.spoiled > 0 {
			warn("%d texts hold bytes that are not %s; they are marked with U+FFFD", s.dbf.spoiled, s.info.Encoding)
		}
		if s.dbf.cut > 0 {
			warn("%d texts were cut in the middle of a character by whoever wrote the file", s.dbf.cut)
		}
		if s.dbf.nan > 0 {
			warn("%d numbers are NaN or infinite and became null", s.dbf.nan)
		}
	}
}
