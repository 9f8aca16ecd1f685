package demo

import (
	"twind/layers"
	"twind/spatial"
)

func kamloopsLayers() []layers.Layer {
	pipe := []layers.Property{
		prop("facility_id", layers.String, "设施编号", "Facility"),
		prop("diameter", layers.Integer, "管径", "Diameter", "mm"),
		prop("material", layers.String, "材质", "Material"),
		prop("upstream_invert", layers.Number, "上游管底高程", "Upstream invert", "m"),
		prop("downstream_invert", layers.Number, "下游管底高程", "Downstream invert", "m"),
		prop("length", layers.Number, "长度", "Length", "m"),
		prop("pipe_class", layers.String, "管材等级", "Pipe class"),
		prop("capture", layers.String, "采集方式", "Captured by"),
		prop("status", layers.String, "状态", "Status"),
		prop("age", layers.Integer, "使用年限", "Age", "a"),
	}
	base := layers.Layer{CRS: 4326, SourceCRS: 4326, Owner: kamloops, Attribution: kamloops, Licence: kamLic, MaxZoom: 16}
	storm, sanitary, manholes, catchbasins := base, base, base, base

	storm.ID, storm.Kind, storm.GeometryType, storm.MinZoom = "storm", layers.KindPipe, spatial.LineString, 12
	storm.Title = layers.Text{ZH: "雨水管道", EN: "Storm sewers"}
	storm.Description = layers.Text{ZH: "坎卢普斯市中心的雨水重力管;高程缺失处为空。", EN: "Gravity storm mains of downtown Kamloops; elevations that nobody measured are null."}
	storm.Label, storm.Schema = "facility_id", pipe

	sanitary.ID, sanitary.Kind, sanitary.GeometryType, sanitary.MinZoom = "sanitary", layers.KindPipe, spatial.LineString, 12
	sanitary.Title = layers.Text{ZH: "污水管道", EN: "Sanitary sewers"}
	sanitary.Description = layers.Text{ZH: "坎卢普斯市中心的污水重力管;高程缺失处为空。", EN: "Gravity sanitary mains of downtown Kamloops; elevations that nobody measured are null."}
	sanitary.Label, sanitary.Schema = "facility_id", pipe

	manholes.ID, manholes.Kind, manholes.GeometryType, manholes.MinZoom = "manholes", layers.KindNode, spatial.Point, 13
	manholes.Title = layers.Text{ZH: "检查井", EN: "Manholes"}
	manholes.Label, manholes.ClassBy = "manhole_id", "network"
	manholes.Schema = []layers.Property{
		prop("network", layers.String, "管网", "Network"),
		prop("manhole_id", layers.String, "井号", "Manhole"),
		prop("rim", layers.Number, "井口高程", "Rim elevation", "m"),
		prop("depth", layers.Number, "井深", "Depth", "m"),
		prop("capture", layers.String, "采集方式", "Captured by"),
		prop("status", layers.String, "状态", "Status"),
		prop("age", layers.Integer, "使用年限", "Age", "a"),
	}

	catchbasins.ID, catchbasins.Kind, catchbasins.GeometryType, catchbasins.MinZoom = "catchbasins", layers.KindNode, spatial.Point, 13
	catchbasins.Title = layers.Text{ZH: "雨水口", EN: "Catch basins"}
	catchbasins.Label = "catchbasin_id"
	catchbasins.Schema = []layers.Property{
		prop("facility_id", layers.String, "设施编号", "Facility"),
		prop("catchbasin_id", layers.String, "雨水口编号", "Catch basin"),
		prop("rim", layers.Number, "井口高程", "Rim elevation", "m"),
		prop("chamber", layers.String, "井室", "Chamber"),
		prop("status", layers.String, "状态", "Status"),
		prop("age", layers.Integer, "使用年限", "Age", "a"),
	}
	return []layers.Layer{storm, sanitary, manholes, catchbasins}
}

// nanaimoLayers keeps the property names of the Shapefile, which the importer
// reads as it is.
func nanaimoLayers() []layers.Layer {
	return []layers.Layer{{
		ID: "water", Kind: layers.KindPipe, GeometryType: spatial.MultiLineString, CRS: 4326, SourceCRS: 26910,
		Title:       layers.Text{ZH: "供水管网", EN: "Water network"},
		Description: layers.Text{ZH: "纳奈莫全市供水管道。", EN: "Water pipes of the whole city of Nanaimo."},
		Owner:       "City of Nanaimo", Attribution: nanaimo, Licence: nanLic, VerticalDatum: "EPSG:5713",
		Heights: &layers.Heights{EllipsoidOffset: -18}, // as its ground's
		Label:   "PIPEID", MinZoom: 10, MaxZoom: 15,
		Schema: []layers.Property{
			prop("TYPE", layers.String, "类型", "Type"),
			prop("DIAMETER", layers.Integer, "管径", "Diameter", "mm"),
			prop("MATERIAL", layers.String, "材质", "Material"),
			prop("WATERCATEG", layers.String, "水质类别", "Water category"),
			prop("CATCHMENT", layers.String, "供水分区", "Catchment"),
			prop("OWNER", layers.String, "权属单位", "Owner"),
			prop("YEAR", layers.Integer, "建设年代", "Year built"),
			prop("ASBUILT", layers.Integer, "竣工图号", "As-built drawing"),
			prop("ACCURACY", layers.String, "精度", "Accuracy"),
			prop("LENGTH", layers.Number, "长度", "Length", "m"),
			prop("STARTID", layers.Integer, "起点编号", "Start node"),
			prop("ENDID", layers.Integer, "终点编号", "End node"),
			prop("PIPEID", layers.Integer, "管段编号", "Pipe"),
			prop("GID", layers.Integer, "对象编号", "Object id"),
		},
	}}
}
