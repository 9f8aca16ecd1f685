package realtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
)

func TestDecodeObservation(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"number", `{"datastream":"s1","phenomenonTime":"2026-11-21T08:00:00Z","result":1.5}`, "s1 1.5"},
		{"words of positions", `{"layer":"manholes","id":7,"property":"level","time":"2026-11-21T08:00:00Z","result":-2e3,"resultTime":"2026-11-21T08:00:01Z","parameters":{ "raw": 7 }}`, `manholes/7/level -2000 {"raw":7}`},
		{"text", `{"datastream":"s","time":"2026-11-21T08:00:00Z","result":"开\u0041"}`, `s "开A"`},
		{"truth", `{"datastream":"s","time":"2026-11-21T08:00:00Z","result":true,"parameters":null}`, "s true"},
		{"no datastream", `{"time":"2026-11-21T08:00:00Z","result":1}`, "!datastream is missing"},
		{"half an object", `{"layer":"manholes","id":"7","time":"2026-11-21T08:00:00Z","result":1}`, "!datastream is missing"},
		{"both", `{"datastream":"s","layer":"manholes","time":"2026-11-21T08:00:00Z","result":1}`, "!one or the other"},
		{"no time", `{"datastream":"s","result":1}`, "!phenomenonTime is missing"},
		{"two times", `{"datastream":"s","time":"2026-11-21T08:00:00Z","phenomenonTime":"2026-11-21T08:00:00Z","result":1}`, "!are the same"},
		{"no result", `{"datastream":"s","time":"2026-11-21T08:00:00Z","result":null}`, "!result is missing"},
		{"object", `{"datastream":"s","time":"2026-11-21T08:00:00Z","result":{"a":1}}`, "!expected a number, a text, true or false"},
		{"beyond numbers", `{"datastream":"s","time":"2026-11-21T08:00:00Z","result":1e999}`, "!beyond any number"},
		{"time is no time", `{"datastream":"s","time":"8 o'clock","result":1}`, "!expected RFC 3339"},
		{"unknown", `{"datastream":"s","time":"2026-11-21T08:00:00Z","result":1,"unit":"m"}`, "!unit: unknown member"},
		{"parameters", `{"datastream":"s","time":"2026-11-21T08:00:00Z","result":1,"parameters":3}`, "!expected an object"},
		{"long text", `{"datastream":"s","time":"2026-11-21T08:00:00Z","result":"` + strings.Repeat("x", 9000) + `"}`, "!at most 8192"},
		{"rest", `{"datastream":"s","time":"2026-11-21T08:00:00Z","result":1} 2`, "!end of the observation"},
		{"array", `[]`, "!expected an object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var o realtime.Observation
			err := realtime.DecodeObservation([]byte(c.text), &o)
			if want, bad := strings.CutPrefix(c.want, "!"); bad {
				require.ErrorContains(t, err, want)
				return
			}
			require.NoError(t, err)
			name := o.Datastream
			if name == "" {
				name = fmt.Sprintf("%s/%s/%s", o.Layer, o.Feature, o.Property)
			}
			require.Equal(t, c.want, strings.TrimSpace(fmt.Sprintf("%s %s %s", name, o.AppendResult(nil), o.Parameters)))
		})
	}
}

func FuzzDecodeObservation(f *testing.F) {
	f.Add([]byte(`{"datastream":"s1","phenomenonTime":"2026-11-21T08:00:00Z","result":1.5}`))
	f.Add([]byte(`{"layer":"manholes","id":7,"property":"level","time":"2026-11-21T08:00:00Z","result":"\ud83d","parameters":{"raw":[{}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var o realtime.Observation
		if realtime.DecodeObservation(b, &o) == nil {
			require.True(t, json.Valid(o.AppendResult(nil)))
			require.True(t, o.Parameters == "" || json.Valid([]byte(o.Parameters)))
		}
	})
}

// keeper is a journal in memory whose disk can fail.
type keeper struct {
	rows         []realtime.Observation
	positions    int
	flushed      int
	ready, flush error
}

func (k *keeper) Positions(_ layers.ID, rows []realtime.Believed) error {
	k.positions += len(rows)
	return nil
}

func (k *keeper) Observations(rows []realtime.Observation) error {
	k.rows = append(k.rows, rows...)
	return nil
}
func (k *keeper) Ready() error                { return k.ready }
func (k *keeper) Flush(context.Context) error { k.flushed++; return k.flush }
func (k *keeper) Received(context.Context, layers.ID, int64, int64, func(*realtime.Believed) error) error {
	return nil
}

func (k *keeper) Latest(context.Context, layers.ID, int64, int64, func(*realtime.Believed) error) error {
	return nil
}

func (k *keeper) Reaches(layers.ID, int64) bool { return true }

func (k *keeper) ReceivedObservations(_ context.Context, _, _ int64, yield func(*realtime.Observation) error) error {
	for i := range k.rows {
		if err := yield(&k.rows[i]); err != nil {
			return err
		}
	}
	return nil
}

func observe(datastream string, at time.Time, result float64) realtime.Observation {
	return realtime.Observation{Datastream: datastream, Time: at.UnixMilli(), Number: result}
}

func TestObservatory(t *testing.T) {
	clk := newClock()
	k := &keeper{}
	o := realtime.ObservatoryOptions{
		Journal: k, Now: clk.now, MaxDatastreams: 3,
		Bind: func(id string) (realtime.Binding, bool) {
			return realtime.Binding{Layer: "manholes", Feature: "M-7", Property: "level"}, id == "bound"
		},
		CheckLayer: func(id layers.ID) error {
			if id != "manholes" {
				return layers.Errorf(layers.ErrNotFound, "no layer %s", id)
			}
			return nil
		},
	}
	ob, err := realtime.NewObservatory(o)
	require.NoError(t, err)
	var told []realtime.Observation
	cancel := ob.Subscribe(func(batch []realtime.Observation) { told = append(told, batch...) })
	apply := func(batch ...realtime.Observation) realtime.Result {
		r, err := ob.Apply(t.Context(), batch)
		require.NoError(t, err)
		return r
	}
	object := realtime.Observation{Layer: "manholes", Feature: "M-8", Property: "tilt", Time: clk.t.UnixMilli(), Type: realtime.ResultTruth, Number: 1}
	elsewhere := object
	elsewhere.Layer = "moon"
	r := apply(observe("bound", clk.t, 1), object, elsewhere, observe("free", clk.t.Add(25*time.Hour), 1), observe("a\nb", clk.t, 1))
	require.Equal(t, 2, r.Accepted)
	require.Len(t, r.Refused, 3)
	require.Equal(t, realtime.UnknownLayer, r.Refused[0].Outcome)
	require.Equal(t, "moon/M-8/tilt", r.Refused[0].ID)
	require.Equal(t, realtime.Future, r.Refused[1].Outcome)
	require.Contains(t, r.Refused[2].Reason, "without control characters")
	require.Len(t, told, 2)
	require.Equal(t, "M-7", told[0].Feature, "what Bind says")
	require.Equal(t, "manholes/M-8/tilt", told[1].Datastream)
	require.Equal(t, told, k.rows)
	reading, ok := ob.Of(realtime.Binding{Layer: "manholes", Feature: "M-8", Property: "tilt"})
	require.True(t, ok)
	require.Equal(t, layers.BoolValue(true), reading.Result())

	require.Equal(t, realtime.Duplicate, apply(observe("bound", clk.t, 1)).Refused[0].Outcome)
	require.Equal(t, 1, apply(observe("bound", clk.t, 2)).Accepted, "a correction")
	require.Equal(t, 1, apply(observe("bound", clk.t.Add(-time.Hour), 9)).Accepted, "older: recorded")
	reading, _ = ob.Latest("bound")
	require.InDelta(t, 2, reading.Number, 0, "but it replaces nothing")
	require.Equal(t, 1, apply(observe("ahead", clk.t.Add(time.Hour), 1)).Accepted)
	reading, _ = ob.Latest("ahead")
	require.Equal(t, realtime.FlagAhead, reading.Flags)
	require.Equal(t, clk.t.UnixMilli(), reading.Time)
	require.Equal(t, realtime.Full, apply(observe("fourth", clk.t, 1)).Refused[0].Outcome)
	cancel()

	for range 20 { // the period is learned: 5 s
		clk.t = clk.t.Add(5 * time.Second)
		apply(observe("bound", clk.t, 3))
	}
	require.Len(t, told, 5, "told no more")
	for silence, want := range map[time.Duration]realtime.State{0: realtime.StateLive, 14 * time.Second: realtime.StateLive, 16 * time.Second: realtime.StateStale, 51 * time.Second: realtime.StateOffline, 100 * time.Hour: realtime.StateOffline} {
		before := clk.t
		clk.t = clk.t.Add(silence)
		reading, _ = ob.Latest("bound")
		require.Equal(t, want, reading.State, "after %s", silence)
		require.Equal(t, 5*time.Second, reading.Period)
		clk.t = before
	}
	again, err := realtime.NewObservatory(o)
	require.NoError(t, err)
	reading, ok = again.Latest("bound")
	require.True(t, ok, "restored")
	require.InDelta(t, 3, reading.Number, 0)
	require.Len(t, again.Readings(), 3)
}

func TestObservationsAnswers(t *testing.T) {
	k := &keeper{}
	ob, err := realtime.NewObservatory(realtime.ObservatoryOptions{Journal: k})
	require.NoError(t, err)
	h := realtime.ObservationsHandler(ob, realtime.PositionsOptions{})
	post := func(body string) (int, map[string]any) {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/live/observations", strings.NewReader(body))
		if strings.Contains(body, "\n") {
			r.Header.Set("Content-Type", "application/x-ndjson")
		}
		h.ServeHTTP(w, r)
		b, err := io.ReadAll(w.Result().Body)
		require.NoError(t, err)
		var m map[string]any
		require.NoError(t, json.Unmarshal(b, &m), "%s", b)
		return w.Code, m
	}
	now := time.Now().UTC().Format(time.RFC3339)
	good := fmt.Sprintf(`{"datastream":"a","time":%q,"result":1}`, now)
	status, m := post("[" + good + `,{"datastream":"b","result":1}]`)
	require.Equal(t, http.StatusAccepted, status)
	require.InDelta(t, 1, m["accepted"], 0)
	require.Equal(t, map[string]any{"index": 1.0, "id": "b", "reason": "phenomenonTime is missing: expected RFC 3339, such as 2026-11-21T08:00:00Z"}, m["refused"].([]any)[0])
	require.Equal(t, 1, k.flushed, "202 only after the flush")
	status, m = post(strings.Replace(good, `"a"`, `"c"`, 1) + "\nnonsense\n")
	require.Equal(t, http.StatusAccepted, status)
	require.Len(t, m["refused"], 1)
	status, m = post(`[]`)
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, "the body holds no observation", m["detail"])
	status, m = post(`7`)
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, m["detail"], "expected an observation")
	status, m = post("[" + strings.Repeat(`{"x":1},`, 1500) + `{"x":1}]`)
	require.Equal(t, http.StatusBadRequest, status)
	require.Len(t, m["refused"], 1000, "a capped list")
	require.InDelta(t, 1501, m["refusedTotal"], 0, "with its count")

	k.flush = layers.Errorf(layers.ErrUnavailable, "the disk is full")
	status, m = post(strings.Replace(good, `"a"`, `"d"`, 1))
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.InDelta(t, 0, m["accepted"], 0)
	require.Contains(t, m["detail"], "the disk is full; nothing of this request counts as recorded")
	k.flush, k.ready = nil, errors.New("the disk is full")
	before := len(k.rows)
	status, _ = post(strings.Replace(good, `"a"`, `"e"`, 1))
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Len(t, k.rows, before, "nothing is begun that cannot be confirmed")
	_, known := ob.Latest("e")
	require.False(t, known)
}
