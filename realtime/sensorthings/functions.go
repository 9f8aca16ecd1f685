package sensorthings

import (
	"math"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/peterstace/simplefeatures/geom"
)

// function is one of $filter. of is called with least to most values and gives
// null for values it is not made for.
type function struct {
	least, most int
	predicate   bool
	of          func([]value) value
}

var functions = map[string]function{
	"substringof": texts(2, true, func(s []string) value { return truth(strings.Contains(s[1], s[0])) }),
	"endswith":    texts(2, true, func(s []string) value { return truth(strings.HasSuffix(s[0], s[1])) }),
	"startswith":  texts(2, true, func(s []string) value { return truth(strings.HasPrefix(s[0], s[1])) }),
	"length":      texts(1, false, func(s []string) value { return number(float64(utf8.RuneCountInString(s[0]))) }),
	"indexof":     texts(2, false, indexOf),
	"tolower":     texts(1, false, func(s []string) value { return textValue(strings.ToLower(s[0])) }),
	"toupper":     texts(1, false, func(s []string) value { return textValue(strings.ToUpper(s[0])) }),
	"trim":        texts(1, false, func(s []string) value { return textValue(strings.TrimSpace(s[0])) }),
	"concat":      texts(2, false, func(s []string) value { return textValue(s[0] + s[1]) }),
	"substring":   {2, 3, false, substring},

	"year":               clock(func(t time.Time) value { return number(float64(t.Year())) }),
	"month":              clock(func(t time.Time) value { return number(float64(t.Month())) }),
	"day":                clock(func(t time.Time) value { return number(float64(t.Day())) }),
	"hour":               clock(func(t time.Time) value { return number(float64(t.Hour())) }),
	"minute":             clock(func(t time.Time) value { return number(float64(t.Minute())) }),
	"second":             clock(func(t time.Time) value { return number(float64(t.Second())) }),
	"fractionalseconds":  clock(func(t time.Time) value { return number(float64(t.Nanosecond()) / 1e9) }),
	"date":               clock(func(t time.Time) value { return textValue(t.Format(time.DateOnly)) }),
	"time":               clock(func(t time.Time) value { return textValue(t.Format(time.TimeOnly)) }),
	"totaloffsetminutes": clock(offsetMinutes),
	"now":                {0, 0, false, nil}, // the parser knows it
	"mindatetime":        {0, 0, false, func([]value) value { return instantValue(time.Time{}) }},
	"maxdatetime":        {0, 0, false, func([]value) value { return instantValue(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)) }},

	"round":   rounded(math.Round),
	"floor":   rounded(math.Floor),
	"ceiling": rounded(math.Ceil),

	"geo.distance":   shapes(2, false, distance),
	"geo.length":     shapes(1, false, func(g []geom.Geometry) value { return number(g[0].Length()) }),
	"geo.intersects": related2(func(a, b geom.Geometry) (bool, error) { return geom.Intersects(a, b), nil }),
	"st_intersects":  related2(func(a, b geom.Geometry) (bool, error) { return geom.Intersects(a, b), nil }),
	"st_equals":      related2(geom.Equals),
	"st_disjoint":    related2(geom.Disjoint),
	"st_touches":     related2(geom.Touches),
	"st_within":      related2(geom.Within),
	"st_overlaps":    related2(geom.Overlaps),
	"st_crosses":     related2(geom.Crosses),
	"st_contains":    related2(geom.Contains),
	"st_relate":      {3, 3, true, relate},
}

func texts(n int, predicate bool, fn func([]string) value) function {
	return function{n, n, predicate, func(v []value) value {
		s := make([]string, 0, 2)
		for i := range v {
			if v[i].typ != typeText {
				return value{}
			}
			s = append(s, v[i].text)
		}
		return fn(s)
	}}
}

// indexOf counts characters from 0; -1 without.
func indexOf(s []string) value {
	i := strings.Index(s[0], s[1])
	if i > 0 {
		i = utf8.RuneCountInString(s[0][:i])
	}
	return number(float64(i))
}

func substring(v []value) value {
	if v[0].typ != typeText || v[1].typ != typeNumber || len(v) > 2 && v[2].typ != typeNumber {
		return value{}
	}
	r := []rune(v[0].text)
	cut := func(n float64) int { return int(min(max(n, 0), float64(len(r)))) }
	from, to := cut(v[1].number), len(r)
	if len(v) > 2 {
		to = max(from, cut(v[1].number+v[2].number))
	}
	return textValue(string(r[from:to]))
}

func instantValue(t time.Time) value { return value{typ: typeTimes, times: times{from: t, to: t}} }

// clock takes the beginning of an interval, in the zone it is written with.
func clock(fn func(time.Time) value) function {
	return function{1, 1, false, func(v []value) value {
		if v[0].typ == typeText {
			if t, ok := parseTimes(v[0].text); ok {
				return fn(t.from)
			}
		}
		if v[0].typ != typeTimes {
			return value{}
		}
		return fn(v[0].times.from)
	}}
}

func offsetMinutes(t time.Time) value {
	_, seconds := t.Zone()
	return number(float64(seconds / 60))
}

func rounded(fn func(float64) float64) function {
	return function{1, 1, false, func(v []value) value {
		if v[0].typ != typeNumber {
			return value{}
		}
		return number(fn(v[0].number))
	}}
}

func shapes(n int, predicate bool, fn func([]geom.Geometry) value) function {
	return function{n, n, predicate, func(v []value) value {
		g := make([]geom.Geometry, 0, 2)
		for i := range v {
			shape, ok := v[i].shape()
			if !ok {
				return value{}
			}
			g = append(g, shape)
		}
		return fn(g)
	}}
}

// distance is in degrees, as the coordinates are.
func distance(g []geom.Geometry) value {
	d, ok := geom.Distance(g[0], g[1])
	if !ok {
		return value{}
	}
	return number(d)
}

func related2(fn func(a, b geom.Geometry) (bool, error)) function {
	return shapes(2, true, func(g []geom.Geometry) value {
		is, err := fn(g[0], g[1])
		if err != nil {
			return value{}
		}
		return truth(is)
	})
}

// relatePattern is a pattern of DE-9IM.
var relatePattern = regexp.MustCompile(`^[F012T*]{9}$`)

func relate(v []value) value {
	a, okA := v[0].shape()
	b, okB := v[1].shape()
	if !okA || !okB || v[2].typ != typeText {
		return value{}
	}
	matrix, err := geom.Relate(a, b)
	if err != nil {
		return value{}
	}
	is, err := geom.RelateMatches(matrix, v[2].text)
	if err != nil {
		return value{}
	}
	return truth(is)
}

// calculate is add, sub, mul, div and mod of numbers, and of times and durations.
func calculate(op string, a, b value) value {
	if a.typ == typeNumber && b.typ == typeNumber {
		return calculateNumbers(op, a.number, b.number)
	}
	sign := time.Duration(1)
	if op == "sub" {
		sign = -1
	}
	switch {
	case op != "add" && op != "sub":
	case a.typ == typeTimes && b.typ == typeDuration:
		d := sign * b.duration
		return value{typ: typeTimes, times: times{from: a.times.from.Add(d), to: a.times.to.Add(d), interval: a.times.interval}}
	case a.typ == typeTimes && b.typ == typeTimes && op == "sub":
		return value{typ: typeDuration, duration: a.times.from.Sub(b.times.from)}
	case a.typ == typeDuration && b.typ == typeDuration:
		return value{typ: typeDuration, duration: a.duration + sign*b.duration}
	}
	return value{}
}

func calculateNumbers(op string, a, b float64) value {
	switch op {
	case "add":
		return number(a + b)
	case "sub":
		return number(a - b)
	case "mul":
		return number(a * b)
	}
	if b == 0 {
		return value{}
	}
	if op == "div" {
		return number(a / b)
	}
	return number(math.Mod(a, b))
}
