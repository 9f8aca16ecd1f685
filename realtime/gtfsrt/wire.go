package gtfsrt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrMalformed is wrapped by every error of Decode.
var ErrMalformed = errors.New("gtfsrt: malformed feed")

// The wire types of protobuf; groups (3 and 4) are not used by GTFS-realtime.
const (
	varint    = 0
	fixed64   = 1
	delimited = 2
	fixed32   = 5
)

// field is one field of a message: its number, its wire type, and its value,
// which is in num or, for delimited ones, in data. data is a part of the input.
type field struct {
	number int
	wire   int
	num    uint64
	data   []byte
}

// message reads the fields of a protobuf message, one after another.
type message struct{ b []byte }

// next reads a field; more is false at the end.
func (m *message) next() (f field, more bool, err error) {
	if len(m.b) == 0 {
		return f, false, nil
	}
	tag, err := m.varint()
	if err != nil {
		return f, false, err
	}
	f.number, f.wire = int(tag>>3), int(tag&7)
	if tag>>3 == 0 || tag>>3 > 1<<29-1 {
		return f, false, fmt.Errorf("%w: field number %d", ErrMalformed, tag>>3)
	}
	switch f.wire {
	case varint:
		f.num, err = m.varint()
	case fixed64:
		if len(m.b) < 8 {
			return f, false, errCut
		}
		f.num, m.b = binary.LittleEndian.Uint64(m.b), m.b[8:]
	case fixed32:
		if len(m.b) < 4 {
			return f, false, errCut
		}
		f.num, m.b = uint64(binary.LittleEndian.Uint32(m.b)), m.b[4:]
	case delimited:
		n, e := m.varint()
		if e != nil {
			return f, false, e
		}
		if n > uint64(len(m.b)) {
			return f, false, fmt.Errorf("%w: a value of %d bytes where %d are left", ErrMalformed, n, len(m.b))
		}
		f.data, m.b = m.b[:n], m.b[n:]
	default:
		return f, false, fmt.Errorf("%w: wire type %d of field %d", ErrMalformed, f.wire, f.number)
	}
	return f, err == nil, err
}

var errCut = fmt.Errorf("%w: it ends within a value", ErrMalformed)

func (m *message) varint() (uint64, error) {
	v, n := binary.Uvarint(m.b)
	if n == 0 {
		return 0, errCut
	}
	if n < 0 {
		return 0, fmt.Errorf("%w: a varint of more than 64 bits", ErrMalformed)
	}
	m.b = m.b[n:]
	return v, nil
}

// each calls yield for every field of a message.
func each(b []byte, yield func(field) error) error {
	m := message{b}
	for {
		f, more, err := m.next()
		if err != nil || !more {
			return err
		}
		if err := yield(f); err != nil {
			return err
		}
	}
}

// text is a string of at most maxText bytes; longer ones and other wire types fail.
func (f *field) text(to *string) error {
	if f.wire != delimited {
		return f.wrong()
	}
	if len(f.data) > maxText {
		return fmt.Errorf("%w: a text of %d bytes; at most %d are read", ErrMalformed, len(f.data), maxText)
	}
	*to = string(f.data)
	return nil
}

func (f *field) integer(to *int64) error {
	if f.wire != varint {
		return f.wrong()
	}
	*to = int64(f.num)
	return nil
}

func (f *field) number32(to *float64) error {
	if f.wire != fixed32 {
		return f.wrong()
	}
	*to = float64(math.Float32frombits(uint32(f.num)))
	return nil
}

// inside calls yield for every field of the message in f.
func (f *field) inside(yield func(field) error) error {
	if f.wire != delimited {
		return f.wrong()
	}
	return each(f.data, yield)
}

func (f *field) wrong() error {
	return fmt.Errorf("%w: field %d has wire type %d", ErrMalformed, f.number, f.wire)
}
