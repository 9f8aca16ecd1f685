package tiles

import (
	"strconv"
	"strings"
)

// Encoding is a content coding of HTTP (RFC 9110 §8.4.1) in which tiles are kept.
type Encoding uint8

// The encodings.
const (
	Identity Encoding = iota
	Gzip
	Zstd
	encodings = 3
)

// String is the value of Content-Encoding, "gzip" or "zstd"; "" for Identity,
// which has no such header.
func (e Encoding) String() string { return [encodings]string{"", "gzip", "zstd"}[e] }

// Negotiate chooses the encoding to answer a request's Accept-Encoding with,
// after RFC 9110 §12.5.3: the one with the highest weight, of equals zstd before
// gzip before identity. An absent (empty) header gets Identity. It reports false
// when the client refuses all three; a server may send Identity nevertheless.
func Negotiate(acceptEncoding string) (Encoding, bool) {
	if acceptEncoding == "" {
		return Identity, true
	}
	q := weights(acceptEncoding)
	best := Identity
	for _, e := range []Encoding{Gzip, Zstd} {
		if q[e] > 0 && q[e] >= q[best] {
			best = e
		}
	}
	return best, q[best] > 0
}

// Accepts tells whether a request's Accept-Encoding allows an answer in e; an
// absent (empty) header allows Identity only.
func Accepts(acceptEncoding string, e Encoding) bool {
	if acceptEncoding == "" {
		return e == Identity
	}
	return weights(acceptEncoding)[e] > 0
}

// weights are the weights that a header gives the encodings.
func weights(acceptEncoding string) [encodings]float64 {
	q := [encodings]float64{-1, -1, -1} // −1: not named
	star := -1.0
	for item := range strings.SplitSeq(acceptEncoding, ",") {
		name, params, _ := strings.Cut(item, ";")
		weight := 1.0
		if params = strings.TrimSpace(params); params != "" {
			v, ok := strings.CutPrefix(strings.ToLower(params), "q=")
			w, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			if !ok || err != nil || !(w >= 0 && w <= 1) {
				continue // a malformed item says nothing
			}
			weight = w
		}
		switch name = strings.TrimSpace(name); {
		case strings.EqualFold(name, "identity"):
			q[Identity] = weight
		case strings.EqualFold(name, "gzip"), strings.EqualFold(name, "x-gzip"):
			q[Gzip] = weight
		case strings.EqualFold(name, "zstd"):
			q[Zstd] = weight
		case name == "*":
			star = weight
		}
	}
	for e := range q {
		switch {
		case q[e] >= 0:
		case star >= 0:
			q[e] = star
		case Encoding(e) == Identity:
			q[e] = 0.0001 // acceptable unless refused, but the last resort
		default:
			q[e] = 0
		}
	}
	return q
}
