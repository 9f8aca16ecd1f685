package layers

import (
	"math"
	"strconv"
)

// ValueType is the type of a property, named as in JSON Schema.
type ValueType uint8

// The types of properties. Date and DateTime are text in RFC 3339 form
// ("2026-11-21", "2026-11-21T08:00:00Z").
const (
	Null ValueType = iota
	Boolean
	Integer // int64
	Number  // float64
	String
	Date
	DateTime
)

var valueTypeNames = [...]string{"null", "boolean", "integer", "number", "string", "date", "date-time"}

// String is the type's name: null, boolean, integer, number, string, date, date-time.
func (t ValueType) String() string {
	if int(t) < len(valueTypeNames) {
		return valueTypeNames[t]
	}
	return "invalid"
}

// ParseValueType reads a name that String prints.
func ParseValueType(s string) (ValueType, bool) {
	for i, n := range valueTypeNames {
		if n == s {
			return ValueType(i), true
		}
	}
	return Null, false
}

// MarshalText makes a ValueType its name in JSON.
func (t ValueType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (t *ValueType) UnmarshalText(b []byte) error {
	v, ok := ParseValueType(string(b))
	if !ok {
		return Errorf(ErrInvalid, "property type %q: expected boolean, integer, number, string, date or date-time", b)
	}
	*t = v
	return nil
}

// Value is one property's value: 32 bytes, no pointer but the text's. The zero
// value is null. Values are comparable with ==.
type Value struct {
	typ ValueType
	num uint64
	str string
}

// BoolValue makes a Boolean.
func BoolValue(v bool) Value {
	if v {
		return Value{typ: Boolean, num: 1}
	}
	return Value{typ: Boolean}
}

// IntValue makes an Integer.
func IntValue(v int64) Value { return Value{typ: Integer, num: uint64(v)} }

// FloatValue makes a Number; NaN and infinities, which no format carries, become null.
func FloatValue(v float64) Value {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Value{}
	}
	return Value{typ: Number, num: math.Float64bits(v)}
}

// StringValue makes a String.
func StringValue(v string) Value { return Value{typ: String, str: v} }

// TextValue makes a String, Date or DateTime of text that the caller has checked.
func TextValue(t ValueType, v string) Value { return Value{typ: t, str: v} }

// Type is the value's type; Null for null.
func (v Value) Type() ValueType { return v.typ }

// IsNull tells whether there is no value.
func (v Value) IsNull() bool { return v.typ == Null }

// Bool is the value of a Boolean, else false.
func (v Value) Bool() bool { return v.typ == Boolean && v.num != 0 }

// Int is the value of an Integer, a Number cut to an integer, else 0.
func (v Value) Int() int64 {
	switch v.typ {
	case Integer:
		return int64(v.num)
	case Number:
		return int64(math.Float64frombits(v.num))
	}
	return 0
}

// Float is the value of a Number or Integer, else 0.
func (v Value) Float() float64 {
	switch v.typ {
	case Number:
		return math.Float64frombits(v.num)
	case Integer:
		return float64(int64(v.num))
	}
	return 0
}

// Text is the text of a String, Date or DateTime, else "".
func (v Value) Text() string { return v.str }

// String prints any value as a person reads it; "" for null.
func (v Value) String() string {
	switch v.typ {
	case Boolean:
		return strconv.FormatBool(v.num != 0)
	case Integer:
		return strconv.FormatInt(int64(v.num), 10)
	case Number:
		return strconv.FormatFloat(math.Float64frombits(v.num), 'g', -1, 64)
	}
	return v.str
}
