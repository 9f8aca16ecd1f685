package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Limits of a block; readers refuse what exceeds them.
const (
	maxBlockRows  = 1 << 16
	maxBlockBytes = 64 << 20 // of columns, before compression
	maxTextBytes  = 1 << 20
	// fullBlockBytes is the memory at which a table becomes a block: one more row
	// of the longest texts stays far below maxBlockBytes.
	fullBlockBytes = 8 << 20
	minCompressed  = 128 // smaller payloads are stored as they are
)

const (
	blockMagic  = 0x42485754 // "TWHB"
	blockHeader = 64         // bytes before the stream's name
)

// Bits of a block's flags.
const (
	blockZstd   = 1
	blockSorted = 2 // by id, then time
)

// errMalformed is wrapped by what decoding refuses.
var errMalformed = errors.New("history: malformed block")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// blockInfo is a block's header.
type blockInfo struct {
	crc            uint32
	stored, raw    uint32 // bytes of the payload, and of the columns in it
	rows           uint32
	kind           Kind
	flags          byte
	first          uint64 // sequence of the first event; 0 of other kinds
	time, received span
	stream         string
}

// size is the whole block's, in bytes.
func (h *blockInfo) size() int { return blockHeader + len(h.stream) + int(h.stored) }

// codec compresses and decompresses; safe for concurrent use.
type codec struct {
	enc, best *zstd.Encoder
	dec       *zstd.Decoder
}

var newCodec = sync.OnceValue(func() *codec {
	// The options are constant: no error is possible.
	enc, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true), zstd.WithLowerEncoderMem(true))
	best, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true), zstd.WithLowerEncoderMem(true))
	dec, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxBlockBytes), zstd.WithDecoderLowmem(true))
	return &codec{enc, best, dec}
})

// encoder makes blocks; it is used by one goroutine.
type encoder struct {
	columns []byte
}

// append appends the block of a table that is not empty. sorted says that its
// rows stand by id and time, and asks for the smaller form.
func (e *encoder) append(dst []byte, t *table, first uint64, sorted bool) []byte {
	s := shapes[t.kind]
	e.columns = e.columns[:0]
	for i := range s.texts {
		e.columns = appendTexts(e.columns, &t.texts[i])
	}
	for i := range s.ints {
		e.columns = appendInts(e.columns, t.ints[i])
	}
	for i := range s.floats {
		e.columns = appendFloats(e.columns, t.floats[i])
	}
	h := blockInfo{
		raw: uint32(len(e.columns)), rows: uint32(t.rows), kind: t.kind, first: first, stream: t.stream,
		time: spanOf(t.ints[colTime]), received: spanOf(t.ints[colReceived]),
	}
	if sorted {
		h.flags |= blockSorted
	}
	start := len(dst)
	dst = append(dst, make([]byte, blockHeader)...)
	dst = append(dst, t.stream...)
	payload := len(dst)
	if c := newCodec(); len(e.columns) >= minCompressed {
		h.flags |= blockZstd
		z := c.enc
		if sorted {
			z = c.best
		}
		dst = z.EncodeAll(e.columns, dst)
	} else {
		dst = append(dst, e.columns...)
	}
	h.stored = uint32(len(dst) - payload)
	h.put(dst[start:])
	if cap(e.columns) > maxBlockBytes/8 {
		e.columns = nil
	}
	return dst
}

// put writes the header into the first bytes of a block, with its checksum.
func (h *blockInfo) put(b []byte) {
	le := binary.LittleEndian
	le.PutUint32(b, blockMagic)
	le.PutUint32(b[8:], h.stored)
	le.PutUint32(b[12:], h.raw)
	le.PutUint32(b[16:], h.rows)
	b[20], b[21], b[22], b[23] = byte(h.kind), h.flags, byte(len(h.stream)), 0
	le.PutUint64(b[24:], h.first)
	le.PutUint64(b[32:], uint64(h.time.min))
	le.PutUint64(b[40:], uint64(h.time.max))
	le.PutUint64(b[48:], uint64(h.received.min))
	le.PutUint64(b[56:], uint64(h.received.max))
	le.PutUint32(b[4:], crc32.Checksum(b[8:], castagnoli))
}

// readBlockInfo reads the header at the start of b, which must hold the name too.
func readBlockInfo(b []byte) (blockInfo, error) {
	le := binary.LittleEndian
	if len(b) < blockHeader || le.Uint32(b) != blockMagic {
		return blockInfo{}, fmt.Errorf("%w: no block begins here", errMalformed)
	}
	h := blockInfo{
		crc: le.Uint32(b[4:]), stored: le.Uint32(b[8:]), raw: le.Uint32(b[12:]), rows: le.Uint32(b[16:]), kind: Kind(b[20]), flags: b[21],
		first: le.Uint64(b[24:]), time: span{int64(le.Uint64(b[32:])), int64(le.Uint64(b[40:]))},
		received: span{int64(le.Uint64(b[48:])), int64(le.Uint64(b[56:]))},
	}
	name := int(b[22])
	if len(b) < blockHeader+name {
		return h, fmt.Errorf("%w: the header breaks off", errMalformed)
	}
	h.stream = string(b[blockHeader : blockHeader+name])
	if h.kind == 0 || h.kind >= numKinds || h.rows == 0 || h.rows > maxBlockRows || h.raw > maxBlockBytes || h.stored > maxBlockBytes ||
		h.flags&^(blockZstd|blockSorted) != 0 || b[23] != 0 || !validStream(h.stream) {
		return h, fmt.Errorf("%w: kind %d, %d rows, %d bytes", errMalformed, h.kind, h.rows, h.raw)
	}
	return h, nil
}

// decode reads a whole block into t. wanted may look at the ids before the rest
// is read; false leaves t without rows.
func decode(b []byte, t *table, wanted func(*table) bool) (blockInfo, error) {
	h, err := readBlockInfo(b)
	if err != nil {
		return h, err
	}
	if len(b) != h.size() {
		return h, fmt.Errorf("%w: %d bytes, expected %d", errMalformed, len(b), h.size())
	}
	if crc32.Checksum(b[8:], castagnoli) != h.crc {
		return h, fmt.Errorf("%w: the checksum does not match", errMalformed)
	}
	return h, decodePayload(&h, b[blockHeader+len(h.stream):], t, wanted)
}

// payloads holds the memory of columns that are being read.
var payloads = sync.Pool{New: func() any { return new([]byte) }}

func decodePayload(h *blockInfo, payload []byte, t *table, wanted func(*table) bool) error {
	if h.flags&blockZstd != 0 {
		var head zstd.Header
		if err := head.Decode(payload); err != nil || !head.HasFCS || head.FrameContentSize != uint64(h.raw) {
			return fmt.Errorf("%w: the compressed columns are not of %d bytes", errMalformed, h.raw)
		}
		buf := payloads.Get().(*[]byte)
		defer payloads.Put(buf)
		out, err := newCodec().dec.DecodeAll(payload, (*buf)[:0])
		if err != nil {
			return fmt.Errorf("%w: %w", errMalformed, err)
		}
		*buf, payload = out[:0], out
	}
	if len(payload) != int(h.raw) {
		return fmt.Errorf("%w: columns of %d bytes, expected %d", errMalformed, len(payload), h.raw)
	}
	t.reset(h.kind, h.stream)
	s, rows := shapes[h.kind], int(h.rows)
	r := reader{b: payload}
	r.texts(&t.texts[colID], rows)
	if r.bad == nil && wanted != nil && !wanted(t) {
		return nil
	}
	for i := 1; i < s.texts; i++ {
		r.texts(&t.texts[i], rows)
	}
	for i := range s.ints {
		t.ints[i] = r.ints(t.ints[i], rows)
	}
	for i := range s.floats {
		t.floats[i] = r.floats(t.floats[i], rows)
	}
	if r.bad == nil && len(r.b) > 0 {
		r.fail("%d bytes too many", len(r.b))
	}
	if r.bad == nil && h.kind.placed() && !onEarth(t) {
		r.fail("a place that is none")
	}
	if r.bad != nil {
		t.reset(h.kind, h.stream)
		return fmt.Errorf("%w: %w", errMalformed, r.bad)
	}
	t.rows = rows
	return nil
}

func onEarth(t *table) bool {
	for i, lon := range t.floats[posLon] {
		lat := t.floats[posLat][i]
		if lon < -180 || lon > 180 || lat < -90 || lat > 90 || (lon != lon) != (lat != lat) || t.kind == KindPosition && lon != lon {
			return false
		}
	}
	return true
}
