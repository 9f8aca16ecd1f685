package snapshot

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
)

// roofOf is the surfaces of one face at a height.
func roofOf(t *testing.T, z float64) layers.Surfaces {
	t.Helper()
	s, err := layers.NewSurfaces(spatial.Geometry{
		Type: spatial.MultiPolygon, XY: []float64{0, 0, 1, 0, 1, 1, 0, 0}, Z: []float64{z, z, z, z}, Ends: []int32{4}, Parts: []int32{1},
	}, []layers.SurfaceClass{layers.RoofSurface})
	require.NoError(t, err)
	return s
}

// houses are n features along a line, every third with surfaces.
func houses(t *testing.T, n int) (*layers.Layer, []*layers.Feature) {
	t.Helper()
	l := &layers.Layer{ID: "houses", Kind: layers.KindBuilding, CRS: 4326, MaxZoom: 16, Schema: []layers.Property{{Name: "height", Type: layers.Number}}}
	list := make([]*layers.Feature, n)
	for i := range list {
		list[i] = &layers.Feature{ID: fmt.Sprint("h", i), Geometry: spatial.NewPoint(float64(i*37%n), 1), Properties: []layers.Value{layers.FloatValue(float64(i))}}
		if i%3 == 1 {
			list[i].Surfaces = roofOf(t, float64(i))
		}
	}
	return l, list
}

func TestSegmentsKeepSurfaces(t *testing.T) {
	l, list := houses(t, 40)
	b := NewBuilder(l)
	want := map[string]layers.Surfaces{}
	for _, f := range list {
		require.NoError(t, b.Add(f))
		want[f.ID] = f.Surfaces
	}
	base, err := b.Base()
	require.NoError(t, err)
	for name, s := range map[string]*Segment{"edits": b.Edits(), "base": base} {
		require.True(t, s.HasSurfaces(), name)
		var f layers.Feature
		for i := range s.N {
			s.Feature(i, l.Schema, &f) // into used memory
			require.Equal(t, want[string(s.ID(i))], s.Surfaces(i), "%s %s", name, s.ID(i))
			require.Equal(t, want[f.ID], f.Surfaces, "%s %s", name, f.ID)
		}
	}
}

// Runs that were moved out of memory keep their surfaces.
func TestSpooledRunsKeepSurfaces(t *testing.T) {
	l, list := houses(t, 40)
	builder := newBaseBuilder(l, t.TempDir())
	builder.shift = 3
	defer builder.close()
	for _, f := range list {
		require.NoError(t, builder.add(f))
	}
	var file memoryFile
	require.NoError(t, builder.write(&file, &baseMeta{Layer: *l}, newTouched(0)))
	b, err := openBase(file.b)
	require.NoError(t, err)
	for i := range b.N {
		var n int
		_, err := fmt.Sscanf(string(b.ID(i)), "h%d", &n)
		require.NoError(t, err)
		require.Equal(t, list[n].Surfaces, b.Surfaces(i))
	}
}

func TestBaseRefusesSurfacesOutOfOrder(t *testing.T) {
	l, list := houses(t, 6)
	b := NewBuilder(l)
	for _, f := range list {
		require.NoError(t, b.Add(f))
	}
	opened, err := b.base()
	require.NoError(t, err)
	require.NoError(t, opened.checkSurfaces())
	k := opened.surfaces.feature
	opened.surfaces.feature = []uint32{k[1], k[0]}
	require.ErrorIs(t, opened.checkSurfaces(), errBase)
	opened.surfaces.feature = []uint32{k[0], 6}
	require.ErrorIs(t, opened.checkSurfaces(), errBase)
}
