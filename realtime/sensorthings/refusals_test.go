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
	require.ErrorContains(t, check(observations, "phenomenonTime", `7`), "phenomenonTime of an Observation is 7")
}

func TestSentencesAboutMembersThatAreNot(t *testing.T) {
	_, err := parseOrder("nope", observations)
	require.ErrorContains(t, err, `An Observation has no member "nope" (at character 1).`)
	_, err = parseOrder("name,nope", things)
	require.ErrorContains(t, err, `A Thing has no member "nope" (at character 6).`)
}
