package sensorthings_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireEntity checks what every entity that is shown whole has.
func requireEntity(t *testing.T, c *client, set string, e object) {
	t.Helper()
	id, ok := e["@iot.id"].(float64)
	require.True(t, ok, "%v", e)
	self := fmt.Sprintf("%s/%s(%d)", c.base, set, int(id))
	require.Equal(t, self, e["@iot.selfLink"])
	for _, s := range sets {
		if s.name != set {
			continue
		}
		for _, m := range s.members {
			require.NotNil(t, e[m], "%s of %v", m, e)
		}
		for r := range s.relations {
			if e[r] == nil {
				require.Equal(t, self+"/"+r, e[r+"@iot.navigationLink"])
			}
		}
	}
}

// 1.1 and 1.3: sets and entities.
func TestReadSetsAndEntities(t *testing.T) {
	c := seeded(t)
	for _, s := range sets {
		list := c.list("/" + s.name)
		require.GreaterOrEqual(t, len(list), 2, s.name)
		for _, e := range list[:2] {
			requireEntity(t, c, s.name, e)
			one := c.get(e["@iot.selfLink"].(string))
			require.Equal(t, e, one)
		}
	}
}

// 1.2: what is not there.
func TestReadMissing(t *testing.T) {
	c := seeded(t)
	for _, s := range sets {
		for _, id := range []string{"9223372036854775807", "92233720368547758070", "0", "-1", "'x'"} {
			e := c.status(404, "GET", "/"+s.name+"("+id+")", "")
			require.EqualValues(t, 404, e["code"])
			require.NotEmpty(t, e["message"])
		}
	}
	c.status(404, "GET", "/Cars", "")
	c.status(404, "GET", "/Things(2)/Datastreams(1)", "") // of the other Thing
}

// 1.4: members alone and as bare values.
func TestReadProperty(t *testing.T) {
	c := seeded(t)
	for _, s := range sets {
		for _, m := range s.members {
			o := c.get("/" + s.name + "(1)/" + m)
			require.Len(t, o, 1)
			require.NotNil(t, o[m])
			answer, b := c.raw("GET", "/"+s.name+"(1)/"+m+"/$value", "")
			require.Equal(t, 200, answer.StatusCode)
			isObject := m == "location" || m == "feature" || m == "unitOfMeasurement"
			require.Equal(t, isObject, strings.HasPrefix(string(b), "{"), "%s", b)
		}
	}
	c.status(404, "GET", "/Things(1)/colour", "")
	c.status(204, "GET", "/Observations(1)/parameters", "")
}

// 1.5: every chain of up to four names.
func TestReadPaths(t *testing.T) {
	c := seeded(t)
	chains := 0
	var walk func(address, set string, names int)
	walk = func(address, set string, names int) {
		for r, to := range relationsOf(set) {
			chains++
			next := address + "/" + r
			first := c.get(next)
			if value, many := first["value"].([]any); many {
				require.NotEmpty(t, value, next)
				ref := c.get(next + "/$ref")["value"].([]any)
				require.Len(t, ref, len(value))
				first = value[0].(object)
				require.Equal(t, object{"@iot.selfLink": first["@iot.selfLink"]}, ref[0])
				next += fmt.Sprintf("(%v)", first["@iot.id"])
				require.Equal(t, first, c.get(next))
			}
			requireEntity(t, c, to, first)
			if names < 4 {
				walk(next, to, names+1)
			}
		}
	}
	for _, s := range sets {
		walk(fmt.Sprintf("/%s(1)", s.name), s.name, 2)
	}
	require.Greater(t, chains, 100)
}

// 1.6: the root.
func TestReadRoot(t *testing.T) {
	c := empty(t)
	o := c.get("")
	names := map[string]bool{}
	for _, v := range o["value"].([]any) {
		e := v.(object)
		names[e["name"].(string)] = true
		require.Equal(t, c.base+"/"+e["name"].(string), e["url"])
	}
	require.Len(t, names, 8)
	for _, s := range sets {
		require.True(t, names[s.name])
	}
	require.NotEmpty(t, o["serverSettings"].(object)["conformance"])
}
