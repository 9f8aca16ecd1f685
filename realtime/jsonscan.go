package realtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// scanner walks strict JSON (RFC 8259) without copying. Its results are slices of b.
type scanner struct {
	b []byte
	i int
}

// maxJSONDepth bounds the nesting of values in a position's properties.
const maxJSONDepth = 8

var errJSONEnd = errors.New("the JSON ends in the middle")

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// next skips white space and tells the byte that follows; 0 at the end.
func (s *scanner) next() byte {
	s.space()
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) unexpected(want string) error {
	if s.i >= len(s.b) {
		return errJSONEnd
	}
	r, _ := utf8.DecodeRune(s.b[s.i:])
	return fmt.Errorf("%q at byte %d of the JSON, expected %s", r, s.i+1, want)
}

// str reads a string and returns it with its quotes; escaped tells that it holds backslashes.
func (s *scanner) str() (raw []byte, escaped bool, err error) {
	if s.next() != '"' {
		return nil, false, s.unexpected("a string")
	}
	start := s.i
	for s.i++; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[start:s.i], escaped, nil
		case c < ' ':
			return nil, false, fmt.Errorf("control character at byte %d, inside a string of the JSON", s.i+1)
		case c == '\\':
			escaped = true
			s.i++
			if s.i >= len(s.b) {
				return nil, false, errJSONEnd
			}
			switch s.b[s.i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				for k := 0; k < 4; k++ {
					s.i++
					if s.i >= len(s.b) {
						return nil, false, errJSONEnd
					}
					if !isHex(s.b[s.i]) {
						return nil, false, s.unexpected("four hexadecimal digits")
					}
				}
			default:
				return nil, false, s.unexpected("an escape of JSON")
			}
		}
	}
	return nil, false, errJSONEnd
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }

// text is the value of what str returned; the bytes are lent when not escaped.
func text(raw []byte, escaped bool) []byte {
	if !escaped {
		return raw[1 : len(raw)-1]
	}
	var v string
	if json.Unmarshal(raw, &v) != nil { // never: str checked it
		return nil
	}
	return []byte(v)
}

// number reads a number.
func (s *scanner) number() ([]byte, error) {
	start := s.i
	digits := func() bool {
		from := s.i
		for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
			s.i++
		}
		return s.i > from
	}
	if s.i < len(s.b) && s.b[s.i] == '-' {
		s.i++
	}
	if s.i < len(s.b) && s.b[s.i] == '0' {
		s.i++
	} else if !digits() {
		return nil, s.unexpected("a digit")
	}
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		if !digits() {
			return nil, s.unexpected("a digit")
		}
	}
	if s.i < len(s.b) && s.b[s.i]|0x20 == 'e' {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		if !digits() {
			return nil, s.unexpected("a digit")
		}
	}
	return s.b[start:s.i], nil
}

// value reads any value.
func (s *scanner) value(depth int) ([]byte, error) {
	c := s.next()
	start := s.i
	switch {
	case c == '"':
		raw, _, err := s.str()
		return raw, err
	case c == '{' || c == '[':
		if depth >= maxJSONDepth {
			return nil, fmt.Errorf("values nested deeper than %d", maxJSONDepth)
		}
		if err := s.members(c, func([]byte, bool) error { _, err := s.value(depth + 1); return err }); err != nil {
			return nil, err
		}
		return s.b[start:s.i], nil
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	return nil, s.unexpected("a value")
}

func (s *scanner) literal(word string) ([]byte, error) {
	if len(s.b)-s.i < len(word) || string(s.b[s.i:s.i+len(word)]) != word {
		return nil, s.unexpected("a value")
	}
	s.i += len(word)
	return s.b[s.i-len(word) : s.i], nil
}

// members reads an object or an array, whose opening byte is next: fn reads
// each value, and gets its name as str returned it (nil in an array).
func (s *scanner) members(open byte, fn func(name []byte, escaped bool) error) error {
	s.i++
	end := open + 2 // ] and } stand two after [ and {
	if s.next() == end {
		s.i++
		return nil
	}
	for {
		var name []byte
		var escaped bool
		if open == '{' {
			var err error
			if name, escaped, err = s.str(); err != nil {
				return err
			}
			if s.next() != ':' {
				return s.unexpected("a colon")
			}
			s.i++
		}
		if err := fn(name, escaped); err != nil {
			return err
		}
		switch s.next() {
		case ',':
			s.i++
			s.space()
		case end:
			s.i++
			return nil
		default:
			return s.unexpected(fmt.Sprintf("a comma or %c", end))
		}
	}
}
