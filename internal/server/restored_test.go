package server_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/config"
	"twind/internal/server"
	"twind/tiles/tiles3d"
)

// A GeoPackage that is put back from a backup and changed otherwise is another
// state for whoever knows the first: no tag of it answers 304, and none lets a
// change through. A start without a change keeps every tag.
func TestTagsAfterRestoring(t *testing.T) {
	path, dir := filepath.Join(t.TempDir(), "city.gpkg"), t.TempDir()
	makeCity(t, path)
	serve := func() *city {
		var solids *tiles3d.Service
		c := openCity(t, path, dir, func(conf *config.Config) {
			conf.Tokens = []config.Token{{Name: "gis", SHA256: "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"}} // "secret"
		}, func(o *server.Options) {
			o.PublicURL = "http://city.example" // tags tell addresses apart too
			solids = giveSolids(t, o)
		})
		t.Cleanup(func() { require.NoError(t, solids.Close()) })
		return c
	}
	serve().stop() // the snapshot is on disk
	backup, err := os.ReadFile(path)
	require.NoError(t, err)

	const item = "/ogc/collections/buildings/items/10"
	asked := []string{item, "/ogc/collections/buildings/items?limit=2", "/tiles/buildings/14/4824/6160.mvt", "/3d/buildings/tileset.json"}
	tags := func(c *city) map[string]string {
		m := map[string]string{}
		for _, p := range asked {
			a := c.get(p).ok(http.StatusOK)
			require.NotEmpty(t, a.header.Get("ETag"))
			m[p] = a.header.Get("ETag")
		}
		contents, _ := c.contents("/3d/buildings/tileset.json")
		m["contents"] = strings.Join(contents, " ")
		return m
	}
	rename := func(c *city, name string, header ...string) answer {
		return c.do(http.MethodPatch, item, `{"properties":{"name":"`+name+`"}}`, append([]string{"Authorization", "Bearer secret", "Content-Type", "application/merge-patch+json"}, header...)...)
	}

	c := serve()
	before := tags(c)
	rename(c, "one").ok(http.StatusOK)
	one := tags(c)
	require.NotEqual(t, before[item], one[item])
	c.stop()
	c = serve()
	require.Equal(t, one, tags(c), "a start changes nothing")
	c.stop()

	for _, tail := range []string{"-wal", "-shm"} {
		_ = os.Remove(path + tail)
	}
	require.NoError(t, os.WriteFile(path, backup, 0o666))
	c = serve()
	require.Equal(t, before, tags(c), "what was put back has the tags it had")
	rename(c, "two").ok(http.StatusOK)
	two := tags(c)
	for p, tag := range one {
		require.NotEqual(t, tag, two[p], p)
	}
	for _, p := range asked {
		a := c.get(p, "If-None-Match", one[p])
		require.Equal(t, http.StatusOK, a.status, p)
	}
	rename(c, "three", "If-Match", one[item]).problem(http.StatusPreconditionFailed, "has changed since you read it")
	require.Contains(t, string(c.get(item).body), `"two"`)
	rename(c, "three", "If-Match", two[item]).ok(http.StatusOK)
}
