package history_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/history"
)

// verify is what Verify tells of a folder.
func verify(t *testing.T, dir string) (history.Verified, []string) {
	t.Helper()
	var faults []string
	v, err := history.Verify(t.Context(), dir, func(f string) error { faults = append(faults, f); return nil })
	require.NoError(t, err)
	return v, faults
}

// TestVerifyNamesTheFile flips one byte in each of the files, whose names are the
// same in all folders.
func TestVerifyNamesTheFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "past")
	v, faults := verify(t, dir)
	require.Zero(t, v)
	require.Empty(t, faults, "there is no history yet")
	log, err := history.Open(history.Options{Dir: dir, Interval: time.Hour, SealBytes: 1})
	require.NoError(t, err)
	var rows []realtime.Believed
	for i := range 500 {
		rows = append(rows, at("bus", i, -74, 40.7))
	}
	require.NoError(t, log.Positions("vehicles", rows))
	require.NoError(t, log.Positions("trains", rows))
	require.NoError(t, log.AppendEvents(t.Context(), []realtime.Event{{ID: "x"}}))
	require.NoError(t, log.Flush(t.Context()))
	require.Eventually(t, func() bool { return log.Stats().Journals == 0 }, 30*time.Second, time.Millisecond)
	v, faults = verify(t, dir) // while it runs
	require.Empty(t, faults)
	require.EqualValues(t, 1001, v.Rows)
	require.NoError(t, log.Close())

	files, err := filepath.Glob(filepath.Join(dir, "*", "*.seg"))
	require.NoError(t, err)
	require.Len(t, files, 3)
	for _, path := range files {
		whole, err := os.ReadFile(path)
		require.NoError(t, err)
		name, err := filepath.Rel(filepath.Dir(dir), path)
		require.NoError(t, err)
		for _, at := range []int{0, 16 + 70, len(whole) - 40, len(whole) - 1} { // header, a block, the index, the trailer
			broken := append([]byte(nil), whole...)
			broken[at] ^= 1
			require.NoError(t, os.WriteFile(path, broken, 0o600))
			_, faults = verify(t, dir)
			require.Len(t, faults, 1, "byte %d", at)
			require.Contains(t, faults[0], name+" is damaged")
			left, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, broken, left, "it was only read")
		}
		require.NoError(t, os.WriteFile(path, whole, 0o600))
	}
	_, faults = verify(t, dir)
	require.Empty(t, faults)

	// Whoever reads a damaged block names the file in the same way.
	path := filepath.Join(dir, "_events", filepath.Base(files[0]))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	b[16+70] ^= 1
	require.NoError(t, os.WriteFile(path, b, 0o600))
	log = open(t, history.Options{Dir: dir})
	err = log.Events(t.Context(), 0, func(*realtime.Event) error { return nil })
	require.ErrorIs(t, err, layers.ErrCorrupt)
	require.ErrorContains(t, err, filepath.Join("past", "_events", filepath.Base(path))+" is damaged")

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = history.Verify(ended, dir, func(string) error { return nil })
	require.ErrorIs(t, err, context.Canceled)
}

func TestVerifyReadsJournals(t *testing.T) {
	dir := t.TempDir()
	log := open(t, history.Options{Dir: dir, Interval: time.Hour})
	for range 3 {
		require.NoError(t, log.Positions("vehicles", []realtime.Believed{at("bus", 1, -74, 40.7)}))
		require.NoError(t, log.Flush(t.Context()))
	}
	v, faults := verify(t, dir)
	require.Empty(t, faults)
	require.EqualValues(t, 3, v.Rows)
	paths, err := filepath.Glob(filepath.Join(dir, "journal", "*.log"))
	require.NoError(t, err)
	require.Len(t, paths, 1)
	whole, err := os.ReadFile(paths[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(paths[0], whole[:len(whole)-5], 0o600))
	v, faults = verify(t, dir)
	require.Empty(t, faults, "a torn end is no fault: it is being written")
	require.EqualValues(t, 2, v.Rows)
	whole[16+70] ^= 1
	require.NoError(t, os.WriteFile(paths[0], whole, 0o600))
	_, faults = verify(t, dir)
	require.Len(t, faults, 1)
	require.Contains(t, faults[0], filepath.Join("journal", filepath.Base(paths[0]))+" is damaged")
}
