package archive

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"twind/layers"
	"twind/spatial/tile"
	"twind/tiles"
	"twind/tiles/pmtiles"
)

const (
	maxRaw       = 32 << 20         // bytes of an unpacked tile
	lookEvery    = time.Second      // at a local file
	tryEvery     = 5 * time.Second  // to open what could not be opened
	openPatience = 60 * time.Second // for opening, retries included
)

// Options name an archive.
type Options struct {
	ID          layers.ID
	Source      string      // path of a .pmtiles or .mbtiles file, or http(s) URL of a PMTiles file
	Title       layers.Text // default: the archive's own name, else the id
	Attribution string      // default: the archive's own
	Log         *slog.Logger
	Remote      pmtiles.RemoteOptions
}

// Archive is a layer of finished tiles. It is safe for concurrent use.
type Archive struct {
	o       Options
	current atomic.Pointer[opened]

	mu     sync.Mutex // held while opening; guards what follows
	closed bool
	failed string // the last failure, logged once
}

// New makes an archive that is not open yet.
func New(o Options) *Archive {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Archive{o: o}
}

// ID is the layer's id.
func (a *Archive) ID() layers.ID { return a.o.ID }

// Info describes the layer; it reports false while the archive cannot be read.
func (a *Archive) Info() (*Info, bool) {
	c := a.current.Load()
	if c == nil {
		return nil, false
	}
	return &c.info, true
}

// Open opens the archive if it is not open. It fails with layers.ErrUnavailable,
// ErrCorrupt or ErrUnsupported and a sentence that names the layer.
func (a *Archive) Open(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current.Load() != nil {
		return nil
	}
	return a.reopen(ctx)
}

// reopen replaces the opened state; a.mu is held.
func (a *Archive) reopen(ctx context.Context) error {
	if a.closed {
		return layers.Errorf(layers.ErrUnavailable, "layer %s is closed", a.o.ID)
	}
	ctx, cancel := context.WithTimeout(ctx, openPatience)
	defer cancel()
	next, err := open(ctx, &a.o)
	if err != nil {
		return describe(a.o.ID, err)
	}
	a.failed = ""
	if last := a.current.Swap(next); last != nil {
		go func() { _ = last.retire() }() // was only read; waits for those who still do
	}
	return nil
}

// describe names the layer in a failure and keeps its kind.
func describe(id layers.ID, err error) error {
	for _, kind := range []error{layers.ErrCorrupt, layers.ErrUnsupported, layers.ErrInvalid} {
		if errors.Is(err, kind) {
			return layers.Errorf(kind, "layer %s: %w", id, err)
		}
	}
	return layers.Errorf(layers.ErrUnavailable, "layer %s: %w", id, err)
}

// Run opens the archive when it can be and follows replacements, until ctx ends.
func (a *Archive) Run(ctx context.Context) {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	last := time.Time{}
	for {
		c := a.current.Load()
		if c == nil && time.Since(last) >= tryEvery || c != nil && c.src.Changed() {
			last = time.Now()
			a.attempt(ctx, c)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// attempt opens the archive anew unless somebody has since c.
func (a *Archive) attempt(ctx context.Context, c *opened) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current.Load() != c {
		return
	}
	if err := a.reopen(ctx); err != nil {
		if text := err.Error(); text != a.failed && ctx.Err() == nil {
			a.failed = text
			a.o.Log.Warn("an archive cannot be opened; it is tried again", "layer", a.o.ID, "error", err)
		}
		return
	}
	a.o.Log.Info("an archive was opened", "layer", a.o.ID, "type", a.current.Load().info.ContentType())
}

// Close closes the archive once running reads are done.
func (a *Archive) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	if c := a.current.Swap(nil); c != nil {
		return c.retire()
	}
	return nil
}

// Tile answers with a tile, as it is stored when acceptEncoding (the header)
// allows, else unpacked. Where a vector archive has none the tile is empty; a
// raster archive fails with layers.ErrNotFound. It fails with
// layers.ErrUnavailable while the archive cannot be read, also for a tile that is
// damaged.
func (a *Archive) Tile(ctx context.Context, id tile.ID, acceptEncoding, ifNoneMatch string) (tiles.Tile, error) {
	if id.Grid != 0 {
		return tiles.Tile{}, layers.Errorf(layers.ErrNotFound, "layer %s has tiles in Web Mercator only", a.o.ID)
	}
	t, err := a.tile(ctx, id, acceptEncoding, ifNoneMatch)
	if errors.Is(err, pmtiles.ErrChanged) {
		if err = a.again(ctx); err == nil {
			t, err = a.tile(ctx, id, acceptEncoding, ifNoneMatch)
		}
	}
	switch {
	case err == nil, errors.Is(err, layers.ErrNotFound), ctx.Err() != nil:
		return t, err
	}
	return t, layers.Errorf(layers.ErrUnavailable, "layer %s: tile %v cannot be read: %w", a.o.ID, id, err)
}

// again opens a replaced archive anew, once however many meet the change.
func (a *Archive) again(ctx context.Context) error {
	was := a.current.Load()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current.Load() != was {
		return nil
	}
	return a.reopen(context.WithoutCancel(ctx))
}

func (a *Archive) tile(ctx context.Context, id tile.ID, acceptEncoding, ifNoneMatch string) (tiles.Tile, error) {
	c, err := a.use()
	if err != nil {
		return tiles.Tile{}, err
	}
	defer c.using.RUnlock()
	if id.Z < c.info.MinZoom || id.Z > c.info.MaxZoom {
		return c.absent(id)
	}
	if c.version != "" && ifNoneMatch != "" {
		if etag := c.etag(id, nil, ""); names(ifNoneMatch, etag) {
			return tiles.Tile{Answer: tiles.Answer{ETag: etag, NotModified: true}}, nil
		}
	}
	b, err := c.src.Tile(ctx, id)
	if errors.Is(err, layers.ErrNotFound) {
		return c.absent(id)
	}
	if err != nil {
		return tiles.Tile{}, err
	}
	return c.encode(id, b, acceptEncoding)
}

// use takes the current state for reading; the caller unlocks its using.
func (a *Archive) use() (*opened, error) {
	for {
		c := a.current.Load()
		if c == nil {
			return nil, layers.Errorf(layers.ErrUnavailable, "the archive cannot be read now; the server's log says why")
		}
		c.using.RLock()
		if !c.done {
			return c, nil
		}
		c.using.RUnlock() // replaced meanwhile
	}
}

// absent is the answer for a tile that is not there.
func (c *opened) absent(id tile.ID) (tiles.Tile, error) {
	if c.info.Vector() {
		return tiles.Tile{Answer: tiles.Answer{Empty: true, ETag: `"none"`}}, nil
	}
	return tiles.Tile{}, layers.Errorf(layers.ErrNotFound, "layer %s has no tile %v", c.info.ID, id)
}

// encode makes an answer of a stored tile.
func (c *opened) encode(id tile.ID, b []byte, acceptEncoding string) (tiles.Tile, error) {
	stored := c.compression
	if stored == pmtiles.UnknownCompression || stored == pmtiles.NoCompression && pmtiles.IsGzip(b) {
		stored = pmtiles.NoCompression
		if pmtiles.IsGzip(b) {
			stored = pmtiles.Gzip
		}
	}
	enc := tiles.Identity
	switch stored {
	case pmtiles.Gzip:
		enc = tiles.Gzip
	case pmtiles.Zstd:
		enc = tiles.Zstd
	}
	if enc != tiles.Identity && !(c.info.Vector() && tiles.Accepts(acceptEncoding, enc)) {
		var err error
		if b, err = pmtiles.Expand(b, stored, maxRaw); err != nil {
			return tiles.Tile{}, err
		}
		enc = tiles.Identity
	}
	return tiles.Tile{Answer: tiles.Answer{Bytes: b, Encoding: enc.String(), ETag: c.etag(id, b, enc.String())}}, nil
}

// etag is made of the archive's version, or of the tile's bytes where the
// archive may change without a new one.
func (c *opened) etag(id tile.ID, b []byte, encoding string) string {
	h := fnv.New64a()
	if c.version != "" {
		fmt.Fprint(h, c.version, id)
	} else {
		_, _ = h.Write(b)
	}
	tag := strconv.FormatUint(h.Sum64(), 36)
	if encoding != "" {
		tag += "-" + encoding
	}
	return `"` + tag + `"`
}

// names tells whether If-None-Match names a tag in any encoding.
func names(list, etag string) bool {
	want := strings.Trim(etag, `"`)
	for item := range strings.SplitSeq(list, ",") {
		tag := strings.Trim(strings.TrimPrefix(strings.TrimSpace(item), "W/"), `"`)
		tag = strings.TrimSuffix(strings.TrimSuffix(tag, "-gzip"), "-zstd")
		if tag == want {
			return true
		}
	}
	return false
}
