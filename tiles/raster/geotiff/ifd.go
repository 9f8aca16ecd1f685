package geotiff

import (
	"encoding/binary"
	"errors"
	"io"
	"math"

	"twind/layers"
)

// Limits of what is read of a file's structure.
const (
	maxDirectories = 128      // images in a file
	maxFields      = 2048     // fields in a directory
	maxBlocks      = 16 << 20 // tiles or strips of an image
	maxText        = 4 << 20  // bytes of a text field
)

// The tags that are read.
const (
	tagNewSubfileType  = 254
	tagWidth           = 256
	tagHeight          = 257
	tagBitsPerSample   = 258
	tagCompression     = 259
	tagPhotometric     = 262
	tagFillOrder       = 266
	tagStripOffsets    = 273
	tagSamplesPerPixel = 277
	tagRowsPerStrip    = 278
	tagStripByteCounts = 279
	tagPlanar          = 284
	tagPredictor       = 317
	tagColorMap        = 320
	tagTileWidth       = 322
	tagTileHeight      = 323
	tagTileOffsets     = 324
	tagTileByteCounts  = 325
	tagExtraSamples    = 338
	tagSampleFormat    = 339
	tagJPEGTables      = 347
	tagPixelScale      = 33550
	tagTiepoint        = 33922
	tagTransformation  = 34264
	tagGeoKeys         = 34735
	tagGeoDoubles      = 34736
	tagGeoASCII        = 34737
	tagGDALMetadata    = 42112
	tagGDALNoData      = 42113
)

// field is one entry of a directory: where its values are.
type field struct {
	kind   uint16
	count  uint64
	offset int64 // of the values in the file
}

// directory is an IFD.
type directory map[uint16]field

// kindSize is the width in bytes of each field type, 0 for unknown ones.
var kindSize = [...]uint64{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}

// structure reads the directories of a file.
type structure struct {
	r     io.ReaderAt
	size  int64
	order binary.ByteOrder
	big   bool
}

func corrupt(format string, args ...any) error {
	return layers.Errorf(layers.ErrCorrupt, format, args...)
}

func unsupported(format string, args ...any) error {
	return layers.Errorf(layers.ErrUnsupported, format, args...)
}

// at reads len(b) bytes at an offset.
func (s *structure) at(b []byte, offset int64) error {
	if offset < 0 || offset > s.size-int64(len(b)) {
		return corrupt("the TIFF ends before byte %d, to which it points", uint64(offset)+uint64(len(b)))
	}
	n, err := s.r.ReadAt(b, offset)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return corrupt("the TIFF cannot be read at byte %d: %w", offset, err)
}

// open reads the header and answers the offset of the first directory.
func (s *structure) open() (int64, error) {
	notTIFF := layers.Errorf(layers.ErrInvalid, "the file is no TIFF; make one with gdal_translate -of GTiff")
	var h [16]byte
	if s.size < 8 || s.at(h[:8], 0) != nil {
		return 0, notTIFF
	}
	switch string(h[:2]) {
	case "II":
		s.order = binary.LittleEndian
	case "MM":
		s.order = binary.BigEndian
	default:
		return 0, notTIFF
	}
	switch s.order.Uint16(h[2:]) {
	case 42:
		return int64(s.order.Uint32(h[4:])), nil
	case 43:
		if s.at(h[:], 0) != nil || s.order.Uint16(h[4:]) != 8 || s.order.Uint16(h[6:]) != 0 {
			return 0, notTIFF
		}
		s.big = true
		return toOffset(s.order.Uint64(h[8:])), nil
	}
	return 0, notTIFF
}

// toOffset is −1, which nothing accepts, for what does not fit.
func toOffset(v uint64) int64 {
	if v > math.MaxInt64 {
		return -1
	}
	return int64(v)
}

// directories reads the chain from an offset on; a chain that returns to where
// it was is refused.
func (s *structure) directories(offset int64) ([]directory, error) {
	seen := map[int64]bool{}
	var list []directory
	for offset != 0 {
		if seen[offset] {
			return nil, corrupt("the TIFF's chain of images runs in a circle at byte %d", offset)
		}
		if len(list) == maxDirectories {
			return nil, unsupported("the TIFF holds more than %d images; keep the one that matters with gdal_translate", maxDirectories)
		}
		seen[offset] = true
		d, next, err := s.directory(offset)
		if err != nil {
			return nil, err
		}
		list, offset = append(list, d), next
	}
	if len(list) == 0 {
		return nil, corrupt("the TIFF holds no image")
	}
	return list, nil
}

func (s *structure) directory(offset int64) (directory, int64, error) {
	countSize, fieldSize, wordSize := 2, 12, 4
	if s.big {
		countSize, fieldSize, wordSize = 8, 20, 8
	}
	var head [8]byte
	if err := s.at(head[:countSize], offset); err != nil {
		return nil, 0, err
	}
	n := uint64(s.order.Uint16(head[:]))
	if s.big {
		n = s.order.Uint64(head[:])
	}
	if n == 0 || n > maxFields {
		return nil, 0, corrupt("the TIFF's directory at byte %d has %d fields; 1 to %d are possible", offset, n, maxFields)
	}
	body := make([]byte, int(n)*fieldSize+wordSize)
	if err := s.at(body, offset+int64(countSize)); err != nil {
		return nil, 0, err
	}
	d := make(directory, n)
	for i := range int(n) {
		tag, f := s.field(body[i*fieldSize:], offset+int64(countSize+i*fieldSize))
		if _, twice := d[tag]; !twice && f.count > 0 {
			d[tag] = f
		}
	}
	return d, s.word(body[int(n)*fieldSize:]), nil
}

// word reads an offset of the file's width.
func (s *structure) word(b []byte) int64 {
	if s.big {
		return toOffset(s.order.Uint64(b))
	}
	return int64(s.order.Uint32(b))
}

// field reads one entry, which lies at an offset; values that fit are inside it.
func (s *structure) field(b []byte, at int64) (uint16, field) {
	f := field{kind: s.order.Uint16(b[2:])}
	valueAt, room := 8, uint64(4)
	if s.big {
		f.count, valueAt, room = s.order.Uint64(b[4:]), 12, 8
	} else {
		f.count = uint64(s.order.Uint32(b[4:]))
	}
	size := f.size()
	if size == 0 || f.count > math.MaxInt64/8 {
		f.count = 0
	}
	if size*f.count <= room {
		f.offset = at + int64(valueAt)
	} else {
		f.offset = s.word(b[valueAt:])
	}
	return s.order.Uint16(b), f
}

func (f field) size() uint64 {
	if int(f.kind) < len(kindSize) {
		return kindSize[f.kind]
	}
	return 0
}

// raw reads a field's bytes, of which there may be at most limit; nil where the
// field is absent.
func (s *structure) raw(d directory, tag uint16, limit uint64) ([]byte, field, error) {
	f, ok := d[tag]
	if !ok {
		return nil, f, nil
	}
	n := f.size() * f.count
	if n > limit || n > uint64(s.size) {
		return nil, f, corrupt("the TIFF's field %d has %d values; the file has no room for them", tag, f.count)
	}
	b := make([]byte, n)
	return b, f, s.at(b, f.offset)
}

// uints reads whole numbers; nil where the field is absent.
func (s *structure) uints(d directory, tag uint16, limit uint64) ([]uint64, error) {
	b, f, err := s.raw(d, tag, limit*8)
	if b == nil || err != nil {
		return nil, err
	}
	if f.count > limit {
		return nil, corrupt("the TIFF's field %d has %d values; at most %d are possible", tag, f.count, limit)
	}
	v := make([]uint64, f.count)
	for i := range v {
		switch f.kind {
		case 1, 7:
			v[i] = uint64(b[i])
		case 3:
			v[i] = uint64(s.order.Uint16(b[2*i:]))
		case 4, 13:
			v[i] = uint64(s.order.Uint32(b[4*i:]))
		case 16, 18:
			v[i] = s.order.Uint64(b[8*i:])
		default:
			return nil, corrupt("the TIFF's field %d has the type %d, which is no whole number", tag, f.kind)
		}
	}
	return v, nil
}

// uint reads one whole number, or its default.
func (s *structure) uint(d directory, tag uint16, def uint64) (uint64, error) {
	v, err := s.uints(d, tag, 1<<16)
	if err != nil || len(v) == 0 {
		return def, err
	}
	return v[0], nil
}

// doubles reads at most limit numbers; nil where the field is absent.
func (s *structure) doubles(d directory, tag uint16, limit uint64) ([]float64, error) {
	b, f, err := s.raw(d, tag, limit*8)
	if b == nil || err != nil {
		return nil, err
	}
	if f.kind != 12 {
		return nil, corrupt("the TIFF's field %d has the type %d; doubles are expected", tag, f.kind)
	}
	v := make([]float64, f.count)
	for i := range v {
		v[i] = math.Float64frombits(s.order.Uint64(b[8*i:]))
	}
	return v, nil
}

// text reads characters up to the first NUL.
func (s *structure) text(d directory, tag uint16) (string, error) {
	b, _, err := s.raw(d, tag, maxText)
	if err != nil {
		return "", err
	}
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
	}
	return string(b), nil
}
