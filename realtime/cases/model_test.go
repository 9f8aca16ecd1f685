package cases_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
)

// watcher is a viewer of the model test: what it was told is compared with the
// list of all versions.
type watcher struct {
	d       *desk
	t       *testing.T
	rng     *rand.Rand
	name    string
	filter  string // JSON members
	wants   func(told) bool
	screen  *screen
	begun   bool
	through uint64            // acknowledged, or to be
	held    map[string]uint64 // open events by id: the version
	got     []uint64          // versions since the snapshot
	from    uint64            // of the snapshot
}

func (w *watcher) connect() {
	w.screen = w.d.connect()
	after := ""
	if w.begun {
		after = fmt.Sprintf(`"after":%d`, w.through)
	}
	members := strings.Trim(after+","+w.filter, ",")
	w.screen.subscribe(`"events":{` + members + `}`)
}

// drop loses the connection.
func (w *watcher) drop() {
	if w.screen != nil {
		_ = w.screen.conn.CloseNow()
		w.screen = nil
	}
}

// read takes at most n messages that are there within a moment, and acknowledges most of them.
func (w *watcher) read(n int) {
	for range n {
		m, err := w.screen.read(150*time.Millisecond, "events")
		if err != nil {
			w.drop() // a read that was given up ends a connection
			return
		}
		w.take(m)
	}
}

func (w *watcher) take(m laneMessage) {
	require.Nil(w.t, m.Gap, w.name)
	if m.Reset {
		w.held, w.got, w.begun = map[string]uint64{}, nil, false
	}
	for _, e := range m.events(w.t) {
		require.True(w.t, w.wants(e), "%s: %+v", w.name, e)
		if !m.Snapshot {
			w.got = append(w.got, e.Sequence)
		}
		if realtime.EndOfEvent(e.State) {
			delete(w.held, e.ID)
		} else {
			w.held[e.ID] = e.Sequence
		}
	}
	if m.More {
		return
	}
	if m.Snapshot {
		w.begun, w.from = true, m.Through
	}
	require.GreaterOrEqual(w.t, m.Through, w.through, w.name)
	w.through = m.Through
	if w.rng.IntN(5) > 0 {
		w.screen.ack(m.Through)
	}
}

// catchUp reads until the watcher has been told everything.
func (w *watcher) catchUp(last uint64, versions []told) {
	deadline := time.Now().Add(20 * time.Second)
	for !w.begun || !w.complete(last, versions) {
		require.True(w.t, time.Now().Before(deadline), "%s: told up to %d of %d", w.name, w.through, last)
		if w.screen == nil {
			w.connect()
		}
		m, err := w.screen.read(time.Second, "events")
		if err != nil {
			w.drop()
			continue
		}
		w.take(m)
		w.screen.ack(w.through)
	}
}

// complete tells whether it was told of every version that it wants.
func (w *watcher) complete(last uint64, versions []told) bool {
	for i := len(versions) - 1; i >= 0; i-- {
		if w.wants(versions[i]) {
			return w.through >= versions[i].Sequence
		}
	}
	return true
}

// TestLaneAgainstTheList has viewers that come, filter, acknowledge or not, and lose
// their connection, while cases are reported and change: each is told exactly the
// versions that it wants, in order, since what was open when it began.
func TestLaneAgainstTheList(t *testing.T) {
	d := openDesk(t, options{
		lane:    realtime.EventLaneOptions{Ring: 32, InFlight: 3, AckWithin: 400 * time.Millisecond},
		handler: realtime.HandlerOptions{Policies: nil, Session: realtime.SessionOptions{MessagesPerSecond: 1000}},
		place:   func(id layers.ID, _ string) (float64, float64, error) { return 120.5, 31.5, nil },
	})
	rng := rand.New(rand.NewPCG(7, 11))
	west := func(e told) bool { return e.Lon != nil && *e.Lon <= 120.5 }
	watchers := []*watcher{
		{name: "all", wants: func(told) bool { return true }},
		{name: "rubbish", filter: `"classes":["rubbish","none"]`, wants: func(e told) bool { return e.Class == "rubbish" }},
		{name: "west", filter: `"bbox":[120,31,120.5,32]`, wants: west},
		{name: "both", filter: `"classes":["leak"],"bbox":[120,31,120.5,32]`, wants: func(e told) bool { return e.Class == "leak" && west(e) }},
		{name: "another", wants: func(told) bool { return true }},
	}
	for i, w := range watchers {
		w.d, w.t, w.rng, w.held = d, t, rand.New(rand.NewPCG(1, uint64(i))), map[string]uint64{}
	}
	states := []string{"accepted", "dispatched", "handling", "handled", "verified", "closed", "rejected"}
	clock := time.Now().Add(-time.Hour)
	open := map[string]bool{}
	ids := []string{}
	number := 0
	report := func() string {
		clock = clock.Add(time.Second)
		at := clock.UTC().Format(time.RFC3339Nano)
		if len(ids) == 0 || rng.IntN(3) == 0 {
			number++
			id := fmt.Sprint("c", number)
			ids, open[id] = append(ids, id), true
			place := fmt.Sprintf(`"lon":%.4f,"lat":31.5`, 120+rng.Float64())
			switch rng.IntN(8) {
			case 0:
				place = `"layer":"manholes","entity":"m1"`
			case 1:
				place = `"note":"nobody knows where"`
			}
			return fmt.Sprintf(`{"id":%q,"class":%q,"time":%q,%s}`, id, []string{"rubbish", "leak", "noise"}[rng.IntN(3)], at, place)
		}
		id := ids[rng.IntN(len(ids))]
		state := states[rng.IntN(len(states))]
		if realtime.EndOfEvent(state) {
			ids = slices.DeleteFunc(ids, func(x string) bool { return x == id })
			delete(open, id)
		}
		return fmt.Sprintf(`{"id":%q,"state":%q,"time":%q,"owner":"desk %d"}`, id, state, at, number)
	}
	for range 150 {
		var batch []string
		for range 1 + rng.IntN(6) {
			batch = append(batch, report())
		}
		d.report("[" + strings.Join(batch, ",") + "]")
		w := watchers[rng.IntN(len(watchers))]
		switch {
		case w.screen == nil:
			w.connect()
		case rng.IntN(6) == 0:
			w.drop()
		default:
			w.read(1 + rng.IntN(4))
		}
	}
	var versions []told
	require.NoError(t, d.log.Events(t.Context(), 0, func(e *realtime.Event) error {
		m := laneMessage{Items: append(e.AppendJSON([]byte{'['}), ']')}
		versions = append(versions, m.events(t)...)
		return nil
	}))
	require.Greater(t, len(versions), 300)
	last := versions[len(versions)-1].Sequence
	for _, w := range watchers {
		w.catchUp(last, versions)
		var want []uint64
		held := map[string]uint64{}
		for _, e := range versions {
			if !w.wants(e) {
				continue
			}
			if e.Sequence > w.from {
				want = append(want, e.Sequence)
			}
			held[e.ID] = e.Sequence
			if realtime.EndOfEvent(e.State) {
				delete(held, e.ID)
			}
		}
		require.Equal(t, want, w.got, "%s, from %d", w.name, w.from)
		require.Equal(t, held, w.held, w.name)
	}
	registered, through := d.register.Open()
	require.Equal(t, last, through)
	require.Len(t, registered, len(open))
}
