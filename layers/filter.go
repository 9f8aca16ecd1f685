package layers

import "twind/spatial"

// Filter is a node of a filter's expression tree, after OGC CQL2 (21-065r2).
// The nodes of this package are all there are: stores translate them to SQL and
// snapshots evaluate them. A filter is immutable and safe for concurrent use.
type Filter interface{ filter() }

// Op is a comparison.
type Op uint8

// The comparisons.
const (
	Equal Op = iota
	NotEqual
	Less
	LessEqual
	Greater
	GreaterEqual
)

type (
	// And is true when all its members are.
	And []Filter
	// Or is true when one of its members is.
	Or []Filter
	// Not is true when its member is false.
	Not struct{ Filter Filter }
	// Comparison compares a property with a value; with null it is unknown, which counts as false.
	Comparison struct {
		Property string
		Op       Op
		Value    Value
	}
	// Like matches text against a pattern in which % stands for any text, _ for one character,
	// and a backslash takes the next character for itself.
	Like struct {
		Property, Pattern string
		FoldCase          bool
	}
	// In is true when the property equals one of the values.
	In struct {
		Property string
		Values   []Value
	}
	// Between is true for Low ≤ property ≤ High.
	Between struct {
		Property  string
		Low, High Value
	}
	// IsNull is true when the property has no value.
	IsNull struct{ Property string }
	// GeometryIsNull is true for a feature without geometry.
	GeometryIsNull struct{}
	// PropertyComparison compares two properties of a feature; with null it is unknown.
	PropertyComparison struct {
		Left  string
		Op    Op
		Right string
	}
	// Intersects is true when the geometry's exact shape shares a position with the box, in degrees.
	Intersects struct{ Box spatial.Envelope }
	// IntersectsGeometry is true when the geometry's exact shape shares a position, in the plane
	// of longitude and latitude, with another in degrees, which nobody changes any more.
	IntersectsGeometry struct{ Geometry spatial.Geometry }
)

func (And) filter()                {}
func (Or) filter()                 {}
func (Not) filter()                {}
func (Comparison) filter()         {}
func (Like) filter()               {}
func (In) filter()                 {}
func (Between) filter()            {}
func (IsNull) filter()             {}
func (GeometryIsNull) filter()     {}
func (PropertyComparison) filter() {}
func (Intersects) filter()         {}
func (IntersectsGeometry) filter() {}
