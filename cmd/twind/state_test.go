package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/config"
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
