package snapshot

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
)

// TestOriginNamesTheRows: views of one base share its origin whatever is edited;
// another base, with the same features, has another.
func TestOriginNamesTheRows(t *testing.T) {
	l := &layers.Layer{ID: "points", CRS: 4326, MaxZoom: 16}
	point := func(id string, x float64) *layers.Feature {
		return &layers.Feature{ID: id, Geometry: spatial.NewPoint(x, 1), Revision: 1}
	}
	c := contentOf(t, l, []*layers.Feature{point("a", 1), point("b", 2)})
	before := c.view(l, "store", 1)
	defer before.Release()
	_, err := c.put(point("a", 3), 2)
	require.NoError(t, err)
	after := c.view(l, "store", 2)
	defer after.Release()
	require.Same(t, before.segments[0].Origin(), after.segments[0].Origin())
	require.True(t, before.segments[0].Alive(0) && before.segments[0].Alive(1))
	require.Equal(t, 1, after.segments[0].Len(), "one row is dead there")
	require.NotSame(t, before.segments[1].Origin(), after.segments[1].Origin())
	other := contentOf(t, l, []*layers.Feature{point("a", 1), point("b", 2)}).view(l, "store", 1)
	defer other.Release()
	require.NotSame(t, before.segments[0].Origin(), other.segments[0].Origin())
}
