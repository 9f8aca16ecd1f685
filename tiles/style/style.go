package style

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"twind/layers"
)

type (
	object = map[string]any
	expr   = []any
)

// level is where a style layer stands in the order of drawing.
type level int

const (
	levelLand level = iota
	levelGround
	levelWater
	levelCasing
	levelStreet
	levelCell
	levelRail
	levelPipe
	levelFlat
	levelPoint
	levelLineLabel // texts that lie on the ground
	levelSolid
	levelStation
	levelLabel
)

// drawing collects the style layers of a theme.
type drawing struct {
	theme   Theme
	palette *palette
	list    []placed
}

type placed struct {
	level level
	layer object
}

// pen draws one layer.
type pen struct {
	*drawing
	layer *layers.Layer
}

// Links are the absolute addresses that a style asks at.
type Links struct {
	TileJSON func(layers.ID) string // of a layer's TileJSON
	Sprite   string                 // of the sprite, without .json and .png
	Bases    []Base                 // what is drawn below the layers, the first lowest
}

// Style is the style document of the layers in a theme, live ones left out. The
// same input gives the same bytes. A layer whose own style is not an array of
// MapLibre style layers is drawn by its kind, and faults has a sentence for it, of
// layers.ErrInvalid. It fails with layers.ErrInvalid for a theme that is not there.
func Style(list []layers.Layer, theme Theme, links Links) (doc []byte, faults []error, err error) {
	if palettes[theme] == nil {
		return nil, nil, layers.Errorf(layers.ErrInvalid, "theme %.20q: expected light or dark", theme)
	}
	d := &drawing{theme: theme, palette: palettes[theme]}
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b layers.Layer) int {
		return cmp.Or(cmp.Compare(rankOf(a.Kind), rankOf(b.Kind)), strings.Compare(string(a.ID), string(b.ID)))
	})
	sources := object{}
	for i := range list {
		l := &list[i]
		if l.Live != nil {
			continue
		}
		sources[string(l.ID)] = object{"type": "vector", "url": links.TileJSON(l.ID)}
		if err := (pen{d, l}).draw(); err != nil {
			faults = append(faults, err)
		}
	}
	slices.SortStableFunc(d.list, func(a, b placed) int { return cmp.Compare(a.level, b.level) })
	out := []object{{"id": "ground", "type": "background", "paint": object{"background-color": d.palette.beyond}}}
	for _, b := range links.Bases {
		source, below := d.base(b)
		sources[b.ID] = source
		out = append(out, below...)
	}
	if slices.ContainsFunc(links.Bases, Base.image) {
		d.seeThrough()
	}
	for _, p := range d.list {
		out = append(out, p.layer)
	}
	root := object{
		"version": 8, "name": "twind " + string(theme), "metadata": object{"twind:theme": theme},
		"sprite": links.Sprite, "sources": sources, "layers": out,
		// One soft sun from the south-east.
		"light": object{"anchor": "map", "position": expr{1.3, 150, 45}, "color": "#ffffff", "intensity": d.pick(.3, .45)},
		"sky":   skies[theme],
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(root); err != nil {
		return nil, nil, err
	}
	return b.Bytes(), faults, nil
}

func rankOf(k layers.Kind) int {
	if i := slices.Index(layers.Kinds, k); i >= 0 {
		return i
	}
	return len(layers.Kinds)
}

// pick is a number of the theme.
func (d *drawing) pick(light, dark float64) float64 {
	if d.theme == Dark {
		return dark
	}
	return light
}

// draw adds the style layers of the pen's layer.
func (p pen) draw() error {
	if p.layer.Style != nil {
		err := p.own()
		if err != nil {
			p.byKind()
		}
		return err
	}
	p.byKind()
	return nil
}

// byKind adds the default style layers of the layer's kind.
func (p pen) byKind() {
	switch p.layer.Kind {
	case layers.KindBlock:
		p.block()
	case layers.KindWater:
		p.water()
	case layers.KindCell:
		p.cell()
	case layers.KindStreet:
		p.street()
	case layers.KindRail:
		p.railway()
	case layers.KindPipe:
		p.pipe()
	case layers.KindBuilding:
		p.building()
	case layers.KindNode:
		p.node()
	case layers.KindPart:
		p.part()
	case layers.KindStation:
		p.station()
	default:
		p.feature()
	}
}

// own adds the style layers that the layer brings, named and bound to its source.
func (p pen) own() error {
	l := p.layer
	var list []object
	if err := json.Unmarshal(l.Style, &list); err != nil {
		return layers.Errorf(layers.ErrInvalid, "layer %s: its style is not a JSON array of MapLibre style layers: %w", l.ID, err)
	}
	seen := map[string]bool{}
	for i, s := range list {
		id, _ := s["id"].(string)
		kind, _ := s["type"].(string)
		if id == "" || seen[id] || levelOf(l.Kind, kind) < 0 {
			return layers.Errorf(layers.ErrInvalid, "layer %s: style layer %d needs an id of its own and a type of fill, line, circle, symbol, fill-extrusion or heatmap", l.ID, i)
		}
		seen[id] = true
	}
	for _, s := range list {
		id := s["id"].(string)
		if id != string(l.ID) && !strings.HasPrefix(id, string(l.ID)+"-") {
			id = string(l.ID) + "-" + id
		}
		p.put(levelOf(l.Kind, s["type"].(string)), id, s)
	}
	return nil
}

// levelOf is where a style layer of a type stands in a layer of a kind; −1 for a
// type that draws no vectors.
func levelOf(k layers.Kind, styleType string) level {
	switch styleType {
	case "fill", "line", "circle", "heatmap":
	case "fill-extrusion":
		return levelSolid
	case "symbol":
		return levelLabel
	default:
		return -1
	}
	switch k {
	case layers.KindBlock:
		return levelGround
	case layers.KindWater:
		return levelWater
	case layers.KindStreet:
		return levelStreet
	case layers.KindCell:
		return levelCell
	case layers.KindRail:
		return levelRail
	case layers.KindPipe:
		return levelPipe
	case layers.KindBuilding:
		return levelFlat
	case layers.KindStation:
		return levelStation
	}
	return levelPoint
}

// put adds a style layer under an id, bound to the layer's source.
func (p pen) put(at level, id string, s object) {
	s["id"] = id
	s["source"], s["source-layer"] = string(p.layer.ID), string(p.layer.ID)
	metadata, _ := s["metadata"].(object)
	if metadata == nil {
		metadata = object{}
		s["metadata"] = metadata
	}
	metadata["twind:layer"] = string(p.layer.ID)
	p.list = append(p.list, placed{at, s})
}

// add is put for the parts of a style by kind; part "" is the layer itself.
func (p pen) add(at level, part, styleType string, minZoom float64, filter expr, layout, paint object) {
	id := string(p.layer.ID)
	if part != "" {
		id += "-" + part
	}
	s := object{"type": styleType, "paint": paint}
	if minZoom > 0 {
		s["minzoom"] = minZoom
	}
	if filter != nil {
		s["filter"] = filter
	}
	if len(layout) > 0 {
		s["layout"] = layout
	}
	p.put(at, id, s)
}

// has tells whether the layer has a property.
func (p pen) has(name string) bool { return name != "" && p.layer.PropertyIndex(name) >= 0 }

// colors is the colour of a feature by its class.
func (p pen) colors() any {
	list, rest := classesOf(p.layer)
	return p.byClass(list, rest.In(p.theme), func(c class) any { return c.color.In(p.theme) })
}

// byClass chooses by the value of the layer's ClassBy; rest is for all others.
func (p pen) byClass(list []class, rest any, choose func(class) any) any {
	if len(list) == 0 || !p.has(p.layer.ClassBy) {
		return rest
	}
	e := expr{"match", expr{"to-string", expr{"get", p.layer.ClassBy}}}
	seen := map[string]bool{}
	for _, c := range list {
		values := slices.DeleteFunc(slices.Clone(c.values), func(v string) bool { was := seen[v]; seen[v] = true; return was })
		if len(values) > 0 {
			e = append(e, values, choose(c))
		}
	}
	return append(e, rest)
}

// isClass is true for features of the classes that want holds for; rest is the
// answer for all others.
func (p pen) isClass(want func(class) bool, rest bool) any {
	list, _ := classesOf(p.layer)
	return p.byClass(list, rest, func(c class) any { return want(c) })
}

// geometry admits features of one geometry type: "Point", "LineString" or "Polygon".
func geometry(t string) expr { return expr{"==", expr{"geometry-type"}, t} }

func all(conditions ...any) expr {
	e := expr{"all"}
	for _, c := range conditions {
		if c != nil {
			e = append(e, c)
		}
	}
	if len(e) == 2 {
		return e[1].(expr)
	}
	return e
}

// zoomed interpolates between values at zooms, given in pairs, the more steeply
// the larger base is.
func zoomed(base float64, stops ...any) expr {
	return append(expr{"interpolate", expr{"exponential", base}, expr{"zoom"}}, stops...)
}

// label is the text of the layer's label property, or nil.
func (p pen) label() any {
	if !p.has(p.layer.Label) {
		return nil
	}
	return expr{"to-string", expr{"get", p.layer.Label}}
}

// labels adds texts in the quiet colour with a halo.
func (p pen) labels(at level, part string, minZoom float64, field any, filter expr, layout object, color string) {
	if field == nil {
		return
	}
	full := object{"text-field": field, "text-font": expr{Font}, "text-size": 12, "text-max-width": 8, "text-padding": 4}
	for k, v := range layout {
		full[k] = v
	}
	p.add(at, part, "symbol", minZoom, filter, full, object{"text-color": color, "text-halo-color": p.palette.halo, "text-halo-width": 1.4})
}
