package geotiff

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
)

// adobeRGB says that three components are red, green and blue (Adobe marker,
// transform 0), which TIFF says outside the JPEG.
var adobeRGB = []byte{0xff, 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0}

// standalone makes a JPEG of a block and the tables that the file keeps apart.
func (m *Image) standalone(src []byte) ([]byte, error) {
	if len(src) < 4 || src[0] != 0xff || src[1] != 0xd8 {
		return nil, corrupt("a JPEG block does not begin as JPEG does")
	}
	out := make([]byte, 0, len(src)+len(m.jpegTables)+len(adobeRGB))
	out = append(out, 0xff, 0xd8)
	if m.Photometric == RGB && m.Bands == 3 {
		out = append(out, adobeRGB...)
	}
	if t := m.jpegTables; len(t) >= 4 && t[0] == 0xff && t[1] == 0xd8 {
		t = t[2:]
		if bytes.HasSuffix(t, []byte{0xff, 0xd9}) {
			t = t[:len(t)-2]
		}
		out = append(out, t...)
	}
	return append(out, src[2:]...), nil
}

func (m *Image) decodeJPEG(src []byte, rows int) ([]byte, error) {
	full, err := m.standalone(src)
	if err != nil {
		return nil, err
	}
	conf, err := jpeg.DecodeConfig(bytes.NewReader(full))
	if err != nil || conf.Width < m.BlockWidth || conf.Height < rows || conf.Width > m.BlockWidth+16 || conf.Height > max(rows, m.BlockHeight)+16 {
		return nil, corrupt("a JPEG block is no image of %d × %d pixels", m.BlockWidth, rows)
	}
	img, err := jpeg.Decode(bytes.NewReader(full))
	if err != nil {
		return nil, corrupt("a JPEG block is damaged: %w", err)
	}
	bands := m.bandsPerBlock()
	out := make([]byte, m.BlockWidth*rows*bands)
	switch img := img.(type) {
	case *image.Gray:
		if bands != 1 {
			return nil, corrupt("a JPEG block has 1 of %d bands", bands)
		}
		for y := range rows {
			copy(out[y*m.BlockWidth:(y+1)*m.BlockWidth], img.Pix[y*img.Stride:])
		}
		return out, nil
	case *image.YCbCr, *image.RGBA:
		if bands != 3 {
			return nil, corrupt("a JPEG block has 3 of %d bands", bands)
		}
		m.unpackColors(out, img, rows)
		return out, nil
	}
	return nil, unsupported("a JPEG block has 4 colours; make the file again with gdal_translate -co COMPRESS=DEFLATE")
}

func (m *Image) unpackColors(out []byte, img image.Image, rows int) {
	i := 0
	for y := range rows {
		for x := range m.BlockWidth {
			switch img := img.(type) {
			case *image.YCbCr:
				c := img.YCbCrAt(x, y)
				out[i], out[i+1], out[i+2] = color.YCbCrToRGB(c.Y, c.Cb, c.Cr)
			case *image.RGBA:
				copy(out[i:i+3], img.Pix[img.PixOffset(x, y):])
			}
			i += 3
		}
	}
}

// JPEG is the compressed block of a level as a JPEG of its own, without decoding:
// for levels whose Compression is JPEG and that are not planar. It is nil where
// the file leaves the block out. Blocks at the border are full, so they show more
// than the image.
func (f *File) JPEG(level, col, row int) ([]byte, error) {
	m := f.levels[level]
	if m.Compression != JPEG || m.planar {
		return nil, unsupported("level %d is not compressed as JPEG", level)
	}
	if col < 0 || col >= m.across || row < 0 || row >= m.down {
		return nil, corrupt("there is no block %d, %d", col, row)
	}
	i := row*m.across + col
	if m.offsets[i] == 0 && m.counts[i] == 0 {
		return nil, nil
	}
	if m.counts[i] > uint64(f.size) || m.counts[i] > uint64(2*m.blockBytes())+1<<16 {
		return nil, named(f.name, corrupt("a block is said to be compressed in %d bytes", m.counts[i]))
	}
	src := make([]byte, m.counts[i])
	if err := f.at(src, toOffset(m.offsets[i])); err != nil {
		return nil, named(f.name, err)
	}
	b, err := m.standalone(src)
	return b, named(f.name, err)
}
