package cases_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/cases"
	"twind/realtime/history"
)

func TestDeadlinesAreJudgedByOneRule(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	d := openDesk(t, options{now: func() time.Time { return now }})
	minute := func(n int) string { return now.Add(time.Duration(n) * time.Minute).Format(time.RFC3339) }
	d.report(`{"id":"c1","class":"0102","time":"` + minute(0) + `","lon":120,"lat":31,"deadlines":{"accepted":"` + minute(10) + `","closed":"` + minute(60) + `"}}`)
	current := func() told {
		e, err := d.register.Get("c1")
		require.NoError(t, err)
		m := laneMessage{Items: append(e.AppendJSON([]byte{'['}), ']')}
		return m.events(t)[0]
	}
	check := func() { require.NoError(t, d.register.CheckDeadlines(t.Context())) }
	begin := now
	check()
	require.EqualValues(t, 1, d.log.LastEvent(), "nothing is overdue")
	now = begin.Add(10 * time.Minute)
	check()
	require.False(t, current().Overdue, "a deadline is kept until it is over")
	now = begin.Add(10*time.Minute + time.Millisecond)
	check()
	check()
	require.EqualValues(t, 2, d.log.LastEvent(), "one version says so")
	require.True(t, current().Overdue)
	require.Equal(t, begin, current().Time, "it is new since then")
	require.Equal(t, now, current().Received)
	page, matched := d.register.List(cases.Query{Overdue: true, Limit: 10})
	require.Equal(t, 1, matched)
	require.Equal(t, "c1", page[0].ID)

	now = begin.Add(20 * time.Minute)
	d.report(`{"id":"c1","state":"accepted","time":"` + now.Format(time.RFC3339) + `"}`)
	require.False(t, current().Overdue, "the next deadline counts")
	require.Equal(t, begin.Add(time.Hour), current().Due)
	now = begin.Add(30 * time.Minute)
	d.report(`{"id":"c1","time":"` + now.Format(time.RFC3339) + `","deadlines":{"closed":"` + begin.Add(25*time.Minute).Format(time.RFC3339) + `","handled":null}}`)
	require.True(t, current().Overdue, "a new deadline may have passed already")
	d.report(`{"id":"c1","state":"closed","time":"` + now.Format(time.RFC3339) + `"}`)
	require.True(t, current().Overdue, "it was closed late")
	require.True(t, current().Due.IsZero())
	_, matched = d.register.List(cases.Query{Overdue: true, State: "open", Limit: 10})
	require.Zero(t, matched)
}

func TestOverdueWhileTheServerWasDown(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	run := func(fn func(*cases.Register, *history.Log)) {
		log, err := history.Open(history.Options{Dir: dir})
		require.NoError(t, err)
		defer func() { require.NoError(t, log.Close()) }()
		r, err := cases.Open(t.Context(), cases.Options{Log: log, Now: func() time.Time { return now }, MaxClosed: 2})
		require.NoError(t, err)
		defer r.Close()
		fn(r, log)
	}
	run(func(r *cases.Register, _ *history.Log) {
		var reports []realtime.EventReport
		for i := range 5 {
			reports = append(reports, realtime.EventReport{ID: fmt.Sprint("c", i), Class: "a", Time: now, Lon: 1, Lat: 2, Deadlines: map[string]time.Time{"closed": now.Add(time.Minute)}})
		}
		result, err := r.Take(t.Context(), reports)
		require.NoError(t, err)
		require.Equal(t, 5, result.Accepted)
		for i := range 3 {
			_, err := r.Take(t.Context(), []realtime.EventReport{{ID: fmt.Sprint("c", i), State: "closed", Time: now, Lon: math.NaN(), Lat: math.NaN()}})
			require.NoError(t, err)
		}
	})
	now = now.Add(time.Hour)
	run(func(r *cases.Register, log *history.Log) {
		require.NoError(t, r.CheckDeadlines(t.Context()))
		require.EqualValues(t, 10, log.LastEvent(), "the two that are open are overdue")
		open, through := r.Open()
		require.Len(t, open, 2)
		require.EqualValues(t, 10, through)
		_, err := r.Get("c0")
		require.ErrorIs(t, err, layers.ErrNotFound, "of the closed ones the last two are known")
		page, matched := r.List(cases.Query{State: "closed", Limit: 1})
		require.Equal(t, 2, matched)
		require.Equal(t, "c2", page[0].ID)
		page, _ = r.List(cases.Query{State: "closed", Limit: 1, Before: page[0].First})
		require.Equal(t, "c1", page[0].ID)
	})
}

func TestReportsThatAreNotBelieved(t *testing.T) {
	d := openDesk(t, options{place: func(id layers.ID, _ string) (float64, float64, error) {
		if id == "nowhere" {
			return 0, 0, layers.Errorf(layers.ErrNotFound, "no layer nowhere")
		}
		return 120.25, 31.25, nil
	}})
	now := at(0)
	d.report(`{"id":"known","class":"a","state":"accepted","time":"` + now + `","layer":"manholes","entity":"m1"}`)
	e, err := d.register.Get("known")
	require.NoError(t, err)
	require.InDelta(t, 120.25, e.Lon, 1e-12, "where the object is")
	d.report(`{"id":"over","class":"a","state":"rejected","time":"` + now + `"}`)
	require.NoError(t, d.log.AppendEvents(t.Context(), []realtime.Event{{ID: "alarm", Class: "a", State: "new", Time: 1, Lon: math.NaN(), Lat: math.NaN(), Data: []byte(`{"rule":"r"}`)}}))
	ok := `"class":"a","time":"` + now + `"`
	for body, says := range map[string]string{
		`{` + ok + `}`:                                                                 "id is missing",
		`{"id":"x","time":"` + now + `"}`:                                              "class is missing",
		`{"id":"x","class":"a"}`:                                                       "time is missing",
		`{"id":"x/y",` + ok + `}`:                                                      "slash",
		`{"id":"` + strings.Repeat("x", 10_000) + `",` + ok + `}`:                      "255",
		`{"id":"x",` + ok + `,"state":"done"}`:                                         "expected new, accepted",
		`{"id":"x",` + ok + `,"state":"acknowledged"}`:                                 "expected new, accepted",
		`{"id":"x",` + ok + `,"lon":1}`:                                                "lat is missing",
		`{"id":"x",` + ok + `,"lon":181,"lat":0}`:                                      "degrees",
		`{"id":"x",` + ok + `,"lon":0,"lat":0}`:                                        "without a fix",
		`{"id":"x",` + ok + `,"lon":"NaN","lat":1}`:                                    "no number",
		`{"id":"x",` + ok + `,"lon":1e999,"lat":1}`:                                    "beyond any number",
		`{"id":"x",` + ok + `,"layer":"manholes"}`:                                     "layer and entity",
		`{"id":"x",` + ok + `,"layer":"No","entity":"m"}`:                              "layer",
		`{"id":"x",` + ok + `,"layer":"nowhere","entity":"m"}`:                         "no layer nowhere",
		`{"id":"x",` + ok + `,"deadlines":{"new":"` + now + `"}}`:                      "expected accepted",
		`{"id":"x",` + ok + `,"deadlines":{"closed":"soon"}}`:                          "RFC 3339",
		`{"id":"x",` + ok + `,"deadlines":{"closed":"0001-01-01T00:00:00Z"}}`:          "year 1",
		`{"id":"x",` + ok + `,"title":7}`:                                              "title",
		`{"id":"x",` + ok + `,"title":{"fr":"x"}}`:                                     "title",
		`{"id":"x",` + ok + `,"owner":"` + strings.Repeat("x", 300) + `"}`:             "300 bytes",
		`{"id":"x",` + ok + `,"properties":[]}`:                                        "expected an object",
		`{"id":"x",` + ok + `,"properties":{"a":"` + strings.Repeat("x", 9000) + `"}}`: "bytes",
		`{"id":"x",` + ok + `,"color":"red"}`:                                          "unknown member",
		`{"id":"x","class":"a","time":"` + at(48*3600) + `"}`:                          "ahead of the server's clock",
		`{"id":"x","class":"a","time":"1960-01-01T00:00:00Z"}`:                         "year 1960",
		`{"id":"known","time":"` + at(-60) + `","state":"closed"}`:                     "earlier than the version that is known",
		`{"id":"known","time":"` + now + `"}`:                                          "the same",
		`{"id":"known","time":"` + at(1) + `","state":"new"}`:                          "cannot become new",
		`{"id":"over","time":"` + at(1) + `","state":"rejected"}`:                      "already",
		`{"id":"over","time":"` + at(1) + `","state":"handling"}`:                      "under an id of its own",
		`{"id":"alarm","time":"` + at(1) + `","state":"closed"}`:                       "/live/alarms/",
	} {
		_, a := d.post("/live/events", "["+body+"]")
		require.EqualValues(t, 0, a["accepted"], body)
		refused := a["refused"].([]any)
		require.Len(t, refused, 1, "%s: %v", body, a)
		require.Contains(t, refused[0].(map[string]any)["reason"], says, body)
	}
	status, a := d.post("/live/events", `[{"id":"x",`+ok+`},{"id":"y"},{"id":"x","time":"`+at(2)+`","state":"closed"}`)
	require.Equal(t, 400, status, "it broke off: %v", a)
	require.EqualValues(t, 2, a["accepted"], "what came before that counts")
	x, err := d.register.Get("x")
	require.NoError(t, err)
	require.Equal(t, "closed", x.State, "later reports of a request know the earlier")
}

func TestCaseSteps(t *testing.T) {
	for i, s := range []string{"new", "accepted", "dispatched", "handling", "handled", "verified", "closed"} {
		step, ok := realtime.CaseStep(s)
		require.True(t, ok)
		require.Equal(t, i, step)
		require.Equal(t, s == "closed", realtime.EndOfEvent(s))
	}
	require.True(t, realtime.EndOfEvent("rejected"))
}

func FuzzDecodeEventReport(f *testing.F) {
	f.Add([]byte(`{"id":"c1","class":"0102","state":"accepted","time":"2026-11-22T08:00:00Z","lon":120.5,"lat":31.3,"title":{"zh":"垃圾"},"deadlines":{"closed":"2026-11-23T08:00:00Z","handled":null},"owner":"a","note":"b","properties":{"n":1}}`))
	f.Add([]byte(`{"id":7,"class":"a","time":"2026-11-22T08:00:00Z","title":"x","text":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r realtime.EventReport
		if realtime.DecodeEventReport(b, &r) != nil {
			return
		}
		require.NotEmpty(t, r.ID)
		require.False(t, r.Time.IsZero())
		d := realtime.CaseDetails{Kind: realtime.EventCase, Properties: r.Properties, Deadlines: r.Deadlines}
		for s, at := range d.Deadlines {
			if at.IsZero() {
				delete(d.Deadlines, s)
			}
		}
		d.Judge(r.State, r.Time)
		data, err := json.Marshal(&d)
		require.NoError(t, err)
		e := realtime.Event{Sequence: 1, ID: r.ID, Class: r.Class, State: r.State, Time: r.Time.UnixMilli(), Received: 1, Lon: r.Lon, Lat: r.Lat, Data: data}
		require.True(t, json.Valid(e.AppendJSON(nil)))
	})
}

// TestWhatIsOpenOutlivesTheRetention has a log that keeps as little as it may.
func TestWhatIsOpenOutlivesTheRetention(t *testing.T) {
	dir := t.TempDir()
	run := func(fn func(*cases.Register, *history.Log)) {
		log, err := history.Open(history.Options{Dir: dir, SealBytes: 1, HoldEvents: true, Retention: map[layers.ID]history.Retention{history.EventsStream: {Bytes: 1}}})
		require.NoError(t, err)
		defer func() { require.NoError(t, log.Close()) }()
		r, err := cases.Open(t.Context(), cases.Options{Log: log})
		require.NoError(t, err)
		defer r.Close()
		fn(r, log)
	}
	take := func(r *cases.Register, id, state string) {
		result, err := r.Take(t.Context(), []realtime.EventReport{{ID: id, Class: "a", State: state, Time: time.Now(), Lon: 1, Lat: 2}})
		require.NoError(t, err)
		require.Equal(t, 1, result.Accepted, "%v", result.Refused)
	}
	sealed := func(log *history.Log, segments int) {
		require.Eventually(t, func() bool { s := log.Stats(); return s.Journals == 0 && s.Segments == segments }, 30*time.Second, time.Millisecond, "%+v", log.Stats())
	}
	run(func(r *cases.Register, log *history.Log) {
		take(r, "done", "closed")
		take(r, "long", "new")
		for i := range 5 {
			take(r, fmt.Sprint("x", i), "closed")
		}
		sealed(log, 7) // nobody has said what is needed
		require.EqualValues(t, 2, r.Needed())
		log.KeepEventsFrom(r.Needed())
		take(r, "y", "closed")
		sealed(log, 7) // all but the first
	})
	run(func(r *cases.Register, log *history.Log) {
		e, err := r.Get("long")
		require.NoError(t, err, "it is open still")
		require.EqualValues(t, 2, e.Sequence)
		take(r, "long", "closed")
		require.EqualValues(t, 10, r.Needed())
		log.KeepEventsFrom(r.Needed())
		take(r, "z", "new")
		sealed(log, 1)
	})
	run(func(r *cases.Register, log *history.Log) {
		require.EqualValues(t, 10, log.LastEvent(), "the numbers go on")
		_, err := r.Get("z")
		require.NoError(t, err)
	})
}

// TestWhatIsTooManySaysHowManyAreOpen counts those of the same request.
func TestWhatIsTooManySaysHowManyAreOpen(t *testing.T) {
	log, err := history.Open(history.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	defer func() { require.NoError(t, log.Close()) }()
	r, err := cases.Open(t.Context(), cases.Options{Log: log, MaxOpen: 3})
	require.NoError(t, err)
	defer r.Close()
	report := func(id string) realtime.EventReport {
		return realtime.EventReport{ID: id, Class: "a", Time: time.Now(), Lon: 1, Lat: 2}
	}
	_, err = r.Take(t.Context(), []realtime.EventReport{report("a")})
	require.NoError(t, err)
	result, err := r.Take(t.Context(), []realtime.EventReport{report("b"), report("c"), report("d")})
	require.NoError(t, err)
	require.Equal(t, 2, result.Accepted)
	require.Contains(t, fmt.Sprintf("%+v", result), "3 events are open, as many as may be; close some")
}
