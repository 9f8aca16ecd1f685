package imagery

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles"
	"twind/tiles/raster/geotiff"
)

const (
	jpegQuality = 85
	lookEvery   = time.Second // at the file
)

// Options name an image.
type Options struct {
	ID, Title, Attribution string
	Source                 string // path of the GeoTIFF
	Answers                *tiles.Answers
	Log                    *slog.Logger
}

// Layer is the tiles of one image. It is safe for concurrent use.
type Layer struct {
	o       Options
	current atomic.Pointer[state]

	mu     sync.Mutex // held while looking; guards looked and failed
	looked time.Time
	failed string
}

// state is the file as it was opened.
type state struct {
	file    *geotiff.File
	grid    *grid
	bounds  spatial.Envelope
	formats []string
	solid   bool // nothing is transparent
	info    os.FileInfo

	using sync.RWMutex // read-locked by renderings
	done  bool         // guarded by using
}

// Open opens an image. It fails as geotiff.Open does, and with layers.ErrInvalid
// and a command that mends it for a file whose pixels are not those of tiles.
func Open(o Options) (*Layer, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Title == "" {
		o.Title = o.ID
	}
	s, err := open(o.Source)
	if err != nil {
		return nil, err
	}
	l := &Layer{o: o, looked: time.Now()}
	l.current.Store(s)
	return l, nil
}

func open(path string) (s *state, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, layers.Errorf(layers.ErrUnavailable, "image %s cannot be opened: it is not there, or may not be read", path)
	}
	f, err := geotiff.Open(path, geotiff.Options{})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // was only read
		}
	}()
	s = &state{file: f, info: info}
	if s.grid, err = place(f, path); err != nil {
		return nil, err
	}
	if s.bounds, err = f.Bounds(); err != nil {
		return nil, err
	}
	if s.solid, err = s.opaque(); err != nil {
		return nil, err
	}
	s.formats = []string{"png", "jpg"}
	if s.solid && f.Levels()[0].Compression == geotiff.JPEG {
		s.formats = []string{"jpg", "png"}
	}
	return s, nil
}

// opaque tells whether nothing is transparent in the corners and the middle of
// the smallest level; it also finds out whether the colours can be read.
func (s *state) opaque() (bool, error) {
	if s.file.Levels()[0].Alpha >= 0 {
		return false, nil
	}
	l := s.grid.levels[len(s.grid.levels)-1]
	const side = 64
	all := image.Rectangle{Max: l.size}
	for _, at := range []image.Point{{}, {l.size.X - side, 0}, {0, l.size.Y - side}, {l.size.X - side, l.size.Y - side}, {l.size.X / 2, l.size.Y / 2}} {
		m, err := s.file.RGBA(l.index, image.Rectangle{at, at.Add(image.Pt(side, side))}.Intersect(all))
		if err != nil || !m.Opaque() {
			return false, err
		}
	}
	return true, nil
}

// ID is that of the options.
func (l *Layer) ID() string { return l.o.ID }

// Title is that of the options, else the id.
func (l *Layer) Title() string { return l.o.Title }

// Attribution is that of the options.
func (l *Layer) Attribution() string { return l.o.Attribution }

// Bounds is the image's box in degrees.
func (l *Layer) Bounds() spatial.Envelope { return l.current.Load().bounds }

// Zooms are the first and last zoom with tiles.
func (l *Layer) Zooms() (first, last uint8) { return l.current.Load().grid.zooms() }

// TileSize is the side of a tile in pixels, 256 or 512.
func (l *Layer) TileSize() int { return l.current.Load().grid.side }

// Formats are the formats of tiles, the best first: jpg for an image of JPEG in
// which nothing is transparent, else png. In jpg, white is where the image is not.
// The list must not be changed.
func (l *Layer) Formats() []string { return l.current.Load().formats }

// Close closes the file once renderings are done.
func (l *Layer) Close() error { return l.current.Load().retire() }

func (s *state) retire() error {
	s.using.Lock()
	defer s.using.Unlock()
	if s.done {
		return nil
	}
	s.done = true
	return s.file.Close()
}

// refresh opens a file that was replaced, at most once a second; one that cannot
// be opened is said once, and the old one served on.
func (l *Layer) refresh() {
	if !l.mu.TryLock() {
		return
	}
	defer l.mu.Unlock()
	if time.Since(l.looked) < lookEvery {
		return
	}
	l.looked = time.Now()
	was := l.current.Load()
	info, err := os.Stat(l.o.Source)
	if err != nil || os.SameFile(info, was.info) && info.Size() == was.info.Size() && info.ModTime().Equal(was.info.ModTime()) {
		return
	}
	s, err := open(l.o.Source)
	if err != nil {
		if l.failed != err.Error() {
			l.failed = err.Error()
			l.o.Log.Warn("a replaced image cannot be opened; the old one is served as far as it is there", "layer", l.o.ID, "error", err)
		}
		return
	}
	l.failed = ""
	l.current.Store(s)
	go func() { _ = was.retire() }() // was only read; waits for those who still do
}

// Tile is a tile in a format. It fails with layers.ErrNotFound where there is
// none, layers.ErrUnavailable where the file cannot be read, and ctx's error.
func (l *Layer) Tile(ctx context.Context, id tile.ID, format string) (tiles.Answer, error) {
	l.refresh()
	s := l.current.Load()
	first, last := s.grid.zooms()
	none := layers.Errorf(layers.ErrNotFound, "%s has no tile %v", l.o.ID, id)
	if id.Z < first || id.Z > last || id.Grid != tile.Mercator || !slices.Contains(s.formats, format) {
		return tiles.Answer{}, none
	}
	var key tiles.KeyWriter
	for _, text := range []string{"image", l.o.Source, format, s.info.ModTime().String()} {
		key.Text(text)
	}
	for _, n := range []uint64{uint64(s.info.Size()), uint64(id.Z), uint64(id.X), uint64(id.Y)} {
		key.Number(n)
	}
	a, err := l.o.Answers.Get(ctx, tiles.Ask{
		Key: key.Key(), What: fmt.Sprintf("%s %v", l.o.ID, id),
		Render: func(dst []byte) ([]byte, error) {
			b, err := s.render(dst, id, format)
			if err != nil {
				l.o.Log.Warn("an image's tile cannot be read", "layer", l.o.ID, "tile", id, "error", err)
				err = layers.Errorf(layers.ErrUnavailable, "layer %s: tile %v cannot be read; the log says why", l.o.ID, id) // without the file's path
			}
			return b, err
		},
	})
	if err == nil && a.Empty {
		return a, none
	}
	return a, err
}

// render appends a tile to dst; nothing where the image does not reach.
func (s *state) render(dst []byte, id tile.ID, format string) ([]byte, error) {
	s.using.RLock()
	defer s.using.RUnlock()
	if s.done {
		return nil, layers.Errorf(layers.ErrUnavailable, "the image was replaced; ask again")
	}
	l, shrink, box := s.grid.window(int(id.Z), id.X, id.Y)
	inside := box.Intersect(image.Rectangle{Max: l.size})
	if inside.Empty() {
		return dst, nil
	}
	if format == "jpg" && shrink == 1 && s.solid {
		if b, ok, err := s.block(l, box); ok || err != nil {
			return append(dst, b...), err
		}
	}
	window, err := s.file.RGBA(l.index, inside)
	if err != nil {
		return nil, err
	}
	m := image.NewNRGBA(image.Rect(0, 0, s.grid.side, s.grid.side))
	shrinkInto(m, window, inside.Min.Sub(box.Min), shrink)
	return encode(dst, m, format)
}

// block is the tile as it lies in the file, if it is a block of it.
func (s *state) block(l level, box image.Rectangle) (b []byte, ok bool, err error) {
	v := s.file.Levels()[l.index]
	side := s.grid.side
	if v.Compression != geotiff.JPEG || v.BlockWidth != side || v.BlockHeight != side || box.Min.X%side != 0 || box.Min.Y%side != 0 || box.Min.X < 0 || box.Min.Y < 0 {
		return nil, false, nil
	}
	b, err = s.file.JPEG(l.index, box.Min.X/side, box.Min.Y/side)
	return b, err == nil && b != nil, err
}

// shrinkInto draws a window, whose first pixel is pixel at of the tile's box,
// into m: each pixel is the mean of shrink² ones, weighted by opacity.
func shrinkInto(m, window *image.NRGBA, at image.Point, shrink int) {
	size := window.Bounds().Size()
	if shrink == 1 {
		draw.Draw(m, image.Rectangle{at, at.Add(size)}, window, window.Bounds().Min, draw.Src)
		return
	}
	side := m.Bounds().Dx()
	for y := at.Y / shrink; y < min(side, (at.Y+size.Y+shrink-1)/shrink); y++ {
		for x := at.X / shrink; x < min(side, (at.X+size.X+shrink-1)/shrink); x++ {
			cell := image.Rect(x*shrink-at.X, y*shrink-at.Y, (x+1)*shrink-at.X, (y+1)*shrink-at.Y).Intersect(image.Rectangle{Max: size})
			m.SetNRGBA(x, y, mean(window, cell, shrink*shrink))
		}
	}
}

// mean is the mean colour of a cell, in pixels from the window's first, of n pixels
// in all: what is missing of them is transparent.
func mean(window *image.NRGBA, cell image.Rectangle, n int) color.NRGBA {
	var sum [3]int
	alpha := 0
	for y := cell.Min.Y; y < cell.Max.Y; y++ {
		row := window.Pix[y*window.Stride:]
		for x := cell.Min.X; x < cell.Max.X; x++ {
			p := row[4*x : 4*x+4 : 4*x+4]
			a := int(p[3])
			alpha += a
			for i := range sum {
				sum[i] += int(p[i]) * a
			}
		}
	}
	if alpha == 0 {
		return color.NRGBA{}
	}
	by := func(v int) uint8 { return uint8((v + alpha/2) / alpha) }
	return color.NRGBA{by(sum[0]), by(sum[1]), by(sum[2]), uint8((alpha + n/2) / n)}
}

// encode appends m; an image of nothing is no bytes. In JPEG what is transparent
// is white.
func encode(dst []byte, m *image.NRGBA, format string) ([]byte, error) {
	if !seen(m) {
		return dst, nil
	}
	out := bytes.NewBuffer(dst)
	if format == "jpg" {
		flat := image.NewRGBA(m.Bounds())
		draw.Draw(flat, flat.Bounds(), image.White, image.Point{}, draw.Src)
		draw.Draw(flat, flat.Bounds(), m, image.Point{}, draw.Over)
		err := jpeg.Encode(out, flat, &jpeg.Options{Quality: jpegQuality})
		return out.Bytes(), err
	}
	err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(out, m)
	return out.Bytes(), err
}

// seen tells whether any pixel is not wholly transparent.
func seen(m *image.NRGBA) bool {
	for i := 3; i < len(m.Pix); i += 4 {
		if m.Pix[i] != 0 {
			return true
		}
	}
	return false
}
