package sensorthings

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// unquote is the text of a JSON string; "" of anything else.
func unquote(v json.RawMessage) string {
	if len(v) < 2 || v[0] != '"' {
		return ""
	}
	if !strings.Contains(string(v), `\`) {
		return string(v[1 : len(v)-1])
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

// parseTimes reads an instant, or an interval as two with a slash between them.
func parseTimes(s string) (times, bool) {
	from, to, interval := strings.Cut(s, "/")
	a, ok := parseInstant(from)
	if !ok || !interval {
		return times{from: a, to: a}, ok
	}
	b, ok := parseInstant(to)
	return times{from: a, to: b, interval: true}, ok && !b.Before(a)
}

func parseInstant(s string) (time.Time, bool) {
	if len(s) > 40 {
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

var durationForm = regexp.MustCompile(`^(-?)P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6}(?:\.\d{1,9})?)S)?)?$`)

// parseDuration reads days, hours, minutes and seconds of ISO 8601.
func parseDuration(s string) (time.Duration, bool) {
	m := durationForm.FindStringSubmatch(s)
	if m == nil || len(s) < 3 {
		return 0, false
	}
	var sum float64
	for i, unit := range []float64{86400, 3600, 60, 1} {
		n, _ := strconv.ParseFloat(m[i+2], 64) // absent: 0
		sum += n * unit
	}
	if m[1] != "" {
		sum = -sum
	}
	return time.Duration(sum * float64(time.Second)), true
}
