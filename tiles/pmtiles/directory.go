package pmtiles

import (
	"encoding/binary"
	"math"
	"slices"
	"sort"

	"twind/layers"
)

// Caps on what a file may ask the reader to do.
const (
	MaxDepth        = 4        // directories from the root to a tile
	MaxEntries      = 1 << 20  // of one directory
	MaxTileBytes    = 16 << 20 // of one tile as it is stored
	maxDirectory    = 4 << 20  // bytes of one compressed directory
	maxRawDirectory = 16 << 20 // bytes of one directory
)

// entry says where the tiles id … id+run−1 lie; run 0 is a leaf directory.
type entry struct {
	id     uint64
	offset uint64
	length uint32
	run    uint32
}

// directory holds entries in the order of their ids.
type directory []entry

// find is the entry that holds a tile or the leaf directory that may.
func (d directory) find(id uint64) (entry, bool) {
	i := sort.Search(len(d), func(i int) bool { return d[i].id > id })
	if i == 0 {
		return entry{}, false
	}
	e := d[i-1]
	return e, e.run == 0 || id-e.id < uint64(e.run)
}

// bytes is the memory that a directory takes.
func (d directory) bytes() int64 { return int64(cap(d))*24 + 64 }

// appendDirectory appends the uncompressed form of a directory.
func appendDirectory(dst []byte, d directory) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(d)))
	last := uint64(0)
	for _, e := range d {
		dst = binary.AppendUvarint(dst, e.id-last)
		last = e.id
	}
	for _, e := range d {
		dst = binary.AppendUvarint(dst, uint64(e.run))
	}
	for _, e := range d {
		dst = binary.AppendUvarint(dst, uint64(e.length))
	}
	next := uint64(0)
	for i, e := range d {
		if i > 0 && e.offset == next {
			dst = append(dst, 0)
		} else {
			dst = binary.AppendUvarint(dst, e.offset+1)
		}
		next = e.offset + uint64(e.length)
	}
	return dst
}

// varints reads numbers one after the other; bad stays set once one is cut off
// or longer than 64 bits.
type varints struct {
	b   []byte
	bad bool
}

func (v *varints) next() uint64 {
	n, size := binary.Uvarint(v.b)
	if size <= 0 {
		v.bad, v.b = true, nil
		return 0
	}
	v.b = v.b[size:]
	return n
}

// parseDirectory reads the uncompressed form of a directory whose tiles lie in a
// section of data bytes and whose leaves in one of leaves bytes.
func parseDirectory(b []byte, data, leaves uint64) (directory, error) {
	v := varints{b: b}
	n := v.next()
	if v.bad || n == 0 || n > MaxEntries || n > uint64(len(b))/4 {
		return nil, layers.Errorf(layers.ErrCorrupt, "a directory of %d bytes says that it has %d entries; expected 1 to %d", len(b), n, min(MaxEntries, len(b)/4))
	}
	d := make(directory, n)
	last := uint64(0)
	for i := range d {
		delta := v.next()
		if i > 0 && delta == 0 || delta > math.MaxUint64-last {
			return nil, disorder(i)
		}
		last += delta
		d[i].id = last
	}
	for i := range d {
		run := v.next()
		if run > math.MaxUint32 || i+1 < len(d) && run > d[i+1].id-d[i].id || run > math.MaxUint64-d[i].id {
			return nil, layers.Errorf(layers.ErrCorrupt, "entry %d of a directory covers %d tiles and so overlaps the next one", i, run)
		}
		d[i].run = uint32(run)
	}
	for i := range d {
		length := v.next()
		most := uint64(MaxTileBytes)
		if d[i].run == 0 {
			most = maxDirectory
		}
		if length == 0 || length > most {
			return nil, layers.Errorf(layers.ErrCorrupt, "entry %d of a directory has %d bytes; expected 1 to %d", i, length, most)
		}
		d[i].length = uint32(length)
	}
	err := d.place(&v, data, leaves)
	if v.bad || err == nil && len(v.b) != 0 {
		return nil, layers.Errorf(layers.ErrCorrupt, "a directory of %d bytes does not end where its %d entries end", len(b), n)
	}
	return d, err
}

func disorder(i int) error {
	return layers.Errorf(layers.ErrCorrupt, "the tile ids of a directory do not rise at entry %d", i)
}

// place reads the offsets.
func (d directory) place(v *varints, data, leaves uint64) error {
	for i := range d {
		switch o := v.next(); {
		case o > 0:
			d[i].offset = o - 1
		case i > 0:
			d[i].offset = d[i-1].offset + uint64(d[i-1].length)
		default:
			return layers.Errorf(layers.ErrCorrupt, "the first entry of a directory has no offset")
		}
		size, what := data, "tile data"
		if d[i].run == 0 {
			size, what = leaves, "leaf directories"
		}
		if d[i].offset > size || uint64(d[i].length) > size-d[i].offset {
			return layers.Errorf(layers.ErrCorrupt, "entry %d of a directory lies at bytes %d to %d of the %s, which have only %d", i, d[i].offset, d[i].offset+uint64(d[i].length), what, size)
		}
	}
	return nil
}

// split makes the root directory of entries and the section of leaf directories,
// both compressed by compress: all in the root if they fit, else leaves of a
// size at which the root fits.
func split(entries directory, compress func(dst, raw []byte) ([]byte, error)) (root, leaves []byte, err error) {
	if len(entries) <= maxRoot { // an entry takes a byte or more, mostly
		if root, err = compress(nil, appendDirectory(nil, entries)); err != nil || len(root) <= maxRoot {
			return root, nil, err
		}
	}
	for size := max(4096, len(entries)/3500); ; size += size / 5 {
		var top directory
		var raw, packed []byte
		leaves = leaves[:0]
		for part := range slices.Chunk(entries, size) {
			raw = appendDirectory(raw[:0], part)
			if packed, err = compress(packed[:0], raw); err != nil {
				return nil, nil, err
			}
			top = append(top, entry{id: part[0].id, offset: uint64(len(leaves)), length: uint32(len(packed))})
			leaves = append(leaves, packed...)
		}
		if root, err = compress(nil, appendDirectory(raw[:0], top)); err != nil || len(root) <= maxRoot {
			return root, leaves, err
		}
	}
}
