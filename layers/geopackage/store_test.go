package geopackage_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/geopackage"
	"twind/layers/storetest"
)

// open makes a store in a new file and lets it be opened again.
func open(t *testing.T) layers.Store {
	path := filepath.Join(t.TempDir(), "城市.gpkg")
	again := func() layers.Store {
		s, err := geopackage.Open(t.Context(), path, geopackage.Options{Create: true})
		require.NoError(t, err)
		return s
	}
	return storetest.Reopenable(again(), again)
}

func TestStore(t *testing.T) { storetest.Run(t, open) }

// TestStoreSmallSteps runs what loads with loads that take the way of large ones.
func TestStoreSmallSteps(t *testing.T) {
	storetest.Run(t, func(t *testing.T) layers.Store {
		s := open(t).(storetest.Reopener)
		storetest.Unwrap(s).(*geopackage.Store).SmallSteps()
		return s
	}, "Load", "Changes", "SecondHandle", "Geometry", "Stats")
}
