package rules_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/realtime/rules"
)

// TestEvidenceIsOfTheLastOutcome takes an alarm through a repetition and what
// people do about it.
func TestEvidenceIsOfTheLastOutcome(t *testing.T) {
	p := open(t, nil)
	p.put("high", `{"kind":"threshold","source":"observations","datastream":"d1","above":2}`)
	p.read("d1", 0, 3)
	first := p.alarms("new")[0]
	_, err := p.rules.Alarms().Acknowledge(t.Context(), first.ID, "Li", "on the way")
	require.NoError(t, err)
	p.read("d1", 10, 1)
	p.read("d1", 20, 4) // so again
	p.settle()
	_, err = p.rules.Alarms().Acknowledge(t.Context(), first.ID, "Wang", "")
	require.NoError(t, err)
	p.restart()
	p.read("d1", 30, 1)
	p.settle()
	_, err = p.rules.Alarms().Close(t.Context(), first.ID, "Wang", "")
	require.NoError(t, err)

	type version struct {
		state        string
		since, began float64 // seconds after noon
		value        float64
		owner        string
	}
	seconds := func(t time.Time) float64 { return t.Sub(noon).Seconds() }
	var told []version
	for _, e := range p.events() {
		var d rules.Evidence
		require.NoError(t, json.Unmarshal(e.Data, &d))
		told = append(told, version{e.State, seconds(d.Since), seconds(d.Began), *d.Value, d.Owner})
	}
	require.Equal(t, []version{
		{"new", 0, 0, 3, ""}, {"acknowledged", 0, 0, 3, "Li"}, {"acknowledged", 0, 0, 1, "Li"},
		{"new", 20, 0, 4, "Li"}, {"acknowledged", 20, 0, 4, "Wang"}, {"acknowledged", 20, 0, 1, "Wang"}, {"closed", 20, 0, 4, "Wang"},
	}, told)
	a, err := p.rules.Alarms().Get(first.ID)
	require.NoError(t, err)
	require.Equal(t, noon.UnixMilli(), a.Began)
	require.JSONEq(t, `{"rule":"high","outcome":"raise","datastream":"d1","since":"2026-11-20T12:00:20Z","value":4,"limit":2,
		"active":true,"count":2,"began":"2026-11-20T12:00:00Z"}`, string(a.Evidence))
}
