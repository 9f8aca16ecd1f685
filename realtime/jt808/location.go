package jt808

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// ErrMalformed is wrapped by the error for the body of a message that cannot be
// what it says: it gets the result "malformed".
var ErrMalformed = errors.New("malformed message of JT/T 808")

// Bits of Location.Status.
const (
	StatusACC     = 1 << 0 // ignition on
	StatusFix     = 1 << 1 // the receiver knows where it is
	statusSouth   = 1 << 2
	statusWest    = 1 << 3
	StatusShifted = 1 << 5 // the coordinates went through the confidentiality plug-in: GCJ-02
)

// Location is the position report of message 0200, which batches (0704) and
// JT/T 809 of 2019 repeat.
type Location struct {
	Alarm  uint32  // bits of table 24 (2019)
	Status uint32  // bits of table 25
	Lon    float64 // degrees as sent, east positive
	Lat    float64 // degrees as sent, north positive
	Z      float64 // metres above sea level
	Speed  float64 // m/s
	Course float64 // degrees clockwise from north, 0 ≤ course < 360
	Time   time.Time
	Items  []Item
	Rest   []byte // of the list of items, from where it cannot be read; nil if it can
}

// Item is one of the items that follow a position.
type Item struct {
	ID    byte
	Value []byte // of the message: copy it to keep it
}

// maxItems bounds the items of one position.
const maxItems = 128

// HasPlace tells whether the report says where the terminal is: without a fix,
// zeros mean that it does not know.
func (l *Location) HasPlace() bool {
	return l.Status&StatusFix != 0 || l.Lon != 0 || l.Lat != 0
}

// DecodeLocation reads the body of message 0200, whose clock stands in zone (the
// standard's is UTC+8). Items are lent from body. It fails with ErrMalformed.
func DecodeLocation(body []byte, zone *time.Location) (l Location, err error) {
	if len(body) < 28 {
		return l, fmt.Errorf("%w: a position of %d bytes, at least 28 are needed", ErrMalformed, len(body))
	}
	u32 := binary.BigEndian.Uint32
	l.Alarm, l.Status = u32(body), u32(body[4:])
	l.Lat, l.Lon = float64(u32(body[8:]))/1e6, float64(u32(body[12:]))/1e6
	if l.Lat > 90 || l.Lon > 180 {
		return Location{}, fmt.Errorf("%w: latitude %v, longitude %v", ErrMalformed, l.Lat, l.Lon)
	}
	if l.Status&statusSouth != 0 && l.Lat != 0 {
		l.Lat = -l.Lat
	}
	if l.Status&statusWest != 0 && l.Lon != 0 {
		l.Lon = -l.Lon
	}
	l.Z = float64(int16(binary.BigEndian.Uint16(body[16:])))
	l.Speed = float64(binary.BigEndian.Uint16(body[18:])) / 36
	l.Course = float64(binary.BigEndian.Uint16(body[20:]) % 360)
	if l.Time, err = clock(body[22:28], zone); err != nil {
		return Location{}, err
	}
	l.Items, l.Rest = items(body[28:])
	return l, nil
}

// items reads the list of items as far as it can be read; rest is what follows.
func items(b []byte) (list []Item, rest []byte) {
	for len(b) > 0 {
		if len(b) < 2 || len(b) < 2+int(b[1]) || len(list) == maxItems {
			return list, b
		}
		list = append(list, Item{b[0], b[2 : 2+int(b[1])]})
		b = b[2+int(b[1]):]
	}
	return list, nil
}

// clock reads yyMMddHHmmss in BCD.
func clock(b []byte, zone *time.Location) (time.Time, error) {
	var v [6]int
	for i, c := range b[:6] {
		if c>>4 > 9 || c&15 > 9 {
			return time.Time{}, fmt.Errorf("%w: the time %x is not decimal", ErrMalformed, b[:6])
		}
		v[i] = int(c>>4)*10 + int(c&15)
	}
	t := time.Date(2000+v[0], time.Month(v[1]), v[2], v[3], v[4], v[5], 0, zone)
	if t.Month() != time.Month(v[1]) || t.Day() != v[2] || t.Hour() != v[3] || t.Minute() != v[4] || v[5] > 59 {
		return time.Time{}, fmt.Errorf("%w: the time %x does not exist", ErrMalformed, b[:6])
	}
	return t, nil
}

// maxBatch bounds the positions of one batch.
const maxBatch = 4096

// Batch is message 0704: positions that a terminal kept.
type Batch struct {
	Blind     bool // kept while there was no network
	Locations []Location
}

// DecodeBatch reads the body of message 0704. With ErrMalformed the locations
// before the fault are there.
func DecodeBatch(body []byte, zone *time.Location) (b Batch, err error) {
	if len(body) < 3 {
		return b, fmt.Errorf("%w: a batch of %d bytes", ErrMalformed, len(body))
	}
	n := int(binary.BigEndian.Uint16(body))
	b.Blind = body[2] == 1
	if n > maxBatch {
		return b, fmt.Errorf("%w: a batch of %d positions, at most %d are taken", ErrMalformed, n, maxBatch)
	}
	rest := body[3:]
	for i := range n {
		if len(rest) < 2 || len(rest) < 2+int(binary.BigEndian.Uint16(rest)) {
			return b, fmt.Errorf("%w: position %d of %d is cut off", ErrMalformed, i+1, n)
		}
		size := int(binary.BigEndian.Uint16(rest))
		l, err := DecodeLocation(rest[2:2+size], zone)
		if err != nil {
			return b, fmt.Errorf("position %d of %d: %w", i+1, n, err)
		}
		b.Locations = append(b.Locations, l)
		rest = rest[2+size:]
	}
	return b, nil
}
