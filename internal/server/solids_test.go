package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/server"
	"twind/layers/snapshot"
	"twind/tiles/tiles3d"
)

// newSolidCity is a city with 3D.
func newSolidCity(t *testing.T) *city {
	t.Helper()
	var solids *tiles3d.Service
	c := newCityWith(t, nil, func(o *server.Options) { solids = giveSolids(t, o) })
	t.Cleanup(func() { require.NoError(t, solids.Close()) })
	return c
}

// giveSolids gives a server 3D, which is to be closed before its catalog.
func giveSolids(t *testing.T, o *server.Options) *tiles3d.Service {
	t.Helper()
	solids, err := tiles3d.New(tiles3d.Options{Views: tiles3d.From[*snapshot.View](o.Catalog), Layers: o.Catalog.Layers, Registerer: o.Metrics})
	require.NoError(t, err)
	o.Solids = solids
	return solids
}

type tileOf3D struct {
	Content  *struct{ URI string }
	Children []tileOf3D
}

// contents follows a tileset as a client does and returns the paths of all
// contents, with their queries, and how many tilesets there are.
func (c *city) contents(path string) (list []string, tilesets int) {
	c.t.Helper()
	a := c.get(path)
	require.Equal(c.t, http.StatusOK, a.status, "%s: %s", path, a.body)
	require.Equal(c.t, "application/json", a.header.Get("Content-Type"))
	var doc struct{ Root tileOf3D }
	require.NoError(c.t, json.Unmarshal(a.body, &doc))
	base, err := url.Parse(path)
	require.NoError(c.t, err)
	var visit func(d tileOf3D)
	visit = func(d tileOf3D) {
		if d.Content != nil {
			u, err := base.Parse(d.Content.URI)
			require.NoError(c.t, err)
			if strings.HasSuffix(u.Path, ".json") {
				below, n := c.contents(u.String())
				list, tilesets = append(list, below...), tilesets+n
			} else {
				list = append(list, u.String())
			}
		}
		for _, child := range d.Children {
			visit(child)
		}
	}
	visit(doc.Root)
	return list, tilesets + 1
}

func TestSolidsOverHTTP(t *testing.T) {
	c := newSolidCity(t)
	list, tilesets := c.contents("/3d/buildings/tileset.json")
	require.NotEmpty(t, list)
	require.Greater(t, tilesets, 1)
	for _, p := range list {
		a := c.get(p, "Origin", "https://maps.example", "Accept-Encoding", "gzip")
		require.Equal(t, http.StatusOK, a.status, "%s", a.body)
		require.Equal(t, "model/gltf-binary", a.header.Get("Content-Type"))
		require.Equal(t, "public, max-age=31536000, immutable", a.header.Get("Cache-Control"))
		require.Equal(t, "*", a.header.Get("Access-Control-Allow-Origin"))
		require.Equal(t, "gzip", a.header.Get("Content-Encoding"))
		require.Contains(t, a.header.Values("Vary"), "Accept-Encoding")
		again := c.get(p, "If-None-Match", a.header.Get("ETag"), "Accept-Encoding", "gzip")
		require.Equal(t, http.StatusNotModified, again.status)
		plain := c.get(strings.SplitN(p, "?", 2)[0] + "?v=1.1")
		require.Equal(t, "no-cache", plain.header.Get("Cache-Control"), "without its revision a content is asked for each time")
		require.Equal(t, "glTF", string(plain.body[:4]))
		old := c.get(strings.SplitN(p, "?", 2)[0] + "?r=older")
		require.Equal(t, "no-cache", old.header.Get("Cache-Control"))
		head := c.do("HEAD", p, "")
		require.Equal(t, http.StatusOK, head.status)
		require.Empty(t, head.body)
	}
	first := c.get("/3d/buildings/tileset.json")
	require.Equal(t, "no-cache", first.header.Get("Cache-Control"))
	require.Equal(t, http.StatusNotModified, c.get("/3d/buildings/tileset.json", "If-None-Match", first.header.Get("ETag")).status)

	config := c.get("/viewer/config.json")
	var conf struct {
		Layers []struct{ ID, Tileset string }
	}
	require.NoError(t, json.Unmarshal(config.body, &conf))
	for _, l := range conf.Layers {
		want := ""
		if l.ID == "buildings" {
			want = c.URL + "/3d/buildings/tileset.json"
		}
		require.Equal(t, want, l.Tileset, l.ID)
	}
}

func TestSolidsCarryFilterAndToken(t *testing.T) {
	c := newSolidCity(t)
	all, _ := c.contents("/3d/buildings/tileset.json")
	query := url.Values{"filter": {"height > 30 AND name LIKE 'Hall%'"}, "token": {"a&b"}, "properties": {"name"}, "vertical": {"ground"}}
	some, _ := c.contents("/3d/buildings/tileset.json?" + query.Encode())
	require.NotEqual(t, all, some)
	for _, p := range some {
		u, err := url.Parse(p)
		require.NoError(t, err)
		for k := range query {
			require.Equal(t, query.Get(k), u.Query().Get(k), "%s in %s", k, p)
		}
		a := c.get(p)
		require.Equal(t, http.StatusOK, a.status)
		require.Equal(t, "private, max-age=31536000, immutable", a.header.Get("Cache-Control"))
		require.NotContains(t, string(a.body), `"built"`)
	}
	a := c.get("/3d/buildings/implicit/tileset.json?" + query.Encode())
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, string(a.body), "{level}/{x}/{y}.subtree?")
	a = c.get("/3d/buildings/implicit/s/0/0/0.subtree?" + query.Encode())
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, "subt", string(a.body[:4]))
	a = c.get("/3d/buildings/report.json")
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, string(a.body), `"features":25,"drawn":25`)
}

// TestAnEditIsInTheNextTileset: over a real store an edit changes at most two
// contents, a deletion too, and what did not change keeps its address.
func TestAnEditIsInTheNextTileset(t *testing.T) {
	c := newSolidCity(t)
	before, _ := c.contents("/3d/buildings/tileset.json")
	differ := func() (added, gone int) {
		after, _ := c.contents("/3d/buildings/tileset.json")
		was := map[string]bool{}
		for _, p := range before {
			was[p] = true
		}
		for _, p := range after {
			if !was[p] {
				added++
			}
			delete(was, p)
		}
		before = after
		return added, len(was)
	}
	edit := c.do("PATCH", "/ogc/collections/buildings/items/10", `{"properties":{"height":21.5}}`, "Content-Type", "application/merge-patch+json")
	require.Equal(t, http.StatusOK, edit.status, "%s", edit.body)
	added, gone := differ()
	require.Equal(t, []int{1, 1}, []int{added, gone}, "one content in place of one")
	edit = c.do("PATCH", "/ogc/collections/buildings/items/10", `{"properties":{"height":700}}`, "Content-Type", "application/merge-patch+json")
	require.Equal(t, http.StatusOK, edit.status)
	added, _ = differ()
	require.LessOrEqual(t, added, 2)
	require.Equal(t, http.StatusNoContent, c.do("DELETE", "/ogc/collections/buildings/items/10", "").status)
	added, gone = differ()
	require.Zero(t, added)
	require.Equal(t, 1, gone, "the tower stood alone in its cell")
	require.Contains(t, string(c.get("/3d/buildings/report.json").body), `"features":24,"drawn":24`)
}

func TestSolidsRefuse(t *testing.T) {
	c := newSolidCity(t)
	for path, status := range map[string]int{
		"/3d/nothing/tileset.json":                   404,
		"/3d/vehicles/tileset.json":                  404,
		"/3d/buildings/other.json":                   404,
		"/3d/buildings/c/15/0/0.glb":                 404,
		"/3d/buildings/c/15/0/0.lod2.glb":            404,
		"/3d/buildings/c/15/99999/0.lod2.glb":        400,
		"/3d/buildings/c/15/0/0.gltf":                404,
		"/3d/buildings/t/13/0/0.json":                404,
		"/3d/buildings/c/15/99999/0.glb":             400,
		"/3d/buildings/c/18/0/0.glb":                 400,
		"/3d/buildings/c/1x/0/0.glb":                 400,
		"/3d/buildings/c/15/-1/0.glb":                400,
		"/3d/buildings/tileset.json?vertical=moon":   400,
		"/3d/buildings/tileset.json?colour=red":      400,
		"/3d/buildings/tileset.json?filter=height":   400,
		"/3d/buildings/tileset.json?properties=moon": 400,
		"/3d/buildings/implicit/s/7/0/0.subtree":     404,
	} {
		a := c.get(path)
		require.Equal(t, status, a.status, "%s: %s", path, a.body)
		require.Contains(t, a.header.Get("Content-Type"), "application/problem+json", path)
	}
	without := newCity(t, nil)
	require.Equal(t, 404, without.get("/3d/buildings/tileset.json").status)
}
