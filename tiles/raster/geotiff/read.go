package geotiff

import (
	"encoding/binary"
	"image"
	"math"

	"twind/layers"
)

// window goes through the blocks that a window touches. visit gets the block (nil
// where the file leaves it out), the part of the window in it in pixels of the
// image, and where the block begins.
func (f *File) window(m *Image, plane int, r image.Rectangle, visit func(b []byte, part image.Rectangle, at image.Point)) error {
	if r.Empty() || !r.In(image.Rect(0, 0, m.Width, m.Height)) {
		return layers.Errorf(layers.ErrInvalid, "window %v is not inside the image of %d × %d pixels", r, m.Width, m.Height)
	}
	for y := r.Min.Y; y < r.Max.Y; {
		p := m.placeOf(y)
		for x := r.Min.X; x < r.Max.X; {
			col := x / m.BlockWidth
			b, err := f.block(m, plane, col, p)
			if err != nil {
				return err
			}
			right := min((col+1)*m.BlockWidth, r.Max.X)
			visit(b, image.Rect(x, y, right, min(p.y+p.h, r.Max.Y)), image.Pt(col*m.BlockWidth, p.y))
			x = right
		}
		y = p.y + p.h
	}
	return nil
}

// ReadFloat64 reads one band, counted from 0, of a window of a level into dst,
// row by row from the north-west, r.Dx()·r.Dy() values: scaled as the metadata
// say, NaN where there is no data. It fails with layers.ErrInvalid for a window
// or band that does not exist and with layers.ErrCorrupt.
func (f *File) ReadFloat64(level, band int, r image.Rectangle, dst []float64) error {
	return readFloats(f, level, band, r, dst)
}

// ReadFloat32 is ReadFloat64 in single precision.
func (f *File) ReadFloat32(level, band int, r image.Rectangle, dst []float32) error {
	return readFloats(f, level, band, r, dst)
}

func readFloats[T float32 | float64](f *File, level, band int, r image.Rectangle, dst []T) error {
	if level < 0 || level >= len(f.levels) || band < 0 || band >= f.levels[level].Bands || len(dst) < r.Dx()*r.Dy() {
		return layers.Errorf(layers.ErrInvalid, "there is no level %d with band %d in the TIFF, or no room for it", level, band)
	}
	m := f.levels[level]
	plane, offset := 0, band
	if m.planar {
		plane, offset = band, 0
	}
	nothing := T(math.NaN())
	absent := nothing // what stands for blocks that the file leaves out, as in GDAL
	if !f.hasNone {
		absent = 0
	}
	err := f.window(m, plane, r, func(b []byte, part image.Rectangle, at image.Point) {
		for y := part.Min.Y; y < part.Max.Y; y++ {
			i := (y-r.Min.Y)*r.Dx() + part.Min.X - r.Min.X
			row := dst[i : i+part.Dx()]
			if b == nil {
				for j := range row {
					row[j] = absent
				}
				continue
			}
			step := m.Type.Size() * m.bandsPerBlock()
			start := ((y-at.Y)*m.BlockWidth+part.Min.X-at.X)*step + offset*m.Type.Size()
			samples(m.Type, row, b[start:], step)
		}
	})
	if err != nil {
		return err
	}
	dst = dst[:r.Dx()*r.Dy()]
	if f.hasNone && !math.IsNaN(f.noData) {
		none := T(f.noData)
		for i, v := range dst {
			if v == none {
				dst[i] = nothing
			}
		}
	}
	if band < len(f.scalings) && f.scalings[band] != (scaling{1, 0}) {
		s := f.scalings[band]
		for i, v := range dst {
			dst[i] = T(float64(v)*s.scale + s.offset)
		}
	}
	return f.maskFloats(m, r, func(i int) { dst[i] = nothing })
}

// maskFloats calls hide with the number of each pixel that the mask hides.
func (f *File) maskFloats(m *Image, r image.Rectangle, hide func(i int)) error {
	if m.mask == nil {
		return nil
	}
	return f.window(m.mask, 0, r, func(b []byte, part image.Rectangle, at image.Point) {
		for y := part.Min.Y; y < part.Max.Y; y++ {
			for x := part.Min.X; x < part.Max.X; x++ {
				if b == nil || b[(y-at.Y)*m.mask.BlockWidth+x-at.X] == 0 {
					hide((y-r.Min.Y)*r.Dx() + x - r.Min.X)
				}
			}
		}
	})
}

// samples converts little-endian samples that lie step bytes apart.
func samples[T float32 | float64](t SampleType, dst []T, b []byte, step int) {
	le := binary.LittleEndian
	switch t {
	case Bit, Uint8:
		for i := range dst {
			dst[i] = T(b[i*step])
		}
	case Int8:
		for i := range dst {
			dst[i] = T(int8(b[i*step]))
		}
	case Uint16:
		for i := range dst {
			dst[i] = T(le.Uint16(b[i*step:]))
		}
	case Int16:
		for i := range dst {
			dst[i] = T(int16(le.Uint16(b[i*step:])))
		}
	case Uint32:
		for i := range dst {
			dst[i] = T(le.Uint32(b[i*step:]))
		}
	case Int32:
		for i := range dst {
			dst[i] = T(int32(le.Uint32(b[i*step:])))
		}
	case Uint64:
		for i := range dst {
			dst[i] = T(le.Uint64(b[i*step:]))
		}
	case Int64:
		for i := range dst {
			dst[i] = T(int64(le.Uint64(b[i*step:])))
		}
	case Float32:
		for i := range dst {
			dst[i] = T(math.Float32frombits(le.Uint32(b[i*step:])))
		}
	case Float64:
		for i := range dst {
			dst[i] = T(math.Float64frombits(le.Uint64(b[i*step:])))
		}
	}
}
