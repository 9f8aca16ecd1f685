package history

import (
	"math"
	"slices"
	"strings"
	"unsafe"

	"twind/layers"
	"twind/realtime"
)

// Kind says what the rows of a block are.
type Kind uint8

// The kinds of rows.
const (
	KindPosition Kind = iota + 1
	KindObservation
	KindEvent
	numKinds
)

// Columns that every kind has, by number.
const (
	colID       = 0 // of texts
	colTime     = 0 // of ints: ms since 1970, the source's clock
	colReceived = 1 // ms since 1970, the server's clock
	colFlags    = 2
)

// Further columns, by kind.
const (
	posProperties = 1 // of texts
	posLon        = 0 // of floats
	posLat        = 1
	posZ          = 2
	posCourse     = 3
	posSpeed      = 4

	obsLayer      = 1 // of texts
	obsFeature    = 2
	obsProperty   = 3
	obsText       = 4
	obsParameters = 5
	obsResultTime = 3 // of ints
	obsType       = 4
	obsNumber     = 0 // of floats

	eventClass    = 1 // of texts
	eventState    = 2
	eventLayer    = 3
	eventEntity   = 4
	eventData     = 5
	eventSequence = 3 // of ints
	eventLon      = 0 // of floats
	eventLat      = 1
)

// shape is how many columns of each type a kind has.
type shape struct{ texts, ints, floats int }

var shapes = [numKinds]shape{
	KindPosition:    {2, 3, 5},
	KindObservation: {6, 5, 1},
	KindEvent:       {6, 4, 2},
}

// placed tells whether rows of the kind have longitude and latitude as their
// first floats.
func (k Kind) placed() bool { return k != KindObservation }

// The most columns of each type.
const (
	maxTexts  = 6
	maxInts   = 5
	maxFloats = 5
)

// textColumn holds one of few texts a row.
type textColumn struct {
	words []string // distinct
	index []uint32 // a row: number of its word
	known map[string]uint32
	bytes int // of the words
}

func (c *textColumn) reset() {
	clear(c.words) // what they hold on to
	c.words, c.index, c.bytes = c.words[:0], c.index[:0], 0
	clear(c.known)
}

func (c *textColumn) add(s string) {
	i, ok := c.known[s]
	if !ok {
		i = c.learn(s)
	}
	c.index = append(c.index, i)
}

// addBytes is add without a copy of a text that is known.
func (c *textColumn) addBytes(b []byte) {
	i, ok := c.known[string(b)]
	if !ok {
		i = c.learn(string(b))
	}
	c.index = append(c.index, i)
}

func (c *textColumn) learn(s string) uint32 {
	if c.known == nil {
		c.known = map[string]uint32{}
	}
	i := uint32(len(c.words))
	c.words = append(c.words, s)
	c.known[s] = i
	c.bytes += len(s)
	return i
}

func (c *textColumn) at(row int) string { return c.words[c.index[row]] }

// table holds rows of one kind and stream as columns.
type table struct {
	kind   Kind
	stream string
	rows   int
	texts  [maxTexts]textColumn
	ints   [maxInts][]int64
	floats [maxFloats][]float64
}

func (t *table) reset(kind Kind, stream string) {
	t.kind, t.stream, t.rows = kind, stream, 0
	for i := range t.texts {
		t.texts[i].reset()
	}
	for i := range t.ints {
		t.ints[i] = t.ints[i][:0]
	}
	for i := range t.floats {
		t.floats[i] = t.floats[i][:0]
	}
}

// full tells that the table makes a whole block.
func (t *table) full() bool {
	return t.rows >= maxBlockRows || t.size() >= fullBlockBytes
}

// size is about what the rows take in memory, in bytes.
func (t *table) size() int {
	n := t.rows * 120
	for i := range t.texts {
		n += t.texts[i].bytes
	}
	return n
}

func (t *table) addInts(v ...int64) {
	for i, x := range v {
		t.ints[i] = append(t.ints[i], x)
	}
}

func (t *table) addFloats(v ...float64) {
	for i, x := range v {
		t.floats[i] = append(t.floats[i], x)
	}
}

func (t *table) addPosition(b *realtime.Believed) {
	t.texts[colID].add(b.ID)
	t.texts[posProperties].addBytes(b.Properties)
	t.addInts(b.Time, b.Received, int64(b.Flags))
	t.addFloats(b.Lon, b.Lat, b.Z, b.Course, b.Speed)
	t.rows++
}

// position reads a row into b; its properties must not be changed.
func (t *table) position(row int, b *realtime.Believed) {
	*b = realtime.Believed{
		ID: t.texts[colID].at(row), Time: t.ints[colTime][row], Received: t.ints[colReceived][row],
		Flags: realtime.Flag(t.ints[colFlags][row]),
		Lon:   t.floats[posLon][row], Lat: t.floats[posLat][row], Z: t.floats[posZ][row],
		Course: t.floats[posCourse][row], Speed: t.floats[posSpeed][row],
	}
	if p := t.texts[posProperties].at(row); p != "" {
		b.Properties = unsafe.Slice(unsafe.StringData(p), len(p)) // never changed, see Believed
	}
}

func (t *table) addObservation(o *realtime.Observation) {
	t.texts[colID].add(o.Datastream)
	for i, s := range [...]string{string(o.Layer), o.Feature, o.Property, o.Text, o.Parameters} {
		t.texts[i+1].add(s)
	}
	t.addInts(o.Time, o.Received, int64(o.Flags), o.ResultTime, int64(o.Type))
	t.addFloats(o.Number)
	t.rows++
}

func (t *table) observation(row int, o *realtime.Observation) {
	*o = realtime.Observation{
		Datastream: t.texts[colID].at(row), Layer: layers.ID(t.texts[obsLayer].at(row)), Feature: t.texts[obsFeature].at(row),
		Property: t.texts[obsProperty].at(row), Text: t.texts[obsText].at(row), Parameters: t.texts[obsParameters].at(row),
		Time: t.ints[colTime][row], Received: t.ints[colReceived][row], Flags: realtime.Flag(t.ints[colFlags][row]),
		ResultTime: t.ints[obsResultTime][row], Type: realtime.ResultType(t.ints[obsType][row]), Number: t.floats[obsNumber][row],
	}
}

func (t *table) addEvent(e *realtime.Event) {
	t.texts[colID].add(e.ID)
	for i, s := range [...]string{e.Class, e.State, string(e.Layer), e.Entity, string(e.Data)} {
		t.texts[i+1].add(s)
	}
	t.addInts(e.Time, e.Received, 0, int64(e.Sequence))
	t.addFloats(e.Lon, e.Lat)
	t.rows++
}

func (t *table) event(row int, e *realtime.Event) {
	*e = realtime.Event{
		Sequence: uint64(t.ints[eventSequence][row]), ID: t.texts[colID].at(row), Class: t.texts[eventClass].at(row),
		State: t.texts[eventState].at(row), Layer: layers.ID(t.texts[eventLayer].at(row)), Entity: t.texts[eventEntity].at(row),
		Time: t.ints[colTime][row], Received: t.ints[colReceived][row], Lon: t.floats[eventLon][row], Lat: t.floats[eventLat][row],
	}
	if d := t.texts[eventData].at(row); d != "" {
		e.Data = []byte(d)
	}
}

// copyRow appends a row of another table of the same kind.
func (t *table) copyRow(from *table, row int) {
	s := shapes[t.kind]
	for i := range s.texts {
		t.texts[i].add(from.texts[i].at(row))
	}
	for i := range s.ints {
		t.ints[i] = append(t.ints[i], from.ints[i][row])
	}
	for i := range s.floats {
		t.floats[i] = append(t.floats[i], from.floats[i][row])
	}
	t.rows++
}

// order is the rows by id, then by time of the source, then as they came.
func (t *table) order(rows []int32) []int32 {
	ids := &t.texts[colID]
	byWord := make([]uint32, len(ids.words)) // rank of each word
	words := make([]uint32, len(ids.words))
	for i := range words {
		words[i] = uint32(i)
	}
	slices.SortFunc(words, func(a, b uint32) int { return strings.Compare(ids.words[a], ids.words[b]) })
	for rank, w := range words {
		byWord[w] = uint32(rank)
	}
	rows = rows[:0]
	for i := range t.rows {
		rows = append(rows, int32(i))
	}
	times := t.ints[colTime]
	slices.SortFunc(rows, func(a, b int32) int {
		if x, y := byWord[ids.index[a]], byWord[ids.index[b]]; x != y {
			return int(x) - int(y)
		}
		if x, y := times[a], times[b]; x != y {
			if x < y {
				return -1
			}
			return 1
		}
		return int(a - b)
	})
	return rows
}

// span is a closed range of milliseconds since 1970.
type span struct{ min, max int64 }

func spanOf(v []int64) span {
	s := span{math.MaxInt64, math.MinInt64}
	for _, x := range v {
		s.min, s.max = min(s.min, x), max(s.max, x)
	}
	return s
}

// meets tells whether the span shares a moment with from ≤ t < to.
func (s span) meets(from, to int64) bool { return s.min < to && s.max >= from }

func (s span) union(o span) span { return span{min(s.min, o.min), max(s.max, o.max)} }
