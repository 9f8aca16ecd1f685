package demo

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/district"
	"twind/spatial/geodesic"
)

func TestServiceVehiclesDriveThroughTheDistrict(t *testing.T) {
	p, err := newPatrols(t.Context(), Patrols, 1)
	require.NoError(t, err)
	require.Equal(t, Patrols, p.fleet.Len())
	now := start
	h := hub(t, &now)
	require.NoError(t, h.AddLayer(*layer(patrolsID)))
	from := make(map[string][2]float64)
	signs := make(map[string]bool)
	moved := 0
	for second := range 30 {
		now = start.Add(time.Duration(second) * time.Second)
		positions := p.due(now, nil)
		require.Len(t, positions, Patrols)
		result, err := h.Apply(t.Context(), positions)
		require.NoError(t, err)
		require.Empty(t, result.Refused)
		for _, at := range positions {
			require.Less(t, geodesic.Distance(at.Lon, at.Lat, district.Lon, district.Lat), 3000.0, "metres from the middle of the district")
			if second == 0 {
				from[at.ID] = [2]float64{at.Lon, at.Lat}
				var told struct{ Callsign, Type, Street string }
				require.NoError(t, json.Unmarshal(at.Properties, &told))
				require.Contains(t, services, told.Type)
				require.NotEmpty(t, told.Street)
				signs[told.Callsign] = true
			} else if second == 29 && geodesic.Distance(at.Lon, at.Lat, from[at.ID][0], from[at.ID][1]) > 20 {
				moved++
			}
		}
	}
	require.Len(t, signs, Patrols, "each has a call sign of its own")
	require.Greater(t, moved, Patrols/2)
	counts, err := h.Count(patrolsID)
	require.NoError(t, err)
	require.Equal(t, Patrols, counts.Live)
}
