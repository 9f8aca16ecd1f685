package demo

import (
	"time"

	"twind/layers"
	"twind/spatial"
)

func newYorkLayers() []layers.Layer {
	return []layers.Layer{{
		ID: "buildings", Kind: layers.KindBuilding, GeometryType: spatial.MultiPolygon, CRS: 4326, SourceCRS: 4326,
		Title: layers.Text{ZH: "建筑物", EN: "Buildings"},
		Description: layers.Text{
			ZH: "曼哈顿全部建筑物及其建筑部件,以及坎卢普斯市中心的建筑物。有部件的轮廓(has_parts)在三维中由部件代替。",
			EN: "All buildings of Manhattan with their building parts, and those of downtown Kamloops. In 3D the parts replace an outline that has them (has_parts)."},
		Attribution: osm + "; " + kamloops, Licence: odbl + "; " + kamLic,
		Label: "name", MinZoom: 10, MaxZoom: 16,
		Schema: []layers.Property{
			prop("name", layers.String, "名称", "Name"),
			prop("city", layers.String, "城市", "City"),
			prop("address", layers.String, "地址", "Address"),
			prop("usage", layers.String, "用途", "Usage"),
			prop("height", layers.Number, "高度", "Height", "m"),
			prop("base", layers.Number, "底部高度", "Base above ground", "m"),
			prop("roof_shape", layers.String, "屋顶形状", "Roof shape"),
			prop("year", layers.Integer, "建成年份(约)", "Year built (about)"),
			prop("part", layers.Boolean, "建筑部件", "Is a building part"),
			prop("root", layers.String, "所属建筑物", "Part of building"),
			prop("has_parts", layers.Boolean, "有部件", "Has parts"),
		},
	}, {
		ID: "streets", Kind: layers.KindStreet, GeometryType: spatial.LineString, CRS: 4326, SourceCRS: 4326,
		Title:       layers.Text{ZH: "街道", EN: "Streets"},
		Description: layers.Text{ZH: "曼哈顿及周边的道路中心线。", EN: "Centre lines of streets and ways of Manhattan and around it."},
		Attribution: osm, Licence: odbl, Label: "name", ClassBy: "class", MinZoom: 9, MaxZoom: 15,
		Schema: []layers.Property{
			prop("name", layers.String, "名称", "Name"),
			prop("class", layers.String, "等级", "Class"),
			prop("ref", layers.String, "编号", "Reference"),
			prop("oneway", layers.Boolean, "单行", "One-way"),
			prop("maxspeed", layers.Integer, "限速", "Speed limit", "km/h"),
			prop("level", layers.Integer, "层级", "Level"),
			prop("bridge", layers.Boolean, "桥梁", "Bridge"),
			prop("tunnel", layers.Boolean, "隧道", "Tunnel"),
		},
	}, {
		ID: "subway", Kind: layers.KindRail, GeometryType: spatial.LineString, CRS: 4326, SourceCRS: 4326,
		Title:       layers.Text{ZH: "地铁线路", EN: "Subway lines"},
		Attribution: mtaNYC, Licence: publicNYC, Label: "name", ClassBy: "rt_symbol", MinZoom: 9, MaxZoom: 15,
		Schema: []layers.Property{
			prop("name", layers.String, "线路", "Services"),
			prop("rt_symbol", layers.String, "干线", "Trunk line"),
		},
	}, {
		ID: "stations", Kind: layers.KindStation, GeometryType: spatial.Point, CRS: 4326, SourceCRS: 4326,
		Title:       layers.Text{ZH: "地铁车站", EN: "Subway stations"},
		Attribution: mtaNYC, Licence: publicNYC, Label: "name", MinZoom: 11, MaxZoom: 15,
		Schema: []layers.Property{
			prop("name", layers.String, "名称", "Name"),
			prop("line", layers.String, "线路", "Services"),
			prop("notes", layers.String, "运营时间", "Service notes"),
		},
	}, {
		ID: "precincts", Kind: layers.KindCell, GeometryType: spatial.MultiPolygon, CRS: 4326, SourceCRS: 4326,
		Title:       layers.Text{ZH: "警区", EN: "Police precincts"},
		Description: layers.Text{ZH: "纽约警察局的警区,作为管理网格。", EN: "Precincts of the police of New York: the management grid."},
		Attribution: nycData, Licence: publicNYC, Label: "precinct", ClassBy: "borough", MinZoom: 8, MaxZoom: 14,
		Schema: []layers.Property{
			prop("precinct", layers.Integer, "警区", "Precinct"),
			prop("borough", layers.String, "行政区", "Borough"),
		},
	}, {
		ID: "trains", Kind: layers.KindTrain, GeometryType: spatial.Point, CRS: 4326, Provenance: layers.Estimated,
		Title: layers.Text{ZH: "地铁列车", EN: "Subway trains"},
		Description: layers.Text{
			ZH: "由 2021 年 11 月 26 日记录的 GTFS-realtime 到发时刻沿线路推算,循环播放。",
			EN: "Placed along the lines between the stop times of a GTFS-realtime feed recorded on 26 November 2021, played in a loop."},
		Attribution: mta, Licence: publicNYC, Label: "route", ClassBy: "route", MinZoom: 9, MaxZoom: 16,
		Live: &layers.Live{Period: standingTrain, Stale: 15 * time.Second, Offline: 30 * time.Second, Removed: time.Minute, MaxSpeed: 120},
		Schema: []layers.Property{
			prop("route", layers.String, "线路", "Route"),
			prop("trip", layers.String, "车次", "Trip"),
			prop("headsign", layers.String, "终点", "Headsign"),
			prop("direction", layers.String, "方向", "Direction"),
			prop("status", layers.String, "状态", "Status"),
			prop("next_stop", layers.String, "下一站", "Next stop"),
			prop("estimated", layers.Boolean, "推算", "Estimated"),
		},
	}, {
		ID: "vehicles", Kind: layers.KindVehicle, GeometryType: spatial.Point, CRS: 4326, Provenance: layers.Generated,
		Title:       layers.Text{ZH: "模拟车辆", EN: "Simulated vehicles"},
		Description: layers.Text{ZH: "5,000 辆沿真实街道行驶的模拟车辆。", EN: "5,000 simulated vehicles that drive along the real streets."},
		ClassBy:     "type", MinZoom: 10, MaxZoom: 16,
		Live: &layers.Live{Period: time.Second, Stale: 10 * time.Second, Offline: time.Minute, Removed: 5 * time.Minute, MaxSpeed: 70},
		Schema: []layers.Property{
			prop("type", layers.String, "车型", "Type"),
			prop("street", layers.String, "街道", "Street"),
			prop("generated", layers.Boolean, "模拟", "Generated"),
		},
	}}
}
