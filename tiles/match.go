package tiles

import (
	"twind/layers"
	"twind/layers/snapshot"
)

// newMatch makes the test that a row must pass, or nil if all do.
func newMatch(l *layers.Layer, f layers.Filter, p layers.Policy) (func(*snapshot.Segment, int) bool, error) {
	if f == nil && p.Rows == nil {
		return nil, nil
	}
	return nil, layers.Errorf(layers.ErrUnsupported, "filters on tiles are not there yet")
}
