package sensorthings

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValuesThatCannotBeAreRefused(t *testing.T) {
	check := func(k kind, name, v string) error {
		return checkValue(k, &definitions[k].members[k.member(name)], json.RawMessage(v))
	}
	for _, bad := range []string{`1e400`, `-1e400`, `[1,1e400]`, `{"a":1e400}`} {
		require.ErrorContains(t, check(observations, "result", bad), "a double can hold", bad)
	}
	for _, good := range []string{`1e300`, `-5`, `"1e400"`, `true`, `[1]`, `{"a":1}`} {
		require.NoError(t, check(observations, "result", good), good)
	}
	for _, bad := range []string{`{"type":"Point","coordinates":[1e300,5]}`, `{"type":"Point","coordinates":[5,91]}`, `{"type":"Point","coordinates":[5]}`, `{"type":"Point"}`,
		`{"type":"Polygon","coordinates":[]}`, `{"type":"Polygon","coordinates":[[]]}`, `{"type":"Feature","geometry":{"type":"Point","coordinates":[181,5]}}`} {
		require.ErrorContains(t, check(locations, "location", bad), "off the Earth", bad)
	}
	for _, good := range []string{`{"type":"Point","coordinates":[113.5,34.8,100]}`, `{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}`, `"a street"`, `{"room":5}`} {
		require.NoError(t, check(locations, "location", good), good)
	}
	for bad, want := range map[string]string{
		`{"twind:keep":{"count":-1,"age":"x"}}`: "count of twind:keep is -1: expected a whole number from 1",
		`{"twind:keep":{"age":"x"}}`:            `age of twind:keep is "x": expected a time such as 720h`,
		`{"twind:keep":{"age":"-1h"}}`:          `age of twind:keep is "-1h"`,
		`{"twind:keep":{"cuont":5}}`:            `twind:keep is {"cuont":5}: expected an object such as`,
		`{"twind:keep":{"count":1.5}}`:          "expected an object such as",
		`{"twind:keep":100}`:                    "expected an object such as",
		`{"twind:layer":5}`:                     "twind:layer is 5: expected a text",
		`{"twind:layer":"no such/layer"}`:       "expected the id of a layer",
		`{"twind:feature":["a"]}`:               "twind:feature is [\"a\"]: expected a text",
	} {
		require.ErrorContains(t, check(datastreams, "properties", bad), want, bad)
	}
	for _, good := range []string{`{}`, `{"twind:keep":null,"twind:layer":""}`, `{"twind:keep":{"count":3}}`, `{"twind:keep":{"age":"1h"}}`, `{"twind:layer":"pipes","twind:feature":"7","twind:property":"flow","twind:title":{"en":"x"}}`} {
		require.NoError(t, check(datastreams, "properties", good), good)
	}
	require.NoError(t, check(things, "properties", `{"twind:keep":5}`), "it is that of a Datastream")
	require.ErrorContains(t, check(observations, "phenomenonTime", `7`), "phenomenonTime of an Observation is 7")
}

func TestSentencesAboutMembersThatAreNot(t *testing.T) {
	_, err := parseOrder("nope", observations)
	require.ErrorContains(t, err, `An Observation has no member "nope" (at character 1).`)
	_, err = parseOrder("name,nope", things)
	require.ErrorContains(t, err, `A Thing has no member "nope" (at character 6).`)
}
