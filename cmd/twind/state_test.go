package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/config"
	"twind/realtime"
	"twind/realtime/history"
)

func TestWhatCannotBeMadeAgainIsNamedByItsStore(t *testing.T) {
	of := func(store string) config.Config { return config.Config{Store: store} }
	east, west := stateDir(of("geopackage:/city/east.gpkg")), stateDir(of("geopackage:/city/west.gpkg"))
	require.Equal(t, "/city/east.live", east)
	require.NotEqual(t, east, west, "two in one folder")
	require.Equal(t, filepath.Join(east, "history"), historyDir(of("geopackage:/city/east.gpkg")))
	require.Equal(t, "data", stateDir(of("postgres://h/d")))

	with := of("geopackage:/city/east.gpkg")
	with.Data = "/var/lib/twind"
	require.Equal(t, "/var/lib/twind/history", historyDir(with))
	require.Equal(t, "/var/lib/twind", stateDir(with))
	with.History.Dir = "/elsewhere/past"
	require.Equal(t, "/elsewhere/past", historyDir(with))

	// Two servers at once, each with entities of its own.
	dir := t.TempDir()
	for _, name := range []string{"a.gpkg", "b.gpkg"} {
		s, err := openSensorThings(of("geopackage:" + filepath.Join(dir, name)))
		require.NoError(t, err, name)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
	}
	require.FileExists(t, filepath.Join(dir, "a.live", "sensorthings", "sensorthings.log"))
	require.FileExists(t, filepath.Join(dir, "b.live", "sensorthings", "sensorthings.log"))
}

func TestALinkToAStoreIsThatStore(t *testing.T) {
	dir, store, file := stored(t)
	far := filepath.Join(dir, "far")
	require.NoError(t, os.Mkdir(far, 0o755))
	link := filepath.Join(far, "b.gpkg")
	require.NoError(t, os.Symlink(filepath.Join("..", "c.gpkg"), link))
	own := config.Config{Store: store}
	for _, name := range []string{link, "geopackage:" + link} {
		c := config.Config{Store: name}
		require.Equal(t, stateDir(own), stateDir(c))
		require.Equal(t, historyDir(own), historyDir(c))
		require.Equal(t, dataDir(own), dataDir(c))
	}
	past := func(folder string) string { return filepath.Join(folder, "history", "_events") }

	// What an earlier version kept beside the link is found, by who only reads too.
	log, err := history.Open(history.Options{Dir: filepath.Join(far, "b.live", "history"), Interval: time.Hour, SealBytes: 1})
	require.NoError(t, err)
	require.NoError(t, log.AppendEvents(t.Context(), []realtime.Event{{ID: "x"}}))
	require.Eventually(t, func() bool { return log.Stats().Journals == 0 }, 30*time.Second, time.Millisecond)
	status, out, errOut := twind(t, "check", "--store", link)
	require.Zero(t, status, errOut)
	require.Contains(t, out, "1 row of its history")
	require.DirExists(t, past(filepath.Join(far, "b.live")))
	var said bytes.Buffer
	told := slog.New(slog.NewTextHandler(&said, nil))
	gatherState(config.Config{Store: link}, told)
	require.DirExists(t, past(filepath.Join(far, "b.live")), "another process has it")
	require.NoError(t, log.Close())

	// A server moves it to the store, whose name and link are one from then on.
	ctx, cancel := context.WithCancel(t.Context())
	var served, failed lockedBuffer
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"serve", "--addr", "127.0.0.1:0", "--store", link}, &served, &failed)
	}()
	require.Eventually(t, func() bool { return strings.Contains(served.String(), "twind serves 1 layers") }, 30*time.Second, 10*time.Millisecond, "%s", &failed)
	require.Contains(t, failed.String(), "was moved to the store")
	require.DirExists(t, past(filepath.Join(dir, "c.live")))
	require.NoDirExists(t, filepath.Join(far, "b.live"))
	fails(t, exitFailed, []string{"serve", "--addr", "127.0.0.1:0", "--store", store}, "in use by another process")
	status, _, errOut = twind(t, "import", file, "--layer", "more", "--store", link)
	require.Zero(t, status, errOut)
	cancel()
	require.Zero(t, <-done, failed.String())
	status, out, errOut = twind(t, "check", "--store", store)
	require.Zero(t, status, out+errOut)
	require.Contains(t, out, "no fault in 4 features")
	entries, err := os.ReadDir(far)
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing was made beside the link")

	require.NoError(t, os.Mkdir(filepath.Join(far, "b.live"), 0o755))
	gatherState(config.Config{Store: link}, told)
	require.Contains(t, said.String(), "that beside the link to it is not used")
	require.Equal(t, stateDir(own), stateDir(config.Config{Store: link}))

	// A store that is to be made is made at the link's end.
	fresh := filepath.Join(far, "new.gpkg")
	require.NoError(t, os.Symlink(filepath.Join(dir, "made.gpkg"), fresh))
	status, _, errOut = twind(t, "import", file, "--layer", "a", "--store", fresh)
	require.Zero(t, status, errOut)
	require.FileExists(t, filepath.Join(dir, "made.gpkg"))
	circle := filepath.Join(far, "circle.gpkg")
	require.NoError(t, os.Symlink("circle.gpkg", circle))
	fails(t, exitFailed, []string{"check", "--store", circle}, "circle")
}
