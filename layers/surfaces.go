package layers

import (
	"encoding/binary"
	"sync"

	"twind/spatial"
	"twind/spatial/wkb"
)

// SurfaceClass says what a face of a body is, after CityGML: the letter under
// which stores keep it.
type SurfaceClass byte

// The classes.
const (
	GroundSurface SurfaceClass = 'G'
	WallSurface   SurfaceClass = 'W'
	RoofSurface   SurfaceClass = 'R'
	OtherSurface  SurfaceClass = 'O' // closures, floors and ceilings outside, and what nobody named
)

// Surfaces are the faces of a feature's body, encoded: what a level of detail of 2
// or more knows of a building beside its footprint.
//
//	ISO WKB of a MultiPolygon Z, one polygon a face │ SurfaceClass, one a face
//
// Corners are longitude and latitude in degrees and metres of the layer's vertical
// datum; seen from outside the body, outer rings run counter-clockwise. Nil and
// empty are no faces; see Tx for what they mean when a feature is written.
type Surfaces []byte

// NewSurfaces encodes the polygons of a MultiPolygon with heights, and a class for
// each. It fails with ErrInvalid where Check would.
func NewSurfaces(g spatial.Geometry, classes []SurfaceClass) (Surfaces, error) {
	s := Surfaces(wkb.Append(nil, g))
	for _, c := range classes {
		s = append(s, byte(c))
	}
	return s, s.Check()
}

// JoinSurfaces is the opposite of WKB and Classes.
func JoinSurfaces(wkb []byte, classes string) Surfaces {
	return append(append(make(Surfaces, 0, len(wkb)+len(classes)), wkb...), classes...)
}

// split is the number of bytes of the WKB, or −1.
func (s Surfaces) split() int {
	if len(s) < 9 || s[0] != 1 {
		return -1
	}
	n := int64(binary.LittleEndian.Uint32(s[5:]))
	if n == 0 || n > int64(len(s)-9) {
		return -1
	}
	return len(s) - int(n)
}

// WKB is the faces as well-known binary; nil without any.
func (s Surfaces) WKB() []byte {
	if k := s.split(); k >= 0 {
		return s[:k:k]
	}
	return nil
}

// Classes is one letter a face.
func (s Surfaces) Classes() string {
	if k := s.split(); k >= 0 {
		return string(s[k:])
	}
	return ""
}

// Decode fills g, whose memory it reuses, with the faces as a MultiPolygon, and
// returns the class of each as a part of s. It fails with ErrInvalid.
func (s Surfaces) Decode(g *spatial.Geometry) (classes []byte, err error) {
	k := s.split()
	if k < 0 {
		return nil, Errorf(ErrInvalid, "surfaces: %d bytes that are not the faces of a body", len(s))
	}
	if _, err := wkb.Decode(s[:k], g); err != nil {
		return nil, Errorf(ErrInvalid, "surfaces: %w", err)
	}
	if g.Type != spatial.MultiPolygon || g.Z == nil || len(g.Parts) != len(s)-k {
		return nil, Errorf(ErrInvalid, "surfaces: a %v with %d faces for %d classes: expected a MultiPolygon with heights", g.Type, len(g.Parts), len(s)-k)
	}
	return s[k:], nil
}

var surfaceScratch = sync.Pool{New: func() any { return new(spatial.Geometry) }}

// Check reports the first fault; it fails with ErrInvalid. No faces are no fault.
func (s Surfaces) Check() error {
	if len(s) == 0 {
		return nil
	}
	if len(s) > MaxFeatureBytes {
		return Errorf(ErrInvalid, "surfaces of %d bytes; at most %d are possible", len(s), MaxFeatureBytes)
	}
	g := surfaceScratch.Get().(*spatial.Geometry)
	defer surfaceScratch.Put(g)
	classes, err := s.Decode(g)
	if err != nil {
		return err
	}
	if err := g.Check(); err != nil {
		return Errorf(ErrInvalid, "surfaces: %w", err)
	}
	if e := g.Envelope(); e.MinX < -180 || e.MaxX > 180 || e.MinY < -90 || e.MaxY > 90 {
		return Errorf(ErrInvalid, "the surfaces reach %v, outside longitude ±180 and latitude ±90 degrees", e)
	}
	for _, c := range classes {
		switch SurfaceClass(c) {
		case GroundSurface, WallSurface, RoofSurface, OtherSurface:
		default:
			return Errorf(ErrInvalid, "surfaces: class %q: expected G, W, R or O", c)
		}
	}
	return nil
}
