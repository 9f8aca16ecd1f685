package realtime_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/history"
	"twind/spatial"
)

// TestSinceTellsExactlyWhatWasMissed: clients of the simple format that were
// away for longer than the hub remembers departures come back with the time of
// the last frame, and are told what changed and who left, without a reset and
// without what stood still.
func TestSinceTellsExactlyWhatWasMissed(t *testing.T) {
	log, err := history.Open(history.Options{Dir: t.TempDir(), Interval: 10 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.Close()) })
	hub, server := serve(t, realtime.Options{Journal: log, Resume: 100 * time.Millisecond, ParseFilter: parseLine}, realtime.HandlerOptions{})
	require.NoError(t, hub.RemoveLayer("vehicles"))
	require.NoError(t, hub.AddLayer(liveLayer("vehicles", layers.Live{Stale: time.Minute, Offline: time.Minute, Removed: time.Minute})))
	rng := rand.New(rand.NewPCG(8, 8))
	type car struct{ lon, lat float64 }
	cars := make([]car, 300)
	move := func(i int) realtime.Position {
		// Some are outside the window, some leave it, some come in.
		cars[i] = car{-74.03 + rng.Float64()*0.12, 40.66 + rng.Float64()*0.12}
		p := realtime.NewPosition("vehicles", fmt.Sprint("car ", i), time.Now(), cars[i].lon, cars[i].lat)
		p.Properties = fmt.Appendf(nil, `{"line":"%d"}`, rng.IntN(3))
		return p
	}
	var all []realtime.Position
	for i := range cars {
		all = append(all, move(i))
	}
	require.Empty(t, apply(t, hub, all...).Refused)

	bbox := []float64{-74.02, 40.68, -73.96, 40.74}
	for _, filter := range []string{"", "line=1"} {
		t.Run("filter "+filter, func(t *testing.T) {
			c := newClient(t, true, "vehicles")
			shown := func() map[string]bool {
				entities, err := hub.Box("vehicles", spatial.Envelope{MinX: -180, MinY: -90, MaxX: 180, MaxY: 90})
				require.NoError(t, err)
				out := map[string]bool{}
				for _, e := range entities {
					x, y := tileOf(e.Lon, e.Lat)
					if c.window.Contains(x, y) && (filter == "" || string(e.Properties) == `{"line":"1"}`) {
						out[fmt.Sprintf("%s %.6f %.6f %s", e.ID, e.Lon, e.Lat, e.Properties)] = true
					}
				}
				return out
			}
			holds := func() bool {
				want := shown()
				if len(want) != len(c.entities) {
					return false
				}
				for id, e := range c.entities {
					if !want[fmt.Sprintf("%s %.6f %.6f %s", id, e.lon, e.lat, e.properties)] {
						return false
					}
				}
				return true
			}
			connect := func(since int64) *websocket.Conn {
				conn := dial(t, server, "?format=json", nil)
				m := map[string]any{"type": "subscribe", "bbox": bbox, "zoom": 14, "layers": []string{"vehicles"}, "maxEntities": -1}
				if filter != "" {
					m["filter"] = map[string]string{"vehicles": filter}
				}
				if since > 0 {
					m["epoch"], m["since"] = c.epoch, since
				}
				b, err := json.Marshal(m)
				require.NoError(t, err)
				require.NoError(t, conn.Write(context.Background(), websocket.MessageText, b))
				return conn
			}
			conn := connect(0)
			until(t, conn, c, func() bool { return c.sequence > 0 && holds() })
			require.Equal(t, 1, c.resets)
			for round := range 5 {
				require.NoError(t, conn.CloseNow())
				since := c.time
				time.Sleep(150 * time.Millisecond) // the ring has forgotten
				var moved []realtime.Position
				for i := range cars {
					if rng.IntN(10) == 0 {
						moved = append(moved, move(i))
					}
				}
				require.Empty(t, apply(t, hub, moved...).Refused)
				time.Sleep(150 * time.Millisecond)
				c.upserted = 0
				conn = connect(since)
				first := c.sequence
				until(t, conn, c, func() bool { return c.sequence > first })
				require.True(t, holds(), "round %d: %d held, %d shown", round, len(c.entities), len(shown()))
				require.Equal(t, 1, c.resets, "no reset")
				require.LessOrEqual(t, c.upserted, len(moved), "what stood still is not sent again")
			}
			// Another epoch, or a time that the log does not reach: everything anew.
			require.NoError(t, conn.CloseNow())
			c.epoch++
			conn = connect(c.time)
			until(t, conn, c, func() bool { return c.resets == 2 && holds() })
			require.NoError(t, conn.CloseNow())
			conn = connect(time.Now().Add(-48 * time.Hour).UnixMilli())
			until(t, conn, c, func() bool { return c.resets == 3 && holds() })
		})
	}
}

// tileOf is the tile of the grid that holds a place.
func tileOf(lon, lat float64) (x, y uint32) {
	w := realtime.WindowOf(realtime.BBox{lon, lat, lon, lat}, realtime.GridZoom, 0)
	return w.X, w.Y
}
