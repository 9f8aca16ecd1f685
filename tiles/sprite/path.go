package sprite

import (
	"fmt"
	"strings"
)

// arguments is how many numbers a command of a path takes.
var arguments = map[byte]int{'m': 2, 'l': 2, 'h': 1, 'v': 1, 'c': 6, 's': 4, 'q': 4, 't': 2, 'a': 7, 'z': 0}

// path adds path data (SVG 2, chapter 9).
func (f *flattener) path(d string) error {
	var (
		command byte
		last    byte  // the command before, in lower case
		control point // of the curve before, for s and t
	)
	for d = strings.TrimLeft(d, separators); d != ""; d = strings.TrimLeft(d, separators) {
		if n, known := arguments[d[0]|0x20]; known && d[0] >= 'A' {
			command, d = d[0], d[1:]
			if last == 0 && command|0x20 != 'm' {
				return fmt.Errorf("path data begins with %c: expected M", command)
			}
			if n == 0 {
				f.close()
				last = 'z'
				continue
			}
		} else if command == 0 || command|0x20 == 'z' {
			return fmt.Errorf("path data %.20q: expected a command", d)
		}
		var v [7]float64
		rest, err := numbersOfCommand(d, command|0x20, &v)
		if err != nil {
			return err
		}
		d = rest
		lower := command | 0x20
		if command == lower { // relative
			f.relative(lower, &v)
		}
		control = f.run(lower, last, control, &v)
		last = lower
		if command|0x20 == 'm' {
			command-- // further pairs are lines: l after m, L after M
		}
		if f.left == 0 {
			return fmt.Errorf("more than %d points; simplify the drawing", maxPoints)
		}
	}
	return nil
}

// numbersOfCommand reads a command's numbers; the two flags of an arc are single
// digits that need no blank after them.
func numbersOfCommand(d string, lower byte, v *[7]float64) (rest string, err error) {
	for i := range arguments[lower] {
		d = strings.TrimLeft(d, separators)
		if lower == 'a' && (i == 3 || i == 4) {
			if d == "" || d[0] != '0' && d[0] != '1' {
				return d, fmt.Errorf("path data %.20q: expected the flag 0 or 1 of an arc", d)
			}
			v[i], d = float64(d[0]-'0'), d[1:]
			continue
		}
		if v[i], d, err = numberAt(d); err != nil {
			return d, err
		}
	}
	return d, nil
}

// relative makes a command's coordinates absolute.
func (f *flattener) relative(lower byte, v *[7]float64) {
	switch lower {
	case 'h':
		v[0] += f.at.x
	case 'v':
		v[0] += f.at.y
	case 'a':
		v[5], v[6] = v[5]+f.at.x, v[6]+f.at.y
	default:
		for i := 0; i < arguments[lower]; i += 2 {
			v[i], v[i+1] = v[i]+f.at.x, v[i+1]+f.at.y
		}
	}
}

// run draws a command with absolute coordinates and returns the last control
// point of a curve.
func (f *flattener) run(lower, last byte, control point, v *[7]float64) point {
	mirrored := func(curves string) point {
		if strings.IndexByte(curves, last) < 0 {
			return f.at
		}
		return point{2*f.at.x - control.x, 2*f.at.y - control.y}
	}
	switch lower {
	case 'm':
		f.move(v[0], v[1])
	case 'l':
		f.line(v[0], v[1])
	case 'h':
		f.line(v[0], f.at.y)
	case 'v':
		f.line(f.at.x, v[0])
	case 'c':
		f.cubic(v[0], v[1], v[2], v[3], v[4], v[5])
		return point{v[2], v[3]}
	case 's':
		c := mirrored("cs")
		f.cubic(c.x, c.y, v[0], v[1], v[2], v[3])
		return point{v[0], v[1]}
	case 'q':
		f.quadratic(v[0], v[1], v[2], v[3])
		return point{v[0], v[1]}
	case 't':
		c := mirrored("qt")
		f.quadratic(c.x, c.y, v[0], v[1])
		return c
	case 'a':
		f.arc(v[0], v[1], v[2], v[3] == 1, v[4] == 1, v[5], v[6])
	}
	return f.at
}
