package gltf

import (
	"errors"
	"strconv"
)

var errTooLarge = errors.New("gltf: a content of more than 4 GiB")

// jsonMetadata writes schema and tables: class c0, c1, … for each table.
func (w *Writer) jsonMetadata(b []byte) []byte {
	b = append(b, `{"schema":{"id":"twind","classes":{`...)
	for i := range w.tables {
		t := &w.tables[i]
		b = append(integer(append(comma(b, i == 0), `"c`...), i), `":{`...)
		if t.name != "" {
			b = append(text(append(b, `"name":`...), t.name), ',')
		}
		b = append(b, `"properties":{`...)
		for k := t.from; k < t.to; k++ {
			b = w.jsonProperty(comma(b, k == t.from), t, k)
		}
		b = append(b, "}}"...)
	}
	b = append(b, '}')
	b = w.jsonEnums(b)
	b = append(b, `},"propertyTables":[`...)
	for i := range w.tables {
		b = w.jsonTable(comma(b, i == 0), i)
	}
	return append(b, "]}"...)
}

// id writes the identifier of property k in quotes: its name where that is one
// ([a-zA-Z_][a-zA-Z0-9_]*), else p and its place in the table.
func (w *Writer) id(b []byte, t *tableEntry, k int) []byte {
	name := w.props[k].name
	if !identifier(name) || w.taken(t, k) {
		return append(strconv.AppendInt(append(b, `"p__`...), int64(k-t.from), 10), '"')
	}
	return append(append(append(b, '"'), name...), '"')
}

// taken tells whether an earlier property of the table has the same name.
func (w *Writer) taken(t *tableEntry, k int) bool {
	for i := t.from; i < k; i++ {
		if w.props[i].name == w.props[k].name {
			return true
		}
	}
	return false
}

func identifier(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

func (w *Writer) jsonProperty(b []byte, t *tableEntry, k int) []byte {
	p := &w.props[k]
	b = append(w.id(b, t, k), ':')
	if identifier(p.name) && !w.taken(t, k) {
		b = append(b, '{')
	} else {
		b = append(text(append(b, `{"name":`...), p.name), ',')
	}
	b = append(append(append(b, `"type":"`...), p.kind...), '"')
	switch p.kind {
	case "SCALAR":
		b = append(append(append(b, `,"componentType":"`...), p.component...), '"')
	case "ENUM":
		b = append(integer(append(b, `,"enumType":"e`...), p.enum), '"')
	}
	switch p.noData {
	case noDataNumber:
		b = number(append(b, `,"noData":`...), p.noDataNumber)
	case noDataText:
		b = text(append(b, `,"noData":`...), p.noDataText)
	}
	if p.unit != "" {
		b = text(append(b, `,"description":`...), p.unit)
	}
	return append(b, '}')
}

func (w *Writer) jsonEnums(b []byte) []byte {
	if len(w.enums) == 0 {
		return b
	}
	b = append(b, `,"enums":{`...)
	for i := range w.enums {
		e := &w.enums[i]
		b = integer(append(comma(b, i == 0), `"e`...), i)
		b = append(b, `":{"valueType":"UINT8","values":[`...)
		if e.wide() {
			b = append(b[:len(b)-len(`8","values":[`)], `16","values":[`...)
		}
		for k, name := range e.names {
			b = text(append(comma(b, k == 0), `{"name":`...), name)
			b = append(integer(append(b, `,"value":`...), k), '}')
		}
		if e.null != "" {
			b = text(append(comma(b, len(e.names) == 0), `{"name":`...), e.null)
			b = append(integer(append(b, `,"value":`...), len(e.names)), '}')
		}
		b = append(b, "]}"...)
	}
	return append(b, '}')
}

func (w *Writer) jsonTable(b []byte, i int) []byte {
	t := &w.tables[i]
	b = append(b, '{')
	if t.name != "" {
		b = append(text(append(b, `"name":`...), t.name), ',')
	}
	b = integer(append(b, `"class":"c`...), i)
	b = integer(append(b, `","count":`...), t.rows)
	b = append(b, `,"properties":{`...)
	for k := t.from; k < t.to; k++ {
		p := &w.props[k]
		b = w.id(comma(b, k == t.from), t, k)
		b = integer(append(b, `:{"values":`...), p.values)
		if p.offsets >= 0 {
			b = integer(append(b, `,"stringOffsets":`...), p.offsets)
			b = append(append(append(b, `,"stringOffsetType":"`...), p.component...), '"')
		}
		b = append(b, '}')
	}
	return append(b, "}}"...)
}
