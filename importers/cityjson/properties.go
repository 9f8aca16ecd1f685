package cityjson

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// properties writes an object's record, without geometry, as a GeoJSON feature.
func (c *city) properties(o *object, b *body) ([]byte, error) {
	out := writer{buf: []byte(`{"type":"Feature","geometry":null,"properties":{`), own: map[string]bool{}}
	out.text("object_type", o.Type)
	if len(o.Parents) > 0 {
		out.text("parent", o.Parents[0])
	}
	if len(o.Children) > 0 {
		list, err := json.Marshal(o.Children)
		if err != nil {
			return nil, err
		}
		out.raw("children", list)
	}
	if b.lod != "" && b.lod != "null" {
		out.text("lod", b.lod)
	}
	switch {
	case b.dim == 2 && b.hiZ-b.loZ > flat:
		ground := c.groundOf(o, b.loZ)
		out.number("ground_elevation", ground)
		out.number("height", b.hiZ-ground)
		out.number("base", b.loZ-ground)
	case c.hasParts(o):
		out.raw("has_parts", []byte("true"))
	}
	if err := out.attributes(c.attributes(o)); err != nil {
		return nil, err
	}
	return append(out.buf, "}}"...), nil
}

// attributes are the object's own, then those of the parents that are no features.
func (c *city) attributes(o *object) (list []json.RawMessage) {
	list = append(list, o.Attributes)
	for range 4 {
		if len(o.Parents) == 0 {
			break
		}
		i, ok := c.index[o.Parents[0]]
		if !ok || c.objects[i].parse() != nil || len(c.objects[i].Geometry) > 0 {
			break
		}
		o = &c.objects[i]
		list = append(list, o.Attributes)
	}
	return list
}

// hasParts tells whether a child has a geometry.
func (c *city) hasParts(o *object) bool {
	for _, id := range o.Children {
		if i, ok := c.index[id]; ok && c.objects[i].parse() == nil && len(c.objects[i].Geometry) > 0 && kindOf(c.objects[i].Type) != "" {
			return true
		}
	}
	return false
}

// groundOf is the lowest z of an object (own) and all its relatives.
func (c *city) groundOf(o *object, own float64) float64 {
	if len(o.Parents) == 0 && len(o.Children) == 0 {
		return own
	}
	root := o
	for range 16 { // deeper than any building
		if len(root.Parents) == 0 {
			break
		}
		i, ok := c.index[root.Parents[0]]
		if !ok || c.objects[i].parse() != nil {
			break
		}
		root = &c.objects[i]
	}
	if len(root.Parents) > 0 { // a circle, or kin that is not there
		return own
	}
	ground, ok := c.grounds[root.id]
	if !ok {
		ground = c.lowestOf(root)
		c.grounds[root.id] = ground
	}
	return min(ground, own)
}

func (c *city) lowestOf(root *object) float64 {
	lowest := math.Inf(1)
	seen := map[string]bool{root.id: true}
	queue := []*object{root}
	for len(queue) > 0 {
		o := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if c.best(o, &c.kin) == nil && c.kin.dim == 2 && kindOf(o.Type) != "" {
			lowest = min(lowest, c.kin.loZ)
		}
		for _, id := range o.Children {
			i, ok := c.index[id]
			if !ok || seen[id] || len(seen) > maxKin || c.objects[i].parse() != nil {
				continue
			}
			seen[id] = true
			queue = append(queue, &c.objects[i])
		}
	}
	return lowest
}

// writer puts members of properties together.
type writer struct {
	buf []byte
	own map[string]bool
	any bool
}

func (w *writer) raw(name string, value []byte) {
	if w.any {
		w.buf = append(w.buf, ',')
	}
	w.any = true
	w.own[name] = true
	key, _ := json.Marshal(name) // a string always can be
	w.buf = append(append(append(w.buf, key...), ':'), value...)
}

func (w *writer) text(name, value string) {
	v, _ := json.Marshal(value)
	w.raw(name, v)
}

// number writes metres to the millimetre.
func (w *writer) number(name string, v float64) {
	w.raw(name, strconv.AppendFloat(nil, math.Round(v*1000)/1000+0, 'f', -1, 64))
}

// attributes writes attributes, of which the first of a name counts. One that has
// the name of a property made here becomes attributes.NAME.
func (w *writer) attributes(list []json.RawMessage) error {
	made := w.own
	w.own = map[string]bool{}
	for _, raw := range list {
		err := members(raw, func(name string, value json.RawMessage) error {
			if made[name] {
				name = "attributes." + name
			}
			if !w.own[name] {
				w.raw(name, value)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("its attributes cannot be read: %w", err)
		}
	}
	return nil
}
