package spatial

import (
	"fmt"
	"math"
)

// Envelope is an axis-aligned box in the units of the coordinates it encloses;
// its borders belong to it. It is empty when MinX > MaxX.
type Envelope struct {
	MinX, MinY, MaxX, MaxY float64
}

// EmptyEnvelope encloses nothing and is the neutral element of Union.
func EmptyEnvelope() Envelope {
	return Envelope{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
}

// IsEmpty tells whether the envelope encloses nothing (or holds a NaN).
func (e Envelope) IsEmpty() bool { return !(e.MinX <= e.MaxX && e.MinY <= e.MaxY) }

// Add grows the envelope by a position.
func (e Envelope) Add(x, y float64) Envelope {
	return Envelope{math.Min(e.MinX, x), math.Min(e.MinY, y), math.Max(e.MaxX, x), math.Max(e.MaxY, y)}
}

// Union is the smallest envelope around both.
func (e Envelope) Union(o Envelope) Envelope {
	if e.IsEmpty() {
		return o
	}
	if o.IsEmpty() {
		return e
	}
	return Envelope{math.Min(e.MinX, o.MinX), math.Min(e.MinY, o.MinY), math.Max(e.MaxX, o.MaxX), math.Max(e.MaxY, o.MaxY)}
}

// Intersects tells whether the two share a position, borders included.
func (e Envelope) Intersects(o Envelope) bool {
	return e.MinX <= o.MaxX && e.MaxX >= o.MinX && e.MinY <= o.MaxY && e.MaxY >= o.MinY
}

// Contains tells whether o lies in e, borders included.
func (e Envelope) Contains(o Envelope) bool {
	return e.MinX <= o.MinX && e.MaxX >= o.MaxX && e.MinY <= o.MinY && e.MaxY >= o.MaxY
}

// ContainsPoint tells whether the position lies in e, borders included.
func (e Envelope) ContainsPoint(x, y float64) bool {
	return e.MinX <= x && x <= e.MaxX && e.MinY <= y && y <= e.MaxY
}

// Buffer grows the envelope by d on each side; an empty one stays empty.
func (e Envelope) Buffer(d float64) Envelope {
	if e.IsEmpty() {
		return e
	}
	return Envelope{e.MinX - d, e.MinY - d, e.MaxX + d, e.MaxY + d}
}

// Center is the middle of the envelope.
func (e Envelope) Center() (x, y float64) { return (e.MinX + e.MaxX) / 2, (e.MinY + e.MaxY) / 2 }

// String is "minx,miny,maxx,maxy".
func (e Envelope) String() string {
	if e.IsEmpty() {
		return "empty"
	}
	return fmt.Sprintf("%g,%g,%g,%g", e.MinX, e.MinY, e.MaxX, e.MaxY)
}
