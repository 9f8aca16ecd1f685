//go:build proof

package mvt

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/district"
	"twind/spatial/tile"
)

// Tiles of the Geographic grid against ST_AsMVTGeom in degrees, as
// TestAgainstPostGIS holds those of Web Mercator: the cities of the demo, and
// every layer of the generated district.
func TestGeographicAgainstPostGIS(t *testing.T) {
	realAgainstPostGIS(t, tile.Geographic, []realTiles{
		{"buildings", "new-york/buildings.geojson", 15, 15, 17},
		{"streets", "new-york/streets.geojson", 40, 14, 16},
		{"subway", "new-york/subway.geojson", 60, 11, 15},
		{"stations", "new-york/stations.geojson", 60, 10, 15},
		{"precincts", "new-york/precincts.geojson", 10, 9, 15},
		{"storm", "kamloops/storm.geojson", 40, 13, 18},
		{"manholes", "kamloops/manholes.geojson", 40, 13, 21},
	})
	conn := connect(t)
	d, err := district.New(district.Options{})
	require.NoError(t, err)
	list := district.Layers()
	for i := range list {
		t.Run(string(list[i].ID), func(t *testing.T) {
			features := slices.Collect(d.Features(list[i].ID))
			require.NotEmpty(t, features)
			againstPostGIS(t, conn, &list[i], features, tile.Geographic, 20, 16, 20)
		})
	}
}
