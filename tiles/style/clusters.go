package style

// The properties of what generalised tiles hold instead of features; package
// pyramid has the same names.
const clusterCount = "twind:count"

// single admits points that stand for themselves.
func single() expr {
	return all(geometry("Point"), expr{"!", expr{"has", clusterCount}})
}

// clusters draws points that stand for many: rings that grow with the number,
// which is written in them.
func (p pen) clusters(at level) {
	count := expr{"get", clusterCount}
	size := expr{"log10", expr{"max", count, 1}}
	p.add(at, "cluster", "circle", 0, expr{"has", clusterCount}, object{"circle-sort-key": count}, object{
		"circle-color": p.palette.panel, "circle-opacity": .9, "circle-stroke-color": p.colors(), "circle-stroke-opacity": .8,
		"circle-radius":       expr{"interpolate", expr{"linear"}, size, 0, 7, 2, 10.5, 4, 15},
		"circle-stroke-width": expr{"interpolate", expr{"linear"}, size, 0, 1, 4, 3},
	})
	short := expr{
		"case",
		expr{">=", count, 10_000}, expr{"concat", expr{"to-string", expr{"round", expr{"/", count, 1000}}}, "k"},
		expr{">=", count, 1000}, expr{"concat", expr{"to-string", expr{"/", expr{"round", expr{"/", count, 100}}, 10}}, "k"},
		expr{"to-string", count},
	}
	p.labels(at, "count", 0, short, expr{"has", clusterCount}, object{
		"text-size": expr{"interpolate", expr{"linear"}, size, 0, 9, 4, 11}, "text-allow-overlap": true, "text-padding": 0,
	}, p.palette.text)
}

// density draws points that stand for many as dots that grow with the number,
// where too many would be written.
func (p pen) density(at level) {
	size := expr{"log10", expr{"max", expr{"get", clusterCount}, 1}}
	p.add(at, "cluster", "circle", 0, expr{"has", clusterCount}, nil, object{
		"circle-color": p.colors(), "circle-opacity": .75,
		"circle-radius": expr{"interpolate", expr{"linear"}, size, 0, .9, 1, 1.8, 2, 3, 4, 5},
	})
}
