package layers

import "twind/spatial"

// Revision numbers the changes of a store: each changed feature of each
// committed transaction takes the next one, so revisions are unique in a store
// and grow in commit order. 0 is before any change.
type Revision int64

// Feature is one object of a layer.
//
// ID is stable for the object's life, unique in its layer, 1 to 255 bytes of
// UTF-8 without control characters or "/". Properties stand in the order of the
// layer's Schema and are as many. Surfaces are the faces of its body where they are
// known. Revision is that of the feature's last change.
type Feature struct {
	ID         string
	Geometry   spatial.Geometry
	Properties []Value
	Surfaces   Surfaces
	Revision   Revision
}

// Clone copies the feature so that it outlives the callback that lent it.
func (f *Feature) Clone() *Feature {
	return &Feature{f.ID, f.Geometry.Clone(), append([]Value(nil), f.Properties...), append(Surfaces(nil), f.Surfaces...), f.Revision}
}

// CheckFeatureID fails with ErrInvalid when s cannot be a feature's id.
func CheckFeatureID(s string) error {
	if s == "" || len(s) > 255 {
		return Errorf(ErrInvalid, "feature id of %d bytes: expected 1 to 255", len(s))
	}
	if s == "." || s == ".." {
		return Errorf(ErrInvalid, "feature id %q: an address cannot end in it; use another", s)
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == '/' || r == 0xfffd {
			return Errorf(ErrInvalid, "feature id %.40q holds a control character, a slash or invalid UTF-8", s)
		}
	}
	return nil
}
