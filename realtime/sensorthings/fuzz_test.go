package sensorthings

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzQuery runs whatever parses over a small store: it answers or refuses.
func FuzzQuery(f *testing.F) {
	for _, q := range []string{"$filter=result gt 1 and not startswith(Datastream/name,'x')", "$expand=Datastream($expand=Thing($select=name);$top=1),FeatureOfInterest&$orderby=result desc",
		"$filter=st_within(FeatureOfInterest/feature,geography'POLYGON((0 0,2 0,2 2,0 0))')", "$filter=phenomenonTime add duration'PT1H' lt 2015-01-01T00:00:00Z/2016-01-01T00:00:00Z", "$select=id&$skip=1&$top=0&$count=true", "$resultFormat=dataArray"} {
		f.Add(q)
	}
	s, err := Open(Options{Dir: f.TempDir()})
	require.NoError(f, err)
	defer s.Close()
	h := Handler(s, HandlerOptions{Base: func(*http.Request) string { return "http://x" }})
	body := `{"name":"t","description":"t","Locations":[{"name":"l","description":"l","encodingType":"application/geo+json","location":{"type":"Point","coordinates":[1,0.5]}}],"Datastreams":[{"name":"d","description":"d","observationType":"o","unitOfMeasurement":{"name":"n","symbol":"s","definition":"d"},"Sensor":{"name":"s","description":"s","encodingType":"e","metadata":"m"},"ObservedProperty":{"name":"p","definition":"d","description":"p"},"Observations":[{"result":1},{"result":"a"}]}]}`
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(f.Context(), "POST", "/Things", strings.NewReader(body)))
	require.Equal(f, 201, w.Code, w.Body.String())
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequestWithContext(context.Background(), "GET", "/Observations", nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Contains(t, []int{200, 400}, w.Code)
	})
}

// FuzzWrite posts and patches anything: a refusal leaves the store as it was.
func FuzzWrite(f *testing.F) {
	f.Add("Things", `{"name":"t","description":"t","Locations":[{"@iot.id":1}]}`)
	f.Add("CreateObservations", `[{"Datastream":{"@iot.id":1},"components":["result"],"dataArray":[[1]]}]`)
	f.Add("Observations", `{"result":[1,{"a":null}],"Datastream":{"@iot.id":1}}`)
	s, err := Open(Options{Dir: f.TempDir()})
	require.NoError(f, err)
	defer s.Close()
	h := Handler(s, HandlerOptions{Base: func(*http.Request) string { return "http://x" }})
	f.Fuzz(func(t *testing.T, path, body string) {
		before := s.size()
		r := httptest.NewRequestWithContext(context.Background(), "POST", "/", strings.NewReader(body))
		r.URL.Path = "/" + path
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Less(t, w.Code, 500)
		if w.Code != 201 {
			require.Equal(t, before, s.size())
		}
	})
}
