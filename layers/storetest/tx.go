package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
)

func testRollbackOnError(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	insert(t, s, "a", grid(3)...)
	before, old := headOf(t, s), scan(t, s, "a", layers.Query{})
	_, err := s.Update(t.Context(), func(tx layers.Tx) error {
		require.NoError(t, tx.Insert(t.Context(), "a", feature("new", 1, 1, "", 0)))
		require.NoError(t, tx.Replace(t.Context(), "a", feature("f1", 9, 9, "changed", 9)))
		require.NoError(t, tx.Delete(t.Context(), "a", "f2"))
		return errTest
	})
	require.ErrorIs(t, err, errTest)
	unchanged(t, s, before, old)

	// A refused operation does not spoil what comes before and after it, if
	// the caller goes on.
	change(t, s, func(tx layers.Tx) error {
		require.NoError(t, tx.Insert(t.Context(), "a", feature("before", 1, 1, "", 0)))
		require.ErrorIs(t, tx.Insert(t.Context(), "a", feature("f1", 1, 1, "", 0)), layers.ErrExists)
		require.ErrorIs(t, tx.Delete(t.Context(), "a", "nobody"), layers.ErrNotFound)
		return tx.Insert(t.Context(), "a", feature("after", 1, 1, "", 0))
	})
	require.Equal(t, []string{"after", "before", "f0", "f1", "f2"}, ids(t, s, "a", layers.Query{}))
	equalFeatures(t, old["f1"], scan(t, s, "a", layers.Query{})["f1"])
}

// unchanged finds layer a and the log as they were.
func unchanged(t *testing.T, s layers.Store, head layers.Revision, features map[string]*layers.Feature) {
	t.Helper()
	require.Equal(t, head, headOf(t, s))
	require.Empty(t, records(t, s, head))
	got := scan(t, s, "a", layers.Query{})
	require.Len(t, got, len(features))
	for id, f := range features {
		equalFeatures(t, f, got[id])
		require.Equal(t, f.Revision, got[id].Revision)
	}
}

func testRollbackOnPanic(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	insert(t, s, "a", grid(3)...)
	before, old := headOf(t, s), scan(t, s, "a", layers.Query{})
	require.PanicsWithValue(t, "a panic of the test", func() {
		s.Update(t.Context(), func(tx layers.Tx) error {
			require.NoError(t, tx.Delete(t.Context(), "a", "f1"))
			panic("a panic of the test")
		})
	})
	unchanged(t, s, before, old)
	insert(t, s, "a", feature("works on", 1, 1, "", 0))
}

func testRollbackOnCancel(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	insert(t, s, "a", grid(3)...)
	before, old := headOf(t, s), scan(t, s, "a", layers.Query{})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.Update(ctx, func(tx layers.Tx) error {
		require.NoError(t, tx.Delete(ctx, "a", "f1"))
		cancel()
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	unchanged(t, s, before, old)
	_, err = s.Update(ctx, func(layers.Tx) error { return nil })
	require.ErrorIs(t, err, context.Canceled)
	err = s.Scan(ctx, "a", layers.Query{}, func(*layers.Feature) error { return nil })
	require.ErrorIs(t, err, context.Canceled)
	insert(t, s, "a", feature("works on", 1, 1, "", 0))
}

func testTransactionReadsItself(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	var escaped layers.Tx
	change(t, s, func(tx layers.Tx) error {
		escaped = tx
		_, err := tx.Get(t.Context(), "a", "x")
		require.ErrorIs(t, err, layers.ErrNotFound)
		require.NoError(t, tx.Insert(t.Context(), "a", feature("x", 1, 2, "一", 1)))
		got, err := tx.Get(t.Context(), "a", "x")
		require.NoError(t, err)
		equalFeatures(t, feature("x", 1, 2, "一", 1), got)
		require.NoError(t, tx.Replace(t.Context(), "a", feature("x", 3, 4, "二", 2)))
		got, err = tx.Get(t.Context(), "a", "x")
		require.NoError(t, err)
		equalFeatures(t, feature("x", 3, 4, "二", 2), got)
		require.NoError(t, tx.Delete(t.Context(), "a", "x"))
		_, err = tx.Get(t.Context(), "a", "x")
		require.ErrorIs(t, err, layers.ErrNotFound)
		return tx.Insert(t.Context(), "a", feature("x", 5, 6, "三", 3))
	})
	equalFeatures(t, feature("x", 5, 6, "三", 3), scan(t, s, "a", layers.Query{})["x"])
	require.Error(t, escaped.Delete(t.Context(), "a", "x"), "a transaction dies with its function")
	require.Len(t, scan(t, s, "a", layers.Query{}), 1)
}

// testGetHolds counts up one feature from several goroutines and handles: no
// count may be lost, since Get holds the feature until the transaction ends.
func testGetHolds(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	insert(t, s, "a", feature("counter", 0, 0, "", 0))
	handles := []layers.Store{s, s}
	if r, ok := s.(Reopener); ok {
		second := r.Reopen()
		defer func() { require.NoError(t, second.Close()) }()
		handles = append(handles, second, second)
	}
	const each = 5
	var wg sync.WaitGroup
	errs := make([]error, len(handles))
	for i, h := range handles {
		wg.Go(func() {
			for range each {
				_, err := h.Update(t.Context(), func(tx layers.Tx) error {
					f, err := tx.Get(t.Context(), "a", "counter")
					if err != nil {
						return err
					}
					f.Properties[1] = layers.IntValue(f.Properties[1].Int() + 1)
					return tx.Replace(t.Context(), "a", f)
				})
				if err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Equal(t, int64(each*len(handles)), scan(t, s, "a", layers.Query{})["counter"].Properties[1].Int())
}

// testReadersDoNotWait reads while a transaction that has written is open: the
// readers see the state before it.
func testReadersDoNotWait(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	insert(t, s, "a", grid(5)...)
	before, old := headOf(t, s), scan(t, s, "a", layers.Query{})
	written, read, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := s.Update(t.Context(), func(tx layers.Tx) error {
			for i := range 5 {
				if err := tx.Replace(t.Context(), "a", feature(fmt.Sprintf("f%d", i), 50, 50, "changed", 99)); err != nil {
					return err
				}
			}
			if err := tx.Insert(t.Context(), "a", feature("new", 1, 1, "", 0)); err != nil {
				return err
			}
			close(written)
			<-read
			return nil
		})
		done <- err
	}()
	soon(t, written, "the writer")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 3 {
		now, err := s.Head(ctx)
		require.NoError(t, err)
		require.Equal(t, before, now)
		n := 0
		require.NoError(t, s.Scan(ctx, "a", layers.Query{}, func(f *layers.Feature) error {
			n++
			equalFeatures(t, old[f.ID], f)
			return nil
		}))
		require.Equal(t, len(old), n)
	}
	close(read)
	require.NoError(t, <-done)
	got := scan(t, s, "a", layers.Query{})
	require.Len(t, got, 6)
	require.Equal(t, int64(99), got["f3"].Properties[1].Int())
}

// testScanIsOneState changes the layer while it is scanned.
func testScanIsOneState(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	insert(t, s, "a", grid(40)...)
	seen := map[string]int64{}
	require.NoError(t, s.Scan(t.Context(), "a", layers.Query{}, func(f *layers.Feature) error {
		if len(seen) == 0 {
			change(t, s, func(tx layers.Tx) error {
				for i := range 40 {
					if err := tx.Replace(t.Context(), "a", feature(fmt.Sprintf("f%d", i), 1, 1, "changed", -1)); err != nil {
						return err
					}
				}
				return tx.Insert(t.Context(), "a", feature("new", 1, 1, "", 0))
			})
		}
		seen[f.ID] = f.Properties[1].Int()
		return nil
	}))
	require.Len(t, seen, 40)
	for i := range 40 {
		require.Equal(t, int64(i), seen[fmt.Sprintf("f%d", i)])
	}
	require.Len(t, scan(t, s, "a", layers.Query{}), 41)
}

func testScanStops(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	insert(t, s, "a", grid(10)...)
	n := 0
	err := s.Scan(t.Context(), "a", layers.Query{}, func(*layers.Feature) error {
		if n++; n == 3 {
			return errTest
		}
		return nil
	})
	require.ErrorIs(t, err, errTest)
	require.Equal(t, 3, n)
	ctx, cancel := context.WithCancel(t.Context())
	err = s.Scan(ctx, "a", layers.Query{}, func(*layers.Feature) error { cancel(); return ctx.Err() })
	require.ErrorIs(t, err, context.Canceled)
	require.PanicsWithValue(t, "a panic of the test", func() {
		s.Scan(t.Context(), "a", layers.Query{}, func(*layers.Feature) error { panic("a panic of the test") })
	})
	require.Len(t, scan(t, s, "a", layers.Query{}), 10)
	n = 0
	require.ErrorIs(t, s.Changes(t.Context(), 0, func(layers.Record) error { n++; return errTest }), errTest)
	require.Equal(t, 1, n)
}
