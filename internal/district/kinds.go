package district

// subkind is a kind of pipe by CJJ 61-2017 appendix B, with how this district
// builds it.
type subkind struct {
	kind, code, name string // JS, JP, 配水管线
	lineCode         string // eight digits of appendix F: 5, kind, subkind, 1 for lines, 000
	gravity          bool   // elevations are of the invert, else of the top
	offset           [3]float64
	cover            float64 // from the ground to the top of the pipe, metres; the least for gravity
	material         [3]string
	size             [3][2]int // width and height by class, mm; equal for round pipes
	duct             bool      // a rectangular section
	embedding        string
	owner            string
	spacing          float64 // between nodes, metres
	plain            string  // the feature of a node where two pipes run straight on
	well             string  // the subsidiary of such a node, instead of a feature
	valve            string  // subsidiary beside each junction; empty: none
	pressure         string
	voltage          string
	cables           int64
	holes, used      int64
	pointCodes       map[string]string // eight-digit codes of features and subsidiaries
}

// absent is the offset of a pipe that streets of a class do not carry.
const absent = 1e9

// Offsets are metres east of a north–south street's axis and south of an
// east–west one's, by class: arterial, secondary, branch. Power and gas run on
// that side, telecom and water on the other, sewers under the carriageway; the
// order and the distances are those of GB 50289-2016 §4.1.
var (
	jp = &subkind{kind: "JS", code: "JP", name: "配水管线", lineCode: "51041000", offset: [3]float64{-14.5, -12, -6.6}, cover: 1.2,
		material: [3]string{"球墨铸铁", "球墨铸铁", "聚乙烯"}, size: [3][2]int{{400, 400}, {300, 300}, {200, 200}}, embedding: "直埋",
		owner: "示范水务集团有限公司", spacing: 60, plain: "直线点", valve: "阀门井", pressure: "0.35MPa",
		pointCodes: map[string]string{"弯头": "51042101", "三通": "51042102", "四通": "51042103", "盖堵": "51042113", "消防栓": "51042202", "阀门井": "51042205"}}
	ss = &subkind{kind: "JS", code: "SS", name: "输水管线", lineCode: "51021000", offset: [3]float64{-18.5, absent, absent}, cover: 2.1,
		material: [3]string{"钢", "钢", "钢"}, size: [3][2]int{{800, 800}, {800, 800}, {800, 800}}, embedding: "直埋",
		owner: "示范水务集团有限公司", spacing: 70, plain: "直线点", valve: "阀门井", pressure: "0.60MPa",
		pointCodes: map[string]string{"弯头": "51022101", "三通": "51022102", "四通": "51022103", "盖堵": "51022116", "阀门井": "51022204"}}
	ys = &subkind{kind: "PS", code: "YS", name: "雨水管线", lineCode: "52011000", gravity: true, offset: [3]float64{-6, -3.2, -2}, cover: 1.1,
		embedding: "直埋", owner: "示范排水有限公司", spacing: 40, well: "雨水井",
		pointCodes: map[string]string{"雨水井": "52012205", "雨水箅": "52012204", "出水口": "52012105"}}
	ws = &subkind{kind: "PS", code: "WS", name: "污水管线", lineCode: "52021000", gravity: true, offset: [3]float64{6, 3.2, 2}, cover: 2.2,
		embedding: "直埋", owner: "示范排水有限公司", spacing: 40, well: "污水井",
		pointCodes: map[string]string{"污水井": "52022205", "泵站": "52022221"}}
	tr = &subkind{kind: "RQ", code: "TR", name: "天然气管线", lineCode: "53031000", offset: [3]float64{13, 9.5, 4.8}, cover: 1.15,
		material: [3]string{"钢", "聚乙烯", "聚乙烯"}, size: [3][2]int{{300, 300}, {200, 200}, {110, 110}}, embedding: "直埋",
		owner: "示范燃气有限公司", spacing: 65, plain: "直线点", valve: "阀门井", pressure: "中压B"}
	rs = &subkind{kind: "RL", code: "RS", name: "热水管线", lineCode: "54011000", offset: [3]float64{-10.5, -8.5, absent}, cover: 1.6, duct: true,
		material: [3]string{"钢", "钢", "钢"}, size: [3][2]int{{1500, 1000}, {1200, 800}, {1200, 800}}, embedding: "管沟",
		owner: "示范热力有限公司", spacing: 70, well: "检修井", pressure: "1.0MPa"}
	gd = &subkind{kind: "DL", code: "GD", name: "供电线路", lineCode: "55011000", offset: [3]float64{21.5, 15, 8.8}, cover: 1, duct: true,
		material: [3]string{"铜", "铜", "铜"}, size: [3][2]int{{800, 500}, {600, 400}, {500, 300}}, embedding: "管块",
		owner: "示范供电公司", spacing: 55, well: "检修井", voltage: "10kV", cables: 6, holes: 12, used: 7}
	ld = &subkind{kind: "DL", code: "LD", name: "路灯线路", lineCode: "55021000", offset: [3]float64{23.8, 16.8, 9.6}, cover: 0.65,
		material: [3]string{"铜", "铜", "铜"}, size: [3][2]int{{80, 80}, {80, 80}, {80, 80}}, embedding: "管埋",
		owner: "示范区路灯管理所", spacing: 60, well: "手孔", voltage: "380V", cables: 1}
	xx = &subkind{kind: "TX", code: "XX", name: "信息网络线路", lineCode: "56031000", offset: [3]float64{-22.5, -16, -8.8}, cover: 1, duct: true,
		material: [3]string{"光纤", "光纤", "光纤"}, size: [3][2]int{{900, 600}, {600, 300}, {400, 300}}, embedding: "管块",
		owner: "示范通信管道有限公司", spacing: 60, well: "人孔", cables: 18, holes: 24, used: 14}
	dq = &subkind{kind: "GY", code: "DQ", name: "氮气管线", lineCode: "57071000", offset: [3]float64{17.5, 12.5, 6.9}, cover: 1.3,
		material: [3]string{"钢", "钢", "钢"}, size: [3][2]int{{200, 200}, {200, 200}, {150, 150}}, embedding: "直埋",
		owner: "示范工业气体有限公司", spacing: 70, plain: "直线点", valve: "阀门井", pressure: "0.8MPa"}
	zh = &subkind{kind: "QT", code: "ZH", name: "综合管沟", lineCode: "58011000", offset: [3]float64{0, absent, absent}, cover: 3, duct: true,
		material: [3]string{"混凝土", "混凝土", "混凝土"}, size: [3][2]int{{6000, 3800}, {6000, 3800}, {6000, 3800}}, embedding: "综合管廊(沟)",
		owner: "示范综合管廊运营有限公司", spacing: 100, well: "通风口"}
	bm = &subkind{kind: "QT", code: "BM", name: "不明管线", lineCode: "58021000", offset: [3]float64{absent, -10.2, absent}, cover: 1.5,
		material: [3]string{"铸铁", "铸铁", "铸铁"}, size: [3][2]int{{200, 200}, {200, 200}, {200, 200}}, embedding: "直埋", spacing: 40, plain: "直线点"}
)

// sewerSizes are the sections of gravity sewers by the length of sewer above
// them, with the least slope of each (after GB 50014-2021).
type sewerSize struct {
	above         float64 // metres of sewer upstream, at most
	width, height int     // mm
	slope         float64
	material      string
}

var stormSizes = []sewerSize{
	{200, 400, 400, 0.0020, "聚乙烯"},
	{450, 500, 500, 0.0018, "聚乙烯"},
	{800, 600, 600, 0.0015, "混凝土"},
	{1400, 800, 800, 0.0012, "混凝土"},
	{2400, 1000, 1000, 0.0010, "混凝土"},
	{3800, 1200, 1200, 0.0010, "混凝土"},
	{5600, 1500, 1500, 0.0010, "混凝土"},
	{8000, 2000, 1500, 0.0010, "混凝土"},
	{11000, 2400, 1800, 0.0010, "混凝土"},
	{1e18, 3000, 2000, 0.0010, "混凝土"},
}

var sanitarySizes = []sewerSize{
	{400, 300, 300, 0.0030, "聚乙烯"},
	{1200, 400, 400, 0.0020, "聚乙烯"},
	{2500, 500, 500, 0.0015, "混凝土"},
	{4500, 600, 600, 0.0012, "混凝土"},
	{9000, 800, 800, 0.0010, "混凝土"},
	{20000, 1000, 1000, 0.0008, "混凝土"},
	{1e18, 1200, 1200, 0.0008, "混凝土"},
}

func sewerSizeOf(sizes []sewerSize, upstream float64) *sewerSize {
	for i := range sizes {
		if upstream <= sizes[i].above {
			return &sizes[i]
		}
	}
	return &sizes[len(sizes)-1]
}

// wall is the thickness of a sewer's wall, metres.
func wall(width int) float64 { return max(0.03, float64(width)/10000) }
