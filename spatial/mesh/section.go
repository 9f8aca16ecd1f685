package mesh

import "math"

// SectionKind is the form of a tube's cross-section.
type SectionKind uint8

// The forms.
const (
	Round SectionKind = iota
	Rectangular
)

// Section is a tube's cross-section by its outer sizes.
type Section struct {
	Kind   SectionKind
	Width  float64 // metres; the outer diameter of a round section
	Height float64 // metres; of a rectangular section, else ignored
}

// MaxSection is the largest side or diameter that is drawn, metres: the widest
// tunnels are below 20.
const MaxSection = 25

func (s Section) height() float64 {
	if s.Kind == Round {
		return s.Width
	}
	return s.Height
}

func (s Section) valid() bool {
	return s.Width > 0 && s.Width <= MaxSection && s.height() > 0 && s.height() <= MaxSection
}

// Sides is the number of sides that shows a round section of a radius in metres
// well at a level of detail: 0 from near, 1 from a street's length, 2 from far.
func Sides(radius float64, lod int) int {
	class := 0
	switch {
	case radius >= 0.5:
		class = 3
	case radius >= 0.2:
		class = 2
	case radius >= 0.075:
		class = 1
	}
	return [...]int{6, 8, 12, 16}[max(class-lod+boolInt(lod == 0 && class == 0), 0)]
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// shortest is the length, metres, below which a segment is left out.
const shortest = 1e-3

// cleanPath appends the vertices of a polyline without those that repeat.
func cleanPath(dst []vec, xyz []float64, s Section) ([]vec, Fault) {
	switch {
	case !s.valid():
		return dst, BadSize
	case len(xyz)%3 != 0:
		return dst, BadCoordinates
	}
	for i := 0; i < len(xyz); i += 3 {
		p := vec(xyz[i : i+3])
		if !(math.Abs(p[0]) < 1e8 && math.Abs(p[1]) < 1e8 && math.Abs(p[2]) < 1e8) {
			return dst, BadCoordinates
		}
		if len(dst) == 0 || p.sub(dst[len(dst)-1]).norm() >= shortest {
			dst = append(dst, p)
		}
	}
	if len(dst) < 2 {
		return dst, NoArea
	}
	return dst, OK
}
