package spatial

import "slices"

// Equal tells whether two geometries have the same type, structure, coordinates
// and heights, in the same order; empty and nil slices are equal, but having no
// heights differs from having them wherever there are vertices.
func (g Geometry) Equal(o Geometry) bool {
	return g.Type == o.Type && slices.Equal(g.XY, o.XY) && slices.Equal(g.Z, o.Z) && slices.Equal(g.Ends, o.Ends) &&
		slices.Equal(g.Parts, o.Parts) && slices.EqualFunc(g.Members, o.Members, Geometry.Equal)
}
