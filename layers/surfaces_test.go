package layers_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/wkb"
)

// tent is two faces: a floor with a hole, and a roof.
func tent() (spatial.Geometry, []layers.SurfaceClass) {
	return spatial.Geometry{
		Type: spatial.MultiPolygon,
		XY: []float64{
			0, 0, 0, 3, 3, 3, 3, 0, 0, 0,
			1, 1, 2, 1, 2, 2, 1, 1,
			0, 0, 3, 0, 3, 3, 0, 0,
		},
		Z:     []float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 5, 5, 9, 5},
		Ends:  []int32{5, 9, 13},
		Parts: []int32{2, 3},
	}, []layers.SurfaceClass{layers.GroundSurface, layers.RoofSurface}
}

func TestSurfacesKeepFaces(t *testing.T) {
	g, classes := tent()
	s, err := layers.NewSurfaces(g, classes)
	require.NoError(t, err)
	require.Equal(t, "GR", s.Classes())
	var back spatial.Geometry
	letters, err := s.Decode(&back)
	require.NoError(t, err)
	require.Equal(t, "GR", string(letters))
	require.True(t, back.Equal(g))
	require.Equal(t, s, layers.JoinSurfaces(s.WKB(), s.Classes()))

	// What another program reads is plain WKB.
	plain, _, err := wkb.Unmarshal(s.WKB())
	require.NoError(t, err)
	require.True(t, plain.Equal(g))
}

func TestSurfacesRefused(t *testing.T) {
	g, classes := tent()
	whole, err := layers.NewSurfaces(g, classes)
	require.NoError(t, err)
	require.NoError(t, layers.Surfaces(nil).Check())
	require.NoError(t, layers.Surfaces{}.Check())
	for name, s := range map[string]layers.Surfaces{
		"cut off":       whole[:len(whole)-3],
		"one class":     whole[:len(whole)-1],
		"no classes":    whole.WKB(),
		"other letter":  layers.JoinSurfaces(whole.WKB(), "GX"),
		"garbage":       layers.Surfaces("surfaces"),
		"big-endian":    append(layers.Surfaces{0}, whole[1:]...),
		"no faces":      layers.JoinSurfaces(wkb.Append(nil, spatial.Geometry{Type: spatial.MultiPolygon}), ""),
		"points":        layers.JoinSurfaces(wkb.Append(nil, spatial.Geometry{Type: spatial.MultiPoint, XY: []float64{1, 2}, Z: []float64{3}}), "G"),
		"open ring":     surfacesOf(t, func(g *spatial.Geometry) { g.XY[0] = 7 }),
		"not a height":  surfacesOf(t, func(g *spatial.Geometry) { g.Z[2] = math.NaN() }),
		"beyond Earth":  surfacesOf(t, func(g *spatial.Geometry) { g.XY[3] = 91 }),
		"without z":     surfacesOf(t, func(g *spatial.Geometry) { g.Z = nil }),
		"two positions": surfacesOf(t, func(g *spatial.Geometry) { g.Ends = []int32{2, 9, 13} }),
	} {
		require.ErrorIs(t, s.Check(), layers.ErrInvalid, name)
	}
}

// surfacesOf encodes a tent that was spoilt.
func surfacesOf(t *testing.T, spoil func(*spatial.Geometry)) layers.Surfaces {
	t.Helper()
	g, classes := tent()
	spoil(&g)
	s, err := layers.NewSurfaces(g, classes)
	require.ErrorIs(t, err, layers.ErrInvalid)
	return s
}

func FuzzSurfaces(f *testing.F) {
	g, classes := tent()
	s, err := layers.NewSurfaces(g, classes)
	require.NoError(f, err)
	f.Add([]byte(s))
	f.Add([]byte(s[:len(s)-1]))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := layers.Surfaces(b)
		if len(s) == 0 || s.Check() != nil {
			return
		}
		var g spatial.Geometry
		letters, err := s.Decode(&g)
		require.NoError(t, err)
		require.NoError(t, g.Check())
		require.Len(t, letters, len(g.Parts))
		require.Equal(t, s, layers.JoinSurfaces(s.WKB(), s.Classes()))
	})
}
