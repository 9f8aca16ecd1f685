package sensorthings_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/sensorthings"
)

func TestNamesOfBoundDatastreams(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	store, err := sensorthings.Open(sensorthings.Options{Dir: t.TempDir(), Now: func() time.Time { return now }})
	require.NoError(t, err)
	defer store.Close()
	h := sensorthings.Handler(store, sensorthings.HandlerOptions{Base: func(*http.Request) string { return "" }})
	send := func(method, path, body string, want int) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		require.Equal(t, want, w.Code, w.Body.String())
	}
	stream := func(name, properties string) string {
		return `{"name":"` + name + `","description":"d","observationType":"t","unitOfMeasurement":{"name":"metre","symbol":"m","definition":"d"},
			"Sensor":{"name":"s","description":"d","encodingType":"e","metadata":"m"},
			"ObservedProperty":{"name":"p","definition":"d","description":"d"},"properties":` + properties + `}`
	}
	names := sensorthings.NewNames(store)
	level := realtime.Binding{Layer: "manholes", Feature: "17", Property: "level"}
	_, _, ok := names.Of(level)
	require.False(t, ok)
	send("POST", "/Things", `{"name":"n","description":"d","Datastreams":[`+
		stream("level", `{"twind:layer":"manholes","twind:feature":"17","twind:property":"level"}`)+`,`+
		stream("gas", `{"twind:layer":"manholes","twind:feature":"17","twind:property":"gas","twind:title":{"zh":"甲烷","en":"Methane"}}`)+`,`+
		stream("free", `{"twind:layer":"manholes"}`)+`]}`, http.StatusCreated)
	name, unit, ok := names.Of(level)
	require.True(t, ok, "a new one is known at once")
	require.Equal(t, layers.Text{EN: "level"}, name)
	require.Equal(t, "m", unit)
	name, _, _ = names.Of(realtime.Binding{Layer: "manholes", Feature: "17", Property: "gas"})
	require.Equal(t, layers.Text{ZH: "甲烷", EN: "Methane"}, name)
	send("PATCH", "/Datastreams(1)", `{"name":"depth"}`, http.StatusOK)
	now = now.Add(2 * time.Minute)
	name, _, _ = names.Of(level)
	require.Equal(t, "depth", name.EN, "a change is seen after a while")
	send("DELETE", "/Datastreams(1)", "", http.StatusOK)
	now = now.Add(2 * time.Minute)
	_, _, ok = names.Of(level)
	require.False(t, ok)
}
