package server_test

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

	"github.com/stretchr/testify/require"

	"twind/internal/config"
	"twind/internal/server"
	"twind/realtime/cases"
	"twind/realtime/history"
	"twind/realtime/webhooks"
)

// eventfulCity is a city with events and webhooks.
func eventfulCity(t *testing.T, change func(*config.Config)) (*city, *history.Log) {
	log, err := history.Open(history.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	register, err := cases.Open(t.Context(), cases.Options{Log: log})
	require.NoError(t, err)
	hooks, err := webhooks.Open(webhooks.Options{Dir: t.TempDir(), Log: log, FirstRetry: time.Millisecond})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- hooks.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
		require.NoError(t, hooks.Close())
		register.Close()
		require.NoError(t, log.Close())
	})
	return newCityWith(t, change, func(o *server.Options) { o.History, o.Cases, o.Webhooks = log, register, hooks }), log
}

type eventsAnswer struct {
	NumberMatched, NumberReturned int
	Through, From                 uint64
	Events                        []struct {
		Sequence  uint64
		ID, State string
		Overdue   bool
	}
	Links []struct{ Rel, Href string }
}

func (c *city) events(query string) (a eventsAnswer) {
	c.t.Helper()
	r := c.get("/live/events" + query)
	require.Equal(c.t, 200, r.status, "%s", r.body)
	require.NoError(c.t, json.Unmarshal(r.body, &a))
	require.Equal(c.t, len(a.Events), a.NumberReturned)
	return a
}

func (a *eventsAnswer) ids() (out []string) {
	for _, e := range a.Events {
		out = append(out, e.ID)
	}
	return out
}

func TestEvents(t *testing.T) {
	c, _ := eventfulCity(t, nil)
	at := func(s int) string { return time.Now().Add(time.Duration(s) * time.Second).UTC().Format(time.RFC3339) }
	var lines []string
	for i := range 5 {
		lines = append(lines, fmt.Sprintf(`{"id":"c%d","class":"%s","time":%q,"lon":%d,"lat":31,"deadlines":{"closed":%q}}`, i, []string{"0102", "0103"}[i%2], at(-100), 120+i, at(-50+100*(i%3))))
	}
	r := c.do("POST", "/live/events", strings.Join(lines, "\n"), "Content-Type", "application/x-ndjson")
	require.Equal(t, 202, r.status, "%s", r.body)
	r = c.do("POST", "/live/events", `[{"id":"c1","state":"accepted","time":"`+at(-20)+`"},{"id":"c2","state":"closed","time":"`+at(-10)+`"},{"id":"c3"}]`)
	require.Equal(t, 202, r.status)
	require.Contains(t, string(r.body), `"refused":[{"index":2,"id":"c3","reason":"time is missing`)

	a := c.events("")
	require.Equal(t, []string{"c4", "c3", "c2", "c1", "c0"}, a.ids(), "the one that began last first")
	require.Equal(t, 5, a.NumberMatched)
	for query, want := range map[string][]string{
		"?state=open":               {"c4", "c3", "c1", "c0"},
		"?state=accepted":           {"c1"},
		"?state=closed":             {"c2"},
		"?class=0103":               {"c3", "c1"},
		"?kind=case&class=0102":     {"c4", "c2", "c0"},
		"?kind=alarm":               nil,
		"?bbox=121.5,30,123.5,32":   {"c3", "c2"},
		"?state=open&overdue=true":  {"c3", "c0"},
		"?overdue=false&class=0103": {"c3", "c1"},
	} {
		a := c.events(query)
		require.Equal(t, want, a.ids(), query)
	}
	var paged []string
	for query := "?limit=2&state=open"; query != ""; {
		a := c.events(query)
		require.Equal(t, 4, a.NumberMatched)
		paged = append(paged, a.ids()...)
		query = ""
		for _, l := range a.Links {
			require.Equal(t, "next", l.Rel)
			query = l.Href[strings.Index(l.Href, "?"):]
		}
	}
	require.Equal(t, []string{"c4", "c3", "c1", "c0"}, paged)

	var versions []uint64
	through := uint64(0)
	for query := "?after=0&limit=3"; query != ""; {
		a := c.events(query)
		for _, e := range a.Events {
			versions = append(versions, e.Sequence)
		}
		through = a.Through
		query = ""
		for _, l := range a.Links {
			query = l.Href[strings.Index(l.Href, "?"):]
		}
	}
	require.Equal(t, []uint64{1, 2, 3, 4, 5, 6, 7}, versions)
	require.EqualValues(t, 7, through)
	closed := c.events("?after=0&state=closed")
	require.Equal(t, []string{"c2"}, closed.ids())

	r = c.get("/live/events/c1")
	require.Equal(t, 200, r.status)
	require.Contains(t, string(r.body), `"sequence":6,"id":"c1","kind":"case","class":"0103","state":"accepted"`)
	require.Equal(t, 404, c.get("/live/events/none").status)
}

func TestBadQuestionsAboutEvents(t *testing.T) {
	c, _ := eventfulCity(t, nil)
	for query, says := range map[string]string{
		"?state=done":           "expected open",
		"?kind=news":            "expected case",
		"?overdue=maybe":        "expected true",
		"?bbox=1,2":             "bbox",
		"?limit=0":              "limit",
		"?cursor=-1":            "cursor",
		"?after=1e3":            "after",
		"?after=1&cursor=2":     "one of them",
		"?after=1&state=open":   "leave out",
		"?after=1&overdue=true": "leave out",
		"?color=red":            "color",
	} {
		r := c.get("/live/events" + query)
		require.Equal(t, 400, r.status, query)
		require.Contains(t, string(r.body), says, query)
	}
	require.Equal(t, 415, c.do("POST", "/live/events", "{}", "Content-Type", "text/html").status)
	require.Equal(t, 400, c.do("POST", "/live/events", "").status)
	none := newCityWith(t, nil, nil)
	require.Equal(t, 501, none.get("/live/events").status)
	require.Equal(t, 501, none.do("POST", "/live/events", "{}").status)
	require.Equal(t, 501, none.get("/live/webhooks").status)
}

func TestWebhooks(t *testing.T) {
	c, log := eventfulCity(t, nil)
	posts := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		posts <- r.Header.Get("Twind-Sequence") + " " + string(b)
	}))
	defer receiver.Close()
	r := c.do("PUT", "/live/webhooks/desk", `{"url":"`+receiver.URL+`","classes":["0102"],"title":{"en":"Desk"}}`)
	require.Equal(t, 201, r.status, "%s", r.body)
	require.Contains(t, string(r.body), `"secret":"whsec_`)
	require.Contains(t, r.header.Get("Location"), "/live/webhooks/desk")
	r = c.get("/live/webhooks/desk")
	require.NotContains(t, string(r.body), "whsec_")
	require.Contains(t, string(r.body), `"state":"ok"`)

	now := time.Now().UTC().Format(time.RFC3339)
	require.Equal(t, 202, c.do("POST", "/live/events", `{"id":"c1","class":"0102","time":"`+now+`"}`).status)
	require.Equal(t, 202, c.do("POST", "/live/events", `{"id":"c2","class":"0103","time":"`+now+`"}`).status)
	require.Contains(t, <-posts, `1 {"sequence":1,"id":"c1","kind":"case"`)
	require.Eventually(t, func() bool { return strings.Contains(string(c.get("/live/webhooks").body), `"position":2,"pending":0`) }, 30*time.Second, 5*time.Millisecond)
	r = c.do("POST", "/live/webhooks/desk/replay", `{"after":0}`)
	require.Equal(t, 200, r.status, "%s", r.body)
	require.Contains(t, <-posts, `"id":"c1"`)
	require.EqualValues(t, 2, log.LastEvent())

	require.Equal(t, 400, c.do("POST", "/live/webhooks/desk/replay", `{}`).status)
	require.Equal(t, 400, c.do("POST", "/live/webhooks/desk/replay", `{"after":9}`).status)
	require.Equal(t, 400, c.do("POST", "/live/webhooks/desk/replay", `{"after":0,"before":1}`).status)
	require.Equal(t, 400, c.do("POST", "/live/webhooks/desk/replay", `{"after":0} {}`).status)
	require.Equal(t, 404, c.do("POST", "/live/webhooks/none/replay", `{"after":0}`).status)
	require.Equal(t, 400, c.do("PUT", "/live/webhooks/desk", `{"url":"file:///etc/passwd"}`).status)
	require.Equal(t, 200, c.do("PUT", "/live/webhooks/desk", `{"url":"`+receiver.URL+`","off":true}`).status)
	require.Contains(t, string(c.get("/live/webhooks/desk").body), `"state":"off"`)
	require.Equal(t, 204, c.do("DELETE", "/live/webhooks/desk", "").status)
	require.Equal(t, 404, c.get("/live/webhooks/desk").status)
}

func TestEventsAndWebhooksNeedTheRightToWrite(t *testing.T) {
	c, _ := eventfulCity(t, func(conf *config.Config) {
		conf.Tokens = []config.Token{{Name: "gis", SHA256: "13d13fba4cb25cd648416c7c689ac5bef27cc1c72674b78fcd76f5d38dea1f90"}}
	})
	require.Equal(t, 401, c.do("POST", "/live/events", `{}`).status)
	require.Equal(t, 403, c.do("POST", "/live/events", `{}`, "Origin", "https://elsewhere.example").status)
	require.Equal(t, 200, c.get("/live/events").status, "everybody may read")
	require.Equal(t, 401, c.get("/live/webhooks").status, "but not where events are posted to")
	require.Equal(t, 401, c.do("PUT", "/live/webhooks/desk", `{"url":"http://a"}`).status)
	require.Equal(t, 200, c.do("GET", "/live/webhooks", "", "Authorization", "Bearer a-secret-of-the-operators").status)
}
