package dem

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"twind/layers"
	"twind/spatial"
	"twind/tiles/raster/geotiff"
)

// Options describe a model. The zero value will do.
type Options struct {
	ID, Title, Attribution string
	VerticalDatum          string  // above whose zero the heights are, such as "EPSG:5703"; default: as the file says
	Offset                 float64 // metres from the ellipsoid of WGS 84 up to that zero: the geoid's height there
	CacheBytes             int64   // for heights; default 64 MiB
	Log                    *slog.Logger
}

// DEM is an elevation model. It is safe for concurrent use.
type DEM struct {
	path string
	o    Options

	current atomic.Pointer[model]
	info    os.FileInfo // of current; guarded by mu
	mu      sync.Mutex
	stop    chan struct{}
	closing sync.Once
	warned  atomic.Bool // that the file cannot be read, since it last could
}

const pollInterval = time.Second

// Open opens a GeoTIFF; the caller closes the model. It fails as geotiff.Open
// does, and where the file does not say its place.
func Open(path string, o Options) (*DEM, error) {
	if o.CacheBytes == 0 {
		o.CacheBytes = 64 << 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := &DEM{path: path, o: o, stop: make(chan struct{})}
	if err := d.load(); err != nil {
		return nil, err
	}
	go d.poll()
	return d, nil
}

func (d *DEM) poll() {
	t := time.NewTicker(pollInterval)
	defer t.Stop()
	for {
		select {
		case <-d.stop:
			return
		case <-t.C:
			d.refresh()
		}
	}
}

// load opens what is at the path now.
func (d *DEM) load() error {
	info, err := os.Stat(d.path)
	if err != nil {
		info = nil // Open says it
	}
	f, err := geotiff.Open(d.path, geotiff.Options{Cache: geotiff.NewCache(16 << 20)})
	if err != nil {
		return err
	}
	m, err := newModel(f, d.o.CacheBytes, revisionOf(info))
	if err != nil {
		f.Close()
		return err
	}
	// The file of the state before is closed by the collector, when its last
	// reader is done with it.
	d.current.Store(m)
	d.info = info
	return nil
}

// revisionOf names the state of a file.
func revisionOf(info os.FileInfo) string {
	if info == nil {
		return ""
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %d %v", info.Size(), info.ModTime().UnixNano(), inode(info))
	return fmt.Sprintf("%x", h.Sum64())
}

// refresh opens the file again if it is another one. While that fails the model
// stays as it was.
func (d *DEM) refresh() {
	info, err := os.Stat(d.path)
	if err != nil || !d.mu.TryLock() {
		return
	}
	defer d.mu.Unlock()
	if d.info != nil && os.SameFile(info, d.info) && info.Size() == d.info.Size() && info.ModTime().Equal(d.info.ModTime()) {
		return
	}
	if err := d.load(); err != nil {
		if !d.warned.Swap(true) {
			d.o.Log.Warn("an elevation model was replaced by what cannot be read; the one before is served", "file", d.path, "error", err)
		}
		return
	}
	d.warned.Store(false)
	d.o.Log.Info("an elevation model was replaced", "file", d.path)
}

// Close ends the model; heights are not known from then on.
func (d *DEM) Close() error {
	var err error
	d.closing.Do(func() {
		close(d.stop)
		err = d.current.Load().file.Close()
	})
	return err
}

// Height is the height at a position in degrees, in metres above the zero of the
// vertical datum, bilinear between the model's heights; ok is false outside the
// model and where it has none.
func (d *DEM) Height(lon, lat float64) (metres float64, ok bool) {
	m := d.current.Load()
	r := reader{p: m.pyramid, l: m.levels[0]}
	col, row := m.pixel(lon, lat)
	v := r.height(m, col, row)
	if r.err != nil {
		d.failed(r.err)
	}
	return v, !math.IsNaN(v)
}

func (d *DEM) failed(err error) {
	if !d.warned.Swap(true) {
		d.o.Log.Warn("an elevation model cannot be read", "file", d.path, "error", err)
	}
}

// Grid reads heights at a window of a lattice: w·h of them into dst, row by row
// from column i0 and row j0 on, NaN where there are none. step is the distance of
// the lattice's rows in degrees; it chooses the resolution that is read. The
// height at a point does not depend on the window. It fails with ctx's error and
// with layers.ErrUnavailable where the file cannot be read.
func (d *DEM) Grid(ctx context.Context, step float64, lattice Lattice, i0, j0 int64, w, h int, dst []float32) error {
	m := d.current.Load()
	return d.readable(m.window(ctx, m.level(step), lattice, i0, j0, w, h, dst))
}

// readable makes what a damaged file says an error of this moment.
func (d *DEM) readable(err error) error {
	if err == nil || isContext(err) {
		return err
	}
	d.failed(err)
	return layers.Errorf(layers.ErrUnavailable, "the elevation model %s cannot be read now; the log says why", d.o.ID)
}

// Bounds is the model's box in degrees.
func (d *DEM) Bounds() spatial.Envelope { return d.current.Load().bounds }

// Spacing is the distance of the model's heights in degrees of latitude.
func (d *DEM) Spacing() float64 { return d.current.Load().cell }

// Revision names the state of the file; it changes when the file is replaced.
func (d *DEM) Revision() string {
	d.refresh()
	return d.current.Load().revision
}

// Offset is that of the options.
func (d *DEM) Offset() float64 { return d.o.Offset }

// VerticalDatum is that of the options, else the code that the file names, else "".
func (d *DEM) VerticalDatum() string {
	if d.o.VerticalDatum != "" {
		return d.o.VerticalDatum
	}
	if c := d.current.Load().geo.VerticalCode; c != 0 {
		return fmt.Sprintf("EPSG:%d", c)
	}
	return ""
}
