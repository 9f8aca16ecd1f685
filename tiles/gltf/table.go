package gltf

import (
	"errors"
	"fmt"
)

var (
	errFeatures = errors.New("gltf: more than 16,777,216 features in one content")
	errIndex    = errors.New("gltf: an index points beyond the vertices")
)

// PropertyType is the type of a column of a table.
type PropertyType uint8

// The types of columns.
const (
	String  PropertyType = iota // Text and Ends
	Int64                       // Ints; written in the narrowest type that holds them
	Float64                     // Floats; NaN and infinities count as null
	Bool                        // Bools, as bits; with nulls as UINT8 0, 1, 255 (loaders.gl 4.5 reads only that form)
	Enum                        // Codes into Names
)

// Property is one column of a table.
type Property struct {
	Name string // of the attribute; where it is no identifier, a made-up one is used and this is its `name`
	Type PropertyType
	Unit string // for the description; may be empty

	Text   []byte   // String: the values one after the other, UTF-8
	Ends   []uint32 // String: the exclusive end of each value in Text
	Ints   []int64
	Floats []float64
	Bools  []bool
	Codes  []uint16 // Enum: index into Names
	Names  []string // Enum: the distinct values

	Null []bool // true where there is no value; nil: none is absent
}

// Table holds the attributes of the features 0…Rows−1 of a content.
type Table struct {
	Name       string
	Rows       int
	Properties []Property
}

type tableEntry struct {
	name     string
	rows     int
	from, to int // props
}

type propEntry struct {
	name, unit   string
	kind         string // of the schema
	component    string // SCALAR and offsets
	enum         int    // −1 is none
	values       int    // view
	offsets      int    // view, −1 is none
	noData       noData
	noDataNumber float64
	noDataText   string
}

type noData uint8

const (
	noDataNone noData = iota
	noDataNumber
	noDataText
)

type enumEntry struct {
	names []string
	null  string // the name of the value that stands for null, or ""
}

// Table adds a table and returns its number. A table without rows or without
// properties is NoTable: 3D Tiles know none.
func (w *Writer) Table(t *Table) int {
	if t.Rows <= 0 || len(t.Properties) == 0 {
		return NoTable
	}
	e := tableEntry{name: t.Name, rows: t.Rows, from: len(w.props)}
	for i := range t.Properties {
		p := &t.Properties[i]
		if err := p.check(t.Rows); err != nil {
			w.fail(err)
			return NoTable
		}
		w.property(p, t.Rows)
	}
	e.to = len(w.props)
	w.tables = append(w.tables, e)
	w.uses |= usesMetadata
	return len(w.tables) - 1
}

// check tells whether the columns have a value for each row.
func (p *Property) check(rows int) error {
	n := 0
	switch p.Type {
	case String:
		n = len(p.Ends)
	case Int64:
		n = len(p.Ints)
	case Float64:
		n = len(p.Floats)
	case Bool:
		n = len(p.Bools)
	case Enum:
		n = len(p.Codes)
		for _, c := range p.Codes {
			if int(c) >= len(p.Names) {
				return fmt.Errorf("gltf: a code of property %q has no name", p.Name)
			}
		}
	}
	if n != rows || p.Null != nil && len(p.Null) != rows {
		return fmt.Errorf("gltf: property %q has %d values for %d rows", p.Name, n, rows)
	}
	if p.Type == String {
		from := uint32(0)
		for _, to := range p.Ends {
			if to < from || int(to) > len(p.Text) {
				return fmt.Errorf("gltf: the values of property %q do not fit its text", p.Name)
			}
			from = to
		}
	}
	return nil
}

func (p *Property) null(i int) bool { return p.Null != nil && p.Null[i] }

func (p *Property) hasNull() bool {
	for _, n := range p.Null {
		if n {
			return true
		}
	}
	return false
}

func (w *Writer) property(p *Property, rows int) {
	e := propEntry{name: p.Name, unit: p.Unit, enum: -1, offsets: -1}
	switch p.Type {
	case String:
		w.strings(&e, p)
	case Int64:
		w.integers(&e, p)
	case Float64:
		w.floats(&e, p)
	case Bool:
		w.bools(&e, p, rows)
	case Enum:
		w.codes(&e, p)
	}
	w.props = append(w.props, e)
}
