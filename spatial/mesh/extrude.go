package mesh

import (
	"math"
	"slices"

	"twind/spatial"
)

// RoofShape is the form of a building's roof.
type RoofShape uint8

// The roof shapes. Gabled, hipped and shed roofs stand on footprints of four
// corners without holes, pyramidal ones on any footprint whose every edge is
// seen from its centroid; elsewhere the roof is flat.
const (
	Flat RoofShape = iota
	Gabled
	Hipped
	Pyramidal
	Shed
)

// ParseRoofShape reads the words of OpenStreetMap's roof:shape and of CityGML's
// roofType that name these forms; others are flat.
func ParseRoofShape(word string) RoofShape {
	switch word {
	case "gabled", "saltbox", "gambrel", "1030":
		return Gabled
	case "hipped", "half-hipped", "mansard", "1040", "1050", "1060":
		return Hipped
	case "pyramidal", "pyramid", "cone", "conical", "dome", "onion", "1070", "1080", "1090":
		return Pyramidal
	case "skillion", "shed", "lean_to", "monopitch", "1010":
		return Shed
	}
	return Flat
}

// Solid is a footprint and its heights.
type Solid struct {
	// XY, Ends and Parts have the layout of spatial.Geometry (Polygon when
	// Parts is nil, else MultiPolygon) in local metres; the rings may have any
	// orientation and may be closed or open.
	XY    []float64
	Ends  []int32
	Parts []int32
	// Base and Top are metres in the local frame; Top is the highest line of
	// the roof.
	Base, Top float64
	// Eaves is where a roof that is not flat begins, in metres of the local
	// frame. NaN or a value outside Base…Top gives a slope of about 35°, at most
	// half the height.
	Eaves float64
	Roof  RoofShape
	// Downhill is the compass direction, in degrees clockwise from north, in
	// which a shed roof (or one face of a gabled one) falls; NaN is unknown: a
	// ridge runs along the longer side.
	Downhill float64
}

// FromGeometry is a solid over a geometry in local metres, with unknown eaves
// and direction. It shares the geometry's slices.
func FromGeometry(g *spatial.Geometry, base, top float64) Solid {
	return Solid{XY: g.XY, Ends: g.Ends, Parts: g.Parts, Base: base, Top: top, Eaves: math.NaN(), Downhill: math.NaN()}
}

// Sinks take the surfaces of a solid by class; nil leaves a class out, and one
// mesh may serve several.
type Sinks struct{ Roof, Wall, Floor *Mesh }

// Fault says what was wrong with a solid or a tube that was drawn as well as it
// could be, or left out.
type Fault uint8

// The faults, the worst last.
const (
	OK             Fault = iota
	Approximated         // crossed, spiked or touching rings: the area deviates by more than 0.1 %
	NoArea               // left out: no triangle remains
	BadSize              // left out: a section is not positive or above MaxSection
	BadHeight            // left out: a height is not finite, or the top is not above the base
	BadCoordinates       // left out: a coordinate is not finite, or the rings do not fit the coordinates
)

// String is the fault as a word for reports.
func (f Fault) String() string {
	return [...]string{"ok", "approximated", "no area", "bad size", "bad height", "bad coordinates"}[min(f, BadCoordinates)]
}

// Built reports what an Extruder made.
type Built struct {
	Fault     Fault
	Roof      RoofShape // the form that was built
	Deviation float64   // the worst of the parts before mending, see Triangulator
}

// approximate is the deviation from which on a footprint is reported.
const approximate = 1e-3

// Extruder makes solids of footprints. The zero value is ready: flat walls,
// sharp corners.
type Extruder struct {
	// CreaseCos smooths the corner between two walls when the cosine of the
	// angle they turn by is greater; 0 means never (0.9 smooths round towers).
	CreaseCos float64
	// Tolerance drops footprint vertices that lie within so many metres of the
	// wall that is built instead, and rings that are all within it of a line; 0
	// drops vertices exactly on the line of their neighbours.
	Tolerance float64

	tri    Triangulator
	mender mender
	xy     []float64 // the cleaned rings of one part, shell counter-clockwise
	ends   []int32
	cuts   []uint32
	parts  []int32 // of mended rings
	single []int32 // the ends of one of them
	kept   []int32 // vertices that simplify keeps
	turned []float64
}

// Extrude appends a solid. Every part is a prism (or a house with its roof);
// with all three sinks it is closed: each edge is met by two triangles in
// opposite directions.
func (e *Extruder) Extrude(to Sinks, s *Solid) Built {
	switch {
	case !(math.Abs(s.Base) < 1e7) || !(math.Abs(s.Top) < 1e7) || !(s.Top > s.Base):
		return Built{Fault: BadHeight}
	case len(s.Ends) == 0 || len(s.XY)%2 != 0 || int(s.Ends[len(s.Ends)-1]) > len(s.XY)/2 || s.Ends[0] < 0 || !slices.IsSorted(s.Ends) || !finite(s.XY):
		return Built{Fault: BadCoordinates}
	case len(s.Parts) > 0 && (s.Parts[0] < 0 || !slices.IsSorted(s.Parts) || int(s.Parts[len(s.Parts)-1]) > len(s.Ends)):
		return Built{Fault: BadCoordinates}
	}
	b := Built{Fault: NoArea}
	if s.Parts == nil {
		e.part(to, s, 0, int32(len(s.Ends)), &b)
		return b
	}
	from := int32(0)
	for _, end := range s.Parts {
		e.part(to, s, from, end, &b)
		from = end
	}
	return b
}

// part extrudes the polygon whose rings are from…end.
func (e *Extruder) part(to Sinks, s *Solid, from, end int32, b *Built) {
	if !e.clean(s, from, end) {
		return
	}
	e.tri.KeepCollinear = to.Floor != nil
	if s.Roof != Flat {
		if shape, ok := e.pitched(to, s); ok {
			b.Roof = shape
			b.drawn(0)
			return
		}
	}
	var deviation float64
	e.cuts, deviation = e.tri.Triangulate(e.cuts[:0], e.xy, e.ends)
	if deviation > approximate && e.mended(to, s.Base, s.Top) {
		b.drawn(deviation)
		return
	}
	if len(e.cuts) == 0 {
		return
	}
	b.drawn(deviation)
	e.prism(to, s.Base, s.Top)
}

// drawn notes that a part was drawn.
func (b *Built) drawn(deviation float64) {
	if b.Fault == NoArea {
		b.Fault = OK
	}
	b.Deviation = max(b.Deviation, deviation)
	if deviation > approximate {
		b.Fault = Approximated
	}
}
