package importers

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"twind/layers"
	"twind/layers/geojson"
	"twind/spatial"
)

// rejects writes refused records to a GeoJSON sequence, one feature a line, with
// _file, _row, _code and _reason, so that they can be mended and imported again:
// an import leaves these properties out. The file comes to be with the first of
// them.
type rejects struct {
	paths []string // where it may be, the wanted place first; none: nowhere
	path  string   // where it is
	file  *os.File
	w     *bufio.Writer
	buf   []byte
	err   error // of the first write; reported as a warning
}

// add writes one refused record. Its geometry is written in degrees where that
// is possible (degrees is then not null), else as it is, as text in _geometry.
func (r *rejects) add(ref *Refusal, fields []Field, values []layers.Value, g, degrees spatial.Geometry) {
	if r.err != nil || len(r.paths) == 0 {
		return
	}
	if r.file == nil {
		for _, r.path = range r.paths {
			if r.file, r.err = os.CreateTemp(filepath.Dir(r.path), ".rejects-*"); r.err == nil {
				break
			}
		}
		if r.err != nil {
			return
		}
		r.w = bufio.NewWriter(r.file)
	}
	b := append(r.buf[:0], `{"type":"Feature",`...)
	if ref.ID != "" {
		b = append(b, `"id":`...)
		b = append(geojson.AppendID(b, ref.ID), ',')
	}
	b = append(b, `"geometry":`...)
	b = geojson.AppendGeometry(b, degrees)
	b = append(b, `,"properties":{"_file":`...)
	b = geojson.AppendString(b, ref.File)
	b = append(b, `,"_row":`...)
	b = geojson.AppendValue(b, layers.IntValue(ref.Row))
	b = append(b, `,"_code":`...)
	b = geojson.AppendString(b, ref.Code)
	b = append(b, `,"_reason":`...)
	b = geojson.AppendString(b, ref.Reason)
	written := rejectNames[:4]
	if !g.IsNull() && degrees.IsNull() {
		written = rejectNames[:5]
		b = append(b, `,"_geometry":`...)
		b = geojson.AppendString(b, string(geojson.AppendGeometry(nil, g)))
	}
	if ref.Raw != nil {
		written = rejectNames
		b = append(b, `,"_raw":`...)
		if utf8.Valid(ref.Raw) {
			b = geojson.AppendString(b, string(ref.Raw))
		} else {
			b = geojson.AppendString(b, hexText(ref.Raw))
		}
	}
	for i, f := range fields {
		if i < len(values) && !values[i].IsNull() && !slices.Contains(written, f.Name) {
			b = append(b, ',')
			b = geojson.AppendString(b, f.Name)
			b = append(b, ':')
			b = geojson.AppendValue(b, values[i])
		}
	}
	b = append(b, "}}\n"...)
	_, r.err = r.w.Write(b)
	r.buf = b
}

func hexText(b []byte) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 2*len(b)+4)
	out = append(out, "hex:"...)
	for _, c := range b {
		out = append(out, digits[c>>4], digits[c&15])
	}
	return string(out)
}

// close ends the writing, under a temporary name.
func (r *rejects) close() error {
	if r.file == nil {
		return r.err
	}
	if err := r.w.Flush(); r.err == nil {
		r.err = err
	}
	if err := r.file.Close(); r.err == nil {
		r.err = err
	}
	return r.err
}

// publish gives the file its name, once nothing is read any more: it may be that
// of a rejects file that has just been imported.
func (r *rejects) publish() error {
	if r.file == nil || r.err != nil {
		return r.err
	}
	err := os.Chmod(r.file.Name(), 0o644)
	if err == nil {
		err = os.Rename(r.file.Name(), r.path)
	}
	if err != nil {
		_ = os.Remove(r.file.Name())
	}
	return err
}

// rejectNames are the properties that rejects adds.
var rejectNames = []string{"_file", "_row", "_code", "_reason", "_geometry", "_raw"}

// isRejects tells a file that rejects wrote by its properties.
func isRejects(fields []Field) bool {
	found := 0
	for _, f := range fields {
		for _, n := range rejectNames[:4] {
			if f.Name == n {
				found++
			}
		}
	}
	return found == 4
}

// unmended says what still has to be done to a record of a rejects file; "" if
// nothing.
func unmended(fields []Field, rec *Record) string {
	for i, f := range fields {
		if i >= len(rec.Values) || rec.Values[i].IsNull() {
			continue
		}
		switch {
		case f.Name == "_raw":
			return "it is still as it could not be read, in _raw; make a feature of it and take _raw out"
		case f.Name == "_geometry" && rec.Geometry.IsNull():
			return "its geometry is still outside its coordinate system, in _geometry; give it one and take _geometry out"
		}
	}
	return ""
}
