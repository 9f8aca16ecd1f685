package server_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/spatial/geodesic"
)

// distances are the ids and distances of a nearest answer, in its order.
func distances(t *testing.T, a answer) (ids []string, metres []float64) {
	t.Helper()
	v := a.ok(200).json()
	list := v["features"].([]any)
	require.EqualValues(t, len(list), v["numberReturned"])
	for _, f := range list {
		ids = append(ids, fmt.Sprint(f.(map[string]any)["id"]))
		metres = append(metres, f.(map[string]any)["distance"].(float64))
	}
	return ids, metres
}

func TestNearestFeatures(t *testing.T) {
	c := newCity(t, nil)
	const at = "/ogc/collections/buildings/nearest?lon=-73.9898&lat=40.7002"
	ids, metres := distances(t, c.get(at+"&limit=3"))
	require.Equal(t, []string{"10", "09", "11"}, ids, "the building it stands in first, then its neighbours")
	require.Zero(t, metres[0])
	require.InDelta(t, geodesic.Distance(-73.9898, 40.7002, -73.9905, 40.7002), metres[1], 0.1)
	require.IsIncreasing(t, metres)

	ids, metres = distances(t, c.get(at+"&distance=100"))
	require.Equal(t, []string{"10", "09", "11"}, ids)
	require.Less(t, metres[2], 100.0)

	// A filter sees what the search without one would pass by, far away too.
	ids, _ = distances(t, c.get(at+"&limit=2&filter="+url.QueryEscape("height >= 33")))
	require.Equal(t, []string{"23", "24"}, ids)
	all, want := distances(t, c.get(at+"&limit=30"))
	filtered, got := distances(t, c.get(at+"&limit=30&filter="+url.QueryEscape("height > 0")))
	require.Len(t, all, 25)
	require.Equal(t, all, filtered, "the filter that admits everything changes nothing")
	require.Equal(t, want, got)

	// Where no box is possible everything is looked at.
	ids, _ = distances(t, c.get("/ogc/collections/buildings/nearest?lon=179.9999&lat=-89.99&limit=1&filter="+url.QueryEscape("height > 0")))
	require.Len(t, ids, 1)
	ids, _ = distances(t, c.get("/ogc/collections/buildings/nearest?lon=100&lat=10&distance=1000&filter="+url.QueryEscape("height > 0")))
	require.Empty(t, ids)
}

func TestNearestEntities(t *testing.T) {
	c := newCity(t, nil)
	now := time.Now().UTC().Format(time.RFC3339Nano)
	body := "["
	for i := range 20 {
		body += fmt.Sprintf(`{"layer":"vehicles","id":"v%02d","time":%q,"lon":%.4f,"lat":40.7,"speed":%d},`, i, now, -74+0.001*float64(i), i%2)
	}
	c.do("POST", "/live/positions", body[:len(body)-1]+"]", "Content-Type", "application/json").ok(202)
	const at = "/ogc/collections/vehicles/nearest?lon=-73.9904&lat=40.7"
	ids, metres := distances(t, c.get(at+"&limit=3"))
	require.Equal(t, []string{"v10", "v09", "v11"}, ids)
	require.InDelta(t, geodesic.Distance(-73.9904, 40.7, -73.99, 40.7), metres[0], 0.02)
	ids, _ = distances(t, c.get(at+"&limit=2&filter="+url.QueryEscape("speed = 1")))
	require.Equal(t, []string{"v09", "v11"}, ids)
	ids, _ = distances(t, c.get(at+"&limit=5&distance=10"))
	require.Empty(t, ids)
}

func TestNearestSaysWhatItExpects(t *testing.T) {
	c := newCity(t, nil)
	for query, part := range map[string]string{
		"":                        "lon",
		"?lon=1":                  "lat",
		"?lon=181&lat=0":          "−180 to 180",
		"?lon=NaN&lat=0":          "degrees",
		"?lon=0&lat=0&distance=0": "metres above 0",
		"?lon=0&lat=0&limit=0":    "limit",
		"?lon=0&lat=0&radius=5":   "Unknown query parameter",
		"?lon=0&lat=0&f=html":     "f=json",
	} {
		c.get("/ogc/collections/buildings/nearest"+query).problem(400, part)
	}
	c.get("/ogc/collections/nothing/nearest?lon=0&lat=0").problem(404, "no layer")
}
