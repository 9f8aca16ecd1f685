package pmtiles

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
)

// maxContents bounds the contents that the writer remembers to find repeated
// ones, about 64 bytes each; those after it are written again.
const maxContents = 1 << 20

// WriterOptions describe an archive.
type WriterOptions struct {
	Metadata Metadata
	Type     TileType
	Tiles    Compression      // how the tiles given to Add are compressed
	Bounds   spatial.Envelope // degrees; empty is the world
	// Center is the longitude, latitude and zoom to begin at.
	Center [3]float64
}

// Writer makes an archive. Tiles may come in any order, best by TileID: memory
// then holds 24 bytes a run of them, else about four times that. Their bytes wait
// in a temporary file beside the archive. It is not safe for concurrent use.
type Writer struct {
	path     string
	o        WriterOptions
	spool    *os.File
	w        *bufio.Writer
	size     uint64 // of the spool
	entries  directory
	held     map[[16]byte]entry // content to where it lies
	sorted   bool               // the entries' ids rise
	count    uint64             // tiles
	contents uint64             // different ones
	zooms    [2]uint8
}

// Create begins an archive that Close will put at path. It fails with
// layers.ErrUnavailable where path cannot be written.
func Create(path string, o WriterOptions) (*Writer, error) {
	spool, err := os.CreateTemp(filepath.Dir(path), ".twind-tiles-*")
	if err != nil {
		return nil, cannot(path, err)
	}
	return &Writer{
		path: path, o: o, spool: spool, w: bufio.NewWriterSize(spool, 1<<20), held: map[[16]byte]entry{},
		sorted: true, zooms: [2]uint8{tile.MaxZoom, 0},
	}, nil
}

func cannot(path string, err error) error {
	return layers.Errorf(layers.ErrUnavailable, "%s cannot be written: %w", path, reason(err))
}

// Add adds a tile of 1 to MaxTileBytes bytes, which it does not keep. It fails
// with layers.ErrInvalid for others and layers.ErrUnavailable when the disk does.
func (w *Writer) Add(t tile.ID, data []byte) error {
	if len(data) == 0 || len(data) > MaxTileBytes {
		return layers.Errorf(layers.ErrInvalid, "tile %v has %d bytes; an archive holds tiles of 1 to %d", t, len(data), MaxTileBytes)
	}
	sum := sha256.Sum256(data)
	key := [16]byte(sum[:16])
	e, ok := w.held[key]
	if !ok {
		e = entry{offset: w.size, length: uint32(len(data)), run: 1}
		if _, err := w.w.Write(data); err != nil {
			return cannot(w.path, err)
		}
		w.size += uint64(len(data))
		w.contents++
		if len(w.held) < maxContents {
			w.held[key] = e
		}
	}
	e.id = TileID(t)
	w.zooms = [2]uint8{min(w.zooms[0], t.Z), max(w.zooms[1], t.Z)}
	w.count++
	if n := len(w.entries); n > 0 {
		last := &w.entries[n-1]
		if e.id == last.id+uint64(last.run) && e.offset == last.offset {
			last.run++
			return nil
		}
		w.sorted = w.sorted && e.id >= last.id+uint64(last.run)
	}
	w.entries = append(w.entries, e)
	return nil
}

// Count is the number of tiles added.
func (w *Writer) Count() int64 { return int64(w.count) }

// Abort gives the archive up; it does nothing after Close.
func (w *Writer) Abort() {
	if w.spool != nil {
		name := w.spool.Name()
		w.spool.Close()
		_ = os.Remove(name)
		w.spool = nil
	}
}

// Close writes the archive and puts it at its path, replacing what is there at
// once. It fails with layers.ErrInvalid when there are no tiles or one came
// twice, and layers.ErrUnavailable when the disk does; path is then as it was.
func (w *Writer) Close() error {
	defer w.Abort()
	if w.spool == nil {
		return os.ErrClosed
	}
	if len(w.entries) == 0 {
		return layers.Errorf(layers.ErrInvalid, "there are no tiles to write into %s", w.path)
	}
	if err := w.w.Flush(); err != nil {
		return cannot(w.path, err)
	}
	order, err := w.arrange()
	if err != nil {
		return err
	}
	out, err := os.CreateTemp(filepath.Dir(w.path), ".twind-pmtiles-*")
	if err != nil {
		return cannot(w.path, err)
	}
	defer os.Remove(out.Name()) // fails once it is renamed
	defer out.Close()
	if err := w.write(out, order); err != nil {
		return cannot(w.path, err)
	}
	if err := errors.Join(out.Chmod(0o644), out.Sync(), out.Close()); err != nil {
		return cannot(w.path, err)
	}
	if err := os.Rename(out.Name(), w.path); err != nil {
		return cannot(w.path, err)
	}
	return nil
}

// arrange sorts the entries, joins runs and gives each its place in the tile
// data: the order in which contents are first used. It returns the stretches of
// the spool in that order.
func (w *Writer) arrange() (order []stretch, err error) {
	if w.sorted {
		return []stretch{{0, w.size}}, nil
	}
	slices.SortFunc(w.entries, func(a, b entry) int { return cmp.Compare(a.id, b.id) })
	moved := make(map[uint64]uint64, len(w.entries))
	joined := w.entries[:0]
	next := uint64(0)
	for _, e := range w.entries {
		to, ok := moved[e.offset]
		if !ok {
			order = addStretch(order, e.offset, uint64(e.length))
			to, moved[e.offset] = next, next
			next += uint64(e.length)
		}
		e.offset = to
		if n := len(joined); n > 0 {
			last := &joined[n-1]
			if e.id < last.id+uint64(last.run) {
				t, _ := TileOf(e.id)
				return nil, layers.Errorf(layers.ErrInvalid, "tile %v was added twice", t)
			}
			if e.id == last.id+uint64(last.run) && e.offset == last.offset {
				last.run += e.run
				continue
			}
		}
		joined = append(joined, e)
	}
	w.entries = joined
	return order, nil
}

// stretch is bytes [begin, end) of the spool.
type stretch struct{ begin, end uint64 }

func addStretch(list []stretch, begin, length uint64) []stretch {
	if n := len(list); n > 0 && list[n-1].end == begin {
		list[n-1].end += length
		return list
	}
	return append(list, stretch{begin, begin + length})
}

// write writes all sections.
func (w *Writer) write(out io.Writer, order []stretch) error {
	z := newDeflater(6)
	root, leaves, err := split(w.entries, z.compress)
	if err != nil {
		return err
	}
	text, err := json.Marshal(w.o.Metadata)
	if err != nil {
		return err
	}
	meta, err := z.compress(nil, text)
	if err != nil {
		return err
	}
	h := w.header()
	h.RootLength = uint64(len(root))
	h.MetadataOffset, h.MetadataLength = h.RootOffset+h.RootLength, uint64(len(meta))
	h.LeavesOffset, h.LeavesLength = h.MetadataOffset+h.MetadataLength, uint64(len(leaves))
	h.DataOffset = h.LeavesOffset + h.LeavesLength
	h.DataLength = w.size
	for _, part := range [][]byte{h.Append(nil), root, meta, leaves} {
		if _, err := out.Write(part); err != nil {
			return err
		}
	}
	return w.copyTiles(out, order)
}

func (w *Writer) header() Header {
	b := w.o.Bounds
	if b.IsEmpty() {
		b = spatial.Envelope{MinX: -180, MinY: -tile.MaxLatitude, MaxX: 180, MaxY: tile.MaxLatitude}
	}
	return Header{
		RootOffset: HeaderSize, Addressed: w.count, Entries: uint64(len(w.entries)), Contents: w.contents, Clustered: true,
		Internal: Gzip, Tiles: w.o.Tiles, Type: w.o.Type, MinZoom: w.zooms[0], MaxZoom: w.zooms[1],
		CenterZoom: uint8(w.o.Center[2]), Bounds: b, Center: [2]float64{w.o.Center[0], w.o.Center[1]},
	}
}

// copyTiles copies the contents from the spool.
func (w *Writer) copyTiles(out io.Writer, order []stretch) error {
	for _, part := range order {
		if _, err := w.spool.Seek(int64(part.begin), io.SeekStart); err != nil {
			return err
		}
		if _, err := io.CopyN(out, w.spool, int64(part.end-part.begin)); err != nil {
			return err
		}
	}
	return nil
}
