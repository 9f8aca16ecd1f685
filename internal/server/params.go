package server

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"twind/layers"
	"twind/spatial"
)

// params are the query parameters of one request: each known by name, each
// given at most once.
type params map[string]string

// readParams refuses parameters that are not among known, repeated ones, and a
// query that does not decode. The sentence names what is known.
func readParams(r *http.Request, known ...string) (params, error) {
	if r.URL.RawQuery == "" {
		return nil, nil
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fail(400, "The query string does not decode: "+err.Error()+".")
	}
	p := make(params, len(q))
	for k, v := range q {
		if !slices.Contains(known, k) {
			what := "none is known here"
			if len(known) > 0 {
				what = "known here: " + strings.Join(known, ", ")
			}
			return nil, fail(400, fmt.Sprintf("Unknown query parameter %q; %s.", cut(k, 80), what))
		}
		if len(v) > 1 {
			return nil, fail(400, fmt.Sprintf("Query parameter %q is given %d times; give it once.", k, len(v)))
		}
		p[k] = v[0]
	}
	return p, nil
}

// readFormat reads the parameters of a resource that exists as JSON only.
func readFormat(r *http.Request) error {
	p, err := readParams(r, "f", "token")
	if err != nil {
		return err
	}
	if f, ok := p["f"]; ok && f != "json" {
		return fail(400, fmt.Sprintf("f=%s is not offered; use f=json.", cut(f, 40)))
	}
	return nil
}

func cut(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}

// parseNumber reads a decimal number as JSON writes it, also with a missing
// digit before or after the point; unlike strconv it refuses inf, nan,
// hexadecimal and underscores.
func parseNumber(s string) (float64, bool) {
	if s == "" || len(s) > 64 {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; !(c >= '0' && c <= '9' || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E') {
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && !math.IsInf(v, 0)
}

// parseBBox reads OGC API bbox: west,south,east,north in degrees, or six numbers
// with heights, which do not filter. West > east crosses the antimeridian and
// gives two boxes.
func parseBBox(s string) ([]spatial.Envelope, error) {
	const want = "expected four numbers west,south,east,north in degrees (or six with heights)"
	parts := strings.Split(s, ",")
	if len(parts) != 4 && len(parts) != 6 {
		return nil, fail(400, fmt.Sprintf("bbox has %d numbers; %s.", len(parts), want))
	}
	v := make([]float64, len(parts))
	for i, p := range parts {
		n, ok := parseNumber(strings.TrimSpace(p))
		if !ok {
			return nil, fail(400, fmt.Sprintf("bbox: %q is not a number; %s.", cut(p, 40), want))
		}
		v[i] = n
	}
	w, so, e, n := v[0], v[1], v[2], v[3]
	if len(v) == 6 {
		w, so, e, n = v[0], v[1], v[3], v[4]
		if v[2] > v[5] {
			return nil, fail(400, "bbox: the lower height is above the upper one.")
		}
	}
	if w < -180 || w > 180 || e < -180 || e > 180 {
		return nil, fail(400, "bbox: a longitude is outside −180 to 180; "+want+".")
	}
	if so < -90 || n > 90 || so > 90 || n < -90 {
		return nil, fail(400, "bbox: a latitude is outside −90 to 90; "+want+".")
	}
	if so > n {
		return nil, fail(400, "bbox: south is north of north; "+want+".")
	}
	if w > e {
		return []spatial.Envelope{{MinX: w, MinY: so, MaxX: 180, MaxY: n}, {MinX: -180, MinY: so, MaxX: e, MaxY: n}}, nil
	}
	return []spatial.Envelope{{MinX: w, MinY: so, MaxX: e, MaxY: n}}, nil
}

// parseLimit reads OGC API limit: a positive integer; above most it is most.
func parseLimit(s string, def, most int) (int, error) {
	if s == "" {
		return def, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || s[0] == '+' {
		return 0, fail(400, fmt.Sprintf("limit %q: expected a whole number from 1 to %d.", cut(s, 40), most))
	}
	return min(n, most), nil
}

// interval is a closed span of time; a zero end is open.
type interval struct{ from, to time.Time }

// parseDatetime reads OGC API datetime: an instant, or an interval whose open
// end is ".." or empty.
func parseDatetime(s string) (interval, error) {
	bad := func() (interval, error) {
		return interval{}, fail(400, fmt.Sprintf("datetime %q: expected an RFC 3339 instant such as 2026-01-31T08:00:00Z, a date, or an interval a/b with .. for an open end.", cut(s, 60)))
	}
	a, b, isInterval := strings.Cut(s, "/")
	from, ok := parseInstant(a, false)
	if !ok {
		return bad()
	}
	if !isInterval {
		to, ok := parseInstant(a, true)
		if !ok || from.IsZero() && a == ".." || a == "" {
			return bad()
		}
		return interval{from, to}, nil
	}
	to, ok := parseInstant(b, true)
	open := func(v string) bool { return v == "" || v == ".." }
	if !ok || open(a) && open(b) {
		return bad()
	}
	if !open(a) && !open(b) && to.Before(from) {
		return interval{}, fail(400, fmt.Sprintf("The interval, of datetime or of start and end, begins at %s, after its end %s; give the earlier one first.", cut(a, 40), cut(b, 40)))
	}
	return interval{from, to}, nil
}

// parseInstant reads one end; a date means its first or last moment in UTC. An open
// end is the zero time, and nothing else is: the beginning of the year 1, which Go
// calls zero, is the moment after it.
func parseInstant(s string, end bool) (time.Time, bool) {
	if s == "" || s == ".." {
		return time.Time{}, true
	}
	t, ok := readInstant(s, end)
	if t.IsZero() {
		t = t.Add(time.Nanosecond)
	}
	return t, ok
}

func readInstant(s string, end bool) (time.Time, bool) {
	if len(s) > 40 {
		return time.Time{}, false
	}
	if t, err := time.Parse("2006-01-02", s); err == nil {
		if end {
			t = t.Add(24*time.Hour - time.Nanosecond)
		}
		return t, true
	}
	if t, err := time.Parse("2006-01-02T", s); err == nil { // GDAL sends a date with a bare T
		if end {
			t = t.Add(24*time.Hour - time.Nanosecond)
		}
		return t, true
	}
	t, err := time.Parse(time.RFC3339Nano, strings.ToUpper(strings.Replace(s, " ", "+", 1)))
	return t, err == nil
}

func (i interval) contains(t time.Time) bool {
	return (i.from.IsZero() || !t.Before(i.from)) && (i.to.IsZero() || !t.After(i.to))
}

// propertyFilters turns {queryable}=value parameters into a filter; the rest of
// the query is what names says.
func propertyFilter(l *layers.Layer, name, text string) (layers.Filter, error) {
	i := l.PropertyIndex(name)
	p := l.Schema[i]
	v, err := ParseValue(p.Type, text)
	if err != nil {
		return nil, fail(400, fmt.Sprintf("Query parameter %q: %s.", cut(name, 80), err))
	}
	return layers.Comparison{Property: name, Op: layers.Equal, Value: v}, nil
}

// ParseValue reads a property's value from the text of a query parameter.
func ParseValue(t layers.ValueType, s string) (layers.Value, error) {
	switch t {
	case layers.Boolean:
		switch s {
		case "true", "1":
			return layers.BoolValue(true), nil
		case "false", "0":
			return layers.BoolValue(false), nil
		}
		return layers.Value{}, fmt.Errorf("%q is not true or false", cut(s, 40))
	case layers.Integer:
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return layers.Value{}, fmt.Errorf("%q is not a whole number of 64 bits", cut(s, 40))
		}
		return layers.IntValue(n), nil
	case layers.Number:
		n, ok := parseNumber(s)
		if !ok {
			return layers.Value{}, fmt.Errorf("%q is not a number", cut(s, 40))
		}
		return layers.FloatValue(n), nil
	}
	return layers.TextValue(t, s), nil
}
