package mvt

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/prometheus/client_golang/prometheus"

	"twind/layers/snapshot"
	"twind/tiles"
)

// Drawings keeps drawn features of bases for all encoders that it makes, so that
// what is in several tiles of a zoom, or in a tile that is rendered again, is drawn
// once. Its memory is bounded: patches that no tile used for long make room for
// others, and those of a base are gone with it. It is safe for concurrent use.
type Drawings struct {
	limit int64
	bytes atomic.Int64
	gone  atomic.Int64 // patches that made room

	mu    sync.RWMutex
	bases map[weak.Pointer[snapshot.Segment]]*baseSheets
	clock []kept // all patches; the hand is at the first
}

// baseSheets is a base's sheets by zoom.
type baseSheets [lossless + 1]atomic.Pointer[sheet]

// kept names a patch.
type kept struct {
	sheet *sheet
	k     uint32
}

// NewDrawings keeps up to so many bytes; 0 keeps nothing. A nil registerer
// publishes no metrics.
func NewDrawings(limit int64, r prometheus.Registerer) (*Drawings, error) {
	d := &Drawings{limit: limit, bases: map[weak.Pointer[snapshot.Segment]]*baseSheets{}}
	if r == nil {
		return d, nil
	}
	if err := r.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "twind_tile_drawings_bytes",
		Help: "Bytes of drawn features that are kept for further tiles."}, func() float64 { return float64(d.bytes.Load()) })); err != nil {
		return nil, err
	}
	return d, r.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "twind_tile_drawings_evictions_total",
		Help: "Blocks of drawn features that made room for others."}, func() float64 { return float64(d.gone.Load()) }))
}

// NewEncoder makes an Encoder that uses and adds to the drawings.
func (d *Drawings) NewEncoder() tiles.Encoder { return &Encoder{drawings: d} }

// sheet is where the drawings of a segment are kept in tiles of the frame; nil
// where they are not: edits change too often, and other grids are rare.
func (e *Encoder) sheet(seg *snapshot.Segment, coarsen uint8) *sheet {
	base := seg.Base()
	if e.drawings == nil || e.drawings.limit == 0 || base == nil || coarsen != 0 || e.frame.perDegree != 0 || e.frame.z > lossless {
		return nil
	}
	if len(seg.World) < 2*2*seg.N {
		return nil // points are quicker drawn than looked for
	}
	sheets := e.drawings.of(base)
	if s := sheets[e.frame.z].Load(); s != nil {
		return s
	}
	s := &sheet{slots: make([]slot, (seg.N+patchSize-1)/patchSize)}
	if !sheets[e.frame.z].CompareAndSwap(nil, s) {
		return sheets[e.frame.z].Load()
	}
	return s
}

// of is a base's sheets.
func (d *Drawings) of(base *snapshot.Segment) *baseSheets {
	key := weak.Make(base)
	d.mu.RLock()
	s := d.bases[key]
	d.mu.RUnlock()
	if s != nil {
		return s
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if s = d.bases[key]; s == nil {
		s = new(baseSheets)
		d.bases[key] = s
		runtime.AddCleanup(base, d.forget, key)
	}
	return s
}

// forget lets go the drawings of a base that is gone.
func (d *Drawings) forget(key weak.Pointer[snapshot.Segment]) {
	d.mu.Lock()
	defer d.mu.Unlock()
	sheets := d.bases[key]
	delete(d.bases, key)
	d.clock = slices.DeleteFunc(d.clock, func(k kept) bool {
		for z := range sheets {
			if k.sheet == sheets[z].Load() {
				d.bytes.Add(-k.sheet.slots[k.k].patch.Load().bytes())
				return true
			}
		}
		return false
	})
}

// keep counts a patch that was just put into its slot, and makes room for it.
func (d *Drawings) keep(s *sheet, k uint32, b *patch) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clock = append(d.clock, kept{s, k})
	d.bytes.Add(b.bytes())
	for d.bytes.Load() > d.limit {
		d.letGo()
	}
}

// letGo moves the clock's hand to the first patch that was not used since the hand
// was there last, and lets it go. mu is held.
func (d *Drawings) letGo() {
	for {
		first := d.clock[0]
		d.clock = d.clock[1:]
		s := &first.sheet.slots[first.k]
		b := s.patch.Load()
		if b.used.Swap(false) {
			d.clock = append(d.clock, first)
			continue
		}
		s.asked.Store(0)
		s.patch.Store(nil)
		d.bytes.Add(-b.bytes())
		d.gone.Add(1)
		return
	}
}
