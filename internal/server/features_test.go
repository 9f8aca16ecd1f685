package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/geopackage"
)

func links(v map[string]any) map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, l := range v["links"].([]any) {
		m := l.(map[string]any)
		out[m["rel"].(string)] = m
	}
	return out
}

func TestLandingConformanceAndAPI(t *testing.T) {
	c := newCity(t, nil)
	for _, p := range []string{"/ogc", "/ogc/"} {
		l := links(c.get(p).ok(200).json())
		for _, rel := range []string{"self", "service-desc", "conformance", "data"} {
			require.Contains(t, l, rel)
			require.True(t, strings.HasPrefix(l[rel]["href"].(string), c.URL+"/ogc"), "links are absolute")
		}
		require.Equal(t, "application/vnd.oai.openapi+json;version=3.0", l["service-desc"]["type"])
	}
	require.Contains(t, c.get("/ogc/conformance").ok(200).json()["conformsTo"], "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core")
	a := c.get("/ogc/api").ok(200)
	require.Equal(t, "application/vnd.oai.openapi+json;version=3.0", a.header.Get("Content-Type"))
	doc := a.json()
	require.Equal(t, "3.0.3", doc["openapi"])
	params := doc["components"].(map[string]any)["parameters"].(map[string]any)
	limit := params["limit"].(map[string]any)["schema"].(map[string]any)
	require.GreaterOrEqual(t, limit["maximum"], 2500.0, "the conformance suite counts by pages of the maximum")
	for _, p := range []string{"/conformance", "/collections", "/collections/{collectionId}", "/collections/{collectionId}/items", "/collections/{collectionId}/items/{featureId}"} {
		require.Contains(t, doc["paths"], p)
	}
}

func TestCollections(t *testing.T) {
	c := newCity(t, nil)
	list := c.get("/ogc/collections", "Accept-Language", "zh-CN,zh;q=0.9").ok(200).json()["collections"].([]any)
	require.Len(t, list, 2)
	b := list[0].(map[string]any)
	require.Equal(t, "buildings", b["id"])
	require.Equal(t, "建筑", b["title"])
	require.Equal(t, "application/geo+json", links(b)["items"]["type"])
	require.Equal(t, b["extent"], c.get("/ogc/collections/buildings").ok(200).json()["extent"])
	v := list[1].(map[string]any)
	require.Equal(t, "generated", v["twind:provenance"])
	require.Equal(t, true, v["twind:live"])
	s := c.get("/ogc/collections/buildings/queryables").ok(200)
	require.Equal(t, "application/schema+json", s.header.Get("Content-Type"))
	require.Equal(t, "geometry-multipolygon", s.json()["properties"].(map[string]any)["geometry"].(map[string]any)["format"])
	require.Equal(t, "date", s.json()["properties"].(map[string]any)["built"].(map[string]any)["format"])
}

func TestItemsArePagedWithoutDoublesWhileTheLayerChanges(t *testing.T) {
	c := newCity(t, nil)
	seen := map[string]int{}
	next := "/ogc/collections/buildings/items?limit=4"
	for pages := 0; next != ""; pages++ {
		require.Less(t, pages, 20)
		v := c.get(next).ok(200).json()
		if pages == 2 { // an edit between pages moves nothing that was or will be read
			c.do("PATCH", "/ogc/collections/buildings/items/00", `{"properties":{"height":99}}`, "Content-Type", "application/merge-patch+json").ok(200)
		}
		require.EqualValues(t, 25, v["numberMatched"])
		features := v["features"].([]any)
		require.EqualValues(t, len(features), v["numberReturned"])
		_, err := time.Parse(time.RFC3339, v["timeStamp"].(string))
		require.NoError(t, err)
		for _, f := range features {
			seen[fmt.Sprint(f.(map[string]any)["id"])]++
		}
		next = ""
		if l, ok := links(v)["next"]; ok {
			u, err := url.Parse(l["href"].(string))
			require.NoError(t, err)
			next = u.RequestURI()
			require.Equal(t, "application/geo+json", l["type"])
		}
	}
	delete(seen, "00") // the edited one may be met again, at its new place
	for id, n := range seen {
		require.Equal(t, 1, n, "feature %s", id)
	}
	require.Len(t, seen, 24)
}

func TestItemsByBoxAndProperty(t *testing.T) {
	c := newCity(t, nil)
	count := func(query string) float64 {
		v := c.get("/ogc/collections/buildings/items?" + query).ok(200).json()
		require.EqualValues(t, v["numberMatched"], len(v["features"].([]any)))
		return v["numberMatched"].(float64)
	}
	require.EqualValues(t, 1, count("limit=100&bbox=-74,40.7,-73.9995,40.7005"))
	require.EqualValues(t, 2, count("limit=100&bbox=-74.0000000,40.7,-73.99900,40.7005"), "a shared border intersects")
	require.EqualValues(t, 0, count("limit=100&bbox=-73.9994,40.7,-73.9991,40.7005"), "between two buildings")
	require.EqualValues(t, 25, count("limit=100&bbox=170,-80,-70,80"), "across the antimeridian")
	require.EqualValues(t, 25, count("limit=100&bbox=-74.1%2C40.0%2C-1%2C-73%2C41%2C900"), "six numbers")
	require.EqualValues(t, 1, count("limit=100&levels=7"))
	require.EqualValues(t, 13, count("limit=100&listed=true"))
	require.EqualValues(t, 1, count("limit=100&listed=true&bbox=-74,40.7,-73.99900,40.7005"), "both hold")
	require.EqualValues(t, 1, count("limit=100&name=Hall%20C"))
	require.EqualValues(t, 25, count("limit=1000000"), "a limit above the maximum is the maximum")
	require.EqualValues(t, 25, count("limit=100&datetime=2020-01-01T00:00:00Z/.."), "features without a time always match")
}

func TestItemAndETag(t *testing.T) {
	c := newCity(t, nil)
	a := c.get("/ogc/collections/buildings/items/12").ok(200)
	require.Equal(t, "application/geo+json", a.header.Get("Content-Type"))
	v := a.json()
	require.EqualValues(t, 12, v["id"])
	require.Equal(t, map[string]any{"name": "Hall M", "height": 22.0, "levels": 12.0, "listed": true, "built": "1931-05-01"}, v["properties"])
	require.Contains(t, links(v), "collection")
	etag := a.header.Get("ETag")
	require.Regexp(t, `^"[^"]+"$`, etag, "strong")
	c.get("/ogc/collections/buildings/items/12", "If-None-Match", etag).ok(304)
	c.do("PATCH", "/ogc/collections/buildings/items/13", `{"properties":{"height":1}}`).ok(200)
	c.get("/ogc/collections/buildings/items/12", "If-None-Match", etag).ok(304)
	c.do("PATCH", "/ogc/collections/buildings/items/12", `{"properties":{"height":1}}`).ok(200)
	require.NotEqual(t, etag, c.get("/ogc/collections/buildings/items/12", "If-None-Match", etag).ok(200).header.Get("ETag"))
}

func TestCreateReplacePatchDelete(t *testing.T) {
	c := newCity(t, nil)
	body := `{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[1,1],[2,1],[2,2],[1,2],[1,1]]]},"properties":{"name":"新大楼","height":88.5}}`
	a := c.do("POST", "/ogc/collections/buildings/items", body, "Content-Type", "application/geo+json").ok(201)
	loc, err := url.Parse(a.header.Get("Location"))
	require.NoError(t, err)
	got := c.get(loc.Path).ok(200)
	require.Equal(t, "新大楼", got.json()["properties"].(map[string]any)["name"], "what was written is read at once")
	require.Equal(t, a.header.Get("ETag"), got.header.Get("ETag"))
	etag := got.header.Get("ETag")

	a = c.do("PATCH", loc.Path, `{"properties":{"height":600,"name":null}}`, "If-Match", etag).ok(200)
	require.Equal(t, 600.0, a.json()["properties"].(map[string]any)["height"])
	require.Nil(t, a.json()["properties"].(map[string]any)["name"])
	c.do("PATCH", loc.Path, `{"properties":{"height":1}}`, "If-Match", etag).problem(412, "changed since")
	c.do("PUT", loc.Path, body, "If-Match", a.header.Get("ETag")).ok(200)
	require.Equal(t, 88.5, c.get(loc.Path).ok(200).json()["properties"].(map[string]any)["height"])
	etag = c.get(loc.Path).header.Get("ETag")
	for _, method := range []string{"PUT", "PATCH", "DELETE"} {
		for _, tags := range []string{"*", etag, `"x", W/` + etag} {
			c.do(method, loc.Path, body, "If-None-Match", tags).problem(412, "If-None-Match excludes")
		}
	}
	require.Equal(t, etag, c.get(loc.Path).header.Get("ETag"))
	c.do("PATCH", loc.Path, `{"properties":{"height":5}}`, "If-None-Match", `"x", "y"`, "If-Match", "W/"+etag).ok(200) // a proxy weakened it
	c.do("PUT", loc.Path, strings.Replace(body, `"type":"Feature"`, `"type":"Feature","id":"other"`, 1)).problem(400, "keeps its id")
	c.do("DELETE", loc.Path, "").ok(204)
	c.get(loc.Path).problem(404, "has no feature")
	c.do("DELETE", loc.Path, "").problem(404, "has no feature")
	c.do("PUT", loc.Path, body, "If-Match", `"x"`).problem(412, "any more")
	allow := c.do("OPTIONS", "/ogc/collections/buildings/items/12", "").ok(200).header.Get("Allow")
	require.Contains(t, allow, "PATCH")
	require.NotContains(t, c.do("OPTIONS", "/ogc/collections/vehicles/items", "").ok(200).header.Get("Allow"), "POST")
	c.do("POST", "/ogc/collections/vehicles/items", body).problem(403, "POST /live/positions")
}

func TestOddIDsAreDecodedOnce(t *testing.T) {
	c := newCity(t, nil)
	for _, id := range []string{"a%b", "100%", "%41", "a b", "管线#1?", "A", "<b>"} {
		body := `{"type":"Feature","id":` + string(mustJSON(t, id)) + `,"geometry":null,"properties":{"name":` + string(mustJSON(t, id)) + `}}`
		loc := c.do("POST", "/ogc/collections/buildings/items", body).ok(201).header.Get("Location")
		got := c.get(strings.TrimPrefix(loc, c.URL)).ok(200).json()
		require.Equal(t, id, got["id"], loc)
	}
	c.do("DELETE", "/ogc/collections/buildings/items/%2541", "").ok(204)
	require.Equal(t, "A", c.get("/ogc/collections/buildings/items/A").ok(200).json()["id"], "another feature was meant")
	for _, id := range []string{".", "..", "a/b"} {
		c.do("POST", "/ogc/collections/buildings/items", `{"type":"Feature","id":"`+id+`","geometry":null,"properties":{}}`).problem(400, "id")
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return b
}

func TestAGeometryThatNobodyCanReadDoesNotTakeTheLayerAway(t *testing.T) {
	c := newCity(t, nil)
	path := c.store.(*geopackage.Store).Path()
	gdal(t, "ogrinfo", path, "-sql", "UPDATE buildings SET geom = x'00' WHERE id = '12'")
	require.Eventually(t, func() bool {
		return c.get("/ogc/collections/buildings/items/12").json()["geometry"] == nil
	}, 10*time.Second, 20*time.Millisecond)
	c.do("PATCH", "/ogc/collections/buildings/items/13", `{"properties":{"height":5}}`).ok(200)
	require.EqualValues(t, 25, c.get("/ogc/collections/buildings/items").ok(200).json()["numberMatched"])
	require.Equal(t, 500, c.do("PATCH", "/ogc/collections/buildings/items/12", `{"properties":{"height":5}}`).status, "what cannot be read is not written over")
	var faults []string
	require.NoError(t, c.store.Check(t.Context(), func(f string) error { faults = append(faults, f); return nil }))
	require.NotEmpty(t, faults)
	require.Contains(t, strings.Join(faults, "\n"), "12")
}

func TestAnEditOfAnotherProcessIsSeenWithinASecond(t *testing.T) {
	c := newCity(t, nil)
	// A second handle on the same file stands for the other process; the store's
	// own tests do it with real ones.
	_, err := c.store.Update(t.Context(), func(tx layers.Tx) error {
		f, err := tx.Get(t.Context(), "buildings", "12")
		if err != nil {
			return err
		}
		f.Properties[1] = layers.FloatValue(321)
		return tx.Replace(t.Context(), "buildings", f)
	})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return c.get("/ogc/collections/buildings/items/12").json()["properties"].(map[string]any)["height"] == 321.0
	}, 5*time.Second, 20*time.Millisecond)
}

func TestALiveLayerIsACollection(t *testing.T) {
	c := newCity(t, nil)
	now := time.Now().UTC().Format(time.RFC3339Nano)
	a := c.do("POST", "/live/positions", `[{"layer":"vehicles","id":"a","time":"`+now+`","lon":-73.99,"lat":40.7,"course":90,"speed":5},{"layer":"vehicles","id":"b","time":"`+now+`","lon":0,"lat":0}]`, "Content-Type", "application/json")
	a.ok(http.StatusAccepted)
	v := a.json()
	require.EqualValues(t, 1, v["accepted"])
	require.Len(t, v["refused"], 1, "null island")
	items := c.get("/ogc/collections/vehicles/items").ok(200).json()
	require.EqualValues(t, 1, items["numberMatched"])
	f := items["features"].([]any)[0].(map[string]any)
	require.Equal(t, "a", f["id"])
	require.Equal(t, []any{-73.99, 40.7}, f["geometry"].(map[string]any)["coordinates"].([]any)[:2])
	require.Equal(t, "live", f["properties"].(map[string]any)["state"])
	c.get("/ogc/collections/vehicles/items/a").ok(200)
	c.get("/ogc/collections/vehicles/items/zzz").problem(404, "has no feature")
}
