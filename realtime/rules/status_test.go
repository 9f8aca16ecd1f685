package rules_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
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
