package server_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial/tile"
)

// GDAL's MVT driver reads our tiles: every building with its properties and their
// types, and where it stands. What a property lacks is absent.
func TestGDALReadsVectorTiles(t *testing.T) {
	c := newCity(t, nil)
	const long = 1<<62 + 1 // more than a double holds
	c.do("PATCH", "/ogc/collections/buildings/items/03", fmt.Sprintf(`{"properties":{"levels":%d,"height":-0.1,"name":null}}`, int64(long))).ok(200)
	c.do("PATCH", "/ogc/collections/buildings/items/04", `{"properties":{"levels":-7,"listed":false,"name":"灯塔"}}`).ok(200)
	dir := t.TempDir()
	seen := map[string]int{}
	for _, path := range tilesOfHalls(14) {
		var id tile.ID
		_, err := fmt.Sscanf(path, "/tiles/buildings/%d/%d/%d.mvt", &id.Z, &id.X, &id.Y)
		require.NoError(t, err)
		file := filepath.Join(dir, fmt.Sprint(id.Z), fmt.Sprint(id.X), fmt.Sprint(id.Y)+".mvt")
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, c.get(path).ok(200).body, 0o600))
		out := gdal(t, "ogr2ogr", "-f", "GeoJSONSeq", "-t_srs", "EPSG:4326", "-lco", "COORDINATE_PRECISION=9", "-lco", "RS=NO", "-oo", "CLIP=NO", "/vsistdout/", "MVT:"+file)
		info := gdal(t, "ogrinfo", "-ro", "-so", "MVT:"+file, "buildings")
		require.Contains(t, info, "listed: Integer(Boolean)")
		require.Contains(t, info, "height: Real")
		require.Contains(t, info, "levels: Integer")
		require.Contains(t, info, "Polygon")
		for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
			checkGDALFeature(t, c, id, line, seen)
		}
	}
	require.Len(t, seen, 25, "all buildings, those on seams in both tiles: %v", seen)
	require.EqualValues(t, 1, seen["03"])
}

// checkGDALFeature holds a feature as GDAL read it against the stored one.
func checkGDALFeature(t *testing.T, c *city, id tile.ID, line string, seen map[string]int) {
	t.Helper()
	type feature struct {
		Properties map[string]any
		Geometry   struct {
			Type        string
			Coordinates json.RawMessage
		}
	}
	read := func(text string) (f feature) {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		require.NoError(t, d.Decode(&f), text)
		return f
	}
	got := read(line)
	key := fmt.Sprint(got.Properties["id"])
	if n, ok := got.Properties["mvt_id"].(json.Number); ok && got.Properties["id"] == nil {
		key = n.String()
	}
	seen[key]++
	want := read(string(c.get("/ogc/collections/buildings/items/" + key).ok(200).body))
	for name, v := range want.Properties {
		if v == nil {
			require.Nil(t, got.Properties[name], "%s of %s", name, key)
			continue
		}
		require.Equal(t, fmt.Sprint(v), fmt.Sprint(got.Properties[name]), "%s of %s", name, key)
	}
	// The box of what was drawn is the stored one, cut to the tile with its
	// buffer, but for a unit.
	box := id.Envelope()
	unit := (box.MaxX - box.MinX) / 4096
	minX, maxX := ends(t, got.Geometry.Coordinates)
	storedMin, storedMax := ends(t, want.Geometry.Coordinates)
	require.InDelta(t, max(storedMin, box.MinX-64*unit), minX, 1.01*unit, key)
	require.InDelta(t, min(storedMax, box.MaxX+64*unit), maxX, 1.01*unit, key)
}

// ends is the least and the greatest longitude of coordinates.
func ends(t *testing.T, coordinates json.RawMessage) (least, most float64) {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(coordinates, &v))
	least, most = 180, -180
	var walk func(any)
	walk = func(v any) {
		list := v.([]any)
		if x, ok := list[0].(float64); ok {
			least, most = min(least, x), max(most, x)
			return
		}
		for _, m := range list {
			walk(m)
		}
	}
	walk(v)
	return least, most
}
