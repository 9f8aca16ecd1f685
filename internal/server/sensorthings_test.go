package server_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/config"
	"twind/internal/server"
	"twind/realtime"
	"twind/realtime/sensorthings"
)

const stationThing = `{"name":"井 17","description":"manhole","Locations":[{"name":"l","description":"l","encodingType":"application/geo+json","location":{"type":"Point","coordinates":[-74,40.7]}}],
"Datastreams":[{"name":"level","description":"water","observationType":"m","unitOfMeasurement":{"name":"metre","symbol":"m","definition":"m"},
"Sensor":{"name":"s","description":"s","encodingType":"text/plain","metadata":"m"},"ObservedProperty":{"name":"p","definition":"d","description":"p"},
"properties":{"twind:layer":"buildings","twind:feature":"03","twind:property":"height"}}]}`

func TestSensorThings(t *testing.T) {
	store, err := sensorthings.Open(sensorthings.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	live, err := realtime.NewObservatory(realtime.ObservatoryOptions{})
	require.NoError(t, err)
	token := config.Token{Name: "gis", SHA256: "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"} // secret
	c := newCityWith(t, func(conf *config.Config) { conf.Tokens = append(conf.Tokens, token) },
		func(o *server.Options) { o.SensorThings, o.Observatory = store, live })

	require.Equal(t, 401, c.do("POST", "/sensorthings/v1.1/Things", stationThing).status)
	bearer := []string{"Authorization", "Bearer secret"}
	made := c.do("POST", "/sensorthings/v1.1/Things", stationThing, bearer...)
	require.Equal(t, 201, made.status, "%s", made.body)
	require.Equal(t, c.URL+"/sensorthings/v1.1/Things(1)", made.header.Get("Location"))
	require.Equal(t, "井 17", c.get("/sensorthings/v1.1/Things(1)").json()["name"])
	require.Len(t, c.get("/sensorthings/v1.1").json()["value"], 8)

	require.Equal(t, 201, c.do("POST", "/sensorthings/v1.1/Datastreams(1)/Observations", `{"result":1.25}`, bearer...).status)
	reading, ok := live.Of(realtime.Binding{Layer: "buildings", Feature: "03", Property: "height"})
	require.True(t, ok, "the Observatory shows it")
	require.InDelta(t, 1.25, reading.Number, 0)

	require.Equal(t, 401, c.do("DELETE", "/sensorthings/v1.1/Things(1)", "").status)
	require.Equal(t, 401, c.do("PATCH", "/sensorthings/v1.1/Things(1)", "{}").status)
	require.Equal(t, 200, c.do("DELETE", "/sensorthings/v1.1/Things(1)", "", bearer...).status)
	require.Equal(t, 404, c.get("/sensorthings/v1.1/Things(1)").status)
}

func TestSensorThingsAnnouncesItsBroker(t *testing.T) {
	const receive = "http://www.opengis.net/spec/iot_sensing/1.1/req/receive-updates-via-mqtt/receive-updates"
	const create = "http://www.opengis.net/spec/iot_sensing/1.1/req/create-observations-via-mqtt/observations-creation"
	settings := func(m config.MQTT) map[string]any {
		store, err := sensorthings.Open(sensorthings.Options{Dir: t.TempDir()})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, store.Close()) })
		c := newCityWith(t, func(conf *config.Config) {
			conf.MQTT = m
			conf.Tokens = []config.Token{{Name: "gis", SHA256: "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"}}
		}, func(o *server.Options) { o.SensorThings = store })
		return c.get("/sensorthings/v1.1").ok(200).json()["serverSettings"].(map[string]any)
	}
	s := settings(config.MQTT{})
	require.NotContains(t, s["conformance"], receive, "without a broker")
	require.NotContains(t, s, receive)
	for listen, want := range map[string]string{
		"127.0.0.1:1884": "mqtt://127.0.0.1:1884", "[::]:1883": "mqtt://127.0.0.1:1883", ":1883": "mqtt://127.0.0.1:1883", "public": "wss://city.example/mqtt",
	} {
		m := config.MQTT{Listen: listen}
		if listen == "public" {
			m = config.MQTT{Listen: ":1883", PublicURL: want}
		}
		s := settings(m)
		require.Contains(t, s["conformance"], receive)
		require.Contains(t, s["conformance"], create)
		require.Equal(t, map[string]any{"endpoints": []any{want}}, s[receive], "%v", listen)
		require.Equal(t, map[string]any{"endpoints": []any{want}}, s[create])
	}
}

func TestWithoutSensorThings(t *testing.T) {
	require.Equal(t, 501, newCityWith(t, nil, nil).get("/sensorthings/v1.1/Things").status)
}
