package sprite

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/image/colornames"
)

// paint is a colour, channels and alpha from 0 to 1, or none where a is 0.
type paint struct {
	r, g, b, a float64
	mask       bool // black or currentColor
}

var current = paint{a: 1, mask: true}

func (p paint) fade(share float64) paint {
	p.a *= max(0, min(1, share))
	return p
}

// paintOf reads a value of fill or stroke.
func paintOf(value string) (paint, error) {
	v := strings.ToLower(strings.TrimSpace(value))
	switch v {
	case "none", "transparent":
		return paint{}, nil
	case "currentcolor":
		return current, nil
	}
	if c, ok := colornames.Map[v]; ok {
		return paint{float64(c.R) / 255, float64(c.G) / 255, float64(c.B) / 255, 1, v == "black"}, nil
	}
	hex, found := strings.CutPrefix(v, "#")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	n, err := strconv.ParseUint(hex, 16, 32)
	if !found || err != nil || len(hex) != 6 {
		return paint{}, fmt.Errorf("the colour %.40q: expected #rrggbb, a name of CSS, currentColor or none", value)
	}
	return paint{float64(n>>16) / 255, float64(n>>8&255) / 255, float64(n&255) / 255, 1, n == 0}, nil
}

// inherit changes the state by an element's attributes.
func (s *state) inherit(a attributes) (err error) {
	set := func(name string, read func(string) error) {
		if v, ok := a[name]; ok && v != "inherit" {
			err = errors.Join(err, read(v))
		}
	}
	number := func(dst *float64) func(string) error {
		return func(v string) (err error) { *dst, err = length(v); return err }
	}
	set("fill", func(v string) (err error) { s.fill, err = paintOf(v); return err })
	set("stroke", func(v string) (err error) { s.stroke, err = paintOf(v); return err })
	set("stroke-width", number(&s.width))
	set("fill-opacity", number(&s.fillOpacity))
	set("stroke-opacity", number(&s.strokeOpacity))
	set("fill-rule", func(v string) error { s.evenOdd = v == "evenodd"; return nil })
	set("opacity", func(v string) error {
		o, err := length(v)
		s.opacity *= max(0, min(1, o))
		return err
	})
	set("transform", func(v string) error {
		m, err := matrixOf(v)
		s.m = s.m.times(m)
		return err
	})
	return err
}

// length reads one number, with px after it or nothing.
func length(s string) (float64, error) {
	list, err := numbersOf(strings.TrimSuffix(strings.TrimSpace(s), "px"))
	if err == nil && len(list) != 1 {
		err = fmt.Errorf("%.40q: expected a number", s)
	}
	if err != nil {
		return 0, err
	}
	return list[0], nil
}

// numberPattern is a number of SVG at the start of a text.
var numberPattern = regexp.MustCompile(`^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?`)

// numberAt reads a number at the start of a text and returns what follows it.
func numberAt(s string) (v float64, rest string, err error) {
	text := numberPattern.FindString(s)
	if text == "" {
		return 0, s, fmt.Errorf("%.20q: expected a number", s)
	}
	v, err = strconv.ParseFloat(text, 64)
	if err != nil || math.Abs(v) > maxNumber {
		return 0, s, fmt.Errorf("the number %.20s is beyond %d; scale the drawing to a viewBox of about 20", text, maxNumber)
	}
	return v, s[len(text):], nil
}

// numbersOf reads numbers between blanks and commas.
func numbersOf(s string) (list []float64, err error) {
	for s = strings.TrimLeft(s, separators); s != ""; s = strings.TrimLeft(s, separators) {
		var v float64
		if v, s, err = numberAt(s); err != nil {
			return nil, err
		}
		if list = append(list, v); len(list) > 2*maxPoints {
			return nil, fmt.Errorf("more than %d numbers; simplify the drawing", 2*maxPoints)
		}
	}
	return list, nil
}

const separators = " \t\r\n,"

// matrix is an affine transform: x' = 0·x + 2·y + 4, y' = 1·x + 3·y + 5.
type matrix [6]float64

var identity = matrix{1, 0, 0, 1, 0, 0}

func (m matrix) apply(x, y float64) point {
	return point{m[0]*x + m[2]*y + m[4], m[1]*x + m[3]*y + m[5]}
}

// times applies n first, then m.
func (m matrix) times(n matrix) matrix {
	return matrix{
		m[0]*n[0] + m[2]*n[1], m[1]*n[0] + m[3]*n[1],
		m[0]*n[2] + m[2]*n[3], m[1]*n[2] + m[3]*n[3],
		m[0]*n[4] + m[2]*n[5] + m[4], m[1]*n[4] + m[3]*n[5] + m[5],
	}
}

// scale is the factor by which areas grow, as a length.
func (m matrix) scale() float64 { return math.Sqrt(math.Abs(m[0]*m[3] - m[1]*m[2])) }

var transformPattern = regexp.MustCompile(`^\s*,?\s*([a-zA-Z]+)\s*\(([^)]*)\)`)

// matrixOf reads a transform attribute.
func matrixOf(s string) (matrix, error) {
	m := identity
	for strings.TrimSpace(s) != "" {
		found := transformPattern.FindStringSubmatch(s)
		if found == nil {
			return m, fmt.Errorf("transform %.40q: expected functions such as translate(1 2)", s)
		}
		v, err := numbersOf(found[2])
		if err != nil {
			return m, err
		}
		one, ok := function(found[1], v)
		if !ok {
			return m, fmt.Errorf("transform %.40q: expected matrix, translate, scale, rotate, skewX or skewY with their numbers", found[0])
		}
		m, s = m.times(one), s[len(found[0]):]
		for _, v := range m {
			if math.Abs(v) > maxNumber*maxNumber {
				return m, fmt.Errorf("transform %.40q: too large; scale the drawing to a viewBox of about 20", found[0])
			}
		}
	}
	return m, nil
}

// function is the matrix of one transform function; it reports false for a wrong
// name or a wrong number of numbers.
func function(name string, v []float64) (matrix, bool) {
	const degree = math.Pi / 180
	switch n := len(v); {
	case name == "matrix" && n == 6:
		return matrix(v), true
	case name == "translate" && n == 1:
		return matrix{1, 0, 0, 1, v[0], 0}, true
	case name == "translate" && n == 2:
		return matrix{1, 0, 0, 1, v[0], v[1]}, true
	case name == "scale" && n == 1:
		return matrix{v[0], 0, 0, v[0], 0, 0}, true
	case name == "scale" && n == 2:
		return matrix{v[0], 0, 0, v[1], 0, 0}, true
	case name == "rotate" && (n == 1 || n == 3):
		sin, cos := math.Sincos(v[0] * degree)
		m := matrix{cos, sin, -sin, cos, 0, 0}
		if n == 3 {
			m = matrix{1, 0, 0, 1, v[1], v[2]}.times(m).times(matrix{1, 0, 0, 1, -v[1], -v[2]})
		}
		return m, true
	case name == "skewX" && n == 1:
		return matrix{1, 0, math.Tan(v[0] * degree), 1, 0, 0}, true
	case name == "skewY" && n == 1:
		return matrix{1, math.Tan(v[0] * degree), 0, 1, 0, 0}, true
	}
	return identity, false
}
