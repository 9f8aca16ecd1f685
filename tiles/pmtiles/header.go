package pmtiles

import (
	"encoding/binary"
	"math"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
)

// Sizes of the format, in bytes.
const (
	HeaderSize = 127
	firstBytes = 16384                   // hold header and root directory
	maxRoot    = firstBytes - HeaderSize // of the compressed root directory
)

// Compression of directories, metadata or tiles.
type Compression uint8

// The compressions. Brotli is not read.
const (
	UnknownCompression Compression = iota
	NoCompression
	Gzip
	Brotli
	Zstd
)

// String is the value of Content-Encoding; "" for none and unknown.
func (c Compression) String() string {
	switch c {
	case Gzip:
		return "gzip"
	case Brotli:
		return "br"
	case Zstd:
		return "zstd"
	}
	return ""
}

// TileType says what the tiles are.
type TileType uint8

// The tile types.
const (
	Other TileType = iota
	MVT
	PNG
	JPEG
	WebP
	AVIF
	MLT // MapLibre Vector Tile
)

// Header is the fixed part of an archive. Offsets are bytes from the beginning
// of the file.
type Header struct {
	RootOffset, RootLength         uint64
	MetadataOffset, MetadataLength uint64
	LeavesOffset, LeavesLength     uint64
	DataOffset, DataLength         uint64
	Addressed                      uint64 // tiles, runs counted in full; 0 is unknown
	Entries                        uint64 // of tiles in all directories; 0 is unknown
	Contents                       uint64 // different tiles; 0 is unknown
	Clustered                      bool   // tile data lies in the order of the tile ids
	Internal                       Compression
	Tiles                          Compression
	Type                           TileType
	MinZoom, MaxZoom               uint8
	CenterZoom                     uint8
	Bounds                         spatial.Envelope // degrees
	Center                         [2]float64       // longitude, latitude, degrees
}

// le is the byte order of the header.
var le = binary.LittleEndian

// ParseHeader reads the first HeaderSize bytes of an archive; it fails with
// layers.ErrCorrupt.
func ParseHeader(b []byte) (h Header, err error) {
	if len(b) < HeaderSize || string(b[:7]) != "PMTiles" {
		return h, layers.Errorf(layers.ErrCorrupt, "not a PMTiles archive: it does not begin with \"PMTiles\" and a header of %d bytes", HeaderSize)
	}
	if b[7] != 3 {
		return h, layers.Errorf(layers.ErrCorrupt, "PMTiles version %d; only version 3 is read (pmtiles convert makes it of an older file)", b[7])
	}
	at := 8
	for _, v := range []*uint64{&h.RootOffset, &h.RootLength, &h.MetadataOffset, &h.MetadataLength, &h.LeavesOffset, &h.LeavesLength, &h.DataOffset, &h.DataLength, &h.Addressed, &h.Entries, &h.Contents} {
		*v = le.Uint64(b[at:])
		at += 8
	}
	h.Clustered = b[96] == 1
	h.Internal, h.Tiles, h.Type = Compression(b[97]), Compression(b[98]), TileType(b[99])
	h.MinZoom, h.MaxZoom = b[100], b[101]
	h.Bounds = spatial.Envelope{MinX: degrees(b[102:]), MinY: degrees(b[106:]), MaxX: degrees(b[110:]), MaxY: degrees(b[114:])}
	h.CenterZoom = b[118]
	h.Center = [2]float64{degrees(b[119:]), degrees(b[123:])}
	return h, h.check()
}

// check refuses what cannot be true of any file.
func (h *Header) check() error {
	bad := func(format string, args ...any) error { return layers.Errorf(layers.ErrCorrupt, format, args...) }
	if h.MinZoom > h.MaxZoom || h.MinZoom > tile.MaxZoom {
		return bad("the header's zooms are %d to %d; expected 0 to %d", h.MinZoom, h.MaxZoom, tile.MaxZoom)
	}
	if h.RootOffset < HeaderSize || h.RootLength == 0 || h.RootLength > maxRoot || h.RootOffset > firstBytes-h.RootLength {
		return bad("the root directory (%d bytes at %d) is not within the first %d bytes", h.RootLength, h.RootOffset, firstBytes)
	}
	if h.Internal != NoCompression && h.Internal != Gzip && h.Internal != Zstd {
		return bad("directories compressed in way %d are not read; none, gzip and zstd are", h.Internal)
	}
	if h.Tiles > Zstd {
		return bad("the header names a compression of tiles, %d, that does not exist", h.Tiles)
	}
	for _, s := range h.sections() {
		if s.length > math.MaxInt64 || s.offset > math.MaxInt64-s.length {
			return bad("the %s (%d bytes at %d) would end beyond any file", s.name, s.length, s.offset)
		}
	}
	return nil
}

type section struct {
	name           string
	offset, length uint64
}

func (h *Header) sections() [4]section {
	return [4]section{
		{"root directory", h.RootOffset, h.RootLength},
		{"metadata", h.MetadataOffset, h.MetadataLength},
		{"leaf directories", h.LeavesOffset, h.LeavesLength},
		{"tile data", h.DataOffset, h.DataLength},
	}
}

// fits refuses sections that do not lie in a file of size bytes.
func (h *Header) fits(size int64) error {
	for _, s := range h.sections() {
		if s.length > 0 && s.offset+s.length > uint64(size) {
			return layers.Errorf(layers.ErrCorrupt, "the header puts the %s at bytes %d to %d, but there are only %d: the file is cut off", s.name, s.offset, s.offset+s.length, size)
		}
	}
	return nil
}

// Append appends the HeaderSize bytes of h.
func (h *Header) Append(dst []byte) []byte {
	dst = append(dst, "PMTiles\x03"...)
	for _, v := range []uint64{h.RootOffset, h.RootLength, h.MetadataOffset, h.MetadataLength, h.LeavesOffset, h.LeavesLength, h.DataOffset, h.DataLength, h.Addressed, h.Entries, h.Contents} {
		dst = le.AppendUint64(dst, v)
	}
	clustered := byte(0)
	if h.Clustered {
		clustered = 1
	}
	dst = append(dst, clustered, byte(h.Internal), byte(h.Tiles), byte(h.Type), h.MinZoom, h.MaxZoom)
	for _, v := range []float64{h.Bounds.MinX, h.Bounds.MinY, h.Bounds.MaxX, h.Bounds.MaxY} {
		dst = le.AppendUint32(dst, e7(v))
	}
	dst = append(dst, h.CenterZoom)
	dst = le.AppendUint32(dst, e7(h.Center[0]))
	return le.AppendUint32(dst, e7(h.Center[1]))
}

func degrees(b []byte) float64 { return max(-180, min(180, float64(int32(le.Uint32(b)))/1e7)) }

func e7(v float64) uint32 {
	return uint32(int32(math.Round(max(-180, min(180, v)) * 1e7)))
}
