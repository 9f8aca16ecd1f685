package district

import (
	"twind/layers"
	"twind/spatial"
)

// The ids of the district's layers.
const (
	Streets   layers.ID = "demo_streets"
	Blocks    layers.ID = "demo_blocks"
	Buildings layers.ID = "demo_buildings"
	Pipes     layers.ID = "demo_pipes"
	Nodes     layers.ID = "demo_nodes"
	Parts     layers.ID = "demo_parts"
	Cells     layers.ID = "demo_cells"
)

// Layers describes the district's layers, from the ground up. They are kept in
// CGCS2000 (EPSG:4490), heights in the 1985 national height datum (EPSG:5737).
func Layers() []layers.Layer {
	base := layers.Layer{
		CRS: 4490, SourceCRS: 4547, VerticalDatum: "EPSG:5737", Provenance: layers.Generated,
		Attribution: "twind", Licence: "CC0-1.0", Owner: "示范城区",
	}
	with := func(id layers.ID, kind layers.Kind, t spatial.Type, z bool, minZoom, maxZoom uint8, label, classBy string,
		title, description layers.Text, schema []layers.Property) layers.Layer {
		l := base
		l.ID, l.Kind, l.GeometryType, l.HasZ = id, kind, t, z
		l.MinZoom, l.MaxZoom, l.Label, l.ClassBy = minZoom, maxZoom, label, classBy
		l.Title, l.Description, l.Schema = title, description, schema
		return l
	}
	return []layers.Layer{
		with(Blocks, layers.KindBlock, spatial.Polygon, false, 11, 15, "name", "usage",
			text("城区地块", "Blocks"), text("生成的街区地块。", "City blocks, made by a program."), blockSchema),
		with(Cells, layers.KindCell, spatial.Polygon, false, 14, 15, "code", "subdistrict",
			text("单元网格", "Unit grid"),
			text("生成的单元网格,15 位编码,按街道和社区划分,无缝不重叠。", "Unit grid cells with 15-digit codes by subdistrict and community, without gaps or overlaps, made by a program."), cellSchema),
		with(Streets, layers.KindStreet, spatial.LineString, false, 10, 15, "name", "class",
			text("城区道路", "Model streets"), text("生成的道路中心线。", "Street centre lines, made by a program."), streetSchema),
		with(Pipes, layers.KindPipe, spatial.LineString, true, 14, 16, "code", "kind",
			text("地下管线", "Underground pipes"),
			text("生成的地下管线,八大类,几何高程为管底(重力流)或管顶(其余)高程。", "Pipes of the eight kinds of CJJ 61, made by a program. The heights of the lines are those of the invert for gravity sewers, of the top for all else (elevation_of)."), pipeSchema),
		with(Buildings, layers.KindBuilding, spatial.Polygon, false, 10, 16, "name", "",
			text("城区建筑物", "Model buildings"), text("生成的建筑物。", "Buildings, made by a program."), buildingSchema),
		with(Nodes, layers.KindNode, spatial.Point, true, 16, 16, "point_id", "kind",
			text("管线点", "Pipe nodes"), text("生成的管线点,几何高程为地面高程。", "Points of the pipes, made by a program. Their height is that of the ground."), nodeSchema),
		with(Parts, layers.KindPart, spatial.Point, false, 13, 16, "name", "class",
			text("城市部件", "City parts"), text("生成的城市部件,16 位编码。", "City parts with 16-digit codes, made by a program."), partSchema),
	}
}

func text(zh, en string) layers.Text { return layers.Text{ZH: zh, EN: en} }

func prop(name string, t layers.ValueType, zh, en string, unit ...string) layers.Property {
	p := layers.Property{Name: name, Type: t, Title: text(zh, en)}
	if len(unit) > 0 {
		p.Unit = unit[0]
	}
	return p
}

var blockSchema = []layers.Property{
	prop("name", layers.String, "名称", "Name"),
	prop("usage", layers.String, "用地性质", "Land use"),
	prop("area", layers.Number, "面积", "Area", "m2"),
	prop("subdistrict", layers.String, "街道", "Subdistrict"),
	prop("community", layers.String, "社区", "Community"),
}

var cellSchema = []layers.Property{
	prop("code", layers.String, "单元网格标识码", "Cell code"),
	prop("county", layers.String, "区县", "County"),
	prop("subdistrict", layers.String, "街道", "Subdistrict"),
	prop("community", layers.String, "社区", "Community"),
	prop("area", layers.Number, "面积", "Area", "m2"),
	prop("keeper", layers.String, "责任主体", "Responsible body"),
	prop("valid_from", layers.Date, "初始时间", "Valid from"),
}

var streetSchema = []layers.Property{
	prop("name", layers.String, "道路名称", "Name"),
	prop("class", layers.String, "道路等级", "Class"),
	prop("width", layers.Number, "红线宽度", "Width", "m"),
	prop("lanes", layers.Integer, "车道数", "Lanes"),
	prop("maxspeed", layers.Integer, "限速", "Speed limit", "km/h"),
	prop("length", layers.Number, "长度", "Length", "m"),
	prop("from_street", layers.String, "起点道路", "From street"),
	prop("to_street", layers.String, "终点道路", "To street"),
}

var buildingSchema = []layers.Property{
	prop("name", layers.String, "名称", "Name"),
	prop("address", layers.String, "地址", "Address"),
	prop("usage", layers.String, "用途", "Usage"),
	prop("floors", layers.Integer, "地上层数", "Floors above ground"),
	prop("height", layers.Number, "高度", "Height", "m"),
	prop("ground_elevation", layers.Number, "地面高程", "Ground elevation", "m"),
	prop("structure", layers.String, "结构", "Structure"),
	prop("year", layers.Integer, "建成年份", "Year built"),
	prop("subdistrict", layers.String, "街道", "Subdistrict"),
	prop("community", layers.String, "社区", "Community"),
	prop("cell", layers.String, "所在单元网格", "Unit grid cell"),
}

var pipeSchema = []layers.Property{
	prop("code", layers.String, "管段编号", "Pipe"),
	prop("kind", layers.String, "管线大类代号", "Kind"),
	prop("subkind", layers.String, "管线小类代号", "Subkind"),
	prop("kind_name", layers.String, "管线种类", "Kind name"),
	prop("feature_code", layers.String, "要素代码", "Feature code"),
	prop("start_node", layers.String, "起点点号", "Start node"),
	prop("end_node", layers.String, "终点点号", "End node"),
	prop("start_elevation", layers.Number, "起点高程", "Start elevation", "m"),
	prop("end_elevation", layers.Number, "终点高程", "End elevation", "m"),
	prop("start_depth", layers.Number, "起点埋深", "Start depth", "m"),
	prop("end_depth", layers.Number, "终点埋深", "End depth", "m"),
	prop("elevation_of", layers.String, "高程位置", "Elevation of"),
	prop("section", layers.String, "管径或断面尺寸", "Section"),
	prop("width", layers.Integer, "断面宽", "Section width", "mm"),
	prop("height", layers.Integer, "断面高", "Section height", "mm"),
	prop("material", layers.String, "材质", "Material"),
	prop("embedding", layers.String, "埋设方式", "Embedding"),
	prop("flow", layers.String, "流向", "Flow direction"),
	prop("pressure", layers.String, "压力", "Pressure"),
	prop("voltage", layers.String, "电压", "Voltage"),
	prop("cables", layers.Integer, "电缆条数", "Cables"),
	prop("holes", layers.Integer, "总孔数", "Ducts"),
	prop("holes_used", layers.Integer, "已用孔数", "Ducts in use"),
	prop("length", layers.Number, "长度", "Length", "m"),
	prop("street", layers.String, "道路名称", "Street"),
	prop("owner", layers.String, "权属单位", "Owner"),
	prop("year", layers.Integer, "建设年代", "Year built"),
	prop("status", layers.String, "状态", "Status"),
}

var nodeSchema = []layers.Property{
	prop("point_id", layers.String, "图上点号", "Point"),
	prop("kind", layers.String, "管线大类代号", "Kind"),
	prop("subkind", layers.String, "管线小类代号", "Subkind"),
	prop("feature", layers.String, "特征", "Feature"),
	prop("subsidiary", layers.String, "附属物", "Subsidiary"),
	prop("feature_code", layers.String, "要素代码", "Feature code"),
	prop("ground_elevation", layers.Number, "地面高程", "Ground elevation", "m"),
	prop("depth", layers.Number, "井底深或埋深", "Depth", "m"),
	prop("degree", layers.Integer, "连接管段数", "Connected pipes"),
	prop("street", layers.String, "道路名称", "Street"),
	prop("owner", layers.String, "权属单位", "Owner"),
	prop("year", layers.Integer, "建设年代", "Year built"),
}

var partSchema = []layers.Property{
	prop("code", layers.String, "部件标识码", "Part code"),
	prop("name", layers.String, "部件名称", "Name"),
	prop("class", layers.String, "部件大类", "Class"),
	prop("class_code", layers.String, "大小类代码", "Class code"),
	prop("department", layers.String, "主管部门", "Department"),
	prop("owner", layers.String, "权属单位", "Owner"),
	prop("keeper", layers.String, "养护单位", "Keeper"),
	prop("cell", layers.String, "所在单元网格", "Unit grid cell"),
	prop("state", layers.String, "状态", "State"),
	prop("installed", layers.Date, "初始时间", "Installed"),
	prop("changed", layers.Date, "变更时间", "Changed"),
	prop("source", layers.String, "数据来源", "Data source"),
	prop("location", layers.String, "位置描述", "Location"),
}
