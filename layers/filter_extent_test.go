package layers

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial"
)

func TestFilterExtent(t *testing.T) {
	small, big := Intersects{spatial.Envelope{MaxX: 1, MaxY: 1}}, Intersects{spatial.Envelope{MinX: -5, MinY: -5, MaxX: 9, MaxY: 9}}
	apart := IntersectsGeometry{spatial.NewLineString([]float64{10, 10, 20, 30})}
	other := IsNull{"name"}
	for name, c := range map[string]struct {
		f    Filter
		want spatial.Envelope
		ok   bool
	}{
		"box":             {small, small.Box, true},
		"geometry":        {apart, spatial.Envelope{MinX: 10, MinY: 10, MaxX: 20, MaxY: 30}, true},
		"and":             {And{other, big, small}, small.Box, true},
		"or":              {Or{small, apart}, spatial.Envelope{MaxX: 20, MaxY: 30}, true},
		"or of the other": {Or{small, other}, spatial.Envelope{}, false},
		"nested":          {And{Or{small, other}, Or{small, big}}, big.Box, true},
		"not":             {Not{small}, spatial.Envelope{}, false},
		"nothing":         {nil, spatial.Envelope{}, false},
		"always":          {And{}, spatial.Envelope{}, false},
	} {
		box, ok := FilterExtent(c.f)
		require.Equal(t, c.ok, ok, name)
		require.Equal(t, c.want, box, name)
	}
	never, ok := FilterExtent(Or{})
	require.True(t, ok)
	require.True(t, never.IsEmpty())
}
