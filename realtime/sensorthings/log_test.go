package sensorthings_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/sensorthings"
)

// What was answered is there after a restart, with links and ids; a line that a
// crash cut short is not.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	s, err := sensorthings.Open(sensorthings.Options{Dir: dir})
	require.NoError(t, err)
	c := serve(t, s, sensorthings.HandlerOptions{})
	whole := `,"Sensor":` + sensor(1) + `,"ObservedProperty":` + property(1) + `,"Observations":[{"result":1.50,"phenomenonTime":"2015-03-01T00:00:00Z"},{"result":2,"phenomenonTime":"2015-03-02T00:00:00Z"}]`
	c.post("/Things", `{"name":"井","description":"t","Locations":[`+location(1)+`],"Datastreams":[`+stream(1, whole)+`]}`)
	c.post("/Things", `{"name":"b","description":"b"}`)
	c.status(200, "PATCH", "/Things(1)", `{"description":"changed"}`)
	c.status(200, "DELETE", "/Things(2)", "")
	c.status(200, "DELETE", "/Observations(1)", "")
	const all = "/Things?$expand=Locations/HistoricalLocations,HistoricalLocations,Datastreams/Observations/FeatureOfInterest,Datastreams/Sensor"
	_, before := c.raw("GET", all, "")
	require.NoError(t, s.Close())
	c.status(503, "POST", "/Things", `{"name":"late","description":"t"}`)

	path := filepath.Join(dir, "sensorthings.log")
	for _, torn := range []string{"", "0000", "deadbeef [{\"set\":\"Things\""} {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = f.WriteString(torn)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		s, err := sensorthings.Open(sensorthings.Options{Dir: dir})
		require.NoError(t, err)
		again := serve(t, s, sensorthings.HandlerOptions{})
		_, after := again.raw("GET", all, "")
		require.Equal(t, string(bytes.ReplaceAll(before, []byte(c.base), nil)), string(bytes.ReplaceAll(after, []byte(again.base), nil)))
		require.NoError(t, s.Close())
	}
	s = open(t, dir)
	_, err = sensorthings.Open(sensorthings.Options{Dir: dir})
	require.ErrorIs(t, err, layers.ErrUnavailable, "one process at a time")
	c = serve(t, s, sensorthings.HandlerOptions{})
	require.Equal(t, 3, c.post("/Things", `{"name":"c","description":"c"}`), "ids are not given twice")
	require.Equal(t, "2015-03-02T00:00:00.000Z/2015-03-02T00:00:00.000Z", c.get("/Datastreams(1)")["phenomenonTime"])
}

// A line that is damaged in the middle is no torn end: the file is refused.
func TestDamagedLog(t *testing.T) {
	dir := t.TempDir()
	s, err := sensorthings.Open(sensorthings.Options{Dir: dir})
	require.NoError(t, err)
	c := serve(t, s, sensorthings.HandlerOptions{})
	c.post("/Sensors", sensor(1))
	c.post("/Sensors", sensor(2))
	require.NoError(t, s.Close())
	path := filepath.Join(dir, "sensorthings.log")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, bytes.Replace(b, []byte("gauge 1"), []byte("gauge 9"), 1), 0o600))
	_, err = sensorthings.Open(sensorthings.Options{Dir: dir})
	require.ErrorIs(t, err, layers.ErrInvalid)
	require.ErrorContains(t, err, "line 1")
}

// Writers and readers at once; each reading is told once, after it is stored.
func TestConcurrentClients(t *testing.T) {
	var mu sync.Mutex
	told := map[float64]int{}
	c := serve(t, open(t, t.TempDir()), sensorthings.HandlerOptions{Observe: func(_ context.Context, list []realtime.Observation) {
		mu.Lock()
		defer mu.Unlock()
		for _, o := range list {
			told[o.Number]++
		}
	}})
	c.post("/Things", `{"name":"t","description":"t","Locations":[`+location(1)+`],"Datastreams":[`+stream(1, `,"Sensor":`+sensor(1)+`,"ObservedProperty":`+property(1))+`]}`)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 10 {
				c.post("/Datastreams(1)/Observations", fmt.Sprintf(`{"result":%d}`, w*10+i))
				c.get("/Things?$expand=Datastreams/Observations")
			}
		})
	}
	wg.Wait()
	require.Len(t, c.list("/Observations"), 40)
	require.Len(t, c.list("/FeaturesOfInterest"), 1)
	require.Len(t, told, 40)
	for v, n := range told {
		require.Equal(t, 1, n, v)
	}
}

// A full store refuses, whole inserts at once, and takes more after a DELETE.
func TestFullStore(t *testing.T) {
	s, err := sensorthings.Open(sensorthings.Options{Dir: t.TempDir(), MaxEntities: 2})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	c := serve(t, s, sensorthings.HandlerOptions{})
	c.post("/Sensors", sensor(1))
	c.status(507, "POST", "/Things", `{"name":"t","description":"t","Locations":[`+location(1)+`]}`)
	require.Equal(t, [8]int{0, 0, 0, 0, 1, 0, 0, 0}, c.counts())
	c.post("/Sensors", sensor(2))
	c.status(507, "POST", "/Sensors", sensor(3))
	c.status(200, "DELETE", "/Sensors(1)", "")
	require.Equal(t, 3, c.post("/Sensors", sensor(3)))
}
