package demo

import (
	"twind/internal/config"
	"twind/internal/district"
	"twind/layers"
)

// Title names the demo city.
var Title = layers.Text{ZH: "twind 示范城市", EN: "twind demo city"}

// Group is a branch of the viewer's layer tree.
type Group struct {
	ID     string      `json:"id"`
	Title  layers.Text `json:"title"`
	Layers []layers.ID `json:"layers"`
}

// Groups are the places of the demo city with their layers, in the tree's order.
var Groups = []Group{
	{"new-york", layers.Text{ZH: "纽约", EN: "New York"}, []layers.ID{"trains", "vehicles", "buildings", "stations", "subway", "streets", "precincts"}},
	{"kamloops", layers.Text{ZH: "坎卢普斯", EN: "Kamloops"}, []layers.ID{"storm", "sanitary", "manholes", "catchbasins"}},
	{"nanaimo", layers.Text{ZH: "纳奈莫", EN: "Nanaimo"}, []layers.ID{"water"}},
	{"district", layers.Text{ZH: "示范城区", EN: "Model district"}, []layers.ID{
		patrolsID, district.Buildings, district.Parts, district.Nodes, district.Pipes, district.Streets, district.Cells, district.Blocks}},
}

// Bookmarks are the places the viewer offers, the first to open with.
var Bookmarks = []config.Bookmark{
	{ID: "manhattan", Title: layers.Text{ZH: "曼哈顿", EN: "Manhattan"}, Center: [2]float64{-74.0077, 40.7122}, Zoom: 14.6, Pitch: 60, Bearing: 29},
	{ID: "kamloops", Title: layers.Text{ZH: "坎卢普斯", EN: "Kamloops"}, Center: [2]float64{-120.3352, 50.6735}, Zoom: 15.2, Pitch: 45, Bearing: -15},
	{ID: "nanaimo", Title: layers.Text{ZH: "纳奈莫", EN: "Nanaimo"}, Center: [2]float64{-123.9780, 49.1620}, Zoom: 12.4},
	{ID: "district", Title: layers.Text{ZH: "示范城区", EN: "Model district"}, Center: [2]float64{district.Lon, district.Lat}, Zoom: 15.9, Pitch: 50, Bearing: -20},
}

// Layers describes every layer of the demo city, by place.
func Layers() []layers.Layer {
	var all []layers.Layer
	all = append(all, newYorkLayers()...)
	all = append(all, kamloopsLayers()...)
	all = append(all, nanaimoLayers()...)
	all = append(all, district.Layers()...)
	return append(all, patrolsLayer())
}

// layer is the description of one of Layers; it panics on an id that is not
// among them, which only a mistake of this package can cause.
func layer(id layers.ID) *layers.Layer {
	for _, l := range Layers() {
		if l.ID == id {
			return &l
		}
	}
	panic("demo: no layer " + string(id))
}

// Attributions and licences of the sources; testdata/city/README.md has the details.
const (
	osm       = "© OpenStreetMap contributors"
	odbl      = "ODbL-1.0"
	nycData   = "NYC Open Data"
	mta       = "MTA"
	mtaNYC    = "MTA, NYC Open Data"
	kamloops  = "City of Kamloops"
	kamLic    = "Open Government Licence – Kamloops"
	nanaimo   = "Contains information licenced under the Open Government Licence – Nanaimo"
	nanLic    = "Open Government Licence – Nanaimo"
	publicNYC = "NYC Open Data terms"
)

// prop describes a property in a line.
func prop(name string, t layers.ValueType, zh, en string, unit ...string) layers.Property {
	p := layers.Property{Name: name, Type: t, Title: layers.Text{ZH: zh, EN: en}}
	if len(unit) > 0 {
		p.Unit = unit[0]
	}
	return p
}
