package importers

import (
	"fmt"
	"path/filepath"
	"strings"

	"twind/layers"
	"twind/spatial"
)

// clue ties a kind to words in property names, layer ids and file names.
type clue struct {
	kind      layers.Kind
	dimension int // of the geometry; −1 any
	words     []string
}

// clues in order of strength. Words are compared in lower case with the parts
// of names between marks, Chinese ones with any part of a name.
var clues = []clue{
	{layers.KindPipe, 1, []string{"pipe", "pipes", "main", "mains", "sewer", "storm", "sanitary", "watermain", "diameter", "diam", "invert", "管线", "管道", "管径", "管段", "管材", "埋深"}},
	{layers.KindNode, 0, []string{"manhole", "manholes", "catchbasin", "catchbasins", "valve", "valves", "hydrant", "outlet", "管点", "井", "阀门", "井深", "井底"}},
	{layers.KindBuilding, 2, []string{"building", "buildings", "height", "floors", "storeys", "stories", "levels", "footprint", "roof", "建筑", "楼层", "层数", "房屋", "楼"}},
	{layers.KindCell, 2, []string{"grid", "cell", "precinct", "precincts", "unit", "网格", "单元"}},
	{layers.KindWater, 2, []string{"water", "lake", "river", "水系", "湖", "河"}},
	{layers.KindBlock, 2, []string{"block", "blocks", "parcel", "parcels", "landuse", "lot", "地块", "宗地", "街区"}},
	{layers.KindRail, 1, []string{"rail", "railway", "subway", "metro", "tram", "铁路", "地铁", "轨道"}},
	{layers.KindStreet, 1, []string{"street", "streets", "road", "roads", "highway", "oneway", "道路", "路名", "街道"}},
	{layers.KindStation, 0, []string{"station", "stations", "stop", "stops", "站", "车站"}},
	{layers.KindPart, 0, []string{"lamp", "lamps", "pole", "poles", "camera", "cameras", "tree", "trees", "sign", "signs", "部件", "路灯", "井盖", "摄像"}},
	{layers.KindSensor, 0, []string{"sensor", "sensors", "gauge", "meter", "传感器", "监测"}},
}

// guessKind judges by the geometry type, the names of the properties, the layer
// and the files, and says why.
func guessKind(t spatial.Type, id layers.ID, files []string, names []string) (layers.Kind, string) {
	type named struct{ what, name string }
	all := []named{{"layer", string(id)}}
	for _, f := range files {
		all = append(all, named{"file", filepath.Base(f)})
	}
	for _, n := range names {
		all = append(all, named{"property", n})
	}
	for _, n := range all {
		for _, c := range clues {
			if c.dimension >= 0 && t.Dimension() != c.dimension {
				continue
			}
			for _, w := range c.words {
				if hasWord(n.name, w) {
					return c.kind, fmt.Sprintf("%s %q speaks of %q and the geometries are of type %v", n.what, n.name, w, t)
				}
			}
		}
	}
	return layers.KindFeature, "no name tells what the features are"
}

func hasWord(name, word string) bool {
	name = strings.ToLower(name)
	if word[0] >= 0x80 {
		return strings.Contains(name, word)
	}
	for _, part := range strings.FieldsFunc(name, func(r rune) bool { return r < 'a' || r > 'z' }) {
		if part == word {
			return true
		}
	}
	return false
}

// zooms are the first and last zoom with tiles of a kind.
func zooms(k layers.Kind, t spatial.Type) (lo, hi uint8) {
	switch k {
	case layers.KindBuilding, layers.KindPipe:
		return 8, 16
	case layers.KindNode, layers.KindPart:
		return 9, 16
	case layers.KindStreet:
		return 6, 16
	case layers.KindCell, layers.KindBlock:
		return 9, 16
	case layers.KindStation, layers.KindSensor, layers.KindEvent, layers.KindVehicle, layers.KindTrain:
		return 9, 16
	case layers.KindRail, layers.KindWater:
		return 6, 16
	}
	if t.Dimension() == 0 {
		return 6, 16
	}
	return 4, 16
}

// labels are names of properties that hold a feature's name, best first.
var labels = []string{"name", "名称", "标准名称", "名字", "title", "label", "bldg_name", "st_name", "street", "full_stree", "address", "地址", "addr", "stop_name", "站名", "路名", "小区名称", "项目名称"}

// classes are names of properties that the styles of a kind tell features apart
// by, best first.
var classes = map[layers.Kind][]string{
	layers.KindStreet: {"class", "highway", "fclass", "road_class", "道路等级", "等级"},
	layers.KindPipe:   {"kind", "subkind", "network"},
	layers.KindNode:   {"kind", "network"},
	layers.KindRail:   {"rt_symbol", "route"},
	layers.KindPart:   {"class", "大类", "部件大类"},
	layers.KindBlock:  {"usage", "landuse", "land_use", "用地性质"},
}

// guessClass is the property that the style of a kind most likely tells features
// apart by, or "".
func guessClass(k layers.Kind, schema []layers.Property) string {
	for _, c := range classes[k] {
		for _, p := range schema {
			if p.Type == layers.String && strings.EqualFold(p.Name, c) {
				return p.Name
			}
		}
	}
	return ""
}

// guessLabel is the property that most likely holds names, or "".
func guessLabel(schema []layers.Property) string {
	for _, l := range labels {
		for _, p := range schema {
			if p.Type == layers.String && strings.EqualFold(p.Name, l) {
				return p.Name
			}
		}
	}
	return ""
}
