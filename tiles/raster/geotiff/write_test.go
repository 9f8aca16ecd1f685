package geotiff

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	h := Heights{Width: 37, Height: 150, EPSG: 4490, Geographic: true, Transform: Affine{112.9, 0.001, 0, 28.3, 0, -0.002}}
	for i := range h.Width * h.Height {
		h.Values = append(h.Values, float32(math.Sin(float64(i)/50)*1000))
	}
	h.Values[40] = float32(math.NaN())
	b, err := h.Append([]byte("before"))
	require.NoError(t, err)
	f, err := open(b[6:])
	require.NoError(t, err)
	g, err := f.Georeference()
	require.NoError(t, err)
	require.Equal(t, 4490, g.CRS.Code)
	require.Equal(t, h.Transform, g.Transform)
	for i, v := range read(t, f, 0, 0) {
		if i == 40 {
			require.True(t, math.IsNaN(v))
		} else {
			require.Equal(t, float64(h.Values[i]), v)
		}
	}
	h.Values = h.Values[1:]
	_, err = h.Append(nil)
	require.ErrorIs(t, err, layers.ErrInvalid)
}

func TestAffineInverse(t *testing.T) {
	a := Affine{100, 2, 0.5, 50, 0.25, -3} // rotated
	inv, ok := a.Invert()
	require.True(t, ok)
	x, y := a.Apply(7, 9)
	col, row := inv.Apply(x, y)
	require.InDelta(t, 7, col, 1e-12)
	require.InDelta(t, 9, row, 1e-12)
	_, ok = Affine{1, 2, 4, 1, 1, 2}.Invert()
	require.False(t, ok)
}
