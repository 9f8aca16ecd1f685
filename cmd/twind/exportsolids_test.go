package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const twoTowers = `{"type":"FeatureCollection","features":[
{"type":"Feature","id":"w","properties":{"name":"西塔","height":40},"geometry":{"type":"Polygon","coordinates":[[[113.0001,28.2001],[113.0004,28.2001],[113.0004,28.2004],[113.0001,28.2004],[113.0001,28.2001]]]}},
{"type":"Feature","id":"e","properties":{"name":"东塔","height":400},"geometry":{"type":"Polygon","coordinates":[[[113.2001,28.2001],[113.2004,28.2001],[113.2004,28.2004],[113.2001,28.2004],[113.2001,28.2001]]]}}]}`

// TestExportSolids exports a layer to a folder and follows its addresses.
func TestExportSolids(t *testing.T) {
	dir := t.TempDir()
	store := "geopackage:" + filepath.Join(dir, "city.gpkg")
	for layer, kind := range map[string]string{"towers": "building", "land": "block"} {
		status, _, errOut := twind(t, "import", write(t, "towers.geojson", twoTowers), "--layer", layer, "--kind", kind, "--store", store)
		require.Zero(t, status, errOut)
	}
	to := filepath.Join(dir, "out")
	status, out, errOut := twind(t, "export", "towers", "--format", "3dtiles", "--output", to, "--store", store)
	require.Zero(t, status, errOut)
	require.Contains(t, out, "2 features of layer towers in 2 contents")
	contents := 0
	var tile func(v map[string]any, at string)
	read := func(name string) map[string]any {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		var doc map[string]any
		require.NoError(t, json.Unmarshal(b, &doc))
		return doc["root"].(map[string]any)
	}
	tile = func(v map[string]any, at string) {
		if c, ok := v["content"].(map[string]any); ok {
			name := filepath.Join(filepath.Dir(at), c["uri"].(string))
			if filepath.Ext(name) == ".json" {
				tile(read(name), name)
			} else {
				b, err := os.ReadFile(name)
				require.NoError(t, err)
				require.Equal(t, "glTF", string(b[:4]))
				contents++
			}
		}
		children, _ := v["children"].([]any)
		for _, child := range children {
			tile(child.(map[string]any), at)
		}
	}
	tile(read(filepath.Join(to, "tileset.json")), filepath.Join(to, "tileset.json"))
	require.Equal(t, 2, contents)

	fails(t, exitUsage, []string{"export", "towers", "--format", "3dtiles", "--output", to, "--store", store}, "not empty")
	fails(t, exitFailed, []string{"export", "land", "--format", "3dtiles", "--output", filepath.Join(dir, "land"), "--store", store}, "no 3D layer land")
	fails(t, exitUsage, []string{"export", "towers", "land", "--format", "3dtiles", "--output", filepath.Join(dir, "both"), "--store", store}, "one by one")
}
