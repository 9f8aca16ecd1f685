package layers

import "math"

// Heights says how a layer's heights stand in 3D.
type Heights struct {
	// EllipsoidOffset is what to add to a height of the layer's vertical datum for
	// one above the WGS 84 ellipsoid, in metres: the undulation of the geoid there.
	EllipsoidOffset float64 `json:"ellipsoidOffset,omitempty" yaml:"ellipsoidOffset"`
	// Cover is the ground above a pipe whose elevation nobody recorded, in metres;
	// 0 is 1.5 m.
	Cover float64 `json:"cover,omitempty" yaml:"cover"`
	// Of is what the heights of a pipe are those of, where no property of the pipe
	// says so: "invert", "top" or "axis"; empty is the invert of gravity sewers and
	// the top of all else.
	Of string `json:"of,omitempty" yaml:"of"`
}

// check reports the first fault for the layer's description.
func (h *Heights) check(id ID) error {
	switch {
	case h == nil:
		return nil
	case !(math.Abs(h.EllipsoidOffset) <= 12000):
		return Errorf(ErrInvalid, "layer %s: heights.ellipsoidOffset %g m: expected a geoid's undulation, such as -32.8", id, h.EllipsoidOffset)
	case !(h.Cover >= 0 && h.Cover <= 200):
		return Errorf(ErrInvalid, "layer %s: heights.cover %g m: expected 0 to 200", id, h.Cover)
	case h.Of != "" && h.Of != "invert" && h.Of != "top" && h.Of != "axis":
		return Errorf(ErrInvalid, "layer %s: heights.of %.40q: expected invert, top or axis", id, h.Of)
	}
	return nil
}
