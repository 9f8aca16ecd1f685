package gltf

import (
	"errors"
	"fmt"
	"math"
)

type metadataJSON struct {
	Schema struct {
		ID      string
		Classes map[string]struct {
			Name       string
			Properties map[string]propertyJSON
		}
		Enums map[string]struct {
			ValueType string
			Values    []struct {
				Name  string
				Value int
			}
		}
	}
	PropertyTables []struct {
		Name, Class string
		Count       int
		Properties  map[string]struct {
			Values           int
			StringOffsets    *int
			StringOffsetType string
		}
	}
}

type propertyJSON struct {
	Name, Type, ComponentType, EnumType string
	NoData                              any
}

// DocumentTable is a decoded property table.
type DocumentTable struct {
	Name    string
	Rows    int
	Columns map[string][]any // by the attribute's name: string, int64, float64, bool, or nil for null
	Types   map[string]string
}

func (p *parser) tables() ([]DocumentTable, error) {
	m := p.file.Extensions.Metadata
	if m == nil {
		return nil, nil
	}
	var list []DocumentTable
	for i := range m.PropertyTables {
		j := &m.PropertyTables[i]
		class, ok := m.Schema.Classes[j.Class]
		if !ok || j.Count < 1 {
			return nil, fmt.Errorf("gltf: property table %d has no class or no rows", i)
		}
		t := DocumentTable{Name: j.Name, Rows: j.Count, Columns: map[string][]any{}, Types: map[string]string{}}
		for id, column := range j.Properties {
			property, ok := class.Properties[id]
			if !ok {
				return nil, fmt.Errorf("gltf: property %q is not in class %q", id, j.Class)
			}
			name := property.Name
			if name == "" {
				name = id
			}
			values, err := p.values(&property, column.Values, column.StringOffsets, column.StringOffsetType, j.Count)
			if err != nil {
				return nil, fmt.Errorf("gltf: property %q: %w", name, err)
			}
			t.Columns[name], t.Types[name] = values, property.Type+property.ComponentType
		}
		list = append(list, t)
	}
	return list, nil
}

// tableBytes are the bytes of a table's view, which must be aligned to 8.
func (p *parser) tableBytes(view int) ([]byte, error) {
	b, err := p.bytesOf(view)
	if err == nil && p.file.BufferViews[view].ByteOffset%8 != 0 {
		err = errors.New("the view is not aligned to 8 bytes")
	}
	return b, err
}

func (p *parser) values(j *propertyJSON, view int, offsets *int, offsetType string, rows int) ([]any, error) {
	if p.left -= rows; p.left < 0 {
		return nil, fmt.Errorf("more elements than the limit of %d", p.limits.Elements)
	}
	b, err := p.tableBytes(view)
	if err != nil {
		return nil, err
	}
	if rows > 8*len(b)+1 && offsets == nil {
		return nil, errAccessor
	}
	switch j.Type {
	case "STRING":
		return p.texts(j, b, offsets, offsetType, rows)
	case "BOOLEAN":
		return booleans(b, rows)
	case "ENUM":
		return p.names(j, b, rows)
	case "SCALAR":
		return scalars(j, b, rows)
	}
	return nil, fmt.Errorf("type %q is not understood", j.Type)
}

var errShort = errors.New("the view is too short")

func (p *parser) texts(j *propertyJSON, b []byte, offsets *int, offsetType string, rows int) ([]any, error) {
	if offsets == nil {
		return nil, errors.New("there are no string offsets")
	}
	o, err := p.tableBytes(*offsets)
	if err != nil {
		return nil, err
	}
	ends, err := scalars(&propertyJSON{ComponentType: offsetType}, o, rows+1)
	if err != nil {
		return nil, err
	}
	var out []any
	for i := range rows {
		from, ok1 := ends[i].(int64)
		to, ok2 := ends[i+1].(int64)
		if !ok1 || !ok2 || from < 0 || to < from || to > int64(len(b)) {
			return nil, errors.New("the string offsets do not fit the text")
		}
		out = append(out, denull(string(b[from:to]), j.NoData))
	}
	return out, nil
}

// denull is nil for the value that stands for null.
func denull(v string, noData any) any {
	if text, ok := noData.(string); ok && text == v {
		return nil
	}
	return v
}

func booleans(b []byte, rows int) ([]any, error) {
	if len(b) < (rows+7)/8 {
		return nil, errShort
	}
	var out []any
	for i := range rows {
		out = append(out, b[i/8]>>(i%8)&1 == 1)
	}
	return out, nil
}

func (p *parser) names(j *propertyJSON, b []byte, rows int) ([]any, error) {
	e, ok := p.file.Extensions.Metadata.Schema.Enums[j.EnumType]
	if !ok {
		return nil, fmt.Errorf("enum %q is not there", j.EnumType)
	}
	codes, err := scalars(&propertyJSON{ComponentType: e.ValueType}, b, rows)
	if err != nil {
		return nil, err
	}
	names := map[int64]string{}
	for _, v := range e.Values {
		names[int64(v.Value)] = v.Name
	}
	var out []any
	for _, c := range codes {
		code, _ := c.(int64)
		name, ok := names[code]
		if !ok {
			return nil, fmt.Errorf("enum value %d has no name", code)
		}
		out = append(out, denull(name, j.NoData))
	}
	return out, nil
}

// scalarSizes are the bytes of a component type of a table.
var scalarSizes = map[string]int{"UINT8": 1, "INT8": 1, "UINT16": 2, "INT16": 2, "UINT32": 4, "INT32": 4, "INT64": 8, "FLOAT32": 4, "FLOAT64": 8}

func scalars(j *propertyJSON, b []byte, rows int) ([]any, error) {
	size := scalarSizes[j.ComponentType]
	if size == 0 {
		return nil, fmt.Errorf("component type %q is not understood", j.ComponentType)
	}
	if len(b)/size < rows {
		return nil, errShort
	}
	noData, has := j.NoData.(float64)
	var out []any
	for i := range rows {
		v, number := scalar(b[i*size:], j.ComponentType)
		if has && number == noData {
			v = nil
		}
		out = append(out, v)
	}
	return out, nil
}

// scalar decodes one value, as itself and as a number.
func scalar(b []byte, component string) (v any, number float64) {
	var n int64
	switch component {
	case "FLOAT32":
		f := float64(math.Float32frombits(le.Uint32(b)))
		return f, f
	case "FLOAT64":
		f := math.Float64frombits(le.Uint64(b))
		return f, f
	case "UINT8":
		n = int64(b[0])
	case "INT8":
		n = int64(int8(b[0]))
	case "UINT16":
		n = int64(le.Uint16(b))
	case "INT16":
		n = int64(int16(le.Uint16(b)))
	case "UINT32":
		n = int64(le.Uint32(b))
	case "INT32":
		n = int64(int32(le.Uint32(b)))
	default:
		n = int64(le.Uint64(b))
	}
	return n, float64(n)
}
