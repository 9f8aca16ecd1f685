package sprite

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// drawing is an icon that has been read: shapes in CSS pixels, the origin at the
// upper left corner of the viewBox.
type drawing struct {
	name          string
	width, height float64
	mask          bool // drawn in one colour, which the style chooses
	shapes        []shape
}

// shape is one element that draws: the area of its contours, the line along
// them, or both.
type shape struct {
	contours     []contour
	evenOdd      bool
	fill, stroke paint
	radius       float64 // half the width of the stroke
}

// contour is a flattened path; a closed one ends where it begins.
type contour []point

type point struct{ x, y float64 }

// state is the presentation that an element inherits.
type state struct {
	fill, stroke  paint
	width         float64
	evenOdd       bool
	opacity       float64
	fillOpacity   float64
	strokeOpacity float64
	m             matrix
}

// described are the elements that say something and draw nothing.
var described = []string{"title", "desc", "metadata"}

type parser struct {
	*drawing
	stack    []state
	elements int
	points   int
	ignored  int // depth inside an element that draws nothing
}

// parse reads an SVG document.
func parse(document []byte) (*drawing, error) {
	if len(document) > MaxIconBytes {
		return nil, fmt.Errorf("%d bytes, at most %d are read; simplify the drawing", len(document), MaxIconBytes)
	}
	p := &parser{drawing: &drawing{mask: true}}
	for d := xml.NewDecoder(bytes.NewReader(document)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("not well-formed XML: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if err := p.open(t); err != nil {
				return nil, err
			}
		case xml.EndElement:
			p.stack = p.stack[:len(p.stack)-1]
			p.ignored = max(0, p.ignored-1)
		case xml.Directive:
			return nil, errors.New("a document type is not allowed; remove the <!DOCTYPE")
		}
	}
	if p.width == 0 {
		return nil, errors.New("no <svg> element with a viewBox")
	}
	if !p.visible() {
		return nil, errors.New("it draws nothing inside its viewBox")
	}
	return p.drawing, nil
}

func (p *parser) open(t xml.StartElement) error {
	name := t.Name.Local
	p.elements++
	if p.elements > maxElements || len(p.stack) >= maxDepth {
		return fmt.Errorf("more than %d elements or %d levels; simplify the drawing", maxElements, maxDepth)
	}
	if (len(p.stack) == 0) != (name == "svg") {
		return errors.New("<svg> must be the outermost element, and the only one of its name")
	}
	s := state{fill: current, width: 1, opacity: 1, fillOpacity: 1, strokeOpacity: 1, m: identity}
	if len(p.stack) > 0 {
		s = p.stack[len(p.stack)-1]
	}
	if p.ignored > 0 || slices.Contains(described, name) {
		p.ignored++
		p.stack = append(p.stack, s)
		return nil
	}
	a, err := attributesOf(t)
	if err != nil {
		return fmt.Errorf("<%s>: %w", name, err)
	}
	if name == "svg" {
		if err := p.viewBox(a, &s); err != nil {
			return err
		}
	}
	if err := s.inherit(a); err != nil {
		return fmt.Errorf("<%s>: %w", name, err)
	}
	p.stack = append(p.stack, s)
	return p.draw(name, a, &s)
}

// viewBox is the icon's size.
func (p *parser) viewBox(a attributes, s *state) error {
	box, err := numbersOf(a["viewBox"])
	if err != nil || len(box) != 4 {
		return fmt.Errorf("viewBox %.40q: expected four numbers", a["viewBox"])
	}
	if box[2] < 1 || box[3] < 1 || box[2] > MaxSide || box[3] > MaxSide {
		return fmt.Errorf("viewBox %.40q: expected a width and height from 1 to %d, which are the icon's CSS pixels", a["viewBox"], MaxSide)
	}
	p.width, p.height = box[2], box[3]
	s.m = matrix{1, 0, 0, 1, -box[0], -box[1]}
	return nil
}

// draw adds the shape of an element.
func (p *parser) draw(name string, a attributes, s *state) error {
	f := flattener{m: s.m, left: maxPoints - p.points}
	var err error
	switch name {
	case "svg", "g":
		return nil
	case "path":
		err = f.path(a["d"])
	case "circle", "ellipse", "rect", "line", "polyline", "polygon":
		err = f.basic(name, a)
	default:
		return fmt.Errorf("<%.40s> is not drawn; convert it to paths", name)
	}
	if err != nil {
		return fmt.Errorf("<%s>: %w", name, err)
	}
	p.points += maxPoints - p.points - f.left
	fill, stroke := s.fill.fade(s.opacity*s.fillOpacity), s.stroke.fade(s.opacity*s.strokeOpacity)
	if fill.a == 0 && stroke.a == 0 {
		return nil
	}
	p.mask = p.mask && (fill.a == 0 || fill.mask) && (stroke.a == 0 || stroke.mask)
	p.shapes = append(p.shapes, shape{f.done(), s.evenOdd, fill, stroke, s.width * s.m.scale() / 2})
	return nil
}

// visible tells whether anything is drawn inside the viewBox.
func (d *drawing) visible() bool {
	alpha := d.render(4, 0)
	return slices.ContainsFunc(alpha, func(c pixel) bool { return c[3] > 0 })
}

// attributes are an element's by local name.
type attributes map[string]string

// refused are attributes that say how to draw in ways that are not read here, so
// that the icon would look wrong without a word.
var refused = []string{"href", "style", "class", "stroke-dasharray", "filter", "mask", "clip-path", "marker-start", "marker-end"}

func attributesOf(t xml.StartElement) (attributes, error) {
	a := attributes{}
	for _, x := range t.Attr {
		if slices.Contains(refused, x.Name.Local) && strings.TrimSpace(x.Value) != "none" {
			return nil, fmt.Errorf("the attribute %s is not drawn; write fill, stroke and stroke-width as attributes of plain shapes", x.Name.Local)
		}
		a[x.Name.Local] = x.Value
	}
	return a, nil
}
