//go:build proof

package demo

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/geopackage"
)

func TestTry(t *testing.T) {
	store, err := geopackage.Open(context.Background(), t.TempDir()+"/demo.gpkg", geopackage.Options{Create: true})
	require.NoError(t, err)
	defer store.Close()
	last := time.Now()
	t0 := last
	require.NoError(t, Load(context.Background(), store, func(l layers.ID, done, total int64) {
		if done > 0 && done == total {
			t.Log(l, done, time.Since(last))
			last = time.Now()
		}
	}))
	t.Log("all", time.Since(t0))
	t0 = time.Now()
	require.NoError(t, Load(context.Background(), store, nil))
	t.Log("again", time.Since(t0))
}
