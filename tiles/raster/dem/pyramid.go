package dem

import (
	"image"
	"math"
	"sync"
	"sync/atomic"

	"twind/layers"
	"twind/tiles/raster/geotiff"
)

const (
	chunkShift = 8
	chunkSide  = 1 << chunkShift
	chunkMask  = chunkSide - 1

	maxChunks       = 1 << 22  // of a level: 2.7e11 heights
	maxComputedBase = 64 << 20 // heights of a level of which smaller ones are computed
	stripes         = 16       // locks of a level
)

// chunk is a square of heights in metres, NaN where there are none; at the
// borders of the model it is smaller.
type chunk struct {
	w, h  int
	v     []float32
	level *level
	slot  int
	used  atomic.Bool // since the hand came by
}

func (c *chunk) bytes() int64 { return int64(len(c.v)) * 4 }

// level is the model at one resolution.
type level struct {
	w, h   int     // heights
	sx, sy float64 // size of one in full pixels
	across int     // chunks
	stored int     // level of the file, −1 where it is computed from finer
	finer  *level
	slots  []atomic.Pointer[chunk]
	locks  [stripes]sync.Mutex // of loading; a level is locked before the finer one
}

// pyramid is all levels of a file, finest first. Chunks are loaded when they are
// asked for and dropped when they were not for a while. Reading a chunk that is
// there takes no lock.
type pyramid struct {
	file   *geotiff.File
	unit   float64 // metres in a unit of the file
	levels []*level
	max    int64 // bytes of chunks

	mu     sync.Mutex // guards what follows
	size   int64
	loaded []*chunk // in a ring: the clock of the second chance
	hand   int
}

func newPyramid(f *geotiff.File, unit float64, bytes int64) (*pyramid, error) {
	p := &pyramid{file: f, unit: unit, max: bytes}
	full := f.Levels()[0]
	for i, m := range f.Levels() {
		if err := p.add(&level{w: m.Width, h: m.Height, stored: i, sx: float64(full.Width) / float64(m.Width), sy: float64(full.Height) / float64(m.Height)}); err != nil {
			return nil, err
		}
	}
	for {
		l := p.levels[len(p.levels)-1]
		if l.w <= chunkSide && l.h <= chunkSide || l.w*l.h > maxComputedBase {
			return p, nil
		}
		if err := p.add(&level{w: (l.w + 1) / 2, h: (l.h + 1) / 2, stored: -1, finer: l, sx: 2 * l.sx, sy: 2 * l.sy}); err != nil {
			return nil, err
		}
	}
}

func (p *pyramid) add(l *level) error {
	l.across = (l.w-1)>>chunkShift + 1
	down := (l.h-1)>>chunkShift + 1
	if l.across*down > maxChunks {
		return layers.Errorf(layers.ErrUnsupported, "the model has %d × %d heights, more than twind takes; split it, or make it coarser with gdalwarp -tr", l.w, l.h)
	}
	l.slots = make([]atomic.Pointer[chunk], l.across*down)
	p.levels = append(p.levels, l)
	return nil
}

// chunk answers one chunk of a level.
func (p *pyramid) chunk(l *level, cx, cy int) (*chunk, error) {
	slot := cy*l.across + cx
	if c := l.slots[slot].Load(); c != nil {
		if !c.used.Load() {
			c.used.Store(true)
		}
		return c, nil
	}
	lock := &l.locks[slot%stripes]
	lock.Lock()
	defer lock.Unlock()
	if c := l.slots[slot].Load(); c != nil {
		return c, nil
	}
	x, y := cx<<chunkShift, cy<<chunkShift
	c := &chunk{w: min(chunkSide, l.w-x), h: min(chunkSide, l.h-y), level: l, slot: slot}
	c.v = make([]float32, c.w*c.h)
	c.used.Store(true)
	var err error
	if l.stored >= 0 {
		err = p.read(l, c, x, y)
	} else {
		err = p.reduce(l, c, x, y)
	}
	if err != nil {
		return nil, err
	}
	l.slots[slot].Store(c)
	p.keep(c)
	return c, nil
}

// maxHeight bounds what is taken for a height, metres; anything beyond is a
// no-data value that the file does not name.
const maxHeight = 1e5

func (p *pyramid) read(l *level, c *chunk, x, y int) error {
	if err := p.file.ReadFloat32(l.stored, 0, image.Rect(x, y, x+c.w, y+c.h), c.v); err != nil {
		return err
	}
	unit := float32(p.unit)
	for i, v := range c.v {
		v *= unit
		if !(v > -maxHeight && v < maxHeight) {
			v = float32(math.NaN())
		}
		c.v[i] = v
	}
	return nil
}

// reduce makes each height the mean of the four finer ones, of those there are.
func (p *pyramid) reduce(l *level, c *chunk, x, y int) error {
	r := reader{p: p, l: l.finer}
	for j := range c.h {
		for i := range c.w {
			fx, fy := 2*(x+i), 2*(y+j)
			sum, n := float32(0), float32(0)
			for _, d := range [4][2]int{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
				if fx+d[0] >= l.finer.w || fy+d[1] >= l.finer.h {
					continue
				}
				if v := r.at(fx+d[0], fy+d[1]); v == v {
					sum, n = sum+v, n+1
				}
			}
			if n == 0 {
				c.v[j*c.w+i] = float32(math.NaN())
			} else {
				c.v[j*c.w+i] = sum / n
			}
		}
	}
	return r.err
}

// keep counts a chunk and drops others until there is room.
func (p *pyramid) keep(c *chunk) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size += c.bytes()
	p.loaded = append(p.loaded, c)
	for p.size > p.max && len(p.loaded) > 1 {
		p.hand %= len(p.loaded)
		old := p.loaded[p.hand]
		if old == c || old.used.Swap(false) {
			p.hand++
			continue
		}
		old.level.slots[old.slot].Store(nil)
		p.size -= old.bytes()
		last := len(p.loaded) - 1
		p.loaded[p.hand] = p.loaded[last]
		p.loaded[last] = nil
		p.loaded = p.loaded[:last]
	}
}

// reader reads single heights of one level and remembers where it was.
type reader struct {
	p      *pyramid
	l      *level
	c      *chunk
	cx, cy int
	err    error // the first; from then on all heights are NaN
}

// at is the height at a column and row of the level.
func (r *reader) at(x, y int) float32 {
	if !r.move(x>>chunkShift, y>>chunkShift) {
		return float32(math.NaN())
	}
	return r.c.v[(y&chunkMask)*r.c.w+x&chunkMask]
}

func (r *reader) move(cx, cy int) bool {
	if r.c != nil && cx == r.cx && cy == r.cy {
		return true
	}
	if r.err != nil {
		return false
	}
	c, err := r.p.chunk(r.l, cx, cy)
	if err != nil {
		r.err = err
		return false
	}
	r.c, r.cx, r.cy = c, cx, cy
	return true
}
