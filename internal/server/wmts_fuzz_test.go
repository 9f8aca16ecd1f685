package server

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial"
	"twind/spatial/tile"
)

// Whatever a request calls matrix, row and column is a tile within the limits, or
// an exception that says which of them is wrong.
func FuzzWMTSTile(f *testing.F) {
	for _, seed := range [][3]string{{"14", "2243", "9649"}, {"0", "0", "0"}, {"-1", "1e3", "01"}, {"23", "99999999999", "4294967296"}, {"", "", ""}, {"24", "½", "-0"}} {
		f.Add(seed[0], seed[1], seed[2])
	}
	e := spatial.Envelope{MinX: -74, MinY: 40.7, MaxX: -73.9, MaxY: 40.8}
	l := wmtsLayer{id: "things", limits: boundedBy(e, 2, 20)}
	f.Fuzz(func(t *testing.T, matrix, row, col string) {
		for _, m := range append([]*tile.MatrixSet{webMercatorQuadX2}, matrixSets...) {
			id, err := l.find(m, &wmtsTile{set: m.ID, matrix: matrix, row: row, col: col})
			var o *owsError
			if errors.As(err, &o) {
				require.Equal(t, 400, o.status)
				require.Contains(t, []string{"TileMatrix", "TileRow", "TileCol"}, o.locator)
				require.Less(t, len(o.text), 300)
				continue
			}
			require.NoError(t, err)
			limits, ok := l.limits(m, id.Z)
			require.True(t, ok)
			require.True(t, limits.Contains(id), "%v", id)
			require.Equal(t, matrix, limits.Matrix)
		}
	})
}
