package layers

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHeightsOfALayer(t *testing.T) {
	l := Layer{ID: "a", CRS: 4326}
	for _, h := range []*Heights{nil, {}, {EllipsoidOffset: -32.8, Cover: 1.2, Of: "invert"}, {Of: "top"}, {Of: "axis"}} {
		l.Heights = h
		require.NoError(t, l.Validate())
	}
	for _, h := range []*Heights{{EllipsoidOffset: math.NaN()}, {EllipsoidOffset: 1e5}, {Cover: -1}, {Cover: math.Inf(1)}, {Of: "bottom"}} {
		l.Heights = h
		require.ErrorIs(t, l.Validate(), ErrInvalid, "%+v", h)
	}
	l.Heights = &Heights{EllipsoidOffset: -9.5}
	b, err := json.Marshal(l)
	require.NoError(t, err)
	require.Contains(t, string(b), `"heights":{"ellipsoidOffset":-9.5}`)
	var back Layer
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, l.Heights, back.Heights)
}
