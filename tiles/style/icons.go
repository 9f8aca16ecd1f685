package style

import (
	"slices"
	"strings"

	"twind/layers"
)

// iconRule chooses an icon of package sprite for a class of things.
type iconRule struct {
	icon   string
	values []string // codes and names that a property holds
	words  []string // of a layer's id or title, when all of the layer is of one class
}

// partIcons are by class of GB/T 30428.2, four digits, and by name.
var partIcons = []iconRule{
	{"grate", []string{"0104", "雨水箅子"}, []string{"catchbasin", "catch basin", "grate", "雨水口"}},
	{"valve", nil, []string{"valve", "阀门"}},
	{"hydrant", []string{"0113", "消防设施", "消火栓", "消防栓"}, []string{"hydrant", "消火栓", "消防栓"}},
	{"cabinet", []string{"0115", "通信交接箱"}, []string{"cabinet", "交接箱"}},
	{"lamp", []string{"0118", "0119", "0120", "路灯", "地灯", "景观灯"}, []string{"lamp", "street light", "streetlight", "路灯"}},
	{"power", []string{"0134", "变压器(箱)"}, []string{"transformer", "变压器"}},
	{"gas", []string{"0135", "燃气调压站(箱)"}, []string{"regulator", "调压"}},
	{"camera", []string{"0136", "监控电子眼"}, []string{"camera", "cctv", "摄像", "监控"}},
	{"bus", []string{"0203", "公交站亭"}, []string{"bus stop", "bus_stop", "公交"}},
	{"sign", []string{"0209", "交通标志牌"}, []string{"traffic sign", "标志牌"}},
	{"signal", []string{"0210", "交通信号灯"}, []string{"signal", "信号灯"}},
	{"nameplate", []string{"0213", "路名牌"}, nil},
	{"bin", []string{"0305", "垃圾箱"}, []string{"litter", "waste", "垃圾"}},
	{"tree", []string{"0401", "0402", "古树名木", "行道树"}, []string{"tree", "树"}},
	{"manhole", []string{"0101", "0102", "0103", "0105", "0106", "0107", "0108", "0109", "0110", "0111", "0112",
		"上水井盖", "污水井盖", "雨水井盖", "电力井盖", "路灯井盖", "通信井盖", "热力井盖", "燃气井盖"}, []string{"manhole", "cover", "井"}},
}

// subsidiaryIcons are by the subsidiary of a survey's point (CJJ 61-2017, table D).
var subsidiaryIcons = []iconRule{
	{"valve", []string{"阀门", "阀门井", "阀门孔"}, nil},
	{"hydrant", []string{"消防栓", "消火栓", "消防井"}, nil},
	{"grate", []string{"雨水箅", "雨篦"}, nil},
	{"pump", []string{"泵站", "泵房", "排水泵站"}, nil},
	{"outfall", []string{"出水口", "排水口", "进水口"}, nil},
	{"vent", []string{"通风口", "通风井", "排气阀"}, nil},
	{"manhole", []string{"检修井", "雨水井", "污水井", "人孔", "手孔", "窨井"}, nil},
}

// icon is the name of a feature's icon, "" for none; nil when the layer says
// nothing that an icon could be chosen by.
func (p pen) icon() any {
	var property string
	rules := partIcons
	switch {
	case p.has("class_code"):
		property = "class_code"
	case p.has("subsidiary"):
		property, rules = "subsidiary", subsidiaryIcons
	case p.layer.Kind == layers.KindPart && p.has(p.layer.Label) && p.has(p.layer.ClassBy):
		property = p.layer.Label
	default:
		return p.iconByName()
	}
	e := expr{"match", expr{"to-string", expr{"get", property}}}
	for _, r := range rules {
		if len(r.values) > 0 {
			e = append(e, r.values, r.icon)
		}
	}
	return append(e, "")
}

// iconByName guesses from the layer's id and title what all its features are.
func (p pen) iconByName() any {
	name := strings.ToLower(string(p.layer.ID) + " " + p.layer.Title.EN + " " + p.layer.Title.ZH)
	for _, r := range partIcons {
		if slices.ContainsFunc(r.words, func(w string) bool { return strings.Contains(name, w) }) {
			return r.icon
		}
	}
	return nil
}

// icons adds the icons of points, size CSS pixels at zoom and growing by the
// next zooms; they never hide each other, since each stands on a dot of its own.
// In a tilted view they lie on the map or face the viewer, as the dot does.
func (p pen) icons(minZoom float64, size expr, color any, pitch string) {
	icon := p.icon()
	if icon == nil {
		return
	}
	p.add(levelPoint, "icon", "symbol", minZoom, geometry("Point"), object{
		"icon-image": icon, "icon-size": size, "icon-pitch-alignment": pitch, "icon-allow-overlap": true, "icon-ignore-placement": true, "icon-padding": 0,
	}, object{"icon-color": color})
}
