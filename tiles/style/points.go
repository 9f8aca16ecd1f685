package style

// node draws manholes, valves and bends: dots that grow to the plan size of a
// cover.
func (p pen) node() {
	p.density(levelPoint)
	p.add(levelPoint, "", "circle", 0, single(), nil, object{
		"circle-color": p.palette.panel, "circle-stroke-color": p.colors(),
		"circle-radius": zoomed(1.6, 13, .5, 15, 1.2, 17, 2.6, 20, 8), "circle-stroke-width": zoomed(1.5, 13, .5, 15, .9, 17, 1.8, 20, 4),
		"circle-pitch-alignment": "map",
	})
	p.icons(18.2, zoomed(1.5, 18.2, .24, 20, .56), p.colors(), "map")
	p.labels(levelLabel, "label", 18, p.label(), geometry("Point"), object{"text-size": 10, "text-offset": expr{0, .9}, "text-anchor": "top", "text-optional": true}, p.palette.quiet)
}

func (p pen) part() {
	p.clusters(levelPoint)
	p.add(levelPoint, "", "circle", 0, single(), nil, object{
		"circle-color": p.colors(), "circle-stroke-color": p.palette.halo,
		"circle-radius": zoomed(1.5, 14, .8, 16, 2.2, 17, 4.4, 18, 7.5, 20, 12), "circle-stroke-width": zoomed(1, 15, 0, 17, 1.2),
	})
	p.icons(17, zoomed(1.4, 17, .28, 18, .52, 20, .84), p.palette.halo, "viewport")
	p.labels(levelLabel, "label", 19, p.label(), geometry("Point"), object{"text-size": 10, "text-offset": expr{0, 1}, "text-anchor": "top", "text-optional": true}, p.palette.quiet)
}

func (p pen) station() {
	p.add(levelStation, "", "circle", 0, geometry("Point"), nil, object{
		"circle-color": p.palette.panel, "circle-stroke-color": p.palette.text,
		"circle-radius": zoomed(1.4, 10, 1, 13, 1.9, 15, 3, 16, 4.4, 19, 9), "circle-stroke-width": zoomed(1.2, 10, .6, 14, 1.1, 18, 2.4),
	})
	p.labels(levelLabel, "label", 13, p.label(), geometry("Point"), object{
		"text-size": zoomed(1, 13, 11, 17, 13), "text-variable-anchor": expr{"top", "bottom", "left", "right"}, "text-radial-offset": .75, "text-justify": "auto", "text-optional": true,
	}, p.palette.text)
}

// feature draws what has no kind of its own, whatever its geometry.
func (p pen) feature() {
	color := p.colors()
	p.add(levelGround, "area", "fill", 0, geometry("Polygon"), nil, object{"fill-color": color, "fill-opacity": .18})
	p.add(levelPoint, "edge", "line", 0, geometry("Polygon"), object{"line-join": "round"}, object{"line-color": color, "line-width": zoomed(1.2, 10, .8, 16, 1.6)})
	p.add(levelPoint, "line", "line", 0, geometry("LineString"), object{"line-cap": "round", "line-join": "round"}, object{"line-color": color, "line-width": zoomed(1.4, 10, 1, 14, 2, 18, 5)})
	p.clusters(levelPoint)
	p.add(levelPoint, "", "circle", 0, single(), nil, object{
		"circle-color": color, "circle-stroke-color": p.palette.halo, "circle-stroke-width": 1,
		"circle-radius": zoomed(1.4, 8, 1.6, 14, 3.4, 18, 6),
	})
	p.labels(levelLabel, "label", 15, p.label(), nil, object{"text-variable-anchor": expr{"top", "bottom", "left", "right"}, "text-radial-offset": .6, "text-optional": true}, p.palette.quiet)
}
