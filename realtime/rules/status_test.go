package rules_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/rules"
)

// TestRuleThatCanFindNothingSaysWhy takes rules of each kind on layers that are
// missing, static and live: at once, after a restart, and when the layer comes.
func TestRuleThatCanFindNothingSaysWhy(t *testing.T) {
	var mu sync.Mutex
	live := map[layers.ID]bool{"vehicles": true, "streets": false}
	p := open(t, func(o *rules.Options) {
		o.Layer = func(id layers.ID) (found, isLive bool) {
			mu.Lock()
			defer mu.Unlock()
			isLive, found = live[id]
			return found, isLive
		}
	})
	want := map[string]string{}
	for _, x := range []struct{ id, body, problem string }{
		{"s1", `{"kind":"silence","layer":"later"}`, "there is no layer later, so rule s1 watches nothing: add it to live: in the configuration, or name another in layer"},
		{"s2", `{"kind":"silence","layer":"streets"}`, "layer streets is not live, so rule s2 watches nothing: name in layer one whose entities report positions"},
		{"s3", `{"kind":"silence","layer":"vehicles"}`, ""},
		{"s4", `{"kind":"silence","layer":"later","off":true}`, ""},
		{"f1", `{"kind":"fence","layer":"later",` + circle100 + `}`, "there is no layer later, so rule f1 watches nothing: add it to live: in the configuration, or name another in layer"},
		{"f2", `{"kind":"fence","layer":"streets",` + circle100 + `}`, "layer streets is not live, so rule f2 watches nothing: name in layer one whose entities report positions"},
		{"p1", `{"kind":"threshold","source":"positions","layer":"later","property":"speed","above":1}`, "there is no layer later, so rule p1 watches nothing: add it to live: in the configuration, or name another in layer"},
		{"p2", `{"kind":"threshold","source":"positions","layer":"streets","property":"speed","above":1}`, "layer streets is not live, so rule p2 watches nothing: name in layer one whose entities report positions"},
		{"o1", `{"kind":"threshold","source":"observations","layer":"later","property":"level","above":1}`, "there is no layer later, so rule o1 has no readings: import the layer of the objects, or name another in layer"},
		{"o2", `{"kind":"threshold","source":"observations","layer":"streets","property":"level","above":1}`, ""},
		{"o3", `{"kind":"threshold","source":"observations","datastream":"d1","above":1}`, ""},
	} {
		s, created, err := p.rules.Put(t.Context(), x.id, []byte(x.body))
		require.NoError(t, err)
		require.True(t, created)
		require.Equal(t, x.problem, s.Problem)
		want[x.id] = x.problem
	}
	problems := func() map[string]string {
		told := map[string]string{}
		for _, s := range p.rules.List() {
			one, err := p.rules.Get(s.ID)
			require.NoError(t, err)
			require.Equal(t, one, s)
			told[s.ID] = s.Problem
		}
		return told
	}
	require.Equal(t, want, problems())
	p.restart()
	require.Equal(t, want, problems())

	mu.Lock()
	live["later"] = true
	mu.Unlock()
	want["s1"], want["f1"], want["p1"], want["o1"] = "", "", "", ""
	require.Equal(t, want, problems(), "the layer has come")
}

// TestRuleOnWhatWasNeverSeenSaysSo takes rules on one entity, object or datastream
// before and after somebody has heard of it, and after a restart.
func TestRuleOnWhatWasNeverSeenSaysSo(t *testing.T) {
	p := open(t, func(o *rules.Options) {
		o.Layer = func(layers.ID) (found, live bool) { return true, true }
		o.Entity = func(_ layers.ID, id string) bool { return id == "known" }
		o.Reading = func(datastream string, of realtime.Binding) bool {
			return datastream == "known" || of.Feature == "known"
		}
	})
	want := map[string]string{}
	for _, x := range []struct{ id, body, problem string }{
		{"s1", `{"kind":"silence","layer":"vehicles","feature":"a"}`, `entity "a" of layer vehicles has not been seen yet, so rule s1 watches nothing: wait for its first position, or name another in feature`},
		{"s2", `{"kind":"silence","layer":"vehicles","feature":"known"}`, ""},
		{"s3", `{"kind":"silence","layer":"vehicles"}`, ""},
		{"s4", `{"kind":"silence","layer":"vehicles","feature":"a","off":true}`, ""},
		{"p1", `{"kind":"threshold","source":"positions","layer":"vehicles","property":"speed","feature":"a","above":1}`, `entity "a" of layer vehicles has not been seen yet, so rule p1 watches nothing: wait for its first position, or name another in feature`},
		{"o1", `{"kind":"threshold","source":"observations","layer":"manholes","property":"level","feature":"m1","above":1}`, `a reading of "level" of feature "m1" of layer manholes has not been seen yet, so rule o1 has none: wait for the first one, or name another in feature or property`},
		{"o2", `{"kind":"threshold","source":"observations","layer":"manholes","property":"level","feature":"known","above":1}`, ""},
		{"o3", `{"kind":"threshold","source":"observations","layer":"manholes","property":"level","above":1}`, ""},
		{"d1", `{"kind":"threshold","source":"observations","datastream":"d1","above":1}`, `datastream "d1" has not been seen yet, so rule d1 has no readings: wait for its first one, or name another in datastream`},
		{"d2", `{"kind":"threshold","source":"observations","datastream":"known","above":1}`, ""},
	} {
		s, _, err := p.rules.Put(t.Context(), x.id, []byte(x.body))
		require.NoError(t, err)
		require.Equal(t, x.problem, s.Problem)
		want[x.id] = x.problem
	}
	problems := func() map[string]string {
		told := map[string]string{}
		for _, s := range p.rules.List() {
			told[s.ID] = s.Problem
		}
		return told
	}
	require.Equal(t, want, problems())
	p.at("b", 1, 0)
	p.read("d2", 1, 0)
	want["o1"] = "" // d2 is of manhole m1
	require.Equal(t, want, problems(), "others were seen")
	p.at("a", 1, 0)
	p.read("d1", 1, 0)
	want["p1"], want["d1"] = "", ""
	require.Equal(t, want, problems(), "their first ones have come")
	p.restart()
	require.Equal(t, want, problems(), "what a rule has met is kept")
}
