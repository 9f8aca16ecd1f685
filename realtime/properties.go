package realtime

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"twind/layers"
)

// properties is what readProperties made of a position's properties.
type properties struct {
	json  []byte // without white space
	hash  uint64 // of the text as it came
	class string
}

// readProperties checks properties against the layer, and adds names that it
// does not know to the layer's schema. Caller holds mu.
func (l *layer) readProperties(raw []byte, hash uint64) (*properties, error) {
	if !utf8.Valid(raw) {
		return nil, fmt.Errorf("properties are not UTF-8")
	}
	var names int
	p := &properties{hash: hash}
	type found struct {
		name string
		typ  layers.ValueType
	}
	var unknown []found
	err := eachProperty(raw, func(name string, v layers.Value) error {
		if names++; names > MaxEntityProps {
			return fmt.Errorf("more than %d properties", MaxEntityProps)
		}
		if name == "" || len(name) > layers.MaxNameBytes {
			return fmt.Errorf("property name of %d bytes: expected 1 to %d", len(name), layers.MaxNameBytes)
		}
		if name == l.desc.ClassBy {
			p.class = v.String()
		}
		i, ok := l.found[name]
		if !ok {
			if !v.IsNull() {
				unknown = append(unknown, found{name, v.Type()})
			}
			return nil
		}
		if i >= len(baseSchema) && i < l.declared && !fits(v.Type(), l.desc.Schema[i].Type) {
			return fmt.Errorf("property %q is %v, expected %v", name, v.Type(), l.desc.Schema[i].Type)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return nil, fmt.Errorf("properties: %w", err)
	}
	if b.Len() > MaxPropertiesBytes {
		return nil, fmt.Errorf("properties of %d bytes; at most %d are possible", b.Len(), MaxPropertiesBytes)
	}
	for _, f := range unknown {
		l.discover(f.name, f.typ)
	}
	p.json = bytes.Clone(b.Bytes())
	return p, nil
}

// fits tells whether a value may stand for a property of a type.
func fits(v, want layers.ValueType) bool {
	return v == layers.Null || v == want ||
		want == layers.Number && v == layers.Integer ||
		v == layers.String && (want == layers.Date || want == layers.DateTime)
}

// discover adds a property to the schema, up to maxSchema of them.
func (l *layer) discover(name string, t layers.ValueType) {
	if _, ok := l.found[name]; ok {
		return
	}
	if len(l.desc.Schema) >= maxSchema {
		return // stays in the entity's properties, but is no column of the collection
	}
	for _, r := range name {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return
		}
	}
	if t == layers.Integer {
		t = layers.Number // the next one may have a fraction
	}
	l.found[name] = len(l.desc.Schema)
	// A new array: descriptions that were handed out keep the old one.
	l.desc.Schema = append(l.desc.Schema[:len(l.desc.Schema):len(l.desc.Schema)], layers.Property{Name: name, Type: t})
}

// setProperties keeps what readProperties made.
func (l *layer) setProperties(slot uint32, p *properties) {
	l.props[slot], l.e[slot].propHash = p.json, p.hash
	l.e[slot].named = l.open
	l.e[slot].class = NoClass
	if p.class == "" {
		return
	}
	c, ok := l.classIndex[p.class]
	if !ok {
		if len(l.classes) >= NoClass {
			return
		}
		c = uint8(len(l.classes))
		l.classes = append(l.classes, p.class)
		l.classIndex[p.class] = c
	}
	l.e[slot].class = c
}

// eachProperty reads a JSON object's members as values: text for arrays and
// objects, which no layer carries, is their JSON.
func eachProperty(raw []byte, fn func(name string, v layers.Value) error) error {
	s := scanner{b: raw}
	if s.next() != '{' {
		return fmt.Errorf("properties: %w", s.unexpected("an object"))
	}
	err := s.members('{', func(rawName []byte, escaped bool) error {
		name := string(text(rawName, escaped))
		v, err := s.value(0)
		if err != nil {
			return err
		}
		return fn(name, valueOf(v))
	})
	if err != nil {
		return fmt.Errorf("properties: %w", err)
	}
	if s.next() != 0 || s.i < len(s.b) {
		return fmt.Errorf("properties: %w", s.unexpected("the end"))
	}
	return nil
}

// valueOf is the value of checked JSON.
func valueOf(raw []byte) layers.Value {
	switch raw[0] {
	case 'n':
		return layers.Value{}
	case 't', 'f':
		return layers.BoolValue(raw[0] == 't')
	case '"':
		return layers.StringValue(string(text(raw, bytes.IndexByte(raw, '\\') >= 0)))
	case '{', '[':
		return layers.StringValue(string(raw))
	}
	if i, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return layers.IntValue(i)
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return layers.Value{} // beyond float64
	}
	return layers.FloatValue(f)
}
