package server_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/config"
	"twind/internal/server"
	"twind/realtime/history"
	"twind/realtime/rules"
)

// watchedCity is a city with rules, and its rules.
func watchedCity(t *testing.T, change func(*config.Config)) (*city, *rules.Rules) {
	log, err := history.Open(history.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	r, err := rules.Open(t.Context(), rules.Options{Dir: t.TempDir(), Log: log})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
		r.Close()
		require.NoError(t, log.Close())
	})
	return newCityWith(t, change, func(o *server.Options) {
		o.History, o.Rules = log, r
		o.Hub.Watch(r.Positions)
	}), r
}

const yard = `{"kind":"fence","layer":"vehicles","area":{"circle":{"center":[-74,40.7],"radius":200}},"events":["enter"],"class":"trespass"}`

func TestRulesAndAlarms(t *testing.T) {
	c, r := watchedCity(t, nil)
	a := c.do("PUT", "/live/rules/yard", yard, "Content-Type", "application/json")
	require.Equal(t, 201, a.status, "%s", a.body)
	require.Contains(t, a.header.Get("Location"), "/live/rules/yard")
	require.Equal(t, 200, c.do("PUT", "/live/rules/yard", yard).status)
	a = c.get("/live/rules/yard")
	require.Equal(t, 200, a.status)
	require.JSONEq(t, `{"id":"yard","kind":"fence","layer":"vehicles","class":"trespass","events":["enter"],
		"area":{"circle":{"center":[-74,40.7],"radius":200}},"status":{"zones":1}}`, string(a.body))
	require.Contains(t, string(c.get("/live/rules").body), `"rules":[{"id":"yard"`)

	body := `{"layer":"vehicles","id":"bus 1","time":"` + time.Now().UTC().Format(time.RFC3339) + `","lon":-74,"lat":40.7005}`
	require.Equal(t, 202, c.do("POST", "/live/positions", body, "Content-Type", "application/json").status)
	require.Eventually(t, r.Settled, 30*time.Second, time.Millisecond)

	var list struct {
		NumberMatched int
		Alarms        []struct {
			ID, Class, State, Entity, Owner, Note string
			Lon                                   float64
			Evidence                              rules.Evidence
			Began, Time                           time.Time
			AcknowledgedAt, ClosedAt              *time.Time
		}
	}
	ask := func(query string) {
		t.Helper()
		list.Alarms = nil
		a := c.get("/live/alarms?" + query)
		require.Equal(t, 200, a.status, "%s", a.body)
		require.NoError(t, json.Unmarshal(a.body, &list))
	}
	ask("state=new&class=trespass")
	require.Equal(t, 1, list.NumberMatched)
	alarm := list.Alarms[0]
	require.Equal(t, "bus 1", alarm.Entity)
	require.InDelta(t, -74, alarm.Lon, 1e-9)
	require.Equal(t, "yard", alarm.Evidence.Rule)
	require.False(t, alarm.Began.IsZero())
	require.Equal(t, alarm.Time, alarm.Began, "it was inside at its first position")
	ask("class=other")
	require.Empty(t, list.Alarms)

	at := "/live/alarms/" + alarm.ID
	for body, says := range map[string]string{
		`{"note":"seen"}`:                      "owner is missing: say who you are",
		`{"owner":" "}`:                        "owner is blank",
		`{"owner":"L\u0000i"}`:                 "holds U+0000, a control character: send it without",
		`{"owner":"Li","note":"a\u202Eb"}`:     "note ",
		`{"owner":"Li","note":"a line\nmore"}`: "holds U+000A",
	} {
		a = c.do("POST", at+"/acknowledge", body)
		require.Equal(t, 400, a.status, "%s", body)
		require.Contains(t, string(a.body), says)
	}
	require.Equal(t, 200, c.do("POST", at+"/acknowledge", `{"owner":"Li","note":"on the way"}`).status)
	ask("state=acknowledged")
	require.Equal(t, "Li", list.Alarms[0].Owner)
	require.NotNil(t, list.Alarms[0].AcknowledgedAt)
	require.Equal(t, 200, c.do("POST", at+"/close", `{"owner":"Wang"}`).status)
	require.Equal(t, 409, c.do("POST", at+"/close", `{"owner":"Wang"}`).status)
	require.Equal(t, alarm.Began, list.Alarms[0].Began)
	ask("state=open")
	require.Empty(t, list.Alarms)
	require.Contains(t, string(c.get(at).body), `"state":"closed"`)

	require.Equal(t, 204, c.do("DELETE", "/live/rules/yard", "").status)
	require.Equal(t, 404, c.get("/live/rules/yard").status)
}

func TestBadRulesAndAlarmsAreNamed(t *testing.T) {
	c, _ := watchedCity(t, nil)
	for _, x := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"PUT", "/live/rules/yard", `{"kind":"fence"}`, 400, "names no live layer"},
		{"PUT", "/live/rules/Yard", yard, 400, "rule id"},
		{"PUT", "/live/rules/yard", `{`, 400, "cannot be read"},
		{"PUT", "/live/rules/yard", `{"kind":"fence","layer":"vehicles","area":{"layer":"nowhere"}}`, 404, "nowhere"},
		{"DELETE", "/live/rules/yard", "", 404, "no rule"},
		{"POST", "/live/alarms/x/close", `{"owner":"Li"}`, 404, "no alarm"},
		{"POST", "/live/alarms/x/close", `[`, 400, "The body cannot be read; send {\\\"owner"},
		{"POST", "/live/alarms/x/close", ``, 400, "The body cannot be read"},
		{"POST", "/live/alarms/x/close", `{"owner":"Li"} {}`, 400, "The body cannot be read"},
		{"POST", "/live/alarms/x/close", "{\"owner\":\"Li\xff\"}", 400, "The body cannot be read"},
		{"POST", "/live/alarms/x/close", `{"owner":7}`, 400, "Member owner is a JSON number; send"},
		{"POST", "/live/alarms/x/acknowledge", `{"owner":"Li","text":"seen"}`, 400, "There is no member \\\"text\\\"; send"},
		{"GET", "/live/alarms?state=done", "", 400, "expected new, acknowledged, closed or open"},
		{"GET", "/live/alarms?limit=0", "", 400, "expected 1 to"},
		{"GET", "/live/rules?x=1", "", 400, "x"},
	} {
		a := c.do(x.method, x.path, x.body)
		require.Equal(t, x.status, a.status, "%s %s: %s", x.method, x.path, a.body)
		require.Contains(t, string(a.body), x.says)
	}
}

func TestRulesNeedTheRightToWrite(t *testing.T) {
	c, _ := watchedCity(t, func(conf *config.Config) {
		conf.Tokens = []config.Token{{Name: "gis", SHA256: "13d13fba4cb25cd648416c7c689ac5bef27cc1c72674b78fcd76f5d38dea1f90"}}
	})
	require.Equal(t, 401, c.do("PUT", "/live/rules/yard", yard).status)
	require.Equal(t, 401, c.do("POST", "/live/alarms/x/close", `{"owner":"Li"}`).status)
	require.Equal(t, 403, c.do("DELETE", "/live/rules/yard", "", "Origin", "https://elsewhere.example").status)
	require.Equal(t, 201, c.do("PUT", "/live/rules/yard", yard, "Authorization", "Bearer a-secret-of-the-operators").status)
	require.Equal(t, 200, c.get("/live/rules").status)
}

func TestWithoutHistoryThereAreNoRules(t *testing.T) {
	c := newCityWith(t, nil, nil)
	require.Equal(t, 501, c.get("/live/rules").status)
	require.Equal(t, 501, c.get("/live/alarms").status)
}
