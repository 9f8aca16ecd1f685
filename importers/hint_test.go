package importers

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHintsNameTheFileAsAShellTakesIt(t *testing.T) {
	for path, want := range map[string]string{
		"a.dxf":           "-s_srs EPSG:4547 -t_srs EPSG:4326 out.geojson a.dxf",
		"管线.KML":          "ogr2ogr -f GeoJSON -t_srs EPSG:4326 out.geojson 管线.KML",
		"my roads.gpkg":   "out.geojson 'my roads.gpkg' LAYER",
		"it's.gdb":        `out.geojson 'it'\''s.gdb' LAYER`,
		"$(reboot).csv":   "-a_srs EPSG:4326 out.geojson '$(reboot).csv'",
		"/srv/b.xlsx":     "save its sheet as CSV",
		"plan.dwg":        "save it as DXF",
		"height.tif":      "rasters:",
		"base.pmtiles":    "archives:",
		"all.rar":         "unpack it",
		"data.unheard-of": "GDAL makes GeoJSON of most others: ogr2ogr -f GeoJSON -t_srs EPSG:4326 out.geojson data.unheard-of",
	} {
		require.Contains(t, hint(path), want, path)
	}
}
