package style

import (
	"slices"
	"strings"

	"twind/layers"
)

// class is one of the classes that a layer's style tells apart.
type class struct {
	values []string // of the layer's ClassBy property
	label  layers.Text
	color  Colors
	rank   int // of streets, 0 is the widest
}

func text(zh, en string) layers.Text { return layers.Text{ZH: zh, EN: en} }

// classesOf is the known classes of a layer, told apart by its ClassBy; nil when
// the property or its values are nobody's standard. rest is the colour of all else.
func classesOf(l *layers.Layer) (list []class, rest Colors) {
	by := strings.ToLower(l.ClassBy)
	if l.PropertyIndex(l.ClassBy) < 0 {
		by = ""
	}
	switch l.Kind {
	case layers.KindPipe, layers.KindNode:
		switch by {
		case "kind":
			return pipeKinds, unknownPipe
		case "network", "subkind":
			return append(slices.Clone(sewerKinds), pipeKinds...), unknownPipe
		}
		return nil, pipeColorByName(l)
	case layers.KindStreet:
		if by != "" {
			return streetClasses, streetClasses[3].color
		}
		return nil, streetClasses[3].color
	case layers.KindRail:
		if by == "rt_symbol" || by == "route" {
			return subwayLines, readableRail
		}
		return nil, readableRail
	case layers.KindPart:
		if by != "" {
			return partClasses, partClasses[4].color
		}
		return nil, partClasses[0].color
	case layers.KindBlock:
		if by != "" {
			return landUses, both(func(p *palette) string { return p.block })
		}
		return nil, both(func(p *palette) string { return p.block })
	}
	return nil, colorOfKind(l.Kind)
}

// colorOfKind is the colour of kinds that have no classes.
func colorOfKind(k layers.Kind) Colors {
	switch k {
	case layers.KindBuilding:
		return both(func(p *palette) string { return p.buildingTop })
	case layers.KindWater:
		return both(func(p *palette) string { return p.water })
	case layers.KindCell:
		return Colors{"#7d7296", "#8d83ad"}
	case layers.KindStation:
		return both(func(p *palette) string { return p.text })
	case layers.KindTrain:
		return Colors{"#1a2331", "#f2f6fd"}
	case layers.KindEvent:
		return both(func(p *palette) string { return p.warning })
	case layers.KindVehicle, layers.KindSensor:
		return both(func(p *palette) string { return p.accent })
	}
	return Colors{"#2f7d6d", "#63c7b2"}
}

// pipeKinds are the eight kinds of CJJ 61-2017, appendix B, in the national
// hues. Codes of older data and plain names stand beside the code.
var pipeKinds = []class{
	{values: []string{"JS", "给水", "water"}, label: text("给水 JS", "Water supply (JS)"), color: subdued("#00ffff")},
	{values: []string{"PS", "排水", "drainage"}, label: text("排水 PS", "Drainage (PS)"), color: subdued("#4c3926")},
	{values: []string{"RQ", "MQ", "TR", "燃气", "煤气", "gas"}, label: text("燃气 RQ", "Gas (RQ)"), color: subdued("#ff00ff")},
	{values: []string{"RL", "RS", "热力", "heat"}, label: text("热力 RL", "Heat (RL)"), color: subdued("#ff8000")},
	{values: []string{"DL", "LD", "电力", "power"}, label: text("电力 DL", "Power (DL)"), color: subdued("#ff0000")},
	{values: []string{"TX", "DX", "TV", "通信", "电信", "telecom"}, label: text("通信 TX", "Telecom (TX)"), color: subdued("#00ff00")},
	{values: []string{"GY", "工业", "industrial"}, label: text("工业 GY", "Industrial (GY)"), color: subdued("#000000")},
	{values: []string{"QT", "ZH", "BM", "其他", "不明", "other"}, label: text("其他 QT", "Other or unknown (QT)"), color: unknownPipe},
}

var unknownPipe = readable("#6600cc")

// sewerKinds tell the sewers apart within the national brown.
var sewerKinds = []class{
	{values: []string{"YS", "雨水", "storm"}, label: text("雨水 YS", "Storm water (YS)"), color: readable("#8f6a3c")},
	{values: []string{"WS", "污水", "sanitary"}, label: text("污水 WS", "Sewage (WS)"), color: Colors{"#4c3926", "#e0b589"}},
	{values: []string{"HS", "雨污合流", "combined"}, label: text("雨污合流 HS", "Combined sewer (HS)"), color: readable("#6b5130")},
}

// pipeColorByName guesses a network's kind from the layer's id and title.
func pipeColorByName(l *layers.Layer) Colors {
	name := strings.ToLower(string(l.ID) + " " + l.Title.EN + " " + l.Title.ZH)
	for _, g := range []struct {
		words []string
		color Colors
	}{
		{[]string{"storm", "catch", "rain", "雨水"}, sewerKinds[0].color},
		{[]string{"sanitary", "sewage", "污水"}, sewerKinds[1].color},
		{[]string{"sewer", "drain", "排水"}, pipeKinds[1].color},
		{[]string{"gas", "燃气"}, pipeKinds[2].color},
		{[]string{"heat", "steam", "热力"}, pipeKinds[3].color},
		{[]string{"power", "electric", "电力"}, pipeKinds[4].color},
		{[]string{"telecom", "fibre", "fiber", "通信"}, pipeKinds[5].color},
		{[]string{"water", "hydrant", "供水", "给水"}, pipeKinds[0].color},
	} {
		if slices.ContainsFunc(g.words, func(w string) bool { return strings.Contains(name, w) }) {
			return g.color
		}
	}
	return unknownPipe
}

// streetClasses join the classes of OpenStreetMap and the ranks of GB/T 51328.
var streetClasses = []class{
	{values: []string{"motorway", "motorway_link", "trunk", "trunk_link", "高速公路", "快速路"}, label: text("快速路", "Motorway, trunk road"), color: Colors{"#f4d79c", "#42557a"}, rank: 0},
	{values: []string{"primary", "primary_link", "主干路"}, label: text("主干路", "Primary street"), color: Colors{"#faeac4", "#37496a"}, rank: 1},
	{values: []string{"secondary", "secondary_link", "次干路"}, label: text("次干路", "Secondary street"), color: Colors{"#ffffff", "#2e3f5d"}, rank: 2},
	{values: []string{"tertiary", "tertiary_link", "residential", "unclassified", "living_street", "支路"}, label: text("支路", "Local street"), color: Colors{"#ffffff", "#26354f"}, rank: 3},
	{values: []string{"service", "track", "track_grade1", "track_grade2", "track_grade3", "pedestrian"}, label: text("内部道路", "Service road"), color: Colors{"#fbfaf7", "#202d44"}, rank: 4},
	{values: []string{"footway", "steps", "cycleway", "path", "bridleway"}, label: text("人行道、自行车道", "Path"), color: Colors{"#c3b9a5", "#32415c"}, rank: 5},
}

// subwayLines are the trunk lines of New York in the MTA's colours.
var subwayLines = []class{
	{values: []string{"1", "2", "3"}, label: text("1 2 3", "1 2 3"), color: rail("#ee352e")},
	{values: []string{"4", "5", "6", "6X"}, label: text("4 5 6", "4 5 6"), color: rail("#00933c")},
	{values: []string{"7", "7X"}, label: text("7", "7"), color: rail("#b933ad")},
	{values: []string{"A", "C", "E"}, label: text("A C E", "A C E"), color: rail("#0039a6")},
	{values: []string{"B", "D", "F", "FX", "M"}, label: text("B D F M", "B D F M"), color: rail("#ff6319")},
	{values: []string{"G"}, label: text("G", "G"), color: rail("#6cbe45")},
	{values: []string{"J", "Z"}, label: text("J Z", "J Z"), color: rail("#996633")},
	{values: []string{"L"}, label: text("L", "L"), color: rail("#a7a9ac")},
	{values: []string{"N", "Q", "R", "W"}, label: text("N Q R W", "N Q R W"), color: rail("#fccc0a")},
	{values: []string{"S", "FS", "GS", "H"}, label: text("S", "S"), color: rail("#808183")},
}

// rail keeps a line's official colour on light ground, where a casing tells it
// from the ground, and lifts it on dark.
func rail(hex string) Colors { return Colors{hex, readable(mix(hex, "#a9b6c8", .2)).Dark} }

var readableRail = Colors{"#837c6e", "#8ea3c6"}

// partClasses are the main classes of GB/T 30428.2.
var partClasses = []class{
	{values: []string{"公用设施", "01"}, label: text("公用设施", "Public utilities"), color: readable("#1f78b4")},
	{values: []string{"交通设施", "02"}, label: text("交通设施", "Traffic"), color: readable("#7a5bbd")},
	{values: []string{"市容环境设施", "市容环境", "03"}, label: text("市容环境设施", "Sanitation"), color: readable("#a86a1e")},
	{values: []string{"园林绿化设施", "园林绿化", "04"}, label: text("园林绿化设施", "Greenery"), color: readable("#2e8b57")},
	{values: []string{"其他部件", "05"}, label: text("其他部件", "Other"), color: readable("#6b7280")},
}

// landUses are land uses of GB 50137 as tints of the block's colour.
var landUses = []class{
	{values: []string{"居住用地", "residential"}, label: text("居住用地", "Residential"), color: tint("#f2c94c", .11)},
	{values: []string{"商务用地", "商业用地", "business", "commercial", "retail"}, label: text("商业商务用地", "Commerce and business"), color: tint("#e0577a", .09)},
	{values: []string{"教育科研用地", "医疗卫生用地", "行政办公用地", "education", "medical", "government"}, label: text("公共服务用地", "Public services"), color: tint("#b06bd6", .09)},
	{values: []string{"工业用地", "industrial"}, label: text("工业用地", "Industry"), color: tint("#8a6d4f", .16)},
	{values: []string{"公园绿地", "park", "green"}, label: text("公园绿地", "Park"), color: tint("#3fa35b", .2)},
	{values: []string{"水域", "water"}, label: text("水域", "Water"), color: both(func(p *palette) string { return p.water })},
}

// tint is the block's colour with a share of a hue.
func tint(hue string, share float64) Colors {
	return both(func(p *palette) string { return mix(p.block, hue, share) })
}
