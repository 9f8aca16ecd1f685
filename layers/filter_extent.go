package layers

import (
	"math"

	"twind/spatial"
)

// FilterExtent is a box in degrees that every geometry shares a position with for
// whose feature the filter is true, so that an index can narrow the search; false
// when the filter does not bound where its features lie. An empty box means that
// the filter is never true.
func FilterExtent(f Filter) (spatial.Envelope, bool) {
	switch f := f.(type) {
	case Intersects:
		return f.Box, true
	case IntersectsGeometry:
		return f.Geometry.Envelope(), true
	case And:
		var box spatial.Envelope
		bounded := false
		for _, m := range f {
			// Two boxes may lie apart and one geometry meet both: the smaller one is
			// as good a bound as there is.
			if b, ok := FilterExtent(m); ok && (!bounded || area(b) < area(box)) {
				box, bounded = b, true
			}
		}
		return box, bounded
	case Or:
		box := spatial.EmptyEnvelope()
		for _, m := range f {
			b, ok := FilterExtent(m)
			if !ok {
				return spatial.Envelope{}, false
			}
			box = box.Union(b)
		}
		return box, true
	}
	return spatial.Envelope{}, false
}

func area(e spatial.Envelope) float64 {
	return math.Max(0, e.MaxX-e.MinX) * math.Max(0, e.MaxY-e.MinY)
}
