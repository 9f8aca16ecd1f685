package importers

import (
	"bufio"
	"os"
	"unicode/utf8"

	"twind/layers"
	"twind/layers/geojson"
	"twind/spatial"
)

// rejects writes refused records to a GeoJSON sequence, one feature a line, with
// _file, _row, _code and _reason, so that they can be mended and imported again.
// The file comes to be with the first of them.
type rejects struct {
	path string
	file *os.File
	w    *bufio.Writer
	buf  []byte
	err  error // of the first write; reported as a warning
}

// add writes one refused record. Its geometry is written as such where it is in
// degrees, else as text in _geometry.
func (r *rejects) add(ref *Refusal, fields []Field, values []layers.Value, g spatial.Geometry, degrees bool) {
	if r.err != nil {
		return
	}
	if r.file == nil {
		if r.file, r.err = os.Create(r.path); r.err != nil {
			return
		}
		r.w = bufio.NewWriter(r.file)
	}
	b := append(r.buf[:0], `{"type":"Feature","geometry":`...)
	if degrees && inDegrees(g) {
		b = geojson.AppendGeometry(b, g)
	} else {
		b = append(b, "null"...)
	}
	b = append(b, `,"properties":{"_file":`...)
	b = geojson.AppendString(b, ref.File)
	b = append(b, `,"_row":`...)
	b = geojson.AppendValue(b, layers.IntValue(ref.Row))
	b = append(b, `,"_code":`...)
	b = geojson.AppendString(b, ref.Code)
	b = append(b, `,"_reason":`...)
	b = geojson.AppendString(b, ref.Reason)
	if ref.ID != "" {
		b = append(b, `,"_id":`...)
		b = geojson.AppendString(b, ref.ID)
	}
	if !g.IsNull() && !(degrees && inDegrees(g)) {
		b = append(b, `,"_geometry":`...)
		b = geojson.AppendString(b, string(geojson.AppendGeometry(nil, g)))
	}
	if ref.Raw != nil {
		b = append(b, `,"_raw":`...)
		if utf8.Valid(ref.Raw) {
			b = geojson.AppendString(b, string(ref.Raw))
		} else {
			b = geojson.AppendString(b, hexText(ref.Raw))
		}
	}
	for i, f := range fields {
		if i < len(values) && !values[i].IsNull() {
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

func inDegrees(g spatial.Geometry) bool {
	e := g.Envelope()
	return e.IsEmpty() || e.MinX >= -180 && e.MaxX <= 180 && e.MinY >= -90 && e.MaxY <= 90
}

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
