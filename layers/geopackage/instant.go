package geopackage

import (
	"strings"
	"time"
)

// GeoPackage keeps an instant as text in UTC with milliseconds
// ("2026-11-21T08:00:00.000Z", OGC 12-128r17 table 1); twind's values have no
// fraction they do not need ("2026-11-21T08:00:00Z"). Finer fractions are kept.

// instant is the canonical form of an instant: in UTC, with as few digits as it
// needs. Text that is none stays as it is.
func instant(s string) string {
	n := len(s)
	if n == 20 && s[19] == 'Z' && s[10] == 'T' {
		return s
	}
	if n == 24 && s[23] == 'Z' && s[10] == 'T' && s[19:23] == ".000" {
		return s[:19] + "Z"
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return s
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// storedInstant is a canonical instant as GeoPackage wants it.
func storedInstant(s string) string {
	if len(s) < 20 || s[len(s)-1] != 'Z' {
		return s
	}
	seconds, fraction := s[:19], strings.TrimPrefix(s[19:len(s)-1], ".")
	for len(fraction) < 3 {
		fraction += "0"
	}
	return seconds + "." + fraction + "Z"
}
