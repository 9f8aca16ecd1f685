package realtime

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"

	"twind/layers"
)

// DecodePosition reads one position in its JSON form:
//
//	{"layer","id","time","lon","lat","z"?,"course"?,"speed"?,"properties"?}
//
// with degrees, metres, degrees clockwise from north, m/s and RFC 3339. A member
// that is null is absent. p.Properties is lent from b. At most MaxPositionBytes.
func DecodePosition(b []byte, p *Position) error { return decodePosition(b, p, "", "") }

// decodePosition reads a position. last is a layer whose string is used again
// when the position has the same; fallback is that of positions without one.
func decodePosition(b []byte, p *Position, last, fallback layers.ID) error {
	*p = Position{Layer: fallback, Z: math.NaN(), Course: math.NaN(), Speed: math.NaN()}
	if len(b) > MaxPositionBytes {
		return fmt.Errorf("a position of %d bytes; at most %d are possible", len(b), MaxPositionBytes)
	}
	if !utf8.Valid(b) {
		return errors.New("the position is not UTF-8")
	}
	s := scanner{b: b}
	if s.next() != '{' {
		return s.unexpected("an object")
	}
	var hasLon, hasLat bool
	err := s.members('{', func(rawName []byte, escaped bool) error {
		name := text(rawName, escaped)
		if string(name) == "properties" && s.next() != 'n' {
			if s.next() != '{' {
				return fmt.Errorf("properties: %w", s.unexpected("an object"))
			}
			var err error
			if p.Properties, err = s.value(0); err != nil {
				return fmt.Errorf("properties: %w", err)
			}
			return nil
		}
		v, err := s.value(0)
		if err != nil {
			return err
		}
		switch string(name) {
		case "layer":
			var t []byte
			if t, err = textMember(v); err == nil && t != nil {
				if string(t) == string(last) {
					p.Layer = last
				} else {
					p.Layer = layers.ID(t)
				}
			}
		case "id":
			var t []byte
			if t, err = idMember(v); err == nil {
				p.ID = string(t)
			}
		case "time":
			var t []byte
			if t, err = textMember(v); err == nil && t != nil {
				if p.Time.UnmarshalText(t) != nil {
					return fmt.Errorf("time %.40q: expected RFC 3339, such as 2026-11-21T08:00:00Z", t)
				}
			}
		case "lon":
			p.Lon, hasLon, err = numberMember(v)
		case "lat":
			p.Lat, hasLat, err = numberMember(v)
		case "z":
			p.Z, _, err = numberMember(v)
		case "course":
			p.Course, _, err = numberMember(v)
		case "speed":
			p.Speed, _, err = numberMember(v)
		case "properties": // null
		default:
			return fmt.Errorf("unknown member %.40q: a position has layer, id, time, lon, lat, z, course, speed and properties; put other values into properties", name)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if s.next(); s.i < len(b) {
		return s.unexpected("the end of the position")
	}
	switch {
	case p.Layer == "":
		return errors.New("layer is missing")
	case p.ID == "":
		return errors.New("id is missing")
	case p.Time.IsZero():
		return errors.New("time is missing: expected RFC 3339, such as 2026-11-21T08:00:00Z")
	case !hasLon || !hasLat:
		return errors.New("lon or lat is missing: expected degrees")
	}
	return nil
}

func textMember(v []byte) ([]byte, error) {
	switch v[0] {
	case 'n':
		return nil, nil
	case '"':
		return text(v, bytes.IndexByte(v, '\\') >= 0), nil
	}
	return nil, fmt.Errorf("%.40s is no string", v)
}

// idMember takes a number for its text too.
func idMember(v []byte) ([]byte, error) {
	if v[0] == '-' || v[0] >= '0' && v[0] <= '9' {
		return v, nil
	}
	return textMember(v)
}

func numberMember(v []byte) (float64, bool, error) {
	if v[0] == 'n' {
		return math.NaN(), false, nil
	}
	if v[0] != '-' && (v[0] < '0' || v[0] > '9') {
		return 0, false, fmt.Errorf("%.40s is no number", v)
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		return 0, false, fmt.Errorf("%.40s is beyond any number", v)
	}
	return f, true, nil
}

// Reader reads positions from a stream of JSON: one object, an array of them,
// or one a line (NDJSON). It needs memory for one position at a time.
type Reader struct {
	r     *bufio.Reader
	lines bool // one a line
	began bool
	array bool
	done  bool
	index int
	layer layers.ID // of the last position
	// fallback is the layer of positions that name none.
	fallback layers.ID
	noun     string // what an item is called
	buf      []byte
	read     int64 // bytes taken
}

// NewReader reads from r. lines says that each line is one position, as a
// content type of NDJSON does: a bad line then spoils no other. Without it the
// reader finds out: "[" begins an array, "{" objects that follow each other.
func NewReader(r io.Reader, lines bool) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 32<<10), lines: lines, index: -1, noun: "position"}
}

// DefaultLayer names the layer of positions that name none; without it they are faulty.
func (r *Reader) DefaultLayer(id layers.ID) { r.fallback = id }

// ItemError is a fault of one position or observation; those after it can be read.
type ItemError struct {
	Index int    // of the item, from 0
	ID    string // as far as it was read
	Err   error
	noun  string
}

func (e *ItemError) Error() string { return fmt.Sprintf("%s %d: %v", e.noun, e.Index, e.Err) }
func (e *ItemError) Unwrap() error { return e.Err }

// Next reads the next position into p. Its Properties are lent until the next
// call. It returns io.EOF at the end, an *ItemError when this position is
// faulty, and any other error when no more can be read, with what was wrong.
func (r *Reader) Next(p *Position) (index int, err error) {
	return r.next(func(b []byte) (string, error) {
		err := decodePosition(b, p, r.layer, r.fallback)
		r.layer = p.Layer
		return p.ID, err
	})
}

// next gives the next item's text, lent until the next call, to decode, which
// tells its id as far as it could be read.
func (r *Reader) next(decode func(b []byte) (id string, err error)) (index int, err error) {
	if r.done {
		return r.index, io.EOF
	}
	b, err := r.item()
	if errors.Is(err, io.EOF) {
		r.done = true
		return r.index, io.EOF
	}
	var item *ItemError
	if err != nil && !errors.As(err, &item) {
		r.done = true
		return r.index, err
	}
	r.index++
	id := ""
	if err == nil {
		id, err = decode(b)
	}
	if err != nil {
		if item != nil {
			err = item.Err
		}
		return r.index, &ItemError{r.index, id, err, r.noun}
	}
	return r.index, nil
}

// item is the text of the next one.
func (r *Reader) item() ([]byte, error) {
	if r.lines {
		return r.line()
	}
	c, err := r.skipSpace()
	if err != nil {
		if errors.Is(err, io.EOF) && r.array {
			return nil, fmt.Errorf("the JSON array ends after %s %d without its ]", r.noun, r.index+1)
		}
		return nil, err
	}
	if !r.began {
		r.began = true
		switch c {
		case '[':
			r.array = true
			if c, err = r.skipSpace(); err != nil {
				return nil, errJSONEnd
			}
			if c == ']' {
				return nil, r.end()
			}
		case '{':
		default:
			return nil, fmt.Errorf("the JSON begins with %q, expected %s %s, an array of them, or one a line", c, article(r.noun), r.noun)
		}
	} else if r.array {
		switch c {
		case ']':
			return nil, r.end()
		case ',':
			if c, err = r.skipSpace(); err != nil {
				return nil, errJSONEnd
			}
		default:
			return nil, fmt.Errorf("%q at byte %d of the JSON, expected a comma or ]", c, r.read)
		}
	}
	if c != '{' {
		return nil, fmt.Errorf("%q at byte %d of the JSON, expected %s %s, which is an object", c, r.read, article(r.noun), r.noun)
	}
	return r.object()
}

func article(noun string) string {
	if noun[0] == 'o' || noun[0] == 'e' {
		return "an"
	}
	return "a"
}

// end checks that nothing follows the array.
func (r *Reader) end() error {
	if c, err := r.skipSpace(); err == nil {
		return fmt.Errorf("%q at byte %d, after the end of the JSON array", c, r.read)
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	return io.EOF
}

func (r *Reader) skipSpace() (byte, error) {
	for {
		c, err := r.r.ReadByte()
		if err != nil {
			return 0, err
		}
		r.read++
		switch c {
		case ' ', '\t', '\r', '\n', 0x1e: // RS of RFC 8142 text sequences
		default:
			return c, nil
		}
	}
}

// object reads up to the brace that closes the one just read. Beyond
// MaxPositionBytes it is skipped and refused.
func (r *Reader) object() ([]byte, error) {
	r.buf = append(r.buf[:0], '{')
	depth, inString, escaped, size := 1, false, false, 1
	for {
		if _, err := r.r.Peek(1); err != nil {
			if errors.Is(err, io.EOF) {
				err = fmt.Errorf("the JSON ends in the middle of %s %d", r.noun, r.index+1)
			}
			return nil, err
		}
		chunk, _ := r.r.Peek(r.r.Buffered())
		n, closed := 0, false
		for n < len(chunk) && !closed {
			c := chunk[n]
			n++
			switch {
			case inString:
				switch {
				case escaped:
					escaped = false
				case c == '\\':
					escaped = true
				case c == '"':
					inString = false
				}
			case c == '"':
				inString = true
			case c == '{':
				depth++
			case c == '}':
				depth--
				closed = depth == 0
			}
		}
		size += n
		if size <= MaxPositionBytes {
			r.buf = append(r.buf, chunk[:n]...)
		}
		r.read += int64(n)
		_, _ = r.r.Discard(n) // buffered
		if closed {
			break
		}
	}
	if size > MaxPositionBytes {
		return nil, &ItemError{Err: fmt.Errorf("%s %s of %d bytes; at most %d are possible", article(r.noun), r.noun, size, MaxPositionBytes)}
	}
	return r.buf, nil
}

// line reads the next line that is not blank.
func (r *Reader) line() ([]byte, error) {
	for {
		r.buf = r.buf[:0]
		size := 0
		var err error
		for {
			var chunk []byte
			chunk, err = r.r.ReadSlice('\n')
			size += len(chunk)
			if size <= MaxPositionBytes {
				r.buf = append(r.buf, chunk...)
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				break
			}
		}
		r.read += int64(size)
		if err != nil && err != io.EOF {
			return nil, err
		}
		if size > MaxPositionBytes {
			return nil, &ItemError{Err: fmt.Errorf("a line of %d bytes; at most %d are possible", size, MaxPositionBytes)}
		}
		if b := bytes.TrimSpace(bytes.TrimPrefix(r.buf, []byte{0x1e})); len(b) > 0 {
			return b, nil
		}
		if err == io.EOF {
			return nil, io.EOF
		}
	}
}
