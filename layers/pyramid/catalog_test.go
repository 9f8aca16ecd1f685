package pyramid

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/geopackage"
	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/tile"
)

var _ View = (*snapshot.View)(nil)

// town is a store with a layer of each geometry, its snapshot and its pyramids.
type town struct {
	t       *testing.T
	store   *geopackage.Store
	catalog *snapshot.Catalog
	pyramid *Catalog
	log     bytes.Buffer
	cancel  func()
}

func newTown(t *testing.T) *town {
	w := &town{t: t}
	var err error
	w.store, err = geopackage.Open(t.Context(), filepath.Join(t.TempDir(), "town.gpkg"), geopackage.Options{Create: true})
	require.NoError(t, err)
	for id, kind := range map[layers.ID]layers.Kind{"houses": layers.KindBuilding, "land": layers.KindBlock, "streets": layers.KindStreet, "lamps": layers.KindPart} {
		l := testLayer(kind)
		l.ID, l.MinZoom = id, 9
		require.NoError(t, w.store.CreateLayer(t.Context(), *l))
	}
	w.catalog, err = snapshot.Open(t.Context(), w.store, snapshot.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	w.start(t.TempDir())
	t.Cleanup(func() {
		w.stop()
		require.NoError(t, w.catalog.Close())
		require.NoError(t, w.store.Close())
	})
	return w
}

func (w *town) start(dir string) {
	var err error
	w.log.Reset()
	w.pyramid, err = New(Options{Views: Views(w.catalog), Dir: dir, Identity: w.catalog.Identity(), Wait: time.Minute, Log: slog.New(slog.NewTextHandler(&w.log, nil))})
	require.NoError(w.t, err)
	w.cancel = w.pyramid.Follow(w.catalog)
}

func (w *town) stop() {
	w.cancel()
	require.NoError(w.t, w.pyramid.Close())
}

// edit commits changes and waits until they can be read.
func (w *town) edit(f func(layers.Tx) error) {
	w.t.Helper()
	rev, err := w.store.Update(w.t.Context(), f)
	require.NoError(w.t, err)
	require.NoError(w.t, w.catalog.Refresh(w.t.Context(), rev))
}

// settled waits until a layer's pyramid is as new as its view.
func (w *town) settled(id layers.ID) (*Pyramid, *snapshot.View) {
	w.t.Helper()
	v, err := w.catalog.View(id)
	require.NoError(w.t, err)
	for range 6000 {
		w.pyramid.mu.Lock()
		s := w.pyramid.states[id]
		w.pyramid.mu.Unlock()
		if p := s.current.Load(); p != nil && p.revision >= revisionOf(v) {
			return p, v
		}
		time.Sleep(5 * time.Millisecond)
	}
	require.Fail(w.t, "the pyramid does not follow")
	return nil, nil
}

// random is a feature of a layer, of any place in a few cells.
func random(r *rand.Rand, layer layers.ID, id int) *layers.Feature {
	x, y := 2e6*r.Float64(), 2e6*r.Float64()
	name, class := fmt.Sprint("name ", r.IntN(3)), []string{"motorway", "primary", "residential", ""}[r.IntN(4)]
	var g spatial.Geometry
	switch layer {
	case "houses":
		g = house(r, x, y, 500+20000*r.Float64(), 500+9000*r.Float64())
	case "land": // of a grid, so that borders are shared
		const k = 4e5
		x, y = float64(int(x/k))*k, float64(int(y/k))*k
		g = polygon1(x, y, x+k/2, y+k/30, x+k, y, x+k, y+k, x+k/2, y+k+k/30, x, y+k)
	case "streets":
		const k = 1e5
		x, y = float64(int(x/k))*k, float64(int(y/k))*k
		g = lineOf(x, y, x+k/2, y+k/9, x+k, y)
	case "lamps":
		g = pointAt(x, y)
	}
	return feature(id, g, name, class)
}

// After any edits a pyramid is the one that is made anew of the same layer, bit by
// bit: every cell of every zoom.
func TestModel(t *testing.T) {
	w := newTown(t)
	r := rand.New(rand.NewPCG(8, 8))
	ids := []layers.ID{"houses", "land", "streets", "lamps"}
	there := map[layers.ID]map[string]bool{}
	for _, id := range ids {
		there[id] = map[string]bool{}
	}
	for round := range 8 {
		n := 6
		if round == 0 {
			n = 150
		}
		w.edit(func(tx layers.Tx) error {
			for _, layer := range ids {
				for range n {
					f := random(r, layer, r.IntN(220)+1)
					var err error
					switch {
					case !there[layer][f.ID]:
						err = tx.Insert(t.Context(), layer, f)
						there[layer][f.ID] = true
					case r.IntN(3) == 0:
						err = tx.Delete(t.Context(), layer, f.ID)
						delete(there[layer], f.ID)
					default:
						err = tx.Replace(t.Context(), layer, f)
					}
					if err != nil {
						return err
					}
				}
			}
			return nil
		})
		for _, layer := range ids {
			p, v := w.settled(layer)
			fresh, _ := make1(t, v)
			for z := p.spec.min; z <= p.spec.max; z++ {
				want, got := map[tile.ID][16]byte{}, map[tile.ID][16]byte{}
				fresh.level(z).each(func(r *ref) { want[r.id] = r.hash })
				p.level(z).each(func(r *ref) { got[r.id] = r.hash })
				require.Equal(t, want, got, "round %d, %s z%d", round, layer, z)
			}
			v.Release()
		}
	}
	require.Positive(t, testutil.ToFloat64(w.pyramid.metrics.cells.WithLabelValues("update")))
}

// A change changes the cells that it touches, and no others.
func TestOnlyTouchedCellsChange(t *testing.T) {
	w := newTown(t)
	r := rand.New(rand.NewPCG(9, 9))
	w.edit(func(tx layers.Tx) error {
		for i := range 200 {
			if err := tx.Insert(t.Context(), "houses", random(r, "houses", i+1)); err != nil {
				return err
			}
		}
		return nil
	})
	before, v := w.settled("houses")
	v.Release()
	w.edit(func(tx layers.Tx) error {
		return tx.Insert(t.Context(), "houses", feature(1000, house(r, 1.1e6, 1.1e6, 9000, 9000), "", ""))
	})
	after, v := w.settled("houses")
	defer v.Release()
	lon, lat := degrees(1.1e6, 1.1e6)
	for z := before.spec.min; z <= before.spec.max; z++ {
		after.level(z).each(func(r *ref) {
			old := before.level(z).get(r.id)
			changed := old == nil || old.hash != r.hash
			require.Equal(t, r.id == tile.Of(lon, lat, z), changed, r.id)
		})
	}
	// A reader of the view finds the new cell, one outside of all nothing.
	at := tile.Of(lon, lat, 12)
	f, ok := w.pyramid.Find(t.Context(), v, at, boxOf(at))
	require.True(t, ok)
	list, err := f.Cells()
	require.NoError(t, err)
	require.NotEmpty(t, list)
	key := ""
	f.Key(func(b []byte) { key += string(b) })
	require.Len(t, key, 16*len(list))
	_, ok = w.pyramid.Find(t.Context(), v, tile.Of(lon, lat, 14), boxOf(tile.Of(lon, lat, 14)))
	require.False(t, ok, "ungeneralised")
}

// Levels are kept over restarts, brought up to date, and made anew when their file
// is damaged.
func TestLevelsAreKept(t *testing.T) {
	w := newTown(t)
	r := rand.New(rand.NewPCG(10, 10))
	insert := func(from, n int) {
		w.edit(func(tx layers.Tx) error {
			for i := range n {
				if err := tx.Insert(t.Context(), "lamps", random(r, "lamps", from+i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	insert(1, 100)
	dir := t.TempDir()
	restart := func() *Pyramid {
		w.stop()
		w.start(dir)
		p, v := w.settled("lamps")
		v.Release()
		total := uint32(0)
		for _, c := range p.all(t, w.pyramid.cells, p.spec.min) {
			total += c.Total
		}
		st, err := w.store.Stats(t.Context(), "lamps")
		require.NoError(t, err)
		require.EqualValues(t, st.Count, total)
		return p
	}
	made := func() float64 { return testutil.ToFloat64(w.pyramid.metrics.cells.WithLabelValues("whole")) }
	restart()
	path := w.pyramid.path("lamps")
	require.Eventually(t, func() bool { _, err := os.Stat(path); return err == nil }, 10*time.Second, 5*time.Millisecond)
	restart()
	require.Zero(t, made(), "nothing was made whole again")
	insert(101, 3)
	w.settledOf("lamps")
	restart()
	require.Zero(t, made())

	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for name, b := range map[string][]byte{
		"empty":       {},
		"cut":         whole[:len(whole)/2],
		"head":        append([]byte("X"), whole[1:]...),
		"index":       append(append([]byte(nil), whole[:len(whole)-100]...), append([]byte("?"), whole[len(whole)-99:]...)...),
		"other layer": bytes.Replace(whole, []byte(`"lamps"`), []byte(`"lambs"`), 1),
	} {
		w.stop()
		require.NoError(t, os.WriteFile(path, b, 0o600))
		w.start(dir)
		restart()
		_ = name
	}
	// A damaged cell is found when it is read.
	w.stop()
	bad := append([]byte(nil), whole...)
	for i := headSize; i < len(whole)/4; i++ {
		bad[i] ^= 0x55
	}
	require.NoError(t, os.WriteFile(path, bad, 0o600))
	w.start(dir)
	p, v := w.settled("lamps")
	defer v.Release()
	for z := p.spec.min; z <= p.spec.max; z++ {
		p.level(z).each(func(r *ref) {
			if f, ok := w.pyramid.Find(t.Context(), v, r.id, boxOf(r.id)); ok {
				if _, err := f.Cells(); err != nil {
					require.ErrorIs(t, err, layers.ErrUnavailable)
				}
			}
		})
	}
	require.Eventually(t, func() bool { return made() > 0 }, 10*time.Second, 5*time.Millisecond, "made anew")

	// Files of layers that are gone are removed, those of other stores are not.
	stranger, other := filepath.Join(dir, "gone"+w.pyramid.suffix()), filepath.Join(dir, "lamps.000000000000.levels")
	require.NoError(t, os.WriteFile(stranger, nil, 0o600))
	require.NoError(t, os.WriteFile(other, nil, 0o600))
	w.pyramid.sweep(w.catalog.Layers())
	require.NoFileExists(t, stranger)
	require.FileExists(t, other)
}

func (w *town) settledOf(id layers.ID) {
	_, v := w.settled(id)
	v.Release()
}

// Many changed cells are moved to a new file.
func TestCompact(t *testing.T) {
	w := newTown(t)
	r := rand.New(rand.NewPCG(11, 11))
	for i := range 3 {
		w.edit(func(tx layers.Tx) error { return tx.Insert(t.Context(), "lamps", random(r, "lamps", i+1)) })
		w.settledOf("lamps")
	}
	w.pyramid.mu.Lock()
	s := w.pyramid.states["lamps"]
	w.pyramid.mu.Unlock()
	require.Eventually(t, func() bool { w.pyramid.mu.Lock(); defer w.pyramid.mu.Unlock(); return !s.busy }, 10*time.Second, time.Millisecond)
	old := s.current.Load()
	require.NoError(t, w.pyramid.compact("lamps", s, old))
	p := s.current.Load()
	require.Nil(t, s.edits)
	for z := p.spec.min; z <= p.spec.max; z++ {
		require.Len(t, p.all(t, w.pyramid.cells, z), len(old.all(t, w.pyramid.cells, z)))
	}
	w.edit(func(tx layers.Tx) error { return tx.Insert(t.Context(), "lamps", random(r, "lamps", 9)) })
	w.settledOf("lamps")
	require.False(t, strings.Contains(w.log.String(), "ERROR"), w.log.String())
}

// Who asks while a pyramid is made for the first time waits for it, for a while.
func TestFirstReaderWaits(t *testing.T) {
	v := newStill(t, testLayer(layers.KindPart), []*layers.Feature{feature(1, pointAt(0, 0), "", "")})
	gate := make(chan struct{})
	c, err := New(Options{Views: func(layers.ID) (View, error) { <-gate; return v, nil }, Wait: time.Minute})
	require.NoError(t, err)
	lon, lat := degrees(0, 0)
	at := tile.Of(lon, lat, 10)
	_, ok := c.Find(t.Context(), v, at, boxOf(at))
	require.False(t, ok, "nobody makes it")
	c.Changed("l")
	time.AfterFunc(10*time.Millisecond, func() { close(gate) })
	f, ok := c.Find(t.Context(), v, at, boxOf(at))
	require.True(t, ok)
	list, err := f.Cells()
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.NoError(t, c.Close())
	_, ok = c.Find(t.Context(), v, at, boxOf(at))
	require.False(t, ok, "closed")

	slow := make(chan struct{})
	c, err = New(Options{Views: func(layers.ID) (View, error) { <-slow; return nil, layers.ErrNotFound }, Wait: 5 * time.Millisecond})
	require.NoError(t, err)
	c.Changed("l")
	_, ok = c.Find(t.Context(), v, at, boxOf(at))
	require.False(t, ok, "it takes too long")
	close(slow)
	require.NoError(t, c.Close())
}

// Whoever did not wait for the levels is told once they are there, and nobody else.
func TestLateReadersAreTold(t *testing.T) {
	w := newTown(t)
	w.stop()
	gate, told := make(chan struct{}), make(chan layers.ID, 8)
	views := Views(w.catalog)
	c, err := New(Options{Wait: time.Millisecond, Late: func(id layers.ID) { told <- id }, Views: func(id layers.ID) (View, error) {
		<-gate
		return views(id)
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	c.Changed("houses")
	c.Changed("lamps")
	v, err := w.catalog.View("houses")
	require.NoError(t, err)
	defer v.Release()
	_, ok := c.Find(t.Context(), v, tile.ID{Z: 9, X: 0, Y: 0}, tile.WorldBox{})
	require.False(t, ok)
	close(gate)
	require.Equal(t, layers.ID("houses"), <-told)
	require.NoError(t, c.Settle(t.Context(), "houses", "lamps"))
	_, ok = c.Find(t.Context(), v, tile.ID{Z: 9, X: 0, Y: 0}, tile.WorldBox{})
	require.True(t, ok)
	require.Empty(t, told)
}

// Settle ends with the work, whoever is told of it meanwhile: nobody waits for levels
// that nobody makes.
func TestSettleEndsWithTheWork(t *testing.T) {
	w := newTown(t)
	w.stop()
	asked, gate := make(chan struct{}, 1), make(chan struct{})
	views := Views(w.catalog)
	c, err := New(Options{Wait: time.Millisecond, Late: func(layers.ID) { time.Sleep(50 * time.Millisecond) }, Views: func(id layers.ID) (View, error) {
		asked <- struct{}{}
		<-gate
		return views(id)
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 2 { // the levels are made; they are looked through
		settled := make(chan error, 1)
		go func() { settled <- c.Settle(ctx, "houses") }()
		<-asked
		c.mu.Lock()
		s := c.states["houses"]
		next := s.next
		c.mu.Unlock()
		require.True(t, c.missed(s, next), "too late for a reader")
		gate <- struct{}{}
		require.NoError(t, <-settled)
	}
}

// What changes while levels are made is in them when they are settled.
func TestChangesWhileLevelsAreMade(t *testing.T) {
	w := newTown(t)
	w.stop()
	views := Views(w.catalog)
	var c *Catalog
	looks, rng := 0, rand.New(rand.NewPCG(1, 2))
	c, err := New(Options{Views: func(id layers.ID) (View, error) {
		v, err := views(id)
		if looks++; looks < 4 { // the view is taken, and then
			w.edit(func(tx layers.Tx) error {
				return tx.Insert(t.Context(), id, random(rng, id, looks))
			})
			c.Changed(id)
		}
		return v, err
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	require.NoError(t, c.Settle(t.Context(), "lamps"))
	v, err := w.catalog.View("lamps")
	require.NoError(t, err)
	defer v.Release()
	require.Equal(t, revisionOf(v), c.states["lamps"].current.Load().revision)
	require.Equal(t, 4, looks)
}

func TestOptions(t *testing.T) {
	_, err := New(Options{})
	require.ErrorIs(t, err, layers.ErrInvalid)
	c, err := New(Options{Views: func(layers.ID) (View, error) { return nil, layers.ErrNotFound }})
	require.NoError(t, err)
	c.Changed("none")
	require.NoError(t, c.Close())
	c.Changed("none")
}
