package sensorthings_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"twind/realtime/sensorthings"
)

// childDir names the variable that makes the test binary a writer.
const childDir = "TWIND_SENSORTHINGS_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		writeForever(dir)
	}
	goleak.VerifyTestMain(m)
}

// pump is a Thing with a place and two Datastreams, the second of which keeps
// three Observations.
func pump() string {
	whole := func(n int, more string) string {
		return stream(n, more+`,"Sensor":`+sensor(n)+`,"ObservedProperty":`+property(n))
	}
	return `{"name":"pump","description":"p","Locations":[` + location(1) + `],"Datastreams":[` + whole(1, "") + `,` + whole(2, `,"properties":{"twind:keep":{"count":3,"age":"1h"}}`) + `]}`
}

func results(c *client, address string) (out []float64) {
	c.t.Helper()
	for _, o := range c.list(address) {
		out = append(out, o["result"].(float64))
	}
	return out
}

func TestObservationsAreBoundedByCount(t *testing.T) {
	dir := t.TempDir()
	o := sensorthings.Options{Dir: dir, Keep: sensorthings.Retention{Count: 8}, MaxObservations: 16}
	s, err := sensorthings.Open(o)
	require.NoError(t, err)
	c := serve(t, s, sensorthings.HandlerOptions{})
	c.post("/Things", pump())
	for i := range 30 {
		id := c.post("/Datastreams(1)/Observations", fmt.Sprintf(`{"result":%d,"phenomenonTime":"2026-11-22T08:00:%02dZ"}`, i, i))
		require.Equal(t, i+1, id, "ids are not given twice")
		require.LessOrEqual(t, len(c.list("/Observations")), 9, "the bound and an eighth")
	}
	kept := results(c, "/Datastreams(1)/Observations")
	require.Equal(t, 29.0, kept[len(kept)-1], "the newest")
	require.GreaterOrEqual(t, len(kept), 8)
	require.Equal(t, kept, results(c, "/FeaturesOfInterest(1)/Observations"))
	require.Equal(t, kept, results(c, "/Observations"))
	require.Equal(t, fmt.Sprintf("2026-11-22T08:00:%02d.000Z/2026-11-22T08:00:29.000Z", int(kept[0])), c.get("/Datastreams(1)")["phenomenonTime"])
	c.status(404, "GET", "/Observations(1)", "")

	for i := range 7 {
		c.post("/Datastreams(2)/Observations", fmt.Sprintf(`{"result":%d}`, i))
	}
	require.Equal(t, []float64{4, 5, 6}, results(c, "/Datastreams(2)/Observations"), "its own bound")
	rows := strings.TrimSuffix(strings.Repeat("[1],", 40), ",")
	c.status(201, "POST", "/CreateObservations", `[{"Datastream":{"@iot.id":1},"components":["result"],"dataArray":[`+rows+`]}]`)
	before := c.get("/Observations?$count=true")
	require.LessOrEqual(t, before["@iot.count"], 18.0)

	require.NoError(t, s.Close())
	s, err = sensorthings.Open(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	again := serve(t, s, sensorthings.HandlerOptions{})
	require.Equal(t, before["@iot.count"], again.get("/Observations?$count=true")["@iot.count"])
	require.Equal(t, results(c, "/Observations"), results(again, "/Observations"))
	again.status(200, "DELETE", "/Things(1)", "")
	require.Empty(t, again.list("/Observations"))
}

// TestPlacesOfAThingThatMovesAreBounded moves one by each of the three ways.
func TestPlacesOfAThingThatMovesAreBounded(t *testing.T) {
	dir := t.TempDir()
	o := sensorthings.Options{Dir: dir, Keep: sensorthings.Retention{Count: 8}}
	s, err := sensorthings.Open(o)
	require.NoError(t, err)
	c := serve(t, s, sensorthings.HandlerOptions{})
	c.post("/Things", pump())
	c.post("/Things(1)/Locations", location(2))
	for i := range 40 {
		switch i % 3 {
		case 0:
			c.status(200, "PATCH", "/Things(1)", fmt.Sprintf(`{"Locations":[{"@iot.id":%d}]}`, i%2+1))
		case 1:
			c.status(200, "PATCH", fmt.Sprintf("/Locations(%d)", i%2+1), `{"Things":[{"@iot.id":1}]}`)
		default:
			c.post("/HistoricalLocations", fmt.Sprintf(`{"time":"2036-11-22T08:00:%02dZ","Thing":{"@iot.id":1},"Locations":[{"@iot.id":%d}]}`, i, i%2+1))
		}
		require.LessOrEqual(t, len(c.list("/Things(1)/HistoricalLocations")), 9, "the bound and an eighth")
	}
	kept := c.list("/HistoricalLocations?$expand=Locations")
	require.GreaterOrEqual(t, len(kept), 8)
	require.Equal(t, 42.0, kept[len(kept)-1]["@iot.id"], "the newest")
	require.Len(t, c.list("/Things(1)/Locations"), 1, "it is somewhere")
	require.Len(t, c.list("/Locations"), 2)

	require.NoError(t, s.Close())
	s, err = sensorthings.Open(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.Len(t, serve(t, s, sensorthings.HandlerOptions{}).list("/HistoricalLocations?$expand=Locations"), len(kept))
}

func TestAllObservationsTogetherAreBounded(t *testing.T) {
	s, err := sensorthings.Open(sensorthings.Options{Dir: t.TempDir(), MaxObservations: 16})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	c := serve(t, s, sensorthings.HandlerOptions{})
	for range 10 {
		c.post("/Things", strings.Replace(pump(), `"count":3`, `"count":100`, 1))
	}
	for i := range 60 {
		c.post(fmt.Sprintf("/Datastreams(%d)/Observations", i%20+1), fmt.Sprintf(`{"result":%d}`, i))
		require.LessOrEqual(t, len(c.list("/Observations")), 18)
	}
	require.Contains(t, results(c, "/Observations"), 59.0)
	require.NotContains(t, results(c, "/Observations"), 0.0)
	require.Nil(t, c.get("/Datastreams(1)")["resultTime"])
}

func TestOldObservationsExpire(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	o := sensorthings.Options{Dir: dir, Now: func() time.Time { return now }, Keep: sensorthings.Retention{Age: 24 * time.Hour}}
	s, err := sensorthings.Open(o)
	require.NoError(t, err)
	c := serve(t, s, sensorthings.HandlerOptions{})
	c.post("/Things", pump())
	for i := range 6 { // one in 8 h; what it speaks of is long ago
		c.post("/Datastreams(1)/Observations", fmt.Sprintf(`{"result":%d,"phenomenonTime":"2015-03-01T00:00:00Z"}`, i))
		c.post("/Datastreams(2)/Observations", fmt.Sprintf(`{"result":%d}`, i))
		now = now.Add(8 * time.Hour)
	}
	dropped, err := s.Expire()
	require.NoError(t, err)
	require.Equal(t, 4+3, dropped, "of the second only three were left")
	require.Equal(t, []float64{4, 5}, results(c, "/Datastreams(1)/Observations"))
	require.Empty(t, c.list("/Datastreams(2)/Observations"))
	require.Nil(t, c.get("/Datastreams(2)")["phenomenonTime"])
	require.NoError(t, s.Close())
	s, err = sensorthings.Open(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	c = serve(t, s, sensorthings.HandlerOptions{})
	require.Equal(t, []float64{4, 5}, results(c, "/Observations"), "when they were received is kept too")
	now = now.Add(30 * time.Hour)
	dropped, err = s.Expire()
	require.NoError(t, err)
	require.Equal(t, 2, dropped)
}

// A log that is written anew has the same entities, is smaller, and loses nothing
// that is written meanwhile.
func TestCompact(t *testing.T) {
	dir := t.TempDir()
	s, err := sensorthings.Open(sensorthings.Options{Dir: dir, Keep: sensorthings.Retention{Count: 100}})
	require.NoError(t, err)
	c := serve(t, s, sensorthings.HandlerOptions{})
	c.post("/Things", pump())
	c.post("/Things", `{"name":"<b> & \"c\"","description":"井\n"}`)
	c.post("/Things(1)/Locations", location(2))
	c.post("/Things", `{"name":"gone","description":"g"}`)
	c.status(200, "DELETE", "/Things(3)", "")
	for i := range 30 {
		c.status(200, "PATCH", "/Things(2)", fmt.Sprintf(`{"properties":{"n":%d,"text":%q}}`, i, strings.Repeat("x", 1000)))
	}
	const all = "/Things?$expand=Locations/HistoricalLocations,HistoricalLocations,Datastreams/Observations/FeatureOfInterest,Datastreams/Sensor,Datastreams/ObservedProperty"
	_, want := c.raw("GET", all, "")
	before, after, err := s.Compact()
	require.NoError(t, err)
	require.Less(t, after, before/3)
	info, err := os.Stat(filepath.Join(dir, "sensorthings.log"))
	require.NoError(t, err)
	require.Equal(t, after, info.Size())
	require.NoFileExists(t, filepath.Join(dir, "sensorthings.log.new"))
	_, got := c.raw("GET", all, "")
	require.Equal(t, string(want), string(got))
	_, err = sensorthings.Open(sensorthings.Options{Dir: dir})
	require.ErrorContains(t, err, "is in use by another server")

	stop := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if _, _, err := s.Compact(); err != nil {
					t.Error(err)
				}
			}
		}
	})
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range 40 {
				if err := s.Create("Datastreams(1)/Observations", fmt.Appendf(nil, `{"result":%d}`, w*1000+i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	wait.Wait()
	_, want = c.raw("GET", all, "")
	require.NoError(t, s.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "sensorthings.log.new"), []byte("half a log"), 0o600))
	again := serve(t, open(t, dir), sensorthings.HandlerOptions{})
	_, got = again.raw("GET", all, "")
	require.Equal(t, strings.ReplaceAll(string(want), c.base, ""), strings.ReplaceAll(string(got), again.base, ""))
	require.NoFileExists(t, filepath.Join(dir, "sensorthings.log.new"))
	require.Equal(t, 4, again.post("/Things", `{"name":"new","description":"n"}`), "ids are not given twice")
}

// writeForever makes Observations, says how many are on disk, and writes the log
// anew all the time, until it is killed.
func writeForever(dir string) {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	s, err := sensorthings.Open(sensorthings.Options{Dir: dir, Keep: sensorthings.Retention{Count: 40}})
	fail(err)
	if s.Create("Datastreams(1)/Observations", []byte(`{"result":0}`)) != nil {
		fail(s.Create("Things", []byte(pump())))
	}
	go func() {
		for {
			_, _, err := s.Compact()
			fail(err)
		}
	}()
	for i := 1; ; i++ {
		fail(s.Create("Datastreams(1)/Observations", []byte(`{"result":`+strconv.Itoa(i)+`}`)))
		fmt.Println(i)
	}
}

func TestKillWhileTheLogIsWrittenAnew(t *testing.T) {
	dir := t.TempDir()
	exe, err := os.Executable()
	require.NoError(t, err)
	for round := range 6 {
		cmd := exec.CommandContext(t.Context(), exe)
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		confirmed := 0
		for lines.Scan() {
			confirmed, err = strconv.Atoi(lines.Text())
			require.NoError(t, err)
			if confirmed == 60+7*round {
				require.NoError(t, cmd.Process.Kill())
			}
		}
		_ = cmd.Wait() // killed
		require.GreaterOrEqual(t, confirmed, 60+7*round)
		s, err := sensorthings.Open(sensorthings.Options{Dir: dir, Keep: sensorthings.Retention{Count: 40}})
		require.NoError(t, err, "round %d", round)
		kept := results(serve(t, s, sensorthings.HandlerOptions{}), "/Datastreams(1)/Observations")
		last := kept[len(kept)-1]
		require.GreaterOrEqual(t, last, float64(confirmed), "what was confirmed is there")
		require.LessOrEqual(t, last, float64(confirmed+1), "and nothing that was not begun")
		require.GreaterOrEqual(t, len(kept), 40)
		require.LessOrEqual(t, len(kept), 45)
		for i, v := range kept {
			require.InDelta(t, last-float64(len(kept)-1-i), v, 0, "without gaps")
		}
		require.NoError(t, s.Close())
	}
}
