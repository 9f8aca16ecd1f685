package cases_test

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/history"
)

// happen reports n cases of a class.
func (d *desk) happen(class string, n int) {
	d.t.Helper()
	var list []string
	for range n {
		list = append(list, fmt.Sprintf(`{"id":"%s-%d","class":%q,"time":%q,"lon":120,"lat":31}`, class, time.Now().UnixNano(), class, at(0)))
		time.Sleep(time.Microsecond)
	}
	d.report("[" + strings.Join(list, ",") + "]")
}

func TestAViewerThatStopsAcknowledgingIsDisconnectedAndResumes(t *testing.T) {
	d := openDesk(t, options{lane: realtime.EventLaneOptions{InFlight: 2, AckWithin: 2 * time.Second}})
	s := d.connect()
	s.subscribe(`"events":{}`)
	through := s.next("events").Through // the empty snapshot
	s.ack(through)
	d.happen("a", 1)
	got := s.next("events").events(t)
	require.Len(t, got, 1)
	d.happen("b", 1)
	got = append(got, s.next("events").events(t)...)
	d.happen("c", 1) // two messages wait for their acknowledgement: no third is sent
	_, err := s.read(30*time.Second, "events")
	var closed websocket.CloseError
	require.ErrorAs(t, err, &closed)
	require.EqualValues(t, realtime.CloseUnacknowledged, closed.Code)
	require.Contains(t, closed.Reason, "not acknowledged")
	require.Contains(t, closed.Reason, "events.after")

	s = d.connect()
	s.subscribe(fmt.Sprintf(`"events":{"after":%d}`, through))
	m := s.next("events")
	require.Nil(t, m.Gap)
	items := m.events(t)
	require.Len(t, items, 3, "what it did not acknowledge, and what came since")
	require.Equal(t, got[0].Sequence, items[0].Sequence)
	require.Equal(t, "c", items[2].Class)
	s.ack(m.Through)
	time.Sleep(2200 * time.Millisecond)
	d.happen("d", 1)
	require.Len(t, s.next("events").events(t), 1, "who acknowledged stays")
}

func TestWhatCannotBeToldIsNamed(t *testing.T) {
	d := openDesk(t, options{
		lane:    realtime.EventLaneOptions{Ring: 1},
		history: history.Options{SealBytes: 1, Retention: map[layers.ID]history.Retention{history.EventsStream: {Bytes: 1}}},
	})
	for range 6 {
		d.happen("a", 1)
	}
	require.Eventually(t, func() bool { return d.log.Stats().Segments == 1 && d.log.Stats().Journals == 0 }, 30*time.Second, time.Millisecond)
	s := d.connect()
	s.subscribe(`"events":{"after":2}`)
	m := s.next("events")
	require.NotNil(t, m.Gap)
	require.EqualValues(t, 2, m.Gap.After)
	require.EqualValues(t, 6, m.Gap.From, "the rest is gone")
	require.Equal(t, []uint64{6}, sequences(m.events(t)))
	require.EqualValues(t, 6, m.Through)

	s = d.connect()
	s.subscribe(`"events":{"after":500}`)
	m = s.next("events")
	require.NotNil(t, m.Gap, "the numbers began anew")
	require.EqualValues(t, 500, m.Gap.After)
	require.EqualValues(t, 7, m.Gap.From)
	require.True(t, m.Reset && m.Snapshot)
	require.EqualValues(t, 6, m.Through)
	require.Len(t, m.events(t), 6)
	s.ack(m.Through)
	d.happen("a", 1)
	require.Equal(t, []uint64{7}, sequences(s.next("events").events(t)), "the numbers go on, whatever was deleted")
}

func sequences(items []told) (out []uint64) {
	for _, e := range items {
		out = append(out, e.Sequence)
	}
	return out
}

func TestBadWordsOfTheLanes(t *testing.T) {
	d := openDesk(t, options{})
	d.happen("a", 2)
	for message, says := range map[string]string{
		`{"type":"ack","sequence":3}`:                                      "ack of 3",
		`{"type":"ack","sequence":18446744073709551615}`:                   "ack of 1844",
		`{"type":"ack","sequence":-1}`:                                     "sequence",
		`{"type":"ack"}`:                                                   "no sequence",
		`{"type":"ack","sequence":"2"}`:                                    "sequence",
		`{"type":"subscribe","bbox":[0,0,1,1],"events":{"after":-5}}`:      "events.after",
		`{"type":"subscribe","bbox":[0,0,1,1],"events":{"until":5}}`:       "until",
		`{"type":"subscribe","bbox":[0,0,1,1],"events":[]}`:                "events",
		`{"type":"subscribe","bbox":[0,0,1,1],"readings":"manholes"}`:      "readings",
		`{"type":"` + strings.Repeat("x", realtime.MaxMessageBytes) + `"}`: "65536",
	} {
		s := d.connect()
		s.subscribe(`"events":{}`)
		s.ack(s.next("events").Through)
		s.ack(0) // older ones are taken, and change nothing
		s.say("%s", message)
		_, err := s.read(30*time.Second, "events")
		var closed websocket.CloseError
		require.ErrorAs(t, err, &closed, message)
		if says != "65536" {
			require.EqualValues(t, realtime.CloseInvalid, closed.Code, message)
		}
		require.Contains(t, closed.Reason, says, message)
	}
	s := d.connect()
	for lanes, says := range map[string]string{
		`"events":{"bbox":[0,91,1,92]}`:                                "latitude",
		`"events":{"bbox":[0,1]}`:                                      "events.bbox",
		`"events":{"classes":[""]}`:                                    "class",
		`"events":{"classes":["` + strings.Repeat(`a","`, 70) + `b"]}`: "71 classes",
		`"readings":["No Layer"]`:                                      "layer",
		`"readings":["` + strings.Repeat(`a","`, 70) + `b"]`:           "71 layers",
	} {
		s.subscribe(lanes)
		require.Contains(t, s.next("error").Message, says, lanes)
	}
	s.subscribe(`"events":{}`)
	require.EqualValues(t, 2, s.next("events").Through, "the connection is as it was")
}

func TestLanesThatAServerHasNot(t *testing.T) {
	d := openDesk(t, options{})
	d.hub.SetLanes(nil, nil)
	s := d.connect()
	require.Empty(t, s.next("hello").Lanes)
	s.subscribe(`"events":{}`)
	require.Contains(t, s.next("error").Message, "no lane of events")
	s.subscribe(`"readings":["manholes"]`)
	require.Contains(t, s.next("error").Message, "no lane of readings")
}

func TestReadersSeeOfTheLanesWhatTheyMay(t *testing.T) {
	d := openDesk(t, options{
		place: func(layers.ID, string) (float64, float64, error) { return math.NaN(), math.NaN(), nil },
		handler: realtime.HandlerOptions{Policies: func(_ *http.Request, id layers.ID) layers.Policy {
			switch id {
			case "secret":
				return layers.Policy{Deny: true}.WithKey("deny")
			case "manholes":
				return layers.Policy{Hidden: []string{"depth"}}.WithKey("hidden")
			}
			return layers.Policy{}
		}},
	})
	s := d.connect()
	s.subscribe(`"events":{},"readings":["manholes","secret","pipes"]`)
	s.ack(s.next("events").Through)
	for _, layer := range []string{"secret", "manholes", "pipes"} {
		d.report(fmt.Sprintf(`{"id":"on %s","class":"a","time":%q,"layer":%q,"entity":"x"}`, layer, at(0), layer))
		for _, property := range []string{"depth", "level"} {
			status, _ := d.post("/live/observations", fmt.Sprintf(`{"layer":%q,"id":"x","property":%q,"time":%q,"result":1}`, layer, property, at(0)))
			require.Equal(t, 202, status)
		}
	}
	all := ""
	for strings.Count(all, `"feature"`) < 3 {
		m := s.next("readings")
		all += fmt.Sprintf("%s %s\n", m.Layer, m.Items)
	}
	require.NotContains(t, all, `secret [{`)
	require.Contains(t, all, `manholes [{"feature":"x","property":"level"`)
	require.Contains(t, all, `"feature":"x","property":"depth","datastream":"pipes/`)
	require.NotContains(t, all, `"datastream":"manholes/x/depth"`)

	s = d.connect()
	s.subscribe(`"events":{"after":0}`)
	m := s.next("events")
	require.Equal(t, []uint64{3}, sequences(m.events(t)), "who sees not all of a layer is told nothing of its entities")
	require.EqualValues(t, 3, m.Through)
}

func TestALaneGoesOnWhileTheViewportMoves(t *testing.T) {
	d := openDesk(t, options{})
	d.happen("a", 300)
	s := d.connect()
	s.subscribe(`"events":{}`)
	first := s.next("events")
	require.True(t, first.Reset && first.More)
	require.Len(t, first.events(t), 128)
	second := s.next("events")
	require.True(t, second.Snapshot && second.More && !second.Reset)
	s.subscribe(`"events":{}`)
	third := s.next("events")
	require.False(t, third.More)
	require.Len(t, third.events(t), 44)
	s.ack(third.Through)
	s.subscribe(`"events":{"after":7}`) // of a lane that goes on it says nothing
	d.happen("b", 1)
	require.Equal(t, []uint64{301}, sequences(s.next("events").events(t)))
	s.ack(301)
	s.subscribe(`"events":{"classes":["b"]}`)
	m := s.next("events")
	require.True(t, m.Reset, "another filter begins anew")
	require.Equal(t, []uint64{301}, sequences(m.events(t)))
	s.subscribe(`"readings":[]`)
	s.next("subscribed")
	d.happen("b", 1)
	_, err := s.read(300*time.Millisecond, "events")
	require.ErrorContains(t, err, "deadline", "without the member the lane ends")
}
