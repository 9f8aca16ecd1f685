package pmtiles

import (
	"context"
	"fmt"

	"golang.org/x/sync/singleflight"

	"twind/layers"
	"twind/spatial/tile"
)

// ReaderOptions bound what a reader keeps.
type ReaderOptions struct {
	DirectoryBytes int64 // for leaf directories; default 128 MiB
	TileBytes      int64 // for tiles; default 0: they are read each time
}

// Reader finds tiles in one state of an archive. It is safe for concurrent use.
type Reader struct {
	src      Source
	header   Header
	metadata Metadata
	root     directory
	leaves   *lru[uint64, directory]
	tiles    *lru[uint64, []byte] // nil: none are kept
	group    singleflight.Group   // a leaf, or a tile that is to be kept, is fetched once however many ask
	parsing  chan struct{}        // bounds the directories that are unpacked at a time
}

// NewReader reads header, root directory and metadata. It fails with
// layers.ErrCorrupt for what is no archive and as Source.Read does.
func NewReader(ctx context.Context, src Source, o ReaderOptions) (*Reader, error) {
	if o.DirectoryBytes == 0 {
		o.DirectoryBytes = 128 << 20
	}
	r := &Reader{src: src, leaves: newLRU[uint64, directory](o.DirectoryBytes), parsing: make(chan struct{}, 2)}
	if o.TileBytes > 0 {
		r.tiles = newLRU[uint64, []byte](o.TileBytes)
	}
	if size := src.Size(); size >= 0 && size < HeaderSize {
		return nil, layers.Errorf(layers.ErrCorrupt, "not a PMTiles archive: it has %d bytes, a header alone has %d", size, HeaderSize)
	}
	b := make([]byte, HeaderSize)
	if err := src.Read(ctx, b, 0); err != nil {
		return nil, err
	}
	var err error
	if r.header, err = ParseHeader(b); err != nil {
		return nil, err
	}
	if src.Size() >= 0 {
		if err := r.header.fits(src.Size()); err != nil {
			return nil, err
		}
	}
	if r.root, err = r.directory(ctx, r.header.RootOffset, r.header.RootLength); err != nil {
		return nil, err
	}
	return r, r.readMetadata(ctx)
}

func (r *Reader) readMetadata(ctx context.Context) error {
	h := &r.header
	if h.MetadataLength == 0 {
		return nil
	}
	if h.MetadataLength > maxMetadata {
		return layers.Errorf(layers.ErrCorrupt, "the metadata has %d bytes; at most %d are read", h.MetadataLength, maxMetadata)
	}
	b := make([]byte, h.MetadataLength)
	if err := r.src.Read(ctx, b, int64(h.MetadataOffset)); err != nil {
		return err
	}
	b, err := Expand(b, h.Internal, maxRawMetadata)
	if err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	r.metadata, err = ParseMetadata(b, h.MinZoom, h.MaxZoom)
	return err
}

// Header is the archive's.
func (r *Reader) Header() Header { return r.header }

// Metadata is the archive's; its lists must not be changed.
func (r *Reader) Metadata() Metadata { return r.metadata }

// Close closes the source.
func (r *Reader) Close() error { return r.src.Close() }

// Tile is a tile as it is stored, compressed as Header.Tiles says; it must not
// be changed. It fails with layers.ErrNotFound where the archive has none, with
// layers.ErrCorrupt, and as Source.Read does.
func (r *Reader) Tile(ctx context.Context, t tile.ID) ([]byte, error) {
	if t.Z < r.header.MinZoom || t.Z > r.header.MaxZoom {
		return nil, absent(t)
	}
	id := TileID(t)
	d := r.root
	for range MaxDepth {
		e, ok := d.find(id)
		if !ok {
			return nil, absent(t)
		}
		if e.run > 0 {
			return r.data(ctx, e)
		}
		var err error
		if d, err = r.leaf(ctx, e); err != nil {
			return nil, err
		}
	}
	return nil, layers.Errorf(layers.ErrCorrupt, "the directories on the way to tile %v are more than %d deep", t, MaxDepth)
}

// First is the tile with the lowest id, as it is stored; it fails as Tile does.
func (r *Reader) First(ctx context.Context) ([]byte, error) {
	d := r.root
	for range MaxDepth {
		if d[0].run > 0 {
			return r.data(ctx, d[0])
		}
		var err error
		if d, err = r.leaf(ctx, d[0]); err != nil {
			return nil, err
		}
	}
	return nil, layers.Errorf(layers.ErrCorrupt, "the directories on the way to the first tile are more than %d deep", MaxDepth)
}

// Changed tells whether the archive was replaced since it was opened, as far as
// Source.Changed knows.
func (r *Reader) Changed() bool { return r.src.Changed() }

func absent(t tile.ID) error {
	return layers.Errorf(layers.ErrNotFound, "there is no tile %v", t)
}

// leaf is a leaf directory, fetched and unpacked once.
func (r *Reader) leaf(ctx context.Context, e entry) (directory, error) {
	if d, ok := r.leaves.get(e.offset); ok {
		return d, nil
	}
	v, err := r.once(ctx, fmt.Sprint("leaf ", e.offset), func(ctx context.Context) (any, error) {
		if d, ok := r.leaves.get(e.offset); ok { // put between the first look and this one
			return d, nil
		}
		d, err := r.directory(ctx, r.header.LeavesOffset+e.offset, uint64(e.length))
		if err == nil {
			r.leaves.put(e.offset, d, d.bytes())
		}
		return d, err
	})
	if err != nil {
		return nil, err
	}
	return v.(directory), nil
}

// once shares a fetch among all who want it now; it goes on when the first of
// them leaves.
func (r *Reader) once(ctx context.Context, key string, fetch func(context.Context) (any, error)) (any, error) {
	c := r.group.DoChan(key, func() (any, error) { return fetch(context.WithoutCancel(ctx)) })
	select {
	case res := <-c:
		return res.Val, res.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// directory reads and unpacks a directory at an offset of the file.
func (r *Reader) directory(ctx context.Context, offset, length uint64) (directory, error) {
	b := make([]byte, length)
	if err := r.src.Read(ctx, b, int64(offset)); err != nil {
		return nil, err
	}
	r.parsing <- struct{}{}
	defer func() { <-r.parsing }()
	b, err := Expand(b, r.header.Internal, maxRawDirectory)
	if err != nil {
		return nil, fmt.Errorf("the directory at byte %d: %w", offset, err)
	}
	d, err := parseDirectory(b, r.header.DataLength, r.header.LeavesLength)
	if err != nil {
		return nil, fmt.Errorf("the directory at byte %d: %w", offset, err)
	}
	return d, nil
}

// data reads a tile.
func (r *Reader) data(ctx context.Context, e entry) ([]byte, error) {
	read := func(ctx context.Context) ([]byte, error) {
		b := make([]byte, e.length)
		return b, r.src.Read(ctx, b, int64(r.header.DataOffset+e.offset))
	}
	if r.tiles == nil {
		return read(ctx)
	}
	if b, ok := r.tiles.get(e.offset); ok {
		return b, nil
	}
	v, err := r.once(ctx, fmt.Sprint("tile ", e.offset), func(ctx context.Context) (any, error) {
		if b, ok := r.tiles.get(e.offset); ok {
			return b, nil
		}
		b, err := read(ctx)
		if err == nil {
			r.tiles.put(e.offset, b, int64(len(b))+64)
		}
		return b, err
	})
	if err != nil {
		return nil, err
	}
	return v.([]byte), nil
}
