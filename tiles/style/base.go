package style

import (
	"strings"
)

// Base is a map of finished tiles that is drawn below the layers.
type Base struct {
	ID       string
	TileJSON string // absolute address
	Raster   bool   // images; else vector tiles
	TileSize int    // pixels of one side, of images
	Relief   bool   // images of shadows and lights, transparent elsewhere
	Layers   []BaseLayer
}

// image tells whether the base is pictures of the ground.
func (b Base) image() bool { return b.Raster && !b.Relief }

// seeThrough makes land, blocks and water transparent, so that pictures of the
// ground below them are seen; their outlines stay.
func (d *drawing) seeThrough() {
	for _, p := range d.list {
		if paint, ok := p.layer["paint"].(object); ok && p.level <= levelWater && p.layer["type"] == "fill" {
			paint["fill-opacity"] = .1
		}
	}
}

// BaseLayer is one layer of vector tiles whose content is not known but by its name.
type BaseLayer struct {
	Name             string
	MinZoom, MaxZoom uint8
}

// topic is what a layer of a base map shows, as its name tells.
type topic int

const (
	topicLand topic = iota
	topicGreen
	topicWater
	topicOther
	topicStreet
	topicBoundary
	topicBuilding
	topicPlace
)

// topics are names that the common schemas (OpenMapTiles, Protomaps, Shortbread,
// Mapbox Streets) give to their layers.
var topics = map[string]topic{
	"earth": topicLand, "land": topicLand, "countries": topicLand, "country": topicLand,
	"landcover": topicGreen, "landuse": topicGreen, "park": topicGreen, "parks": topicGreen, "natural": topicGreen, "sites": topicGreen, "globallandcover": topicGreen,
	"water": topicWater, "waterway": topicWater, "waterways": topicWater, "ocean": topicWater, "lakes": topicWater, "rivers": topicWater, "water_polygons": topicWater, "water_lines": topicWater,
	"transportation": topicStreet, "road": topicStreet, "roads": topicStreet, "streets": topicStreet, "transit": topicStreet, "bridges": topicStreet, "street_polygons": topicStreet,
	"boundary": topicBoundary, "boundaries": topicBoundary, "admin": topicBoundary,
	"building": topicBuilding, "buildings": topicBuilding,
	"place": topicPlace, "places": topicPlace, "place_labels": topicPlace, "place_label": topicPlace, "water_name": topicPlace, "mountain_peak": topicPlace,
}

// base is the source and the style layers of a base map, from the lowest to the
// highest. It stays behind the city: quiet colours of the theme, few labels.
func (d *drawing) base(b Base) (source object, list []object) {
	if b.Relief { // felt rather than seen
		return object{"type": "raster", "url": b.TileJSON, "tileSize": b.TileSize},
			[]object{{"id": b.ID, "type": "raster", "source": b.ID, "metadata": baseMetadata(b.ID), "paint": object{"raster-opacity": d.pick(.3, .32), "raster-resampling": "linear"}}}
	}
	if b.Raster {
		return object{"type": "raster", "url": b.TileJSON, "tileSize": b.TileSize},
			[]object{{"id": b.ID, "type": "raster", "source": b.ID, "metadata": baseMetadata(b.ID), "paint": object{"raster-opacity": d.pick(1, .75)}}}
	}
	for t := topicLand; t <= topicPlace; t++ {
		for _, l := range b.Layers {
			if of, ok := topics[strings.ToLower(l.Name)]; ok && of == t || !ok && t == topicOther {
				list = append(list, d.baseLayer(b.ID, l, t)...)
			}
		}
	}
	return object{"type": "vector", "url": b.TileJSON}, list
}

// baseMetadata names the map that a style layer belongs to, and says that it has no
// features to ask for.
func baseMetadata(id string) object { return object{"twind:layer": id, "twind:base": true} }

// baseLayer draws areas, lines and names of one layer.
func (d *drawing) baseLayer(id string, l BaseLayer, t topic) (list []object) {
	add := func(part, kind, geometry string, minZoom float64, layout, paint object) {
		layer := object{
			"id": id + ":" + l.Name + "-" + part, "type": kind, "source": id, "source-layer": l.Name, "metadata": baseMetadata(id),
			"filter": expr{"==", expr{"geometry-type"}, geometry}, "paint": paint,
		}
		if minZoom > 0 {
			layer["minzoom"] = minZoom
		}
		if layout != nil {
			layer["layout"] = layout
		}
		list = append(list, layer)
	}
	p := d.palette
	round := object{"line-cap": "round", "line-join": "round"}
	width := func(at12, at18 float64) expr {
		return expr{"interpolate", expr{"exponential", 1.5}, expr{"zoom"}, 8, .4, 12, at12, 18, at18}
	}
	switch t {
	case topicLand:
		add("area", "fill", "Polygon", 0, nil, object{"fill-color": p.land, "fill-outline-color": p.casing})
	case topicGreen:
		add("area", "fill", "Polygon", 0, nil, object{"fill-color": p.block, "fill-opacity": .7})
	case topicWater:
		add("area", "fill", "Polygon", 0, nil, object{"fill-color": p.water})
		add("line", "line", "LineString", 0, round, object{"line-color": p.water, "line-width": width(.8, 6)})
	case topicStreet:
		add("area", "fill", "Polygon", 0, nil, object{"fill-color": p.street, "fill-opacity": .6})
		add("line", "line", "LineString", 0, round, object{"line-color": expr{"interpolate", expr{"linear"}, expr{"zoom"}, 10, p.casing, 14, p.street}, "line-width": width(.9, 12)})
	case topicBoundary:
		add("line", "line", "LineString", 0, nil, object{"line-color": p.rail, "line-width": 1, "line-dasharray": expr{4, 2}})
	case topicBuilding:
		add("area", "fill", "Polygon", 12, nil, object{"fill-color": p.buildingTop, "fill-outline-color": p.buildingSide})
	case topicPlace:
		name := expr{"coalesce", expr{"get", "name:zh"}, expr{"get", "name_zh"}, expr{"get", "name"}, expr{"get", "name:en"}}
		add("label", "symbol", "Point", 0, object{"text-field": name, "text-font": expr{Font}, "text-size": 12, "text-max-width": 8, "text-padding": 8},
			object{"text-color": p.quiet, "text-halo-color": p.halo, "text-halo-width": 1.2})
	default:
		add("area", "fill", "Polygon", 0, nil, object{"fill-color": p.block, "fill-outline-color": p.casing, "fill-opacity": .6})
		add("line", "line", "LineString", 0, round, object{"line-color": p.casing, "line-width": width(.8, 4)})
	}
	return list
}
