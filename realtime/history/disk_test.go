package history_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/history"
)

// breakDisk makes the log's folder of journals unusable; mend puts it back.
func breakDisk(t *testing.T, dir string) (mend func()) {
	journals := filepath.Join(dir, "journal")
	require.NoError(t, os.Rename(journals, journals+".away"))
	require.NoError(t, os.WriteFile(journals, nil, 0o644))
	return func() {
		require.NoError(t, os.Remove(journals))
		require.NoError(t, os.Rename(journals+".away", journals))
	}
}

// TestDiskThatFails: nothing is confirmed that is not on disk, memory is
// bounded, and the log goes on by itself once the disk does.
func TestDiskThatFails(t *testing.T) {
	dir := t.TempDir()
	metrics := prometheus.NewRegistry()
	// Every commit ends its journal, so that the next one needs the folder.
	log := open(t, history.Options{Dir: dir, Interval: time.Hour, SealBytes: 1, MaxPending: 64 << 10, Registerer: metrics})
	hub := realtime.New(realtime.Options{Journal: log})
	require.NoError(t, hub.AddLayer(vehicles()))
	server := httptest.NewServer(realtime.PositionsHandler(hub, realtime.PositionsOptions{}))
	defer server.Close()
	defer server.CloseClientConnections()
	post := func(ids ...string) int {
		var items []string
		for _, id := range ids {
			items = append(items, fmt.Sprintf(`{"layer":"vehicles","id":%q,"time":"2026-11-21T08:00:00Z","lon":-74,"lat":40.7}`, id))
		}
		resp, err := http.Post(server.URL, "application/json", strings.NewReader("["+strings.Join(items, ",")+"]"))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	require.Equal(t, 202, post("before"))
	require.Eventually(t, func() bool { return log.Stats().Journals == 0 }, 30*time.Second, time.Millisecond)
	mend := breakDisk(t, dir)
	require.Equal(t, 503, post("during"))
	require.ErrorIs(t, log.Ready(), layers.ErrUnavailable)
	require.ErrorIs(t, log.AppendEvents(t.Context(), []realtime.Event{{ID: "x", Lon: math.NaN(), Lat: math.NaN()}}), layers.ErrUnavailable)
	require.Equal(t, 503, post("later"))
	_, err := hub.Find("vehicles", "later")
	require.Error(t, err, "nothing is begun that cannot be confirmed")
	// Feeds go on being shown; beyond the bound they are not kept.
	dropped := 0
	for i := range 2000 {
		r, err := hub.Apply(t.Context(), []realtime.Position{realtime.NewPosition("vehicles", fmt.Sprint("feed ", i), noon, -74, 40.7)})
		require.NoError(t, err)
		dropped += r.Unrecorded
	}
	require.Greater(t, dropped, 1000)
	require.Error(t, log.Flush(t.Context()))
	mend()
	require.Eventually(t, func() bool { return log.Ready() == nil }, 20*time.Second, 10*time.Millisecond)
	require.Equal(t, 202, post("during"), "it was refused as a duplicate, and is on disk now")
	require.Equal(t, 202, post("later"))
	require.NoError(t, log.AppendEvents(t.Context(), []realtime.Event{{ID: "x", Lon: math.NaN(), Lat: math.NaN()}}))
	seen := map[string]int{}
	for _, b := range everything(t, log, "vehicles") {
		seen[b.ID]++
	}
	for _, id := range []string{"before", "during", "later", "feed 0"} {
		require.Equal(t, 1, seen[id], id)
	}
	require.Len(t, seen, 3+2000-dropped)
	require.Equal(t, float64(dropped), testutil.ToFloat64(counter(t, metrics, "twind_history_rows_dropped_total")))
}

// counter finds a counter's value by name.
func counter(t *testing.T, r *prometheus.Registry, name string) prometheus.Collector {
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			c := prometheus.NewCounter(prometheus.CounterOpts{Name: "copy", Help: "copy"})
			c.Add(f.GetMetric()[0].GetCounter().GetValue())
			return c
		}
	}
	t.Fatalf("no metric %s", name)
	return nil
}
