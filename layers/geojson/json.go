package geojson

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"twind/layers"
)

// maxNesting bounds the depth of values that are read past or kept as text.
const maxNesting = 64

// fault is what is wrong at a place; the place is put together while the error
// returns from the depth of the value, so that reading right data costs nothing.
type fault struct {
	path string
	text string
}

func (f *fault) Error() string {
	if f.path == "" {
		return f.text
	}
	return f.path + ": " + f.text
}

func faultf(format string, args ...any) error { return &fault{text: fmt.Sprintf(format, args...)} }

// at puts a member name or an index before the place of err.
func at(err error, elem string) error {
	var f *fault
	if !errors.As(err, &f) {
		return err
	}
	switch {
	case f.path == "" || f.path[0] == '[':
		f.path = elem + f.path
	default:
		f.path = elem + "." + f.path
	}
	return err
}

func atIndex(err error, i int) error { return at(err, "["+strconv.Itoa(i)+"]") }

// invalid turns a fault into an error of kind layers.ErrInvalid.
func invalid(err error) error {
	if err == nil {
		return nil
	}
	return layers.Errorf(layers.ErrInvalid, "%w", err)
}

// scanner reads JSON (RFC 8259) values from b, byte by byte and strictly.
type scanner struct {
	b      []byte
	i      int
	borrow bool   // strings without escapes alias b
	tmp    []byte // unescaped text
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\n', '\r', '\t':
			s.i++
		default:
			return
		}
	}
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for s.i < len(s.b) {
		c := s.b[s.i]
		if c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
		s.i++
	}
	return 0
}

// found describes the value or byte that stands at the cursor, for errors.
func (s *scanner) found() string {
	switch c := s.peek(); {
	case s.i >= len(s.b):
		return "the end of the data"
	case c == '{':
		return "an object"
	case c == '[':
		return "an array"
	case c == '"':
		if t, err := (&scanner{b: s.b, i: s.i}).text(); err == nil {
			return "the text " + quoted(t)
		}
		return "a text"
	case c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '+' || c == '.':
		return s.word()
	default:
		r, _ := utf8.DecodeRune(s.b[s.i:])
		return strconv.QuoteRune(r)
	}
}

// word is the bare word at the cursor, such as 12, null or NaN, cut to 40 bytes.
func (s *scanner) word() string {
	j := s.i
	for j < len(s.b) && j-s.i < 40 {
		c := s.b[j]
		if c != '-' && c != '+' && c != '.' && c != '_' && !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z') {
			break
		}
		j++
	}
	return string(s.b[s.i:j])
}

func quoted(t string) string {
	if len(t) > 40 {
		n := 40
		for n > 0 && !utf8.RuneStart(t[n]) {
			n--
		}
		t = t[:n] + "…"
	}
	return strconv.Quote(t)
}

// next tells, after a member or element, whether another one follows.
func (s *scanner) next(closing byte, what string) (bool, error) {
	switch s.peek() {
	case ',':
		s.i++
		if s.peek() == closing {
			return false, faultf("a comma before the closing %q (byte %d)", closing, s.i)
		}
		return true, nil
	case closing:
		s.i++
		return false, nil
	}
	return false, faultf("expected ',' or %q in the %s, found %s (byte %d)", closing, what, s.found(), s.i)
}

// open consumes an opening bracket and tells whether the value has content.
func (s *scanner) open(opening, closing byte) (bool, error) {
	s.i++
	if s.peek() == closing {
		s.i++
		return false, nil
	}
	return true, nil
}

// text reads a string. The result aliases b when borrow is set.
func (s *scanner) text() (string, error) {
	raw, escaped, err := s.rawText()
	if err != nil {
		return "", err
	}
	if !escaped {
		if s.borrow && len(raw) > 0 {
			return unsafe.String(&raw[0], len(raw)), nil
		}
		return string(raw), nil
	}
	return s.unescape(raw)
}

// key reads a member's name and the colon; it may alias b or tmp until the next call.
func (s *scanner) key() (string, error) {
	if s.peek() != '"' {
		return "", faultf("expected a member name in quotes, found %s (byte %d)", s.found(), s.i)
	}
	raw, escaped, err := s.rawText()
	if err != nil {
		return "", err
	}
	name := ""
	if escaped {
		if name, err = s.unescape(raw); err != nil {
			return "", err
		}
	} else if len(raw) > 0 {
		name = unsafe.String(&raw[0], len(raw))
	}
	if s.peek() != ':' {
		return "", faultf("expected ':' after the name %s, found %s (byte %d)", quoted(name), s.found(), s.i)
	}
	s.i++
	return name, nil
}

// rawText consumes a string and returns what stands between its quotes, checked
// to be UTF-8 without control characters.
func (s *scanner) rawText() (raw []byte, escaped bool, err error) {
	start := s.i + 1
	ascii := true
	b := s.b
	for i := start; i < len(b); i++ {
		c := b[i]
		switch {
		case c == '"':
			s.i = i + 1
			raw = b[start:i]
			if !ascii && !utf8.Valid(raw) {
				return nil, false, faultf("the text is not UTF-8 (byte %d)", start)
			}
			return raw, escaped, nil
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return nil, false, faultf("a control character inside a text (byte %d): write it as \\u%04x", i, c)
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	s.i = len(b)
	return nil, false, faultf("a text that begins at byte %d is not ended by a quote", start-1)
}

func (s *scanner) unescape(raw []byte) (string, error) {
	out := s.tmp[:0]
	for i := 0; i < len(raw); {
		c := raw[i]
		if c != '\\' {
			out = append(out, c)
			i++
			continue
		}
		if i+1 >= len(raw) {
			return "", faultf("a text ends with a backslash")
		}
		switch e := raw[i+1]; e {
		case '"', '\\', '/':
			out = append(out, e)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, ok := hex4(raw[i+2:])
			if !ok {
				return "", faultf(`\u must be followed by four hexadecimal digits`)
			}
			i += 6
			if utf16.IsSurrogate(r) {
				low, ok := rune(0), false
				if i+1 < len(raw) && raw[i] == '\\' && raw[i+1] == 'u' {
					low, ok = hex4(raw[i+2:])
				}
				r = utf16.DecodeRune(r, low)
				if !ok || r == utf8.RuneError {
					return "", faultf(`half a surrogate pair (\ud800 to \udfff) in a text`)
				}
				i += 6
			}
			out = utf8.AppendRune(out, r)
			continue
		default:
			return "", faultf(`\%c is not an escape that JSON knows`, e)
		}
		i += 2
	}
	s.tmp = out
	return string(out), nil
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	r := rune(0)
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

var pow10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// number reads a number: its value, and whether it is written as an integer.
func (s *scanner) number() (v float64, integer bool, err error) {
	c := s.peek()
	start := s.i
	b := s.b
	i := start
	negative := false
	if c == '-' {
		negative = true
		i++
	}
	mant, digits, exp := uint64(0), 0, 0
	intStart := i
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		mant = mant*10 + uint64(b[i]-'0')
		digits++
	}
	if i == intStart || b[intStart] == '0' && i > intStart+1 {
		return 0, false, s.notNumber(start)
	}
	if b[intStart] == '0' {
		digits = 0
	}
	integer = true
	if i < len(b) && b[i] == '.' {
		integer = false
		i++
		frac := i
		for ; i < len(b) && b[i]-'0' <= 9; i++ {
			mant = mant*10 + uint64(b[i]-'0')
			if mant != 0 {
				digits++
			}
		}
		if i == frac {
			return 0, false, s.notNumber(start)
		}
		exp = frac - i
	}
	simple := digits <= 19
	if i < len(b) && b[i]|0x20 == 'e' {
		integer, simple = false, false
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		e := i
		for ; i < len(b) && b[i]-'0' <= 9; i++ {
		}
		if i == e {
			return 0, false, s.notNumber(start)
		}
	}
	if i < len(b) {
		switch b[i] {
		case ',', ']', '}', ' ', '\n', '\r', '\t':
		default:
			return 0, false, s.notNumber(start)
		}
	}
	s.i = i
	if simple && mant < maxSafeInteger && exp >= -22 {
		v = float64(mant)
		if exp < 0 {
			v /= pow10[-exp]
		}
		if negative {
			v = -v
		}
		return v, integer, nil
	}
	v, perr := strconv.ParseFloat(unsafe.String(&b[start], i-start), 64)
	if perr != nil || math.IsInf(v, 0) {
		s.i = start
		return 0, false, faultf("%s is too large for a number", s.word())
	}
	return v, integer, nil
}

func (s *scanner) notNumber(start int) error {
	s.i = start
	switch w := s.word(); w {
	case "":
		return faultf("expected a number, found %s", s.found())
	case "NaN", "nan", "Infinity", "-Infinity", "inf", "-inf", "INF", "-INF", "Inf", "-Inf":
		return faultf("expected a number, found %s, which JSON does not know; write null or leave the feature out", w)
	case "null", "true", "false":
		return faultf("expected a number, found %s", w)
	default:
		return faultf("expected a number as JSON writes it, found %s", w)
	}
}

// literal consumes a bare word.
func (s *scanner) literal(w string) error {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return faultf("expected a value, found %s (byte %d)", s.found(), s.i)
	}
	s.i += len(w)
	return nil
}

// skip reads past one value of any kind, checking its syntax.
func (s *scanner) skip(depth int) error {
	if depth > maxNesting {
		return faultf("values are nested deeper than %d", maxNesting)
	}
	switch c := s.peek(); c {
	case '{':
		more, err := s.open('{', '}')
		for more && err == nil {
			if _, err = s.key(); err != nil {
				return err
			}
			if err = s.skip(depth + 1); err != nil {
				return err
			}
			more, err = s.next('}', "object")
		}
		return err
	case '[':
		more, err := s.open('[', ']')
		for more && err == nil {
			if err = s.skip(depth + 1); err != nil {
				return err
			}
			more, err = s.next(']', "array")
		}
		return err
	case '"':
		raw, escaped, err := s.rawText()
		if err == nil && escaped {
			_, err = s.unescape(raw)
		}
		return err
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		_, _, err := s.number()
		return err
	}
}

// raw reads past one value and returns its bytes.
func (s *scanner) raw() ([]byte, error) {
	s.space()
	start := s.i
	if err := s.skip(0); err != nil {
		return nil, err
	}
	return s.b[start:s.i], nil
}

// end checks that nothing follows the value.
func (s *scanner) end() error {
	if s.peek() != 0 || s.i < len(s.b) {
		return faultf("expected the end of the data, found %s (byte %d)", s.found(), s.i)
	}
	return nil
}
