package server_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

type found struct {
	Results []struct {
		ID, Label string
		Center    [2]float64
		BBox      [4]float64
	}
}

func (c *city) search(query string) (f found) {
	c.t.Helper()
	require.NoError(c.t, json.Unmarshal(c.get("/search?"+query).ok(200).body, &f))
	return f
}

func TestSearchPlaces(t *testing.T) {
	c := newCity(t, nil)
	add := func(id, name string, lon, lat float64) {
		c.do("POST", "/ogc/collections/buildings/items", fmt.Sprintf(
			`{"type":"Feature","id":%q,"geometry":{"type":"Polygon","coordinates":[[[%[2]v,%[3]v],[%[4]v,%[3]v],[%[4]v,%[5]v],[%[2]v,%[3]v]]]},"properties":{"name":%[6]q}}`,
			id, lon, lat, lon+0.002, lat+0.0001, name), "Content-Type", "application/geo+json").ok(201)
	}
	// Five parts of a street, the first two joined by what comes last, and one far away.
	for i, lon := range []float64{10, 10.008, 10.002, 10.006, 10.004} {
		add(fmt.Sprintf("s%d", i), "滨江路", lon, 50)
	}
	add("far", "滨江路", 10.1, 50)
	add("park", "滨江路公园", 10, 50)

	name := "q=" + url.QueryEscape("滨江路")
	f := c.search(name)
	require.Len(t, f.Results, 3)
	require.Equal(t, "far", f.Results[0].ID, "equal names in the order of their ids")
	street := f.Results[1]
	require.Equal(t, "s4", street.ID, "the part in the middle")
	require.InDeltaSlice(t, []float64{10, 50, 10.01, 50.0001}, street.BBox[:], 1e-9, "the box of all")
	require.InDelta(t, 10.005, street.Center[0], 1e-3)
	require.Equal(t, "滨江路公园", f.Results[2].Label)

	require.Len(t, c.search(name+"&limit=1").Results, 1)
	f = c.search("q=S4")
	require.Empty(t, f.Results, "ids are exact")
	f = c.search("q=s4")
	require.Len(t, f.Results, 1)
	require.InDeltaSlice(t, []float64{10.004, 50, 10.006, 50.0001}, f.Results[0].BBox[:], 1e-9, "by its id alone it is itself")
}
