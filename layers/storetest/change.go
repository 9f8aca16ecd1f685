package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
)

// replica is what somebody who follows the log believes a layer to hold.
type replica struct {
	at       layers.Revision
	features map[layers.ID]map[string]*layers.Feature
}

// catchUp reads the log and what it names.
func (r *replica) catchUp(t *testing.T, s layers.Store) {
	t.Helper()
	for _, rec := range records(t, s, r.at) {
		require.Greater(t, rec.Revision, r.at, "revisions grow")
		r.at = rec.Revision
		switch rec.Op {
		case layers.LayerCreated:
			r.features[rec.Layer] = map[string]*layers.Feature{}
		case layers.LayerDropped:
			delete(r.features, rec.Layer)
		case layers.Reloaded, layers.LayerUpdated:
			if _, err := s.Layer(t.Context(), rec.Layer); err == nil {
				r.features[rec.Layer] = scan(t, s, rec.Layer, layers.Query{})
			}
		case layers.Inserted, layers.Updated, layers.Deleted:
			require.NotEmpty(t, rec.Feature)
			if _, err := s.Layer(t.Context(), rec.Layer); err != nil {
				continue // dropped since: a later record says so
			}
			if r.features[rec.Layer] == nil {
				r.features[rec.Layer] = map[string]*layers.Feature{}
			}
			delete(r.features[rec.Layer], rec.Feature)
			for id, f := range scan(t, s, rec.Layer, layers.Query{IDs: []string{rec.Feature}}) {
				r.features[rec.Layer][id] = f
			}
		default:
			require.Fail(t, fmt.Sprintf("unknown operation %d", rec.Op))
		}
	}
}

func (r *replica) equal(t *testing.T, s layers.Store) {
	t.Helper()
	all, err := s.Layers(t.Context())
	require.NoError(t, err)
	require.Len(t, r.features, len(all))
	for _, l := range all {
		want := scan(t, s, l.ID, layers.Query{})
		require.Len(t, r.features[l.ID], len(want), "layer %s", l.ID)
		for id, f := range want {
			require.Contains(t, r.features[l.ID], id)
			equalFeatures(t, f, r.features[l.ID][id])
			require.Equal(t, f.Revision, r.features[l.ID][id].Revision)
		}
	}
	require.Equal(t, headOf(t, s), r.at)
}

// testChangesFollow makes random changes and follows them by the log alone.
func testChangesFollow(t *testing.T, s layers.Store) {
	r := &replica{features: map[layers.ID]map[string]*layers.Feature{}}
	rnd := rand.New(rand.NewPCG(1, 2))
	create(t, s, mixed("a"))
	create(t, s, mixed("b"))
	there := func(layer layers.ID, id string) bool {
		return len(ids(t, s, layer, layers.Query{IDs: []string{id}})) == 1
	}
	for step := range 40 {
		layer := []layers.ID{"a", "b"}[rnd.IntN(2)]
		id := fmt.Sprintf("编号%d", rnd.IntN(8))
		f := feature(id, float64(rnd.IntN(100)), 1, "x", int64(step))
		switch exists := there(layer, id); {
		case step%13 == 12:
			load(t, s, layer, layers.Upsert, f, feature("loaded", 1, 1, "", int64(step)))
		case step%17 == 16:
			load(t, s, layer, layers.Replace, f)
		case step == 30:
			require.NoError(t, s.DropLayer(t.Context(), layer))
			create(t, s, mixed(layer))
		case !exists:
			insert(t, s, layer, f)
		case rnd.IntN(3) == 0:
			change(t, s, func(tx layers.Tx) error { return tx.Delete(t.Context(), layer, id) })
		case rnd.IntN(3) == 0: // more than one change of a feature in one transaction
			change(t, s, func(tx layers.Tx) error {
				if err := tx.Delete(t.Context(), layer, id); err != nil {
					return err
				}
				return tx.Insert(t.Context(), layer, f)
			})
		default:
			change(t, s, func(tx layers.Tx) error { return tx.Replace(t.Context(), layer, f) })
		}
		if rnd.IntN(3) == 0 {
			r.catchUp(t, s)
			r.equal(t, s)
		}
	}
	r.catchUp(t, s)
	r.equal(t, s)
}

func testChangesOrder(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	start := headOf(t, s)
	a := insert(t, s, "a", feature("x", 1, 1, "", 0), feature("y", 1, 1, "", 0))
	b := change(t, s, func(tx layers.Tx) error { return tx.Replace(t.Context(), "a", feature("x", 2, 2, "", 0)) })
	c := change(t, s, func(tx layers.Tx) error { return tx.Delete(t.Context(), "a", "y") })
	type line struct {
		feature string
		op      layers.ChangeOp
	}
	var got []line
	last := start
	for _, r := range records(t, s, start) {
		require.Greater(t, r.Revision, last)
		last = r.Revision
		require.Equal(t, layers.ID("a"), r.Layer)
		require.WithinDuration(t, time.Now(), r.Time, time.Hour)
		got = append(got, line{r.Feature, r.Op})
	}
	require.Equal(t, []line{{"x", layers.Inserted}, {"y", layers.Inserted}, {"x", layers.Updated}, {"y", layers.Deleted}}, got)
	require.Equal(t, c, last)
	require.Len(t, records(t, s, a), 2)
	require.Len(t, records(t, s, b), 1)
	require.Empty(t, records(t, s, c))
}

// testChangesOutOfReach asks for what comes after a revision that this store
// has never had, as after restoring an older copy.
func testChangesOutOfReach(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	err := s.Changes(t.Context(), headOf(t, s)+1000, func(layers.Record) error { return nil })
	require.ErrorIs(t, err, layers.ErrNotFound)
}

func testWatch(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ch, err := s.Watch(ctx)
	require.NoError(t, err)
	other, err := s.Watch(t.Context())
	require.NoError(t, err)
	for i := range 3 {
		rev := insert(t, s, "a", feature(fmt.Sprint(i), 1, 1, "", 0))
		for _, c := range []<-chan struct{}{ch, other} {
			// Signals may be merged and may be too many, never too few.
			soon(t, c, "a signal")
			require.GreaterOrEqual(t, headOf(t, s), rev)
		}
	}
	cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range ch {
		}
	}()
	soon(t, ended, "the end of the watch")
	insert(t, s, "a", feature("more", 1, 1, "", 0))
	soon(t, other, "a signal")
	_, err = s.Watch(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

// testSecondHandle changes the data through one handle and follows it through
// another, as a server follows an import of another process.
func testSecondHandle(t *testing.T, s layers.Store) {
	r, ok := s.(Reopener)
	if !ok {
		return
	}
	second := r.Reopen()
	defer func() { require.NoError(t, second.Close()) }()
	ch, err := second.Watch(t.Context())
	require.NoError(t, err)
	rep := &replica{features: map[layers.ID]map[string]*layers.Feature{}}
	until := func(rev layers.Revision) {
		t.Helper()
		deadline := time.After(20 * time.Second)
		for headOf(t, second) < rev {
			select {
			case <-ch:
			case <-deadline:
				require.Fail(t, "no signal of the other handle's commit")
			}
		}
		rep.catchUp(t, second)
		rep.equal(t, second)
		rep.equal(t, s)
	}
	l := create(t, s, mixed("a"))
	until(headOf(t, s))
	until(insert(t, s, "a", grid(3)...))
	until(load(t, s, "a", layers.Upsert, feature("f1", 9, 9, "变", 1), feature("new", 8, 8, "", 0)).Revision)
	until(load(t, s, "a", layers.Replace, grid(2)...).Revision)
	l.Schema = append(l.Schema, layers.Property{Name: "more", Type: layers.Date})
	require.NoError(t, s.UpdateLayer(t.Context(), l))
	until(headOf(t, s))
	require.NoError(t, s.DropLayer(t.Context(), "a"))
	until(headOf(t, s))
	// And back: the second handle writes, the first reads at once.
	create(t, second, mixed("b"))
	rev := insert(t, second, "b", grid(4)...)
	require.Equal(t, rev, headOf(t, s))
	require.Len(t, scan(t, s, "b", layers.Query{}), 4)
}

// testReopen finds everything again through a handle opened later.
func testReopen(t *testing.T, s layers.Store) {
	r, ok := s.(Reopener)
	if !ok {
		return
	}
	want := create(t, s, full())
	create(t, s, mixed("a"))
	insert(t, s, "a", grid(5)...)
	change(t, s, func(tx layers.Tx) error { return tx.Delete(t.Context(), "a", "f2") })
	old := scan(t, s, "a", layers.Query{})
	head := headOf(t, s)
	second := r.Reopen()
	got, err := second.Layer(t.Context(), want.ID)
	require.NoError(t, err)
	require.Equal(t, want, got)
	unchanged(t, second, head, old)
	require.Equal(t, records(t, s, 0), records(t, second, 0))
	noFaults(t, second)
	require.NoError(t, second.Close())
	unchanged(t, s, head, old)
}
