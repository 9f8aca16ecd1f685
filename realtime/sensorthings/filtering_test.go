package sensorthings_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// 3.1: $select shows what it names and no links.
func TestSelect(t *testing.T) {
	c := seeded(t)
	for _, s := range sets {
		addresses := []string{"/" + s.name, "/" + s.name + "(1)"}
		if s.name == "Datastreams" || s.name == "Locations" {
			addresses = append(addresses, "/Things(1)/"+s.name)
		}
		var growing []string
		for _, m := range s.members {
			growing = append(growing, m)
			for _, names := range [][]string{{m}, growing} {
				for _, a := range addresses {
					o := c.get(a + "?$select=" + strings.Join(names, ","))
					if value, many := o["value"].([]any); many {
						o = value[0].(object)
					}
					require.ElementsMatch(t, names, slices.Collect(maps.Keys(o)), a)
				}
			}
		}
	}
}

// 3.2: $expand of each relation, of lists and of pairs.
func TestExpand(t *testing.T) {
	c := seeded(t)
	whole := func(set, relation string, e object) object {
		to := relationsOf(set)[relation]
		switch v := e[relation].(type) {
		case []any:
			require.NotEmpty(t, v)
			requireEntity(t, c, to, v[0].(object))
			return v[0].(object)
		case object:
			requireEntity(t, c, to, v)
			return v
		}
		require.Fail(t, "not expanded", "%s of %v", relation, e)
		return nil
	}
	for _, s := range sets {
		var growing, pairs []string
		for r, to := range s.relations {
			growing = append(growing, r)
			for _, a := range []string{"/" + s.name, "/" + s.name + "(1)"} {
				o := c.get(a + "?$expand=" + strings.Join(growing, ","))
				if value, many := o["value"].([]any); many {
					o = value[0].(object)
				}
				requireEntity(t, c, s.name, o)
				for _, g := range growing {
					whole(s.name, g, o)
				}
				for second := range relationsOf(to) {
					pairs = append(pairs, r+"/"+second)
					o := c.get(a + "?$expand=" + strings.Join(pairs, ","))
					if value, many := o["value"].([]any); many {
						o = value[0].(object)
					}
					inner := whole(s.name, r, o)
					whole(to, second, inner)
				}
			}
		}
	}
	o := c.get("/Datastreams(1)?$select=name&$expand=Observations($select=result;$orderby=result desc;$top=1;$count=true;$filter=result lt 3;$expand=FeatureOfInterest($select=name)),Thing")
	require.Equal(t, []any{object{"result": 2.0, "FeatureOfInterest": object{"name": "place 1"}}}, o["Observations"])
	require.EqualValues(t, 2, o["Observations@iot.count"])
	next := c.get(o["Observations@iot.nextLink"].(string))
	require.Equal(t, []any{object{"result": 1.0, "FeatureOfInterest": object{"name": "place 1"}}}, next["value"])
}

// 3.3: $top and the link to the next page.
func TestTop(t *testing.T) {
	c := seeded(t)
	all := map[string]int{"Things": 2, "Locations": 2, "HistoricalLocations": 4, "Datastreams": 4, "Sensors": 4, "ObservedProperties": 3, "Observations": 12, "FeaturesOfInterest": 2, "Datastreams(1)/Observations": 3, "FeaturesOfInterest(1)/Observations": 6, "Things(1)/Datastreams": 2}
	for set, total := range all {
		for _, top := range []int{1, 2, 3, 4, 5, 12, 13} {
			o := c.get(fmt.Sprintf("/%s?$top=%d", set, top))
			require.Len(t, o["value"], min(top, total))
			require.Equal(t, top < total, o["@iot.nextLink"] != nil, "%s %d", set, top)
			seen := len(o["value"].([]any))
			for o["@iot.nextLink"] != nil {
				o = c.get(o["@iot.nextLink"].(string))
				seen += len(o["value"].([]any))
			}
			require.Equal(t, total, seen)
			for name, v := range o {
				require.NotNil(t, v, name)
			}
		}
	}
}

// 3.4: $skip.
func TestSkip(t *testing.T) {
	c := seeded(t)
	for set, total := range map[string]int{"Things": 2, "HistoricalLocations": 4, "Observations": 12, "FeaturesOfInterest(1)/Observations": 6} {
		for _, skip := range []int{1, 2, 3, 4, 12} {
			o := c.get(fmt.Sprintf("/%s?$skip=%d", set, skip))
			require.Len(t, o["value"], max(total-skip, 0))
			require.Nil(t, o["@iot.nextLink"])
		}
	}
}

// 3.5: $orderby over growing lists, objects by their JSON text.
func TestOrderBy(t *testing.T) {
	c := seeded(t)
	key := func(v any) string {
		if n, ok := v.(float64); ok {
			return fmt.Sprintf("%09.3f", n)
		}
		if s, ok := v.(string); ok {
			return s
		}
		b, err := json.Marshal(v)
		require.NoError(t, err)
		return string(b)
	}
	for _, s := range sets {
		var growing []string
		for _, m := range s.members {
			if m == "unitOfMeasurement" {
				continue
			}
			growing = append(growing, m)
			for _, direction := range []string{"", " asc", " desc"} {
				list := c.list("/" + s.name + "?$orderby=" + strings.Join(growing, direction+",") + direction)
				require.True(t, slices.IsSortedFunc(list, func(a, b object) int {
					for _, name := range growing {
						if d := cmp.Compare(key(a[name]), key(b[name])); d != 0 {
							if direction == " desc" {
								return -d
							}
							return d
						}
					}
					return 0
				}), "%s by %v%s", s.name, growing, direction)
			}
		}
	}
	require.EqualValues(t, 12, c.list("/Observations?$orderby=result desc")[0]["result"], "numbers as numbers")
	require.EqualValues(t, 10, c.list("/Observations?$orderby=Datastream/name desc,@iot.id")[0]["result"])
}

// 3.6: $count.
func TestCount(t *testing.T) {
	c := seeded(t)
	for _, s := range sets {
		o := c.get("/" + s.name + "?$count=true")
		require.EqualValues(t, len(o["value"].([]any)), o["@iot.count"])
		require.NotContains(t, c.get("/"+s.name+"?$count=false"), "@iot.count")
		require.NotContains(t, c.get("/"+s.name), "@iot.count")
	}
	_, b := c.raw("GET", "/Observations?$count=true&$top=1", "")
	require.Contains(t, string(b), `"@iot.count":12`)
	require.Contains(t, string(b), "?$count=true&$top=1&$skip=1")
}

// 3.7: each comparison of each member; rows without a value never come back.
func TestFilter(t *testing.T) {
	c := seeded(t)
	c.post("/Datastreams(1)/Observations", `{"phenomenonTime":"2015-04-01T00:00:00Z","result":null}`)
	holds := map[string]func(int) bool{
		"lt": func(d int) bool { return d < 0 }, "le": func(d int) bool { return d <= 0 }, "eq": func(d int) bool { return d == 0 },
		"ne": func(d int) bool { return d != 0 }, "ge": func(d int) bool { return d >= 0 }, "gt": func(d int) bool { return d > 0 },
	}
	for _, s := range sets {
		list := c.list("/" + s.name)
		for _, m := range s.members {
			if m == "location" || m == "feature" || m == "unitOfMeasurement" {
				continue
			}
			pivot := fmt.Sprint(list[1][m])
			literal := "'" + pivot + "'"
			if m == "time" || strings.HasSuffix(m, "Time") {
				literal = pivot
			}
			for op, fits := range holds {
				want := 0
				for _, e := range list {
					if e[m] != nil && fits(strings.Compare(fmt.Sprint(e[m]), pivot)) {
						want++
					}
				}
				got := c.list("/" + s.name + where("$filter", m+" "+op+" "+literal))
				require.Len(t, got, want, "%s %s %s", m, op, literal)
			}
		}
	}
}

// 3.8: $filter, $orderby, $skip and $top apply in this order.
func TestOrderOfOptions(t *testing.T) {
	c := seeded(t)
	o := c.get("/Observations?$count=true&$top=1&$skip=2&$orderby=phenomenonTime asc&$filter=result gt '3'")
	require.EqualValues(t, 6, o["@iot.count"])
	require.Len(t, o["value"], 1)
	require.EqualValues(t, 6, o["value"].([]any)[0].(object)["result"])
}
