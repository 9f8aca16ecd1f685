package geotiff

import (
	"math"
	"strings"

	"twind/layers"
)

// SampleType is the type of the samples of an image.
type SampleType uint8

// The sample types. Bit is read as bytes of 0 and 1.
const (
	Bit SampleType = iota
	Uint8
	Int8
	Uint16
	Int16
	Uint32
	Int32
	Uint64
	Int64
	Float32
	Float64
)

var sampleSizes = [...]int{Bit: 1, Uint8: 1, Int8: 1, Uint16: 2, Int16: 2, Uint32: 4, Int32: 4, Uint64: 8, Int64: 8, Float32: 4, Float64: 8}

// Size is the width of a decoded sample in bytes.
func (t SampleType) Size() int { return sampleSizes[t] }

// Compression is a TIFF compression scheme.
type Compression uint16

// The schemes that are read.
const (
	None       Compression = 1
	LZW        Compression = 5
	JPEG       Compression = 7
	Deflate    Compression = 8
	PackBits   Compression = 32773
	oldDeflate Compression = 32946
	Zstd       Compression = 50000
)

// Photometric is a TIFF photometric interpretation.
type Photometric uint16

// The interpretations that RGBA knows.
const (
	WhiteIsZero Photometric = iota
	BlackIsZero
	RGB
	Palette
	transparencyMask
	_
	YCbCr
)

const (
	maxSide       = 1 << 30   // pixels of a side
	maxBlockBytes = 128 << 20 // of a decoded block
	maxBands      = 1024
	directRows    = 256 << 10 // bytes: an uncompressed strip is read in pieces of about this size
)

// Image is one image of a file: the full one or a reduced one.
type Image struct {
	Width, Height int // pixels
	Bands         int // samples per pixel
	Type          SampleType
	Compression   Compression
	Photometric   Photometric
	// BlockWidth and BlockHeight are the size of what is read and kept at once,
	// in pixels: a tile, a strip, or some rows of an uncompressed strip.
	BlockWidth, BlockHeight int
	Tiled                   bool
	// Alpha is the number from 0 of the band that holds opacity, −1 without.
	Alpha int

	planar      bool
	predictor   int
	across      int // blocks in a row
	down        int
	splits      int // pieces in an uncompressed strip
	stripRows   int // rows of a strip, for those
	offsets     []uint64
	counts      []uint64
	jpegTables  []byte
	colorMap    []uint64
	mask        *Image // opacity of the same size
	index       int    // in the file, for the cache
	subfileType uint64
	ycbcr       bool
}

func (m *Image) bandsPerBlock() int {
	if m.planar {
		return 1
	}
	return m.Bands
}

// blockBytes is the size of a decoded block of full height.
func (m *Image) blockBytes() int {
	return m.BlockWidth * m.BlockHeight * m.bandsPerBlock() * m.Type.Size()
}

// image reads what a directory says of an image.
func (s *structure) image(d directory) (*Image, error) {
	m := &Image{Alpha: -1}
	steps := []func(directory, *Image) error{s.imageSize, s.imageType, s.imageScheme, s.imageBlocks, s.imageColors}
	for _, step := range steps {
		if err := step(d, m); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// numbers reads fields of one number each; the first error ends it.
func (s *structure) numbers(d directory, list ...number) error {
	for _, n := range list {
		v, err := s.uint(d, n.tag, n.def)
		if err != nil {
			return err
		}
		*n.to = v
	}
	return nil
}

type number struct {
	tag uint16
	def uint64
	to  *uint64
}

func (s *structure) imageSize(d directory, m *Image) error {
	var w, h, bands uint64
	if err := s.numbers(d, number{tagWidth, 0, &w}, number{tagHeight, 0, &h}, number{tagSamplesPerPixel, 1, &bands}, number{tagNewSubfileType, 0, &m.subfileType}); err != nil {
		return err
	}
	if w == 0 || h == 0 || w > maxSide || h > maxSide {
		return corrupt("the TIFF says that its image has %d × %d pixels; 1 to %d a side are possible", w, h, maxSide)
	}
	if bands == 0 || bands > maxBands {
		return unsupported("the TIFF has %d bands; at most %d are read: choose some with gdal_translate -b", bands, maxBands)
	}
	m.Width, m.Height, m.Bands = int(w), int(h), int(bands)
	return nil
}

// sampleTypes by sample format and bits.
var sampleTypes = map[[2]uint64]SampleType{
	{1, 1}: Bit, {1, 8}: Uint8, {2, 8}: Int8, {1, 16}: Uint16, {2, 16}: Int16, {1, 32}: Uint32, {2, 32}: Int32,
	{1, 64}: Uint64, {2, 64}: Int64, {3, 32}: Float32, {3, 64}: Float64,
}

func (s *structure) imageType(d directory, m *Image) error {
	bits, err := s.uints(d, tagBitsPerSample, maxBands)
	if err != nil {
		return err
	}
	formats, err := s.uints(d, tagSampleFormat, maxBands)
	if err != nil {
		return err
	}
	same := func(v []uint64, def uint64) (uint64, bool) {
		for _, x := range v {
			if x != v[0] {
				return 0, false
			}
		}
		if len(v) == 0 {
			return def, true
		}
		return v[0], true
	}
	b, ok1 := same(bits, 1)
	f, ok2 := same(formats, 1)
	if f == 4 { // undefined: the specification treats it as unsigned
		f = 1
	}
	t, known := sampleTypes[[2]uint64{f, b}]
	if !ok1 || !ok2 || !known {
		return unsupported("the TIFF has samples of %d bits in format %d; make them Float32 or Byte with gdal_translate -ot", b, f)
	}
	m.Type = t
	return nil
}

func (s *structure) imageScheme(d directory, m *Image) error {
	var compression, planar, predictor, fill, photometric uint64
	if err := s.numbers(d, number{tagCompression, 1, &compression}, number{tagPlanar, 1, &planar}, number{tagPredictor, 1, &predictor},
		number{tagFillOrder, 1, &fill}, number{tagPhotometric, 1, &photometric}); err != nil {
		return err
	}
	m.Compression, m.planar, m.predictor, m.Photometric = Compression(compression), planar == 2 && m.Bands > 1, int(predictor), Photometric(photometric)
	if m.Compression == oldDeflate {
		m.Compression = Deflate
	}
	switch m.Compression {
	case None, PackBits:
		m.predictor = 1
	case LZW, Deflate, Zstd:
	case JPEG:
		m.predictor = 1
		if m.Type != Uint8 {
			return unsupported("the TIFF has JPEG of samples that are no bytes; make it again with gdal_translate -co COMPRESS=DEFLATE")
		}
	default:
		return unsupported("the TIFF is compressed with scheme %d, which twind does not read; make it again with gdal_translate -co COMPRESS=DEFLATE", compression)
	}
	float := m.Type == Float32 || m.Type == Float64
	switch {
	case planar != 1 && planar != 2:
		return corrupt("the TIFF has the planar configuration %d; 1 and 2 exist", planar)
	case fill != 1 && m.Compression != JPEG:
		return unsupported("the TIFF has bits in reverse order (fill order %d); make it again with gdal_translate", fill)
	case m.predictor < 1 || m.predictor > 3 || m.predictor == 3 && !float || m.predictor == 2 && m.Type == Bit:
		return unsupported("the TIFF has predictor %d for its type of samples; make it again with gdal_translate -co PREDICTOR=1", predictor)
	}
	m.ycbcr = m.Compression == JPEG && m.Photometric == YCbCr
	if m.Photometric == YCbCr && m.Compression != JPEG {
		return unsupported("the TIFF has YCbCr colours without JPEG; make it again with gdal_translate -expand rgb")
	}
	return nil
}

func (s *structure) imageBlocks(d directory, m *Image) error {
	offsetTag, countTag := uint16(tagStripOffsets), uint16(tagStripByteCounts)
	var w, h uint64
	_, m.Tiled = d[tagTileWidth]
	if m.Tiled {
		offsetTag, countTag = tagTileOffsets, tagTileByteCounts
		if err := s.numbers(d, number{tagTileWidth, 0, &w}, number{tagTileHeight, 0, &h}); err != nil {
			return err
		}
	} else {
		if err := s.numbers(d, number{tagRowsPerStrip, math.MaxUint32, &h}); err != nil {
			return err
		}
		w, h = uint64(m.Width), min(h, uint64(m.Height))
	}
	if w == 0 || h == 0 || w > maxSide || h > maxSide {
		return corrupt("the TIFF has blocks of %d × %d pixels", w, h)
	}
	m.BlockWidth, m.BlockHeight = int(w), int(h)
	m.split()
	if row := float64(w) * float64(m.bandsPerBlock()*m.Type.Size()); row*float64(m.BlockHeight) > maxBlockBytes {
		return unsupported("the TIFF has blocks of %d × %d pixels, which is more than %d MB each; make it again with gdal_translate -co TILED=YES", w, h, maxBlockBytes>>20)
	}
	m.across, m.down = (m.Width-1)/m.BlockWidth+1, (m.Height-1)/max(m.stripRows, m.BlockHeight)+1
	want := uint64(m.across) * uint64(m.down)
	if m.planar {
		want *= uint64(m.Bands)
	}
	if want > maxBlocks {
		return unsupported("the TIFF has %d blocks; at most %d are read: make it again with gdal_translate -co TILED=YES -co BLOCKXSIZE=512 -co BLOCKYSIZE=512", want, maxBlocks)
	}
	return s.blockPlaces(d, m, offsetTag, countTag, want)
}

// split makes large uncompressed strips into pieces of some rows.
func (m *Image) split() {
	m.splits = 1
	if m.Tiled || m.Compression != None || m.Type == Bit {
		return
	}
	rows := max(1, directRows/(m.BlockWidth*m.bandsPerBlock()*m.Type.Size()))
	if rows >= m.BlockHeight {
		return
	}
	m.stripRows = m.BlockHeight
	m.BlockHeight = rows
	m.splits = (m.stripRows-1)/rows + 1
}

func (s *structure) blockPlaces(d directory, m *Image, offsetTag, countTag uint16, want uint64) error {
	var err error
	if m.offsets, err = s.uints(d, offsetTag, maxBlocks); err != nil {
		return err
	}
	if m.counts, err = s.uints(d, countTag, maxBlocks); err != nil {
		return err
	}
	if m.counts == nil && want == 1 && len(m.offsets) == 1 && m.Compression == None { // old writers leave it out
		m.counts = []uint64{uint64(s.size) - min(m.offsets[0], uint64(s.size))}
	}
	if uint64(len(m.offsets)) < want || uint64(len(m.counts)) < want {
		return corrupt("the TIFF lists %d offsets and %d lengths of %d blocks", len(m.offsets), len(m.counts), want)
	}
	for i, offset := range m.offsets[:want] {
		if size := uint64(s.size); m.counts[i] > size || offset > size-m.counts[i] {
			return corrupt("the TIFF ends after %d bytes, before block %d, which has %d bytes from %d on; the file was cut off, copy it again", s.size, i, m.counts[i], offset)
		}
	}
	return nil
}

func (s *structure) imageColors(d directory, m *Image) error {
	var err error
	if m.jpegTables, _, err = s.raw(d, tagJPEGTables, 1<<20); err != nil {
		return err
	}
	if m.colorMap, err = s.uints(d, tagColorMap, 3<<16); err != nil {
		return err
	}
	extra, err := s.uints(d, tagExtraSamples, maxBands)
	if err != nil {
		return err
	}
	colors := m.Bands - len(extra)
	for i, e := range extra {
		if (e == 1 || e == 2) && colors+i >= 0 {
			m.Alpha = colors + i
		}
	}
	if m.Photometric == Palette && (m.Type != Uint8 || len(m.colorMap) < 3*256) {
		return unsupported("the TIFF has a palette for samples that are no bytes; make it again with gdal_translate -expand rgba")
	}
	return nil
}

// IsMask tells whether the image is a mask of another, one bit or byte a pixel.
func (m *Image) isMask() bool {
	return m.subfileType&4 != 0 && m.Bands == 1 && (m.Type == Bit || m.Type == Uint8)
}

func (m *Image) isReduced() bool { return m.subfileType&1 != 0 }

// named puts the file's name before an error's sentence.
func named(name string, err error) error {
	if name == "" || err == nil {
		return err
	}
	for _, kind := range []error{layers.ErrInvalid, layers.ErrUnsupported, layers.ErrCorrupt, layers.ErrUnavailable} {
		if isKind(err, kind) {
			return layers.Errorf(kind, "%s: %w", strings.ReplaceAll(name, "\n", " "), err)
		}
	}
	return err
}
