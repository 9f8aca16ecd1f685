package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/realtime"
	"twind/realtime/history"
)

func TestCheckReadsTheHistory(t *testing.T) {
	dir, store, _ := stored(t)
	log, err := history.Open(history.Options{Dir: filepath.Join(dir, "c.live", "history"), Interval: time.Hour, SealBytes: 1})
	require.NoError(t, err)
	require.NoError(t, log.AppendEvents(t.Context(), []realtime.Event{{ID: "x"}, {ID: "y"}}))
	require.Eventually(t, func() bool { return log.Stats().Journals == 0 }, 30*time.Second, time.Millisecond)
	status, out, errOut := twind(t, "check", "--store", store) // while it is in use
	require.Zero(t, status, out+errOut)
	require.Contains(t, out, "and 2 rows of its history")
	require.NoError(t, log.Close())
	files, err := filepath.Glob(filepath.Join(dir, "c.live", "history", "_events", "*.seg"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	b, err := os.ReadFile(files[0])
	require.NoError(t, err)
	b[16+70] ^= 1
	require.NoError(t, os.WriteFile(files[0], b, 0o600))
	status, out, errOut = twind(t, "check", "--store", store)
	require.Equal(t, exitFailed, status)
	require.Contains(t, out, filepath.Join("history", "_events", filepath.Base(files[0]))+" is damaged")
	require.Contains(t, errOut, "1 fault in 2 features")
	// The server says the same of what it needs to start.
	fails(t, exitFailed, []string{"serve", "--addr", "127.0.0.1:0", "--store", store}, filepath.Join("history", "_events", filepath.Base(files[0]))+" is damaged")
}
