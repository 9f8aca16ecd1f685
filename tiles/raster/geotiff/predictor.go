package geotiff

import "encoding/binary"

// swap turns big-endian samples of a width in bytes into little-endian ones.
func swap(b []byte, width int) {
	switch width {
	case 2:
		for ; len(b) >= 2; b = b[2:] {
			b[0], b[1] = b[1], b[0]
		}
	case 4:
		for ; len(b) >= 4; b = b[4:] {
			binary.LittleEndian.PutUint32(b, binary.BigEndian.Uint32(b))
		}
	case 8:
		for ; len(b) >= 8; b = b[8:] {
			binary.LittleEndian.PutUint64(b, binary.BigEndian.Uint64(b))
		}
	}
}

// accumulate undoes predictor 2 (TIFF 6.0 §14) on one row of little-endian
// samples: each is the difference to that of the same band one pixel before.
func accumulate(row []byte, width, bands int) {
	step := width * bands
	le := binary.LittleEndian
	switch width {
	case 1:
		for i := step; i < len(row); i++ {
			row[i] += row[i-step]
		}
	case 2:
		for i := step; i+2 <= len(row); i += 2 {
			le.PutUint16(row[i:], le.Uint16(row[i:])+le.Uint16(row[i-step:]))
		}
	case 4:
		for i := step; i+4 <= len(row); i += 4 {
			le.PutUint32(row[i:], le.Uint32(row[i:])+le.Uint32(row[i-step:]))
		}
	case 8:
		for i := step; i+8 <= len(row); i += 8 {
			le.PutUint64(row[i:], le.Uint64(row[i:])+le.Uint64(row[i-step:]))
		}
	}
}

// unshuffle undoes predictor 3 (Adobe Photoshop TIFF technical note 3) on one
// row: differences of bytes, the most significant bytes of all samples first.
// scratch is as long as row; the samples become little-endian.
func unshuffle(row, scratch []byte, width, bands int) {
	for i := bands; i < len(row); i++ {
		row[i] += row[i-bands]
	}
	copy(scratch, row)
	n := len(row) / width
	for i := range n {
		for b := range width {
			row[i*width+b] = scratch[(width-1-b)*n+i]
		}
	}
}

// unpredict makes the rows of a block little-endian samples.
func (m *Image) unpredict(b []byte, bigEndian bool) {
	width, bands := m.Type.Size(), m.bandsPerBlock()
	row := m.BlockWidth * width * bands
	if m.predictor != 3 && bigEndian {
		swap(b, width)
	}
	switch m.predictor {
	case 2:
		for ; len(b) >= row; b = b[row:] {
			accumulate(b[:row], width, bands)
		}
	case 3:
		scratch := make([]byte, row)
		for ; len(b) >= row; b = b[row:] {
			unshuffle(b[:row], scratch, width, bands)
		}
	}
}
