package geotiff

import (
	"image"

	"twind/layers"
)

// RGBA reads a window of a level as colours: grey, red-green-blue with or without
// opacity, a palette or JPEG, of bytes; other samples are refused with
// layers.ErrUnsupported. What the mask hides, the file leaves out or has the
// no-data value in all colour bands is transparent.
func (f *File) RGBA(level int, r image.Rectangle) (*image.NRGBA, error) {
	if level < 0 || level >= len(f.levels) {
		return nil, layers.Errorf(layers.ErrInvalid, "there is no level %d in the TIFF", level)
	}
	m := f.levels[level]
	colors := 3
	switch m.Photometric {
	case RGB, YCbCr:
	case BlackIsZero, WhiteIsZero, Palette:
		colors = 1
	default:
		colors = m.Bands + 1
	}
	if m.Type != Uint8 || m.Bands < colors {
		return nil, named(f.name, unsupported("the TIFF is no image of bytes in grey, RGB or a palette; make one with gdal_translate -ot Byte -scale"))
	}
	out := image.NewNRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	bands := m.colorBands(colors)
	planes := 1
	if m.planar {
		planes = len(bands)
	}
	for p := range planes {
		plane := 0
		if m.planar {
			plane = max(0, bands[p])
		}
		err := f.window(m, plane, r, func(b []byte, part image.Rectangle, at image.Point) {
			for y := part.Min.Y; y < part.Max.Y && b != nil; y++ {
				row := out.Pix[out.PixOffset(part.Min.X-r.Min.X, y-r.Min.Y):]
				step := m.bandsPerBlock()
				src := b[((y-at.Y)*m.BlockWidth+part.Min.X-at.X)*step:]
				if m.planar {
					m.putPlane(row, src, part.Dx(), p, bands)
				} else {
					m.putPixels(row, src, part.Dx(), bands)
				}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	f.hideNoData(out, m)
	return out, f.maskFloats(m, r, func(i int) { out.Pix[4*i+3] = 0 })
}

// colorBands are the bands of red, green, blue and opacity; −1 is full opacity.
func (m *Image) colorBands(colors int) [4]int {
	if colors == 1 {
		return [4]int{0, 0, 0, m.Alpha}
	}
	return [4]int{0, 1, 2, m.Alpha}
}

func (m *Image) putPixels(dst, src []byte, n int, bands [4]int) {
	step := m.Bands
	for i := range n {
		d, s := dst[4*i:4*i+4:4*i+4], src[i*step:i*step+step]
		d[0], d[1], d[2], d[3] = s[bands[0]], s[bands[1]], s[bands[2]], 255
		if bands[3] >= 0 {
			d[3] = s[bands[3]]
		}
		m.recolor(d)
	}
}

func (m *Image) putPlane(dst, src []byte, n, channel int, bands [4]int) {
	for i := range n {
		v := src[i]
		if bands[channel] < 0 {
			v = 255
		}
		dst[4*i+channel] = v
		if channel == 3 {
			m.recolor(dst[4*i : 4*i+4 : 4*i+4])
		}
	}
}

// recolor turns a sample of a palette or of white-is-zero into colours.
func (m *Image) recolor(p []byte) {
	switch m.Photometric {
	case Palette:
		v, n := int(p[0]), len(m.colorMap)/3
		p[0], p[1], p[2] = byte(m.colorMap[v]>>8), byte(m.colorMap[n+v]>>8), byte(m.colorMap[2*n+v]>>8)
	case WhiteIsZero:
		p[0], p[1], p[2] = 255-p[0], 255-p[1], 255-p[2]
	}
}

// hideNoData makes pixels of the no-data value transparent, unless a band says
// what is.
func (f *File) hideNoData(out *image.NRGBA, m *Image) {
	if !f.hasNone || m.Alpha >= 0 || m.Photometric == Palette || m.Compression == JPEG || f.noData < 0 || f.noData > 255 {
		return
	}
	v := byte(f.noData)
	if m.Photometric == WhiteIsZero {
		v = 255 - v
	}
	for p := out.Pix; len(p) >= 4; p = p[4:] {
		if p[0] == v && p[1] == v && p[2] == v {
			p[3] = 0
		}
	}
}
