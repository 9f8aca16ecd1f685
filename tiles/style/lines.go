package style

import (
	"slices"
	"strings"

	"twind/layers"
)

// streetWidths are widths in pixels at zooms 10, 12, 14, 16, 18 and 20 by rank.
var streetWidths = [][6]float64{
	{1.6, 3, 6, 14, 34, 90},
	{1, 2.2, 4.6, 11, 28, 72},
	{.6, 1.5, 3.6, 9, 24, 60},
	{.2, .7, 2, 6.5, 19, 48},
	{0, .2, .9, 3.4, 11, 30},
	{0, 0, .5, 1.3, 2.6, 6},
}

var streetZooms = [6]float64{10, 12, 14, 16, 18, 20}

// width is a street's width by class, grown by some pixels.
func (p pen) width(more float64) expr {
	list, _ := classesOf(p.layer)
	var stops []any
	for i, z := range streetZooms {
		stops = append(stops, z, p.byClass(list, streetWidths[3][i]+more, func(c class) any {
			if w := streetWidths[c.rank][i]; w > 0 {
				return w + more
			}
			return 0
		}))
	}
	return zoomed(1.5, stops...)
}

// upTo admits streets up to a rank that grows with the zoom, so that the city's
// skeleton is what one sees from afar.
func (p pen) upTo(paths bool) expr {
	if !p.has(p.layer.ClassBy) {
		return geometry("LineString")
	}
	rank := func(r int) any {
		return all(geometry("LineString"), p.isClass(func(c class) bool { return c.rank <= r }, r >= 3))
	}
	last := 4
	if paths {
		last = 5
	}
	return expr{"step", expr{"zoom"}, rank(1), 11, rank(2), 12, rank(3), 13.5, rank(4), 14.5, rank(last)}
}

func (p pen) street() {
	list, rest := classesOf(p.layer)
	round := object{"line-cap": "round", "line-join": "round", "line-sort-key": p.byClass(list, -3, func(c class) any { return -c.rank })}
	fill := object{"line-color": p.byClass(list, rest.In(p.theme), func(c class) any { return c.color.In(p.theme) }), "line-width": p.width(0)}
	casing := object{"line-color": p.palette.casing, "line-width": p.width(p.pick(1.6, 1.4))}
	if p.has("tunnel") {
		// Shapefiles say 1 where others say true.
		tunnel := expr{"in", expr{"get", "tunnel"}, expr{"literal", expr{true, 1}}}
		fill["line-opacity"] = expr{"case", tunnel, .45, 1}
		casing["line-opacity"] = expr{"case", tunnel, .35, 1}
	}
	p.add(levelCasing, "casing", "line", 11, p.upTo(false), round, casing)
	p.add(levelStreet, "", "line", 0, p.upTo(false), round, fill)
	if p.has(p.layer.ClassBy) {
		p.add(levelStreet, "path", "line", 14.5, all(geometry("LineString"), p.isClass(func(c class) bool { return c.rank == 5 }, false)),
			object{"line-join": "round"}, object{"line-color": streetClasses[5].color.In(p.theme), "line-width": p.width(0), "line-dasharray": expr{3, 1.5}})
	}
	p.labels(levelLineLabel, "label", 12.5, p.label(), p.named(), object{
		"symbol-placement": "line", "text-size": zoomed(1, 12, 10, 15, 11.5, 18, 14), "symbol-spacing": 320, "text-max-angle": 35, "text-padding": 6,
		"symbol-sort-key": p.byClass(list, 3, func(c class) any { return c.rank }),
	}, p.palette.quiet)
}

// named admits streets whose names are read at a zoom.
func (p pen) named() expr {
	if !p.has(p.layer.ClassBy) {
		return geometry("LineString")
	}
	rank := func(r int) any {
		return all(geometry("LineString"), p.isClass(func(c class) bool { return c.rank <= r }, r >= 3))
	}
	return expr{"step", expr{"zoom"}, rank(1), 14, rank(2), 15, rank(3), 17, rank(5)}
}

func (p pen) railway() {
	round := object{"line-cap": "round", "line-join": "round"}
	p.add(levelRail, "casing", "line", 11, geometry("LineString"), round,
		object{"line-color": p.casingOfRail(), "line-width": zoomed(1.4, 11, 2.2, 14, 4.2, 18, 11)})
	p.add(levelRail, "", "line", 0, geometry("LineString"), round,
		object{"line-color": p.colors(), "line-width": zoomed(1.4, 9, 1, 11, 1.4, 14, 2.6, 18, 8)})
	p.labels(levelLineLabel, "label", 13.5, p.label(), geometry("LineString"),
		object{"symbol-placement": "line", "text-size": 11, "symbol-spacing": 400, "text-max-angle": 35}, p.palette.quiet)
}

// casingOfRail tells light lines from light ground, and dark ones from dark.
func (p pen) casingOfRail() string {
	if p.theme == Dark {
		return p.palette.land
	}
	return p.palette.quiet
}

// diameter is the name of the property that holds a pipe's diameter or width in
// millimetres, or "".
func (p pen) diameter() string {
	for _, s := range p.layer.Schema {
		number := s.Type == layers.Integer || s.Type == layers.Number
		if number && s.Unit == "mm" && slices.Contains([]string{"diameter", "width", "dn", "size", "管径"}, strings.ToLower(s.Name)) {
			return s.Name
		}
	}
	return ""
}

// disused holds for pipes out of use, by their status: codes and words of CJJ 61
// and of the cities at hand.
func (p pen) disused() any {
	if !p.has("status") {
		return nil
	}
	return expr{"match", expr{"to-string", expr{"get", "status"}}, []string{"废弃", "1", "abandoned", "out of service", "to be disposed", "disposed"}, true, false}
}

func (p pen) pipe() {
	scale := func(w float64) any {
		d := p.diameter()
		if d == "" {
			return w
		}
		return expr{"interpolate", expr{"linear"}, expr{"to-number", expr{"get", d}, 200}, 100, .75 * w, 300, w, 1200, 1.6 * w}
	}
	width := zoomed(1.5, 10, scale(.55), 13, scale(1), 15, scale(1.35), 17, scale(2.8), 20, scale(11))
	round := object{"line-cap": "round", "line-join": "round"}
	disused := p.disused()
	var used any
	if disused != nil {
		used = expr{"!", disused}
	}
	p.add(levelPipe, "rim", "line", 15.5, geometry("LineString"), round,
		object{"line-color": p.palette.halo, "line-opacity": .7, "line-width": zoomed(1.5, 15.5, scale(2), 17, scale(4.2), 20, scale(13.5))})
	p.add(levelPipe, "", "line", 0, all(geometry("LineString"), used), round, object{"line-color": p.colors(), "line-width": width})
	if disused != nil {
		p.add(levelPipe, "disused", "line", 0, all(geometry("LineString"), disused), object{"line-join": "round"},
			object{"line-color": p.colors(), "line-width": width, "line-opacity": .7, "line-dasharray": expr{2, 1.6}})
	}
	p.labels(levelLineLabel, "label", 16.5, p.section(), geometry("LineString"), object{
		"symbol-placement": "line", "text-size": zoomed(1, 16, 10, 19, 12), "symbol-spacing": 260, "text-max-angle": 30, "text-padding": 8,
	}, p.palette.quiet)
}

// section is what a survey's map writes along a pipe: kind, section, material.
func (p pen) section() any {
	get := func(name string) any { return expr{"to-string", expr{"get", name}} }
	e := expr{"concat"}
	word := func(v any) {
		if len(e) > 1 {
			e = append(e, " ")
		}
		e = append(e, v)
	}
	for _, name := range []string{"subkind", "kind"} {
		if p.has(name) {
			word(get(name))
			break
		}
	}
	switch d := p.diameter(); {
	case p.has("section"):
		word(get("section"))
	case d != "":
		word(expr{"case", expr{"has", d}, expr{"concat", "DN", get(d)}, ""})
	}
	for _, name := range []string{"material", "MATERIAL"} {
		if p.has(name) {
			word(get(name))
			break
		}
	}
	if len(e) == 1 {
		return p.label()
	}
	return e
}
