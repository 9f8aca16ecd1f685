package style

func (p pen) block() {
	p.add(levelGround, "", "fill", 0, geometry("Polygon"), nil, object{"fill-color": p.colors(), "fill-antialias": true})
	p.add(levelGround, "edge", "line", 14, geometry("Polygon"), nil, object{"line-color": p.palette.casing, "line-width": zoomed(1.4, 14, .4, 18, 1.2)})
	p.labels(levelLabel, "label", 15.2, p.label(), geometry("Polygon"), object{"text-size": zoomed(1, 15, 11, 18, 13)}, p.palette.quiet)
}

func (p pen) water() {
	p.add(levelWater, "", "fill", 0, geometry("Polygon"), nil, object{"fill-color": p.palette.water})
	p.add(levelWater, "course", "line", 0, geometry("LineString"), object{"line-cap": "round", "line-join": "round"},
		object{"line-color": p.palette.water, "line-width": zoomed(1.5, 10, 1, 14, 3, 18, 12)})
	p.labels(levelLabel, "label", 12, p.label(), nil, nil, p.palette.quiet)
}

// cell draws a management grid: the land it covers, below all else, so that
// shores appear where a city has no water areas, and outlines that do not hide
// the city.
func (p pen) cell() {
	_, color := classesOf(p.layer)
	c := color.In(p.theme)
	start := float64(p.layer.MinZoom)
	p.add(levelLand, "area", "fill", 0, geometry("Polygon"), nil, object{"fill-color": mix(p.palette.land, p.palette.block, p.pick(0, 1))})
	p.add(levelCell, "", "line", 0, nil, object{"line-join": "round"},
		object{"line-color": c, "line-opacity": zoomed(1, start, .8, start+4, .45), "line-width": zoomed(1.2, start, .6, start+3, 1, 18, 1.8), "line-dasharray": expr{4, 2}})
	p.labels(levelLabel, "label", start+5, p.label(), geometry("Polygon"), object{"text-size": 11, "text-padding": 24, "text-letter-spacing": .04}, fit(c, []string{p.palette.halo}, 4.5, int(p.pick(-1, 1))))
}

// building draws the plan, and solids where a height is known: parts instead of
// the outline that they replace.
func (p pen) building() {
	var height any
	switch {
	case p.has("height"):
		height = expr{"to-number", expr{"get", "height"}, 0}
		if p.has("floors") {
			height = expr{"coalesce", expr{"get", "height"}, expr{"*", 3.2, expr{"to-number", expr{"get", "floors"}, 0}}}
		}
	case p.has("floors"):
		height = expr{"*", 3.2, expr{"to-number", expr{"get", "floors"}, 0}}
	}
	var plan, solid any
	if p.has("part") {
		plan = expr{"!=", expr{"get", "part"}, true}
	}
	if p.has("has_parts") {
		solid = expr{"!=", expr{"get", "has_parts"}, true}
	}
	p.add(levelFlat, "", "fill", 0, all(geometry("Polygon"), plan), nil, object{"fill-color": p.mass()})
	p.add(levelFlat, "edge", "line", 14.5, all(geometry("Polygon"), plan), nil, object{"line-color": p.palette.buildingSide, "line-width": zoomed(1.3, 14.5, .4, 18, 1.4)})
	if height != nil {
		var base any = 0
		if p.has("base") {
			base = expr{"to-number", expr{"get", "base"}, 0}
		}
		p.add(levelSolid, "solid", "fill-extrusion", 14, all(geometry("Polygon"), solid, expr{">", height, 0}), nil, object{
			"fill-extrusion-color":  append(expr{"interpolate", expr{"linear"}, height}, tones[p.theme]...),
			"fill-extrusion-height": height, "fill-extrusion-base": base, "fill-extrusion-vertical-gradient": true,
			"fill-extrusion-opacity": 1, // less would draw every solid twice, and milky
		})
	}
	p.labels(levelLabel, "label", 16, p.label(), all(geometry("Polygon"), plan), object{"text-size": 11, "text-padding": 12, "text-max-width": 6}, p.palette.quiet)
}

// mass is the colour of the plan: from afar, where solids and outlines are not
// drawn, light ground needs the darker one.
func (p pen) mass() any {
	if p.theme == Dark {
		return p.palette.buildingTop
	}
	return zoomed(1, 12.5, p.palette.buildingSide, 15, p.palette.buildingTop)
}
