package server_test

import (
	"strings"
	"testing"

	"twind/internal/config"
)

func TestUnknownLayer(t *testing.T) {
	c := newCity(t, nil)
	for _, p := range []string{"/ogc/collections/nothing", "/ogc/collections/nothing/items", "/ogc/collections/..%2f..%2fetc/items", "/tiles/nothing.json", "/tiles/nothing/0/0/0.mvt", "/ogc/collections/" + strings.Repeat("a", 300)} {
		c.get(p).problem(404, "no layer")
	}
	c.get("/styles/nothing.json").problem(404, "no style")
	c.get("/nothing").problem(404, "Nothing is at this address")
	c.get("/assets/../../../etc/passwd").problem(404, "Nothing")
}

func TestTileOutOfRange(t *testing.T) {
	c := newCity(t, nil)
	for _, p := range []string{"25/0/0", "99/0/0", "3/8/0", "3/0/8", "0/0/1", "22/99999999999/0"} {
		a := c.get("/tiles/buildings/" + p + ".mvt")
		a.problem(400, "")
	}
	for _, p := range []string{"-1/0/0", "0/-1/0", "1e3/0/0", "0/0/0x1", "a/b/c", "01/0/0", "+1/0/0"} {
		a := c.get("/tiles/buildings/" + p + ".mvt")
		a.problem(400, "")
	}
	c.get("/tiles/buildings/0/0/0.png").problem(404, ".mvt")
	c.get("/tiles/buildings/0/0/1.5.mvt").problem(404, ".mvt")
	c.get("/tiles/buildings/0/0/").problem(404, "Nothing")
	c.get("/tiles/buildings,buildings/0/0/0.mvt").problem(400, "twice")
	c.get("/tiles/"+strings.Repeat("buildings,", 500)+"buildings/0/0/0.mvt").problem(400, "at most 32")
	c.get("/tiles/vehicles/0/0/0.mvt").problem(404, "live")
}

func TestBadBBox(t *testing.T) {
	c := newCity(t, nil)
	for _, v := range []string{"NaN,0,1,1", "0,0,Inf,1", "1,2,3,4,5", "1,2,3", "", "a,b,c,d", "0x1p-2,0,1,1", "0,1_0,1,20", "-200,0,1,1", "0,-91,1,1", "0,10,1,5", "1e400,0,1,1", "0,0,5,1,1,1"} {
		c.get("/ogc/collections/buildings/items?bbox="+v).problem(400, "bbox")
	}
}

func TestBadParameters(t *testing.T) {
	c := newCity(t, nil)
	items := "/ogc/collections/buildings/items?"
	c.get(items+"unknownQueryParameter17=1").problem(400, "Unknown query parameter")
	c.get("/ogc?x=1").problem(400, "Unknown query parameter")
	c.get("/tiles/buildings/0/0/0.mvt?x=1").problem(400, "Unknown query parameter")
	for _, v := range []string{"unlimited", "0", "-1", "1.5", "", "%2B3", "1e3"} {
		c.get(items+"limit="+v).problem(400, "limit")
	}
	c.get(items+"limit=1&limit=2").problem(400, "give it once")
	c.get(items+"%zz").problem(400, "decode")
	c.get(items+"cursor=%21").problem(400, "cursor")
	for _, garbage := range []string{"AAAA", "YWJj", "AAFhYg", "Z2FyYmFnZWFiYwABAA"} {
		c.get(items+"cursor="+garbage).problem(400, "cursor")
	}
	c.get(items+"levels=many").problem(400, "levels")
	c.get(items+"listed=perhaps").problem(400, "true or false")
	c.get(items+"crs=http://www.opengis.net/def/crs/0/unsupported").problem(400, "crs")
	for _, v := range []string{"yesterday", "../..", "/", "..", "2026-01-02T00:00:00Z/2026-01-01T00:00:00Z", "2026-13-01"} {
		c.get(items+"datetime="+v).problem(400, "datetime")
	}
	c.get("/search?q=").problem(400, "q:")
	c.get("/search?q="+strings.Repeat("x", 1000)).problem(400, "q:")
}

func TestBrokenGeoJSON(t *testing.T) {
	c := newCity(t, nil)
	post := func(body string) answer { return c.do("POST", "/ogc/collections/buildings/items", body) }
	geometry := func(g string) string { return `{"type":"Feature","geometry":` + g + `,"properties":{}}` }
	for name, body := range map[string]string{
		"cut off":            `{"type":"Feature","geometry":{"type":"Poly`,
		"empty":              ``,
		"not JSON":           `<xml/>`,
		"NaN":                geometry(`{"type":"Polygon","coordinates":[[[NaN,0],[1,0],[1,1],[NaN,0]]]}`),
		"longitude 400":      geometry(`{"type":"Polygon","coordinates":[[[400,0],[1,0],[1,1],[400,0]]]}`),
		"ring not closed":    geometry(`{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]}`),
		"wrong nesting":      geometry(`{"type":"Polygon","coordinates":[[0,0],[1,0],[1,1],[0,0]]}`),
		"wrong type":         geometry(`{"type":"Point","coordinates":[0,0]}`),
		"unknown property":   `{"type":"Feature","geometry":null,"properties":{"colour":"red"}}`,
		"text for a number":  `{"type":"Feature","geometry":null,"properties":{"height":"high"}}`,
		"array of features":  `[]`,
		"feature collection": `{"type":"FeatureCollection","features":[]}`,
		"100,000 brackets":   geometry(`{"type":"Polygon","coordinates":` + strings.Repeat("[", 100000)),
	} {
		t.Run(name, func(t *testing.T) {
			a := post(body)
			a.t = t
			a.problem(400, "")
		})
	}
	c.do("PATCH", "/ogc/collections/buildings/items/12", `{"properties":{"colour":1}}`).problem(400, "colour")
	c.do("POST", "/ogc/collections/buildings/items", "a=b", "Content-Type", "application/x-www-form-urlencoded").problem(415, "Content-Type")
	require := c.get("/ogc/collections/buildings/items").ok(200).json()
	if require["numberMatched"] != 25.0 {
		t.Fatal("nothing was stored")
	}
}

func TestPostOf50MB(t *testing.T) {
	c := newCity(t, nil)
	big := strings.Repeat(" ", 50<<20)
	c.do("POST", "/ogc/collections/buildings/items", big, "Content-Type", "application/geo+json").problem(413, "larger than")
	c.do("POST", "/live/positions", big, "Content-Type", "application/json").problem(413, "larger than")
	c.get("/healthz").ok(200)
}

func TestWritesNeedARight(t *testing.T) {
	c := newCity(t, nil)
	patch := func(header ...string) answer {
		return c.do("PATCH", "/ogc/collections/buildings/items/12", `{"properties":{"height":5}}`, header...)
	}
	patch("Origin", "https://evil.example").problem(403, "Origin")
	patch("Host", "evil.example:8080").problem(401, "token") // a name that was rebound to this machine
	patch("Origin", c.URL).ok(200)

	// printf %s secret | sha256sum
	const digest = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
	open := newCity(t, func(conf *config.Config) {
		conf.Addr = "0.0.0.0:0"
		conf.Tokens = []config.Token{{Name: "gis", SHA256: digest}}
	})
	c = open
	patch().problem(401, "token")
	patch("Authorization", "Bearer wrong").problem(401, "token")
	patch("Authorization", "Bearer secret").ok(200)
	c.do("PATCH", "/ogc/collections/buildings/items/12?token=secret", `{"properties":{"height":5}}`).ok(200)
	c.do("POST", "/live/positions", `{}`).problem(401, "token")

	// A proxy in front makes every client look local.
	proxied := newCity(t, func(conf *config.Config) { conf.TrustedProxies = []string{"127.0.0.1"} })
	proxied.do("PATCH", "/ogc/collections/buildings/items/12", `{"properties":{"height":5}}`).problem(401, "token")
	local := newCity(t, nil)
	local.do("PATCH", "/ogc/collections/buildings/items/12", `{"properties":{"height":5}}`, "X-Forwarded-For", "203.0.113.7").problem(401, "token")
	local.do("PATCH", "/ogc/collections/buildings/items/12", `{"properties":{"height":5}}`, "Authorization", "Bearer wrong").problem(401, "token")
	c.get("/ogc/collections/buildings/items/12").ok(200)
}
