package spatial_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial"
)

func TestEnvelope(t *testing.T) {
	empty := spatial.EmptyEnvelope()
	unit := spatial.Envelope{MinX: 0, MinY: 0, MaxX: 1, MaxY: 1}
	require.True(t, empty.IsEmpty())
	require.False(t, unit.IsEmpty())
	require.False(t, spatial.Envelope{MinX: 1, MinY: 1, MaxX: 1, MaxY: 1}.IsEmpty(), "a point is not empty")
	require.True(t, spatial.Envelope{MinX: math.NaN(), MaxX: 1, MaxY: 1}.IsEmpty())
	require.Equal(t, "empty", empty.String())
	require.Equal(t, "0,0,1,1", unit.String())

	require.Equal(t, unit, empty.Union(unit))
	require.Equal(t, unit, unit.Union(empty))
	require.Equal(t, unit, empty.Add(0, 1).Add(1, 0))
	require.Equal(t, spatial.Envelope{MinX: -1, MinY: 0, MaxX: 1, MaxY: 5}, unit.Union(spatial.Envelope{MinX: -1, MinY: 4, MaxX: 0, MaxY: 5}))

	for _, c := range []struct {
		o                    spatial.Envelope
		intersects, contains bool
	}{
		{unit, true, true},
		{spatial.Envelope{MinX: 0.2, MinY: 0.2, MaxX: 0.8, MaxY: 0.8}, true, true},
		{spatial.Envelope{MinX: 1, MinY: 1, MaxX: 2, MaxY: 2}, true, false}, // a corner
		{spatial.Envelope{MinX: math.Nextafter(1, 2), MinY: 0, MaxX: 2, MaxY: 1}, false, false},
		{spatial.Envelope{MinX: 0.5, MinY: -5, MaxX: 0.6, MaxY: 5}, true, false}, // across
		{spatial.Envelope{MinX: -5, MinY: -5, MaxX: 5, MaxY: 5}, true, false},
		{empty, false, true}, // nothing lies in everything
	} {
		require.Equal(t, c.intersects, unit.Intersects(c.o), "%v", c.o)
		require.Equal(t, c.intersects, c.o.Intersects(unit), "%v", c.o)
		require.Equal(t, c.contains, unit.Contains(c.o), "%v", c.o)
	}
	require.True(t, unit.ContainsPoint(1, 0))
	require.False(t, unit.ContainsPoint(1, -1e-300))
	require.False(t, unit.ContainsPoint(math.NaN(), 0))

	require.Equal(t, spatial.Envelope{MinX: -2, MinY: -2, MaxX: 3, MaxY: 3}, unit.Buffer(2))
	require.True(t, empty.Buffer(5).IsEmpty())
	x, y := spatial.Envelope{MinX: 2, MinY: -4, MaxX: 4, MaxY: 0}.Center()
	require.Equal(t, [2]float64{3, -2}, [2]float64{x, y})
}
