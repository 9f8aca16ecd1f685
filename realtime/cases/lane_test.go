package cases_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/cases"
	"twind/realtime/history"
)

// desk is a server of events: a log, a register, the lanes.
type desk struct {
	t        testing.TB
	log      *history.Log
	register *cases.Register
	hub      *realtime.Hub
	ob       *realtime.Observatory
	server   *httptest.Server
	now      func() time.Time
}

// options change what a desk is made of.
type options struct {
	lane     realtime.EventLaneOptions
	handler  realtime.HandlerOptions
	history  history.Options
	readings realtime.ReadingsLaneOptions
	now      func() time.Time
	place    func(layers.ID, string) (lon, lat float64, err error)
}

func openDesk(t testing.TB, o options) *desk {
	if o.history.Dir == "" {
		o.history.Dir = t.TempDir()
	}
	if o.now == nil {
		o.now = time.Now
	}
	log, err := history.Open(o.history)
	require.NoError(t, err)
	d := &desk{t: t, log: log, now: o.now}
	d.register, err = cases.Open(t.Context(), cases.Options{Log: log, Now: o.now, Place: o.place})
	require.NoError(t, err)
	d.ob, err = realtime.NewObservatory(realtime.ObservatoryOptions{Journal: log})
	require.NoError(t, err)
	o.lane.Log, o.lane.Open = log, d.register.Open
	events := realtime.NewEventLane(o.lane)
	o.readings.Observatory = d.ob
	readings := realtime.NewReadingsLane(o.readings)
	d.hub = realtime.New(realtime.Options{})
	d.hub.SetLanes(events, readings)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.hub.Run(ctx) }()
	mux := http.NewServeMux()
	mux.Handle("/live", realtime.Handler(ctx, d.hub, o.handler))
	mux.Handle("/live/events", realtime.EventsHandler(d.register, realtime.PositionsOptions{}))
	mux.Handle("/live/observations", realtime.ObservationsHandler(d.ob, realtime.PositionsOptions{}))
	d.server = httptest.NewServer(mux)
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
		d.server.CloseClientConnections()
		d.server.Close()
		events.Close()
		readings.Close()
		d.register.Close()
		require.NoError(t, log.Close())
	})
	return d
}

func (d *desk) post(path, body string) (status int, answer map[string]any) {
	d.t.Helper()
	resp, err := http.Post(d.server.URL+path, "application/json", strings.NewReader(body))
	require.NoError(d.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(d.t, err)
	require.NoError(d.t, json.Unmarshal(b, &answer), "%s", b)
	return resp.StatusCode, answer
}

// report posts a report that is taken.
func (d *desk) report(body string) {
	d.t.Helper()
	status, a := d.post("/live/events", body)
	require.Equal(d.t, 202, status, "%v", a)
	require.Empty(d.t, a["refused"])
}

// told is an item of the lane.
type told struct {
	Sequence          uint64
	ID, Kind, Class   string
	State             string
	Layer, Entity     string
	Lon, Lat          *float64
	Due               time.Time
	Overdue           bool
	Deadlines         map[string]time.Time
	Title             layers.Text
	Text, Owner, Note string
	Time, Received    time.Time
	Properties        json.RawMessage
	Count             int
	Active            *bool
}

// laneMessage is a message of either lane.
type laneMessage struct {
	Type     string
	Reset    bool
	Snapshot bool
	More     bool
	Gap      *struct{ After, From uint64 }
	Through  uint64
	Items    json.RawMessage
	Layer    string
	Sequence uint64
	Message  string
	Lanes    []string
}

func (m laneMessage) events(t testing.TB) (out []told) {
	require.NoError(t, json.Unmarshal(m.Items, &out))
	return out
}

// screen is a viewer's connection.
type screen struct {
	t    testing.TB
	conn *websocket.Conn
}

func (d *desk) connect() *screen {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, resp, err := websocket.Dial(ctx, d.server.URL+"/live?format=json", nil)
	if resp != nil && resp.Body != nil {
		defer resp.Body.Close()
	}
	require.NoError(d.t, err)
	c.SetReadLimit(64 << 20)
	d.t.Cleanup(func() { _ = c.CloseNow() })
	return &screen{d.t, c}
}

func (s *screen) say(format string, args ...any) {
	s.t.Helper()
	require.NoError(s.t, s.conn.Write(context.Background(), websocket.MessageText, fmt.Appendf(nil, format, args...)))
}

// subscribe asks for lanes, such as `"events":{}`.
func (s *screen) subscribe(lanes string) {
	s.say(`{"type":"subscribe","request":1,"bbox":[0,0,1,1],"zoom":0,"layers":[],%s}`, lanes)
}

// next is the next message of a type; an error of the connection ends the test.
func (s *screen) next(types ...string) laneMessage {
	s.t.Helper()
	m, err := s.read(30*time.Second, types...)
	require.NoError(s.t, err)
	return m
}

func (s *screen) read(within time.Duration, types ...string) (laneMessage, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	for {
		_, b, err := s.conn.Read(ctx)
		if err != nil {
			return laneMessage{}, err
		}
		var m laneMessage
		require.NoError(s.t, json.Unmarshal(b, &m), "%s", b)
		for _, t := range types {
			if m.Type == t {
				return m, nil
			}
		}
	}
}

func (s *screen) ack(n uint64) { s.say(`{"type":"ack","sequence":%d}`, n) }

func at(s int) string {
	return time.Now().Add(time.Duration(s) * time.Second).UTC().Format(time.RFC3339Nano)
}

func TestACaseOnEveryScreen(t *testing.T) {
	d := openDesk(t, options{})
	d.report(`{"id":"c1","class":"0102","time":"` + at(-60) + `","lon":120.5,"lat":31.3,"title":{"zh":"暴露垃圾","en":"Exposed rubbish"},"source":"12345","deadlines":{"accepted":"` + at(600) + `","closed":"` + at(7200) + `"}}`)
	d.report(`{"id":"c2","class":"0102","time":"` + at(-50) + `","lon":120.6,"lat":31.3}`)
	d.report(`{"id":"c2","state":"closed","time":"` + at(-40) + `","note":"nothing there"}`)

	s := d.connect()
	require.Equal(t, []string{"events", "readings"}, s.next("hello").Lanes)
	s.subscribe(`"events":{}`)
	s.next("subscribed")
	m := s.next("events")
	require.True(t, m.Snapshot && m.Reset && !m.More)
	require.EqualValues(t, 3, m.Through)
	open := m.events(t)
	require.Len(t, open, 1, "what is open")
	require.Equal(t, "c1", open[0].ID)
	require.Equal(t, "case", open[0].Kind)
	require.Equal(t, "new", open[0].State)
	require.Equal(t, "暴露垃圾", open[0].Title.ZH)
	require.Equal(t, open[0].Deadlines["accepted"], open[0].Due, "the next deadline")
	require.False(t, open[0].Overdue)
	require.InDelta(t, 120.5, *open[0].Lon, 1e-9)
	s.ack(m.Through)

	d.report(`[{"id":"c1","state":"accepted","time":"` + at(-30) + `","owner":"Desk 3"},{"id":"c1","state":"dispatched","time":"` + at(-20) + `","note":"crew 7"}]`)
	m = s.next("events")
	require.False(t, m.Snapshot)
	items := m.events(t)
	require.Len(t, items, 2)
	require.EqualValues(t, 4, items[0].Sequence)
	require.EqualValues(t, 5, items[1].Sequence)
	require.Equal(t, "dispatched", items[1].State)
	require.Equal(t, "Desk 3", items[1].Owner, "stays")
	require.Equal(t, "crew 7", items[1].Note)
	require.Equal(t, items[1].Deadlines["closed"], items[1].Due, "that of accepted is kept")
	require.EqualValues(t, 5, m.Through)
	s.ack(5)
	require.NoError(t, s.conn.Close(websocket.StatusNormalClosure, ""))

	d.report(`{"id":"c1","state":"closed","time":"` + at(-10) + `"}`)
	s = d.connect()
	s.subscribe(`"events":{"after":4}`)
	m = s.next("events")
	require.Nil(t, m.Gap)
	require.False(t, m.Snapshot || m.Reset)
	items = m.events(t)
	require.Len(t, items, 2, "exactly what it missed")
	require.EqualValues(t, 5, items[0].Sequence)
	require.Equal(t, "closed", items[1].State)
}
