package server_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/server"
)

// undescribed are the routes that the API's description leaves out.
var undescribed = map[string]string{
	"/*":                  "the viewer's files",
	"/viewer/config.json": "the viewer's own",
	"/ogc/":               "the same as /ogc",
}

var process = regexp.MustCompile(`^/ogc/processes/[a-z]+`)

var braces = regexp.MustCompile(`\{[^}]*\}`)

// shape is an address without the names of its parameters.
func shape(path string) string {
	return braces.ReplaceAllString(strings.TrimSuffix(path, "/*")+strings.Repeat("/{}", strings.Count(path, "/*")), "{}")
}

func TestEveryRouteIsDescribed(t *testing.T) {
	c := newCity(t, nil)
	described := map[string][]string{}
	doc := c.get("/ogc/api").ok(200).json()
	for path, v := range doc["paths"].(map[string]any) {
		item := v.(map[string]any)
		if item["servers"] == nil {
			path = strings.TrimSuffix("/ogc"+path, "/")
		} else {
			require.Equal(t, []any{map[string]any{"url": c.URL}}, item["servers"])
		}
		path = process.ReplaceAllString(path, "/ogc/processes/{process}")
		for method := range item {
			if method != "parameters" && method != "servers" {
				described[shape(path)] = append(described[shape(path)], strings.ToUpper(method))
			}
		}
	}
	routed := map[string][]string{}
	for route, methods := range c.Config.Handler.(*server.Server).Routes() {
		if undescribed[route] != "" {
			continue
		}
		for _, m := range methods {
			if m == "HEAD" || m == "OPTIONS" || slices.Contains([]string{"/live", "/metrics"}, route) && m != "GET" {
				continue // HEAD is GET without a body; the two take any method, and answer to GET
			}
			require.Contains(t, described[shape(route)], m, "%s %s is not in /ogc/api", m, route)
		}
		routed[shape(route)] = append(routed[shape(route)], methods...)
	}
	for path, methods := range described {
		require.Subset(t, routed[path], methods, "%s is described, and not there", path)
	}
	for route := range undescribed {
		require.Contains(t, c.Config.Handler.(*server.Server).Routes(), route, "an exception that is none any more")
	}
}

func TestMethodsThatAreNotPossible(t *testing.T) {
	c := newCity(t, nil)
	for address, want := range map[string]string{
		"DELETE /live/positions":                          "POST",
		"PUT /live/history":                               "GET, HEAD",
		"POST /live/rules/a":                              "GET, HEAD, PUT, DELETE",
		"PUT /sensorthings/v1.1/Things":                   "GET, HEAD, POST, PATCH, DELETE",
		"POST /ogc/collections":                           "GET, HEAD",
		"DELETE /ogc/collections/buildings/items":         "GET, HEAD, POST, OPTIONS",
		"POST /ogc/collections/buildings/items/%E4%BA%95": "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
		"POST /nowhere":                                   "GET, HEAD",
		"PATCH /tiles/buildings/1/2/3.mvt":                "GET, HEAD",
		"GET /live/positions":                             "POST",
		"GET /live/observations":                          "POST",
		"GET /live/alarms/x/close":                        "POST",
		"GET /live/webhooks/x/replay":                     "POST",
		"GET /ogc/processes/excavation/execution":         "POST",
		"GET /ogc/processes/section/execution":            "POST",
		"DELETE /metrics":                                 "GET, HEAD",
	} {
		method, path, _ := strings.Cut(address, " ")
		a := c.do(method, path, "")
		a.problem(405, method+" is not possible here; possible are "+want)
		require.Equal(t, want, a.header.Get("Allow"), address)
	}
	require.Equal(t, 405, c.do("HEAD", "/live/positions", "").status)
	c.get("/live/positons").problem(404, "Nothing is at this address")
	for path, want := range map[string]string{"/live/positions": "POST, OPTIONS", "/metrics": "GET, HEAD, OPTIONS", "/": "GET, HEAD, OPTIONS", "/tiles/buildings/1/2/3.mvt": "GET, HEAD, OPTIONS"} {
		a := c.do("OPTIONS", path, "").ok(204)
		require.Equal(t, want, a.header.Get("Allow"), path)
	}
	c.do("OPTIONS", "/nowhere", "").problem(404, "Nothing is at this address")
}
