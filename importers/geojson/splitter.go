package geojson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

var (
	errTooLong = errors.New("too long")
	errSyntax  = errors.New("no JSON")
)

// splitter cuts a stream of JSON into values by their brackets, without looking
// into them: what they hold is the decoder's matter. A value that is returned
// stays valid until the next call.
type splitter struct {
	r     io.Reader
	limit int // bytes of one value
	buf   []byte
	pos   int   // cursor in buf
	end   int   // of what has been read into buf
	base  int64 // offset in the stream of buf[0]
	eof   bool
	err   error
}

const chunk = 256 << 10

// offset is the cursor's place in the stream.
func (s *splitter) offset() int64 { return s.base + int64(s.pos) }

// fill reads more behind what is buffered from the cursor on, moving that to the
// front; it fails with io.EOF when there is no more.
func (s *splitter) fill() error {
	if s.eof {
		if s.err != nil {
			return s.err
		}
		return io.EOF
	}
	if s.pos > 0 {
		copy(s.buf, s.buf[s.pos:s.end])
		s.base += int64(s.pos)
		s.end -= s.pos
		s.pos = 0
	}
	if len(s.buf)-s.end < chunk/2 {
		if s.end > s.limit {
			return errTooLong
		}
		grown := make([]byte, max(2*chunk, 2*len(s.buf)))
		copy(grown, s.buf[:s.end])
		s.buf = grown
	}
	for range 100 {
		n, err := s.r.Read(s.buf[s.end:])
		s.end += n
		if err != nil {
			s.eof = true
			if !errors.Is(err, io.EOF) {
				s.err = err
			}
		}
		if n > 0 {
			return nil
		}
		if err != nil {
			return s.fill()
		}
	}
	return io.ErrNoProgress
}

// peek skips white space and returns the byte at the cursor; io.EOF at the end.
func (s *splitter) peek() (byte, error) {
	for {
		for s.pos < s.end {
			switch c := s.buf[s.pos]; c {
			case ' ', '\n', '\r', '\t':
				s.pos++
			default:
				return c, nil
			}
		}
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
}

// take is peek that consumes the byte.
func (s *splitter) take() (byte, error) {
	c, err := s.peek()
	if err == nil {
		s.pos++
	}
	return c, err
}

// scanner walks over one value of JSON, in as many pieces as it comes.
type scanner struct {
	depth    int
	inText   bool
	escaped  bool
	inScalar bool
}

// step goes on through b and returns the index after the value's end, or −1 when
// b is used up.
func (c *scanner) step(b []byte) int {
	for i := 0; i < len(b); {
		if c.inText {
			if c.escaped {
				c.escaped = false
				i++
				continue
			}
			for i < len(b) && b[i] != '"' && b[i] != '\\' {
				i++
			}
			if i == len(b) {
				return -1
			}
			if b[i] == '\\' {
				c.escaped = true
				i++
				continue
			}
			c.inText = false
			i++
			if c.depth == 0 {
				return i
			}
			continue
		}
		switch b[i] {
		case '"':
			if c.inScalar {
				return i
			}
			c.inText = true
		case '{', '[':
			if c.inScalar {
				return i
			}
			c.depth++
		case '}', ']':
			if c.depth == 0 { // the end of a scalar, or a bracket too many
				return i
			}
			c.depth--
			if c.depth == 0 {
				return i + 1
			}
		case ',', ':', ' ', '\n', '\r', '\t', 0x1e:
			if c.inScalar && c.depth == 0 {
				return i
			}
		default:
			if c.depth == 0 {
				c.inScalar = true
			}
		}
		i++
	}
	return -1
}

// measure is the length of the value at the cursor, which stays where it is.
// io.ErrUnexpectedEOF means that the stream ends inside of it.
func (s *splitter) measure() (int, error) {
	if _, err := s.peek(); err != nil {
		return 0, unexpected(err)
	}
	var c scanner
	done := 0
	for {
		if n := c.step(s.buf[s.pos+done : s.end]); n >= 0 {
			if done+n == 0 {
				return 0, fmt.Errorf("%w: %q stands where a value was expected", errSyntax, rune(s.buf[s.pos]))
			}
			return done + n, nil
		}
		done = s.end - s.pos
		if done > s.limit {
			return 0, errTooLong
		}
		if err := s.fill(); err != nil {
			if errors.Is(err, io.EOF) && c.inScalar && !c.inText && c.depth == 0 {
				return done, nil
			}
			return 0, unexpected(err)
		}
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// value consumes the value at the cursor and returns it.
func (s *splitter) value() ([]byte, error) {
	n, err := s.measure()
	if err != nil {
		return nil, err
	}
	b := s.buf[s.pos : s.pos+n]
	s.pos += n
	return b, nil
}

// skip consumes the value at the cursor, of any length.
func (s *splitter) skip() error {
	if _, err := s.peek(); err != nil {
		return unexpected(err)
	}
	var c scanner
	for {
		if n := c.step(s.buf[s.pos:s.end]); n >= 0 {
			s.pos += n
			return nil
		}
		s.pos = s.end
		if err := s.fill(); err != nil {
			return unexpected(err)
		}
	}
}

// key consumes a member's name and the colon after it.
func (s *splitter) key() (string, error) {
	c, err := s.peek()
	if err != nil {
		return "", unexpected(err)
	}
	if c != '"' {
		return "", fmt.Errorf("%w: expected the name of a member, found %q", errSyntax, rune(c))
	}
	raw, err := s.value()
	if err != nil {
		return "", err
	}
	name := string(raw[1 : len(raw)-1])
	if c, err = s.take(); err != nil {
		return "", unexpected(err)
	}
	if c != ':' {
		return "", fmt.Errorf("%w: expected ':' after the name %q, found %q", errSyntax, clip(name), rune(c))
	}
	return name, nil
}

// memberType looks ahead into the object at the cursor, which stays where it is,
// for its type. An object with features before its type, or without one, is
// taken for a FeatureCollection, one with a geometry for a Feature.
func (s *splitter) memberType() (string, error) {
	ahead := 1 // the opening bracket
	at := func(i int) (byte, error) {
		for {
			for ; s.pos+i < s.end; i++ {
				switch c := s.buf[s.pos+i]; c {
				case ' ', '\n', '\r', '\t':
				default:
					ahead = i
					return c, nil
				}
			}
			if s.end-s.pos > s.limit {
				return 0, errTooLong
			}
			if err := s.fill(); err != nil {
				return 0, unexpected(err)
			}
		}
	}
	// value measures the value at ahead and moves behind it.
	value := func() (from, to int, err error) {
		if _, err = at(ahead); err != nil {
			return 0, 0, err
		}
		var c scanner
		done := ahead
		for {
			if n := c.step(s.buf[s.pos+done : s.end]); n >= 0 {
				from, ahead = ahead, done+n
				if ahead == from {
					return 0, 0, fmt.Errorf("%w: %q stands where a value was expected", errSyntax, rune(s.buf[s.pos+from]))
				}
				return from, ahead, nil
			}
			done = s.end - s.pos
			if done > s.limit {
				return 0, 0, errTooLong
			}
			if err := s.fill(); err != nil {
				return 0, 0, unexpected(err)
			}
		}
	}
	if _, err := s.peek(); err != nil {
		return "", unexpected(err)
	}
	kind := ""
	for {
		c, err := at(ahead)
		if err != nil {
			return "", err
		}
		switch c {
		case '}':
			return kind, nil
		case ',':
			ahead++
			continue
		case '"':
		default:
			return "", fmt.Errorf("%w: expected the name of a member, found %q", errSyntax, rune(c))
		}
		from, to, err := value()
		if err != nil {
			return "", err
		}
		name := string(s.buf[s.pos+from+1 : s.pos+to-1])
		if c, err = at(ahead); err != nil {
			return "", err
		}
		if c != ':' {
			return "", fmt.Errorf("%w: expected ':' after the name %q, found %q", errSyntax, clip(name), rune(c))
		}
		ahead++
		switch name {
		case "features":
			return "FeatureCollection", nil
		case "geometry", "properties":
			return "Feature", nil
		}
		if from, to, err = value(); err != nil {
			return "", err
		}
		if v := s.buf[s.pos+from : s.pos+to]; name == "type" && len(v) > 1 && v[0] == '"' {
			return string(v[1 : len(v)-1]), nil
		}
	}
}

// follows tells, after a value of n bytes at the cursor, whether another value
// follows, and on another line.
func (s *splitter) follows(n int) (newline, another bool) {
	for i := n; ; i++ {
		for s.pos+i >= s.end {
			if s.fill() != nil {
				return newline, false
			}
		}
		switch s.buf[s.pos+i] {
		case '\n':
			newline = true
		case ' ', '\r', '\t':
		default:
			return newline, true
		}
	}
}

// line consumes the next line that is not blank and returns it with the number
// of lines consumed.
func (s *splitter) line() (raw []byte, lines int64, err error) {
	for {
		raw, err = s.until('\n')
		if err != nil {
			return nil, lines, err
		}
		lines++
		if raw = bytes.TrimSpace(raw); len(raw) > 0 {
			return raw, lines, nil
		}
	}
}

// untilSeparator consumes the next record of a sequence with record separators.
func (s *splitter) untilSeparator() ([]byte, error) {
	for {
		raw, err := s.until(0x1e)
		if err != nil {
			return nil, err
		}
		if raw = bytes.TrimSpace(raw); len(raw) > 0 {
			return raw, nil
		}
	}
}

// until consumes what stands before the next byte b, and that byte.
func (s *splitter) until(b byte) ([]byte, error) {
	done := 0
	for {
		if i := bytes.IndexByte(s.buf[s.pos+done:s.end], b); i >= 0 {
			raw := s.buf[s.pos : s.pos+done+i]
			s.pos += done + i + 1
			return raw, nil
		}
		done = s.end - s.pos
		if done > s.limit {
			return nil, errTooLong
		}
		if err := s.fill(); err != nil {
			if !errors.Is(err, io.EOF) {
				return nil, err
			}
			if done == 0 {
				return nil, io.EOF
			}
			raw := s.buf[s.pos:s.end]
			s.pos = s.end
			return raw, nil
		}
	}
}
