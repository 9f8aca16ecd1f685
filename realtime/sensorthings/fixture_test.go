package sensorthings_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/realtime/sensorthings"
)

// client speaks to a service of its own. Its base has no trailing slash.
type client struct {
	t    *testing.T
	base string
}

func open(t *testing.T, dir string) *sensorthings.Store {
	t.Helper()
	s, err := sensorthings.Open(sensorthings.Options{Dir: dir})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func serve(t *testing.T, s *sensorthings.Store, o sensorthings.HandlerOptions) *client {
	t.Helper()
	const prefix = "/v1.1"
	o.Base = func(r *http.Request) string { return "http://" + r.Host + prefix }
	server := httptest.NewServer(http.StripPrefix(prefix, sensorthings.Handler(s, o)))
	t.Cleanup(server.Close)
	return &client{t, server.URL + prefix}
}

func empty(t *testing.T) *client {
	return serve(t, open(t, t.TempDir()), sensorthings.HandlerOptions{})
}

type object = map[string]any

func (c *client) raw(method, address, body string) (*http.Response, []byte) {
	c.t.Helper()
	if !strings.HasPrefix(address, "http") {
		address = c.base + address
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, strings.ReplaceAll(address, " ", "%20"), strings.NewReader(body))
	require.NoError(c.t, err)
	r.Header.Set("Accept", "text/html, image/gif, image/jpeg, */*; q=.2")
	if method == http.MethodDelete {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(c.t, err)
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	require.NoError(c.t, err)
	return answer, b
}

// get expects 200 and an object.
func (c *client) get(address string) object {
	c.t.Helper()
	answer, b := c.raw("GET", address, "")
	require.Equal(c.t, 200, answer.StatusCode, "%s: %s", address, b)
	var o object
	require.NoError(c.t, json.Unmarshal(b, &o), "%s: %s", address, b)
	return o
}

func (c *client) list(address string) []object {
	c.t.Helper()
	value, ok := c.get(address)["value"].([]any)
	require.True(c.t, ok, address)
	var out []object
	for _, v := range value {
		out = append(out, v.(object))
	}
	return out
}

// post expects 201 and returns the id that Location names last.
func (c *client) post(address, body string) int {
	c.t.Helper()
	answer, b := c.raw("POST", address, body)
	require.Equal(c.t, 201, answer.StatusCode, "%s: %s", body, b)
	l := answer.Header.Get("Location")
	var id int
	_, err := fmt.Sscanf(l[strings.LastIndex(l, "(")+1:], "%d)", &id)
	require.NoError(c.t, err, l)
	return id
}

func (c *client) status(want int, method, address, body string) object {
	c.t.Helper()
	answer, b := c.raw(method, address, body)
	require.Equal(c.t, want, answer.StatusCode, "%s %s %s: %s", method, address, body, b)
	var o object
	_ = json.Unmarshal(b, &o) // an empty answer is none
	return o
}

// where is a query with percent encoding, blanks as plus signs.
func where(option, text string) string { return "?" + option + "=" + url.QueryEscape(text) }

func (c *client) counts() (out [8]int) {
	c.t.Helper()
	for i, set := range sets {
		out[i] = int(c.get("/" + set.name + "?$count=true&$top=0")["@iot.count"].(float64))
	}
	return out
}

// sets are the entity sets with their mandatory members and relations.
var sets = []struct {
	name      string
	members   []string
	relations map[string]string // to the set
}{
	{"Things", []string{"name", "description"}, map[string]string{"Locations": "Locations", "HistoricalLocations": "HistoricalLocations", "Datastreams": "Datastreams"}},
	{"Locations", []string{"name", "description", "encodingType", "location"}, map[string]string{"Things": "Things", "HistoricalLocations": "HistoricalLocations"}},
	{"HistoricalLocations", []string{"time"}, map[string]string{"Thing": "Things", "Locations": "Locations"}},
	{"Datastreams", []string{"name", "description", "observationType", "unitOfMeasurement"}, map[string]string{"Thing": "Things", "Sensor": "Sensors", "ObservedProperty": "ObservedProperties", "Observations": "Observations"}},
	{"Sensors", []string{"name", "description", "encodingType", "metadata"}, map[string]string{"Datastreams": "Datastreams"}},
	{"ObservedProperties", []string{"name", "definition", "description"}, map[string]string{"Datastreams": "Datastreams"}},
	{"Observations", []string{"phenomenonTime", "result", "resultTime"}, map[string]string{"Datastream": "Datastreams", "FeatureOfInterest": "FeaturesOfInterest"}},
	{"FeaturesOfInterest", []string{"name", "description", "encodingType", "feature"}, map[string]string{"Observations": "Observations"}},
}

func relationsOf(set string) map[string]string {
	for _, s := range sets {
		if s.name == set {
			return s.relations
		}
	}
	return nil
}

func location(n int) string {
	return fmt.Sprintf(`{"name":"place %d","description":"place %d","encodingType":"application/vnd.geo+json","location":{"type":"Point","coordinates":[-117.0%d,51.050]}}`, n, n, n)
}

func sensor(n int) string {
	return fmt.Sprintf(`{"name":"sensor %d","description":"gauge %d","encodingType":"application/pdf","metadata":"sheet %d"}`, n, n, n)
}

func property(n int) string {
	return fmt.Sprintf(`{"name":"property %d","definition":"http://example.org/p/%d","description":"level %d"}`, n, n, n)
}

func stream(n int, rest string) string {
	return fmt.Sprintf(`{"name":"stream %d","description":"readings %d","observationType":"http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement","unitOfMeasurement":{"name":"metre","symbol":"m","definition":"http://example.org/metre"}%s}`, n, n, rest)
}

// seeded has two Things with a Location and two Datastreams each, Locations then
// swapped; results 1–12 on the first twelve days of March 2015.
func seeded(t *testing.T) *client {
	t.Helper()
	c := empty(t)
	c.post("/ObservedProperties", property(1))
	observed := []string{`{"@iot.id":1}`, property(2), `{"@iot.id":2}`, property(3)}
	for i := range 2 {
		var streams []string
		for j := range 2 {
			n := 2*i + j
			streams = append(streams, stream(n+1, `,"Sensor":`+sensor(n+1)+`,"ObservedProperty":`+observed[n]))
		}
		c.post("/Things", fmt.Sprintf(`{"name":"thing %d","description":"pump %d","properties":{"reference":"r%d"},"Locations":[%s],"Datastreams":[%s]}`, i+1, i+1, i+1, location(i+1), strings.Join(streams, ",")))
	}
	for n := 1; n <= 12; n++ {
		day := fmt.Sprintf("2015-03-%02dT00:00:00.000Z", n)
		c.post(fmt.Sprintf("/Datastreams(%d)/Observations", (n-1)/3+1), fmt.Sprintf(`{"phenomenonTime":%q,"result":%d,"resultTime":%q}`, day, n, day))
	}
	c.status(200, "PATCH", "/Things(1)", `{"Locations":[{"@iot.id":2}]}`)
	c.status(200, "PATCH", "/Things(2)", `{"Locations":[{"@iot.id":1}]}`)
	require.Equal(t, [8]int{2, 2, 4, 4, 4, 3, 12, 2}, c.counts())
	return c
}
