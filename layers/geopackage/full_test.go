//go:build linux

package geopackage_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/geopackage"
	"twind/spatial"
)

// TestFullDisk fills a file's disk by writing, in each way that this process may: a
// limit of the size of files, and a small disk of its own where it may mount one.
func TestFullDisk(t *testing.T) {
	t.Run("limit", func(t *testing.T) {
		var old syscall.Rlimit
		require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old))
		free := func() { require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old)) }
		defer free()
		fillDisk(t, t.TempDir(), func() {
			require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 3 << 20, Max: old.Max}))
		}, free)
	})
	dir := t.TempDir()
	if syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m") != nil {
		return // only root may; the limit has shown the same
	}
	defer func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) }()
	t.Run("disk", func(t *testing.T) {
		fillDisk(t, dir, func() {}, func() { require.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=64m")) })
	})
}

func fillDisk(t *testing.T, dir string, limit, free func()) {
	path := filepath.Join(dir, "city.gpkg")
	s, err := geopackage.Open(t.Context(), path, geopackage.Options{Create: true})
	require.NoError(t, err)
	poles(t, s, 3)
	require.NoError(t, s.Writable())
	limit()
	written := 3
	var refused error
	for ; refused == nil; written++ {
		require.Less(t, written, 200, "it was never full")
		_, refused = s.Update(t.Context(), func(tx layers.Tx) error {
			return tx.Insert(t.Context(), "poles", &layers.Feature{
				ID: fmt.Sprint("large-", written), Geometry: spatial.NewPoint(1, 1), Properties: []layers.Value{layers.StringValue(strings.Repeat("灯", 30_000)), {}},
			})
		})
	}
	written-- // the last was refused
	require.ErrorIs(t, refused, layers.ErrUnavailable)
	require.ErrorContains(t, refused, "the disk of "+path+" is full; nothing was changed: make room there")
	require.ErrorIs(t, s.Writable(), layers.ErrUnavailable)
	require.ErrorContains(t, s.Writable(), "is full")
	require.Len(t, all(t, s, "poles", layers.Query{}), written, "it is read as it was")

	second, err := geopackage.Open(t.Context(), path, geopackage.Options{})
	require.NoError(t, err, "reading commands work on a full disk")
	require.Len(t, all(t, second, "poles", layers.Query{}), written)
	require.NoError(t, second.Check(t.Context(), func(fault string) error { t.Error(fault); return nil }))
	require.NoError(t, second.Close())

	// A process that died leaves the log: what is there then is what Open finds.
	left := t.TempDir()
	free()
	for _, end := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + end)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(left, "copy.gpkg"+end), b, 0o666))
	}
	require.NoError(t, s.Writable())
	_, err = s.Update(t.Context(), func(tx layers.Tx) error {
		return tx.Insert(t.Context(), "poles", &layers.Feature{ID: "last", Geometry: spatial.NewPoint(1, 1), Properties: []layers.Value{{}, {}}})
	})
	require.NoError(t, err)
	require.Len(t, all(t, s, "poles", layers.Query{}), written+1)
	healthy(t, s)
	require.NoError(t, s.Close())

	copied, err := geopackage.Open(t.Context(), filepath.Join(left, "copy.gpkg"), geopackage.Options{})
	require.NoError(t, err)
	require.Len(t, all(t, copied, "poles", layers.Query{}), written, "the advice holds: a copy with its log is whole")
	healthy(t, copied)
	require.NoError(t, copied.Close())
}
