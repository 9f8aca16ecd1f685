package geotiff

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"github.com/klauspost/compress/zlib"

	"twind/layers"
)

// Heights is a raster of one band to be written.
type Heights struct {
	Width, Height int
	Values        []float32 // row by row from the north-west; NaN is no data
	Transform     Affine    // without rotation
	EPSG          int       // of the coordinate system, geographic or projected
	Geographic    bool      // EPSG names a geographic system
}

// noHeight is the no-data value that Append writes.
const noHeight = -32768

const stripRows = 64

// Append appends h as a GeoTIFF of Float32 in strips, compressed by Deflate with
// predictor 3. It fails with layers.ErrInvalid for what makes no raster.
func (h *Heights) Append(dst []byte) ([]byte, error) {
	if h.Width < 1 || h.Height < 1 || h.Width > math.MaxUint16 || h.Height > math.MaxUint16 || len(h.Values) != h.Width*h.Height || h.EPSG < 1024 || h.EPSG > 32766 || h.Transform[2] != 0 || h.Transform[4] != 0 {
		return nil, layers.Errorf(layers.ErrInvalid, "%d heights in EPSG:%d make no raster of %d × %d", len(h.Values), h.EPSG, h.Width, h.Height)
	}
	w := writer{base: len(dst), out: append(dst, "II*\x00\x00\x00\x00\x00"...)}
	var offsets, counts []uint32
	for y := 0; y < h.Height; y += stripRows {
		offsets = append(offsets, w.here())
		if err := w.strip(h, y, min(y+stripRows, h.Height)); err != nil {
			return nil, err
		}
		counts = append(counts, w.here()-offsets[len(offsets)-1])
	}
	model, key := 1, keyProjected
	if h.Geographic {
		model, key = 2, keyGeographic
	}
	t := h.Transform
	fields := []out{
		{tagWidth, 4, []uint32{uint32(h.Width)}}, {tagHeight, 4, []uint32{uint32(h.Height)}},
		{tagBitsPerSample, 3, []uint16{32}}, {tagCompression, 3, []uint16{uint16(Deflate)}}, {tagPhotometric, 3, []uint16{uint16(BlackIsZero)}},
		{tagStripOffsets, 4, offsets}, {tagSamplesPerPixel, 3, []uint16{1}}, {tagRowsPerStrip, 4, []uint32{stripRows}}, {tagStripByteCounts, 4, counts},
		{tagPlanar, 3, []uint16{1}}, {tagPredictor, 3, []uint16{3}}, {tagSampleFormat, 3, []uint16{3}},
		{tagPixelScale, 12, []float64{t[1], -t[5], 0}}, {tagTiepoint, 12, []float64{0, 0, 0, t[0], t[3], 0}},
		{tagGeoKeys, 3, []uint16{1, 1, 0, 3, keyModelType, 0, 1, uint16(model), keyRasterType, 0, 1, 1, uint16(key), 0, 1, uint16(h.EPSG)}},
		{tagGDALNoData, 2, []byte("-32768\x00")},
	}
	return w.finish(fields)
}

// out is a field to be written: a slice of bytes, uint16, uint32 or float64.
type out struct {
	tag, kind uint16
	values    any
}

type writer struct {
	base int // where the file begins in out
	out  []byte
	zip  bytes.Buffer
}

func (w *writer) here() uint32 { return uint32(len(w.out) - w.base) }

// strip writes rows from y0 to y1.
func (w *writer) strip(h *Heights, y0, y1 int) error {
	w.zip.Reset()
	z, err := zlib.NewWriterLevel(&w.zip, zlib.BestCompression)
	if err != nil {
		return err
	}
	row := make([]byte, 4*h.Width)
	for y := y0; y < y1; y++ {
		for x, v := range h.Values[y*h.Width : (y+1)*h.Width] {
			if v != v {
				v = noHeight
			}
			for b, c := range binary.BigEndian.AppendUint32(nil, math.Float32bits(v)) {
				row[b*h.Width+x] = c
			}
		}
		for i := len(row) - 1; i > 0; i-- {
			row[i] -= row[i-1]
		}
		if _, err := z.Write(row); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	w.out = append(w.out, w.zip.Bytes()...)
	if len(w.out)%2 == 1 {
		w.out = append(w.out, 0)
	}
	return nil
}

// finish writes the directory, whose fields ascend by tag.
func (w *writer) finish(fields []out) ([]byte, error) {
	slices.SortFunc(fields, func(a, b out) int { return int(a.tag) - int(b.tag) })
	le := binary.LittleEndian
	le.PutUint32(w.out[w.base+4:], w.here())
	w.out = le.AppendUint16(w.out, uint16(len(fields)))
	after := w.here() + uint32(12*len(fields)) + 4
	var tail []byte
	for _, f := range fields {
		var b bytes.Buffer
		if err := binary.Write(&b, le, f.values); err != nil {
			return nil, err
		}
		w.out = le.AppendUint16(le.AppendUint16(w.out, f.tag), f.kind)
		w.out = le.AppendUint32(w.out, uint32(b.Len())/uint32(kindSize[f.kind]))
		if b.Len() <= 4 {
			w.out = append(w.out, append(b.Bytes(), 0, 0, 0, 0)[:4]...)
			continue
		}
		w.out = le.AppendUint32(w.out, after+uint32(len(tail)))
		tail = append(tail, b.Bytes()...)
		if len(tail)%2 == 1 {
			tail = append(tail, 0)
		}
	}
	return append(append(w.out, 0, 0, 0, 0), tail...), nil
}
