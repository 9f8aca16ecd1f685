package sprite

import (
	"regexp"

	"twind/layers"
)

// Limits of icons.
const (
	MaxIcons     = 1000
	MaxIconBytes = 64 << 10 // of an SVG document
	MaxSide      = 64       // CSS pixels, width or height
	maxElements  = 500
	maxDepth     = 16
	maxNumber    = 4096 // of any coordinate, length or matrix entry
	maxPoints    = 20_000
)

// Icon is one picture of a sheet, an SVG document of plain shapes: path, circle,
// ellipse, rect, line, polyline and polygon in groups, with fill, stroke,
// stroke-width, fill-rule, opacity and transform as attributes. Joins and ends of
// strokes are drawn round, whatever the document says.
type Icon struct {
	Name string // what styles call it: [a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}
	SVG  []byte
}

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$`)

// drawing reads the icon; it fails with layers.ErrInvalid for anything that is
// not a small drawing of plain shapes.
func (c *Icon) drawing() (*drawing, error) {
	if !namePattern.MatchString(c.Name) {
		return nil, layers.Errorf(layers.ErrInvalid, "icon %.80q: name the file with 1 to 64 of a–z, A–Z, 0–9, _, - and .", c.Name)
	}
	d, err := parse(c.SVG)
	if err != nil {
		return nil, layers.Errorf(layers.ErrInvalid, "icon %s.svg: %w", c.Name, err)
	}
	d.name = c.Name
	return d, nil
}
