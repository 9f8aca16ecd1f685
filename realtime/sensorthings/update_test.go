package sensorthings_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// refused expects 400 and that nothing was stored.
func (c *client) refused(method, address, body string) {
	c.t.Helper()
	before := c.counts()
	o := c.status(400, method, address, body)
	require.NotEmpty(c.t, o["message"])
	require.Equal(c.t, before, c.counts(), body)
}

// 2.1: deep inserts that lack something, in an empty store.
func TestBadDeepInsert(t *testing.T) {
	c := empty(t)
	thing := `{"name":"t","description":"t","Datastreams":[%s]}`
	place := `{"name":"t","description":"t","Locations":[` + location(1) + `],"Datastreams":[%s]}`
	whole := `,"Sensor":` + sensor(1) + `,"ObservedProperty":` + property(1)
	c.refused("POST", "/Things", fmt.Sprintf(thing, stream(1, `,"ObservedProperty":`+property(1))))
	c.refused("POST", "/Things", fmt.Sprintf(thing, stream(1, `,"Sensor":`+sensor(1))))
	c.refused("POST", "/Datastreams", stream(1, whole))
	c.refused("POST", "/Datastreams", stream(1, `,"Thing":{"name":"t","description":"t"},"Sensor":`+sensor(1)))
	c.refused("POST", "/Datastreams", stream(1, `,"Thing":{"name":"t","description":"t"},"ObservedProperty":`+property(1)))
	c.refused("POST", "/Things", fmt.Sprintf(thing, stream(1, whole+`,"Observations":[{"result":1}]`)))
	c.refused("POST", "/Things", fmt.Sprintf(place, stream(1, whole+`,"Observations":[{"result":1,"FeatureOfInterest":{"name":"f","description":"f","feature":{"type":"Point","coordinates":[1,2]}}}]`)))
	require.Equal(t, [8]int{}, c.counts())
}

// 2.2: each entity, Locations by PATCH, and what the server makes.
func TestCreate(t *testing.T) {
	c := empty(t)
	thing := c.post("/Things", `{"name":"t","description":"t"}`)
	place := c.post("/Locations", `{"name":"l","description":"l","encodingType":"application/vnd.geo+json","location":{"type":"Point","coordinates":[-117.050,51.05000]}}`)
	c.status(200, "PATCH", "/Things(1)", fmt.Sprintf(`{"Locations":[{"@iot.id":%d}]}`, place))
	require.Len(t, c.list("/Things(1)/Locations"), 1)
	require.Len(t, c.list("/Things(1)/HistoricalLocations"), 1, "a Thing that moves is remembered")
	c.post("/Sensors", sensor(1))
	c.post("/ObservedProperties", property(1))
	c.post("/FeaturesOfInterest", `{"name":"f","description":"f","encodingType":"application/vnd.geo+json","feature":{"type":"Point","coordinates":[0,0]}}`)
	c.post("/Datastreams", stream(1, fmt.Sprintf(`,"Thing":{"@iot.id":%d},"Sensor":{"@iot.id":1},"ObservedProperty":{"@iot.id":1}`, thing)))

	first := c.post("/Observations", `{"result":8,"Datastream":{"@iot.id":1}}`)
	second := c.post("/Datastreams(1)/Observations", `{"phenomenonTime":"2015-03-01T00:40:00.000Z","result":7}`)
	o := c.get(fmt.Sprintf("/Observations(%d)", first))
	require.NotEmpty(t, o["phenomenonTime"])
	made, there := o["resultTime"]
	require.True(t, there)
	require.Nil(t, made)
	feature := c.get(fmt.Sprintf("/Observations(%d)/FeatureOfInterest", first))
	require.Equal(t, feature, c.get(fmt.Sprintf("/Observations(%d)/FeatureOfInterest", second)), "made once")
	require.Len(t, c.list("/FeaturesOfInterest"), 2)
	_, b := c.raw("GET", feature["@iot.selfLink"].(string)+"/feature/$value", "")
	require.Equal(t, `{"type":"Point","coordinates":[-117.050,51.05000]}`, string(b), "the same text of numbers")

	c.post("/HistoricalLocations", `{"time":"2015-01-01T00:00:00Z","Thing":{"@iot.id":1},"Locations":[`+location(9)+`]}`)
	require.Equal(t, "l", c.list("/Things(1)/Locations")[0]["name"], "the past moves nothing")
	c.post("/Things(1)/Locations", location(5))
	require.Equal(t, "place 5", c.list("/Things(1)/Locations")[0]["name"])
	require.Len(t, c.list("/Things(1)/HistoricalLocations"), 3)
	c.post("/Observations", `{"result":9,"Datastream":{"@iot.id":1}}`)
	require.Len(t, c.list("/FeaturesOfInterest"), 3, "another place, another feature")
}

// 2.3: deep inserts read back as they were sent.
func TestDeepInsert(t *testing.T) {
	c := empty(t)
	c.post("/Things", `{"name":"t","description":"d","properties":{"a":{"b":[1,2]}},"Locations":[`+location(1)+`],"Datastreams":[`+stream(1, `,"Sensor":`+sensor(1)+`,"ObservedProperty":`+property(1))+`]}`)
	require.Equal(t, [8]int{1, 1, 1, 1, 1, 1, 0, 0}, c.counts())
	require.Equal(t, object{"a": object{"b": []any{1.0, 2.0}}}, c.get("/Things(1)")["properties"])
	require.Equal(t, "sensor 1", c.get("/Things(1)/Datastreams(1)/Sensor")["name"])
	require.Equal(t, "property 1", c.get("/Things(1)/Datastreams(1)/ObservedProperty")["name"])

	n := c.post("/Datastreams", stream(2, `,"Thing":{"@iot.id":1},"Sensor":{"@iot.id":1},"ObservedProperty":{"@iot.id":1},"Observations":[{"phenomenonTime":"2015-03-01T00:10:00Z","result":10},{"phenomenonTime":"2015-03-01T00:20:00Z/2015-03-01T00:30:00Z","result":[1,null]}]`))
	list := c.list(fmt.Sprintf("/Datastreams(%d)/Observations", n))
	require.Len(t, list, 2)
	require.Equal(t, []any{1.0, nil}, list[1]["result"])
	require.Equal(t, "2015-03-01T00:10:00.000Z/2015-03-01T00:30:00.000Z", c.get("/Datastreams(2)")["phenomenonTime"])

	o := c.post("/Observations", `{"result":"text","Datastream":{"@iot.id":1},"FeatureOfInterest":{"name":"f","description":"f","encodingType":"application/vnd.geo+json","feature":{"type":"Point","coordinates":[1,2]}}}`)
	require.Equal(t, object{"type": "Point", "coordinates": []any{1.0, 2.0}}, c.get(fmt.Sprintf("/Observations(%d)/FeatureOfInterest", o))["feature"])
	require.Equal(t, [8]int{1, 1, 1, 2, 1, 1, 3, 2}, c.counts())
}

// 2.4: the same lacks, by link.
func TestBadCreate(t *testing.T) {
	c := empty(t)
	c.post("/Things", `{"name":"no place","description":"t"}`)
	c.post("/Sensors", sensor(1))
	c.post("/ObservedProperties", property(1))
	thing, gauge, observed := `,"Thing":{"@iot.id":1}`, `,"Sensor":{"@iot.id":1}`, `,"ObservedProperty":{"@iot.id":1}`
	c.refused("POST", "/Datastreams", stream(1, gauge+observed))
	c.refused("POST", "/Datastreams", stream(1, thing+observed))
	c.refused("POST", "/Datastreams", stream(1, thing+gauge))
	c.refused("POST", "/Datastreams", stream(1, strings.Replace(thing, "1", "7", 1)+gauge+observed))
	c.post("/Datastreams", stream(1, thing+gauge+observed))
	c.refused("POST", "/Observations", `{"result":1}`)
	c.refused("POST", "/Observations", `{"result":1,"FeatureOfInterest":{"@iot.id":1}}`)
	c.refused("POST", "/Observations", `{"result":1,"Datastream":{"@iot.id":1}}`) // no place
	for _, body := range []string{``, `[]`, `null`, `{"name":"t"}`, `{"name":1,"description":"t"}`, `{"name":"t","description":null}`,
		`{"name":"t","description":"t","colour":1}`, `{"name":"t","description":"t","properties":[]}`, `{"name":"t","description":"t","Locations":{}}`,
		"{\"name\":\"\xff\",\"description\":\"t\"}", `{"name":"t","description":"t","properties":` + strings.Repeat(`{"a":`, 70) + `1` + strings.Repeat(`}`, 71)} {
		c.refused("POST", "/Things", body)
	}
	c.status(413, "POST", "/Things", strings.Repeat(" ", 8<<20+1))
	c.status(405, "POST", "/Things(1)", `{}`)
	c.status(404, "POST", "/Things(7)/Datastreams", `{}`)
}

// 2.5: one member changes, the rest stays.
func TestPatch(t *testing.T) {
	c := seeded(t)
	for _, s := range sets {
		for _, m := range s.members {
			body, want := fmt.Sprintf(`{%q:"changed %s"}`, m, m), any("changed "+m)
			switch m {
			case "time", "phenomenonTime", "resultTime":
				body, want = fmt.Sprintf(`{%q:"2015-08-05T06:07:08Z"}`, m), "2015-08-05T06:07:08Z"
			case "unitOfMeasurement":
				body, want = `{"unitOfMeasurement":{"name":"n","symbol":null,"definition":"d"}}`, object{"name": "n", "symbol": nil, "definition": "d"}
			}
			address := "/" + s.name + "(1)"
			expected := c.get(address)
			expected[m] = want
			require.Equal(t, expected, c.status(200, "PATCH", address, body))
			require.Equal(t, expected, c.get(address))
		}
	}
	c.status(404, "PATCH", "/Things(77)", `{}`)
}

// 2.6: PATCH takes no inline entities.
func TestBadPatch(t *testing.T) {
	c := seeded(t)
	bodies := map[string]string{"Things": `{"name":"t","description":"t"}`, "Locations": location(3), "Sensors": sensor(7), "ObservedProperties": property(7),
		"Datastreams": stream(7, ""), "Observations": `{"result":1}`, "HistoricalLocations": `{"time":"2015-08-05T06:07:08Z"}`, "FeaturesOfInterest": `{"name":"f"}`}
	for _, s := range sets {
		for r, to := range s.relations {
			body := bodies[to]
			if r == to {
				body = "[" + body + "]"
			}
			before := c.get("/" + s.name + "(1)")
			c.refused("PATCH", "/"+s.name+"(1)", fmt.Sprintf(`{%q:%s}`, r, body))
			require.Equal(t, before, c.get("/"+s.name+"(1)"))
		}
	}
}

// 2.7: DELETE takes what cannot be without the entity, and nothing else.
func TestDelete(t *testing.T) {
	for _, d := range []struct {
		entity string
		left   [8]int // Things … FeaturesOfInterest
	}{
		{"Observations(1)", [8]int{2, 2, 4, 4, 4, 3, 11, 2}},
		{"FeaturesOfInterest(1)", [8]int{2, 2, 4, 4, 4, 3, 6, 1}},
		{"Datastreams(1)", [8]int{2, 2, 4, 3, 4, 3, 9, 2}},
		{"Sensors(1)", [8]int{2, 2, 4, 3, 3, 3, 9, 2}},
		{"ObservedProperties(2)", [8]int{2, 2, 4, 2, 4, 2, 6, 2}},
		{"Things(1)", [8]int{1, 2, 2, 2, 4, 3, 6, 2}},
		{"Locations(1)", [8]int{2, 1, 2, 4, 4, 3, 12, 2}},
		{"HistoricalLocations(1)", [8]int{2, 2, 3, 4, 4, 3, 12, 2}},
	} {
		c := seeded(t)
		c.status(200, "DELETE", "/"+d.entity, "")
		c.status(404, "GET", "/"+d.entity, "")
		require.Equal(t, d.left, c.counts(), d.entity)
	}
	c := seeded(t)
	c.status(200, "DELETE", "/Observations(1)", "")
	require.Equal(t, "2015-03-02T00:00:00.000Z/2015-03-03T00:00:00.000Z", c.get("/Datastreams(1)")["phenomenonTime"])
}

// 2.8: DELETE of what is not there.
func TestDeleteMissing(t *testing.T) {
	c := seeded(t)
	before := c.counts()
	for _, s := range sets {
		c.status(404, "DELETE", "/"+s.name+"(9223372036854775807)", "")
		c.status(405, "DELETE", "/"+s.name, "")
	}
	require.Equal(t, before, c.counts())
}

func TestMethodsThatAreNotPossibleAreTold(t *testing.T) {
	c := seeded(t)
	for address, allow := range map[string]string{
		"POST /Things(1)": "GET, HEAD, PATCH, DELETE", "PATCH /Things": "GET, HEAD, POST", "DELETE /Things(1)/Datastreams": "GET, HEAD, POST",
		"DELETE /Things(1)/name": "GET, HEAD", "POST /Things/$ref": "GET, HEAD", "PUT /Things(1)": "GET, HEAD, PATCH, DELETE",
	} {
		method, path, _ := strings.Cut(address, " ")
		answer, body := c.raw(method, path, "{}")
		require.Equal(t, 405, answer.StatusCode, "%s: %s", address, body)
		require.Equal(t, allow, answer.Header.Get("Allow"), address)
	}
}
