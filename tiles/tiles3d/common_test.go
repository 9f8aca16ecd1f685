package tiles3d_test

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/tiles/tiles3d"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// view is a published state made by hand; held counts what is not released.
type view struct {
	layer    *layers.Layer
	segments []snapshot.SegmentView
	revision layers.Revision
	held     *atomic.Int64
}

func (v *view) Layer() *layers.Layer             { return v.layer }
func (v *view) Segments() []snapshot.SegmentView { return v.segments }
func (v *view) Identity() string                 { return "store" }
func (v *view) Revision() layers.Revision        { return v.revision }
func (v *view) Release()                         { v.held.Add(-1) }

// catalog holds layers, each as one view.
type catalog struct {
	views map[layers.ID]*view
	held  atomic.Int64
}

func (c *catalog) View(id layers.ID) (*view, error) {
	v := c.views[id]
	if v == nil {
		return nil, layers.Errorf(layers.ErrNotFound, "there is no layer %s", id)
	}
	c.held.Add(1)
	return v, nil
}

// put publishes a layer: some features as its base and some as edits.
func (c *catalog) put(t testing.TB, l *layers.Layer, revision layers.Revision, base, edits []*layers.Feature) {
	t.Helper()
	v := &view{layer: l, revision: revision, held: &c.held}
	for k, list := range [][]*layers.Feature{base, edits} {
		b := snapshot.NewBuilder(l)
		for _, f := range list {
			require.NoError(t, b.Add(f))
		}
		s := b.Edits()
		if k == 0 {
			var err error
			s, err = b.Base()
			require.NoError(t, err)
		}
		sv, err := snapshot.NewSegmentView(s, k == 0)
		require.NoError(t, err)
		v.segments = append(v.segments, sv)
	}
	if c.views == nil {
		c.views = map[layers.ID]*view{}
	}
	c.views[l.ID] = v
}

func newService(t testing.TB, c *catalog, set ...func(*tiles3d.Options)) *tiles3d.Service {
	t.Helper()
	o := tiles3d.Options{Views: tiles3d.From(c)}
	for _, f := range set {
		f(&o)
	}
	s, err := tiles3d.New(o)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.Zero(t, c.held.Load(), "every view was released")
	})
	return s
}
