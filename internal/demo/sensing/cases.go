package sensing

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"twind/layers"
	"twind/realtime"
)

// A case is reported in every stretch of caseEvery seconds.
const caseEvery = 20

// casePrefix begins the ids of the demo's cases; the day and the number in it follow.
const casePrefix = "demo-case-"

// caseClass is a class of events or parts after GB/T 30428.2. In the demo an hour
// of its time limit is a minute.
type caseClass struct {
	code  string
	title layers.Text
	main  string // of parts: the class of the parts that it happens to; "" of events
	limit float64
	owner string
	says  string // what people say of it
}

var caseClasses = []caseClass{
	{"0102", text("暴露垃圾", "Litter left in the street"), "", 5, "示范区环境卫生维护中心", "垃圾散落路面,无人清理"},
	{"0103", text("积存垃圾渣土", "Construction waste"), "", 8, "示范区城市管理和综合执法局", "路边堆放渣土,影响通行"},
	{"0104", text("道路不洁", "Dirty road"), "", 5, "示范区环境卫生维护中心", "路面有大片污渍和泥沙"},
	{"0106", text("绿地脏乱", "Untidy green"), "", 6, "示范区园林绿化维护中心", "绿化带内有大量杂物"},
	{"0101", text("私搭乱建", "Unauthorised building"), "", 12, "示范区城市管理和综合执法局", "有人占用公共空间搭建棚屋"},
	{"0201", text("非法小广告", "Illegal posters"), "", 6, "示范区城市管理和综合执法局", "墙面张贴大量小广告"},
	{"0301", text("施工扰民", "Noise of building works"), "", 5, "示范区城市管理和综合执法局", "工地夜间施工,噪声很大"},
	{"0302", text("工地扬尘", "Dust of building works"), "", 5, "示范区城市管理和综合执法局", "工地未洒水,尘土飞扬"},
	{"0401", text("无照经营游商", "Unlicensed vendors"), "", 4, "示范区城市管理和综合执法局", "流动摊贩占用人行道"},
	{"0402", text("占道经营", "Shop on the pavement"), "", 5, "示范区城市管理和综合执法局", "店铺把货物摆到路上"},
	{"0403", text("机动车乱停放", "Illegal parking"), "", 4, "示范区公安分局交通警察大队", "车辆停在人行道和盲道上"},
	{"0501", text("路面塌陷", "Road has caved in"), "", 7, "示范区市政工程维护中心", "路面出现塌坑,车辆绕行"},
	{"0502", text("自来水管破裂", "Burst water main"), "", 6, "示范水务集团有限公司", "路面冒水,水流不止"},
	{"0503", text("下水道堵塞", "Blocked sewer"), "", 6, "示范排水有限公司", "污水外溢,气味难闻"},
	{"0504", text("道路积水", "Flooded road"), "", 5, "示范排水有限公司", "路面积水,行人无法通过"},
	{"p-0102", text("井盖破损", "Broken manhole cover"), "0102", 5, "示范排水有限公司", "井盖破损,走过时有响声"},
	{"p-0103", text("雨水井盖丢失", "Missing storm cover"), "0103", 4, "示范排水有限公司", "井盖不见了,很危险"},
	{"p-0118", text("路灯不亮", "Street lamp is out"), "0118", 8, "示范区路灯管理所", "路灯连续两晚不亮"},
	{"p-0113", text("消火栓漏水", "Leaking hydrant"), "0113", 6, "示范水务集团有限公司", "消火栓一直漏水"},
	{"p-0305", text("垃圾箱满溢", "Overflowing litter bin"), "0305", 4, "示范区环境卫生维护中心", "垃圾箱已满,垃圾外溢"},
	{"p-0402", text("行道树倒伏", "Fallen street tree"), "0402", 6, "示范区园林绿化维护中心", "行道树倒向车行道"},
	{"p-0210", text("交通信号灯故障", "Traffic signal out of order"), "0210", 4, "示范区公安分局交通警察大队", "信号灯全部熄灭"},
}

var mainClasses = map[byte]layers.Text{
	'1': text("市容环境", "City environment"), '2': text("宣传广告", "Advertising"), '3': text("施工管理", "Building works"),
	'4': text("街面秩序", "Order in the street"), '5': text("突发事件", "Emergencies"),
}

var sources = []string{"12345", "12345", "12345", "12319", "12319", "采集员 Patrol", "微信 WeChat"}

// spot is where a case can be.
type spot struct {
	lon, lat float64
	id       string // of a part; ""
	street   string
}

// Cases makes the cases of the hotline. It is used by one goroutine at a time.
type Cases struct {
	seed    uint64
	streets []spot            // points along streets
	parts   map[string][]spot // by class
}

// NewCases reads where cases can be: along the district's streets and at its parts.
func NewCases(described []layers.Layer, features Source, seed uint64) (*Cases, error) {
	c := &Cases{seed: seed, parts: map[string][]spot{}}
	for i := range described {
		l := &described[i]
		var take func(f *layers.Feature)
		switch l.ID {
		case "demo_streets":
			name := l.PropertyIndex("name")
			take = func(f *layers.Feature) { c.along(f, f.Properties[name].Text()) }
		case "demo_parts":
			class, place := l.PropertyIndex("class_code"), l.PropertyIndex("location")
			take = func(f *layers.Feature) {
				code := f.Properties[class].Text()
				street := strings.TrimSuffix(f.Properties[place].Text(), "沿线")
				c.parts[code] = append(c.parts[code], spot{f.Geometry.XY[0], f.Geometry.XY[1], f.ID, street})
			}
		default:
			continue
		}
		if err := features(l, func(f *layers.Feature) bool { take(f); return true }); err != nil {
			return nil, fmt.Errorf("sensing: layer %s: %w", l.ID, err)
		}
	}
	if len(c.streets) == 0 {
		return nil, fmt.Errorf("sensing: there are no streets for cases")
	}
	return c, nil
}

// along notes points of a street at a quarter, the middle and three quarters of
// each of its stretches.
func (c *Cases) along(f *layers.Feature, name string) {
	xy := f.Geometry.XY
	for i := 0; i+3 < len(xy); i += 2 {
		for _, u := range [...]float64{0.25, 0.5, 0.75} {
			c.streets = append(c.streets, spot{xy[i] + (xy[i+2]-xy[i])*u, xy[i+1] + (xy[i+3]-xy[i+1])*u, "", name})
		}
	}
}

// step is a state of a case and when it begins, seconds after it was reported.
type step struct {
	state string
	after float64
}

// cityCase is one case with its whole life.
type cityCase struct {
	slot   int64
	class  *caseClass
	at     spot
	source string
	begin  float64 // seconds since 1970
	steps  []step
}

// caseOf is the case of a slot of caseEvery seconds.
func (c *Cases) caseOf(slot int64) cityCase {
	share := func(i uint64) float64 { return chance(c.seed, forCases, uint64(slot), i) }
	pick := func(i uint64, n int) int { return int(share(i) * float64(n)) }
	x := cityCase{slot: slot, begin: float64(slot*caseEvery) + 0.9*caseEvery*share(0), source: sources[pick(1, len(sources))]}
	x.class = &caseClasses[pick(2, len(caseClasses))]
	x.at = c.streets[pick(3, len(c.streets))]
	if parts := c.parts[x.class.main]; len(parts) > 0 {
		x.at = parts[pick(3, len(parts))]
	}
	x.steps = append(x.steps, step{"new", 0})
	at := 0.0
	add := func(i uint64, state string, low, high float64) {
		at += between(share(i), low, high)
		x.steps = append(x.steps, step{state, at})
	}
	if share(4) < 0.05 {
		add(5, "rejected", 20, 70)
		return x
	}
	add(5, "accepted", 8, 40)
	add(6, "dispatched", 10, 45)
	add(7, "handling", 20, 70)
	work := x.class.limit * 60
	if share(8) < 0.15 { // these are late
		add(9, "handled", 0.9*work, 1.4*work)
	} else {
		add(9, "handled", 0.2*work, 0.6*work)
	}
	add(10, "verified", 15, 50)
	add(11, "closed", 8, 30)
	return x
}

// longestCase is more than any case lasts, in slots.
const longestCase = 22 * 60 / caseEvery

// Due appends the reports whose time is after from and not after to, in order of
// the cases.
func (c *Cases) Due(from, to time.Time, dst []realtime.EventReport) []realtime.EventReport {
	a, b := float64(from.UnixMilli())/1000, float64(to.UnixMilli())/1000
	for slot := int64(a)/caseEvery - longestCase; slot <= int64(b)/caseEvery; slot++ {
		x := c.caseOf(slot)
		for i := range x.steps {
			if at := x.begin + x.steps[i].after; at > a && at <= b {
				dst = append(dst, x.report(i))
			}
		}
	}
	return dst
}

// Resume appends what brings the cases to a moment: those that should be under way
// and are not known, and the present state of those that are open in another.
func (c *Cases) Resume(open []realtime.Event, now time.Time, dst []realtime.EventReport) []realtime.EventReport {
	at := float64(now.UnixMilli()) / 1000
	states := map[int64]string{}
	for i := range open {
		if slot, ok := slotOf(open[i].ID); ok {
			states[slot] = open[i].State
		}
	}
	for slot, state := range states {
		x := c.caseOf(slot)
		if i := x.step(at); i >= 0 && x.steps[i].state != state {
			dst = append(dst, x.report(i))
		}
	}
	for slot := int64(at)/caseEvery - longestCase; slot <= int64(at)/caseEvery; slot++ {
		x := c.caseOf(slot)
		i := x.step(at)
		if _, known := states[slot]; known || i < 0 || i == len(x.steps)-1 {
			continue
		}
		dst = append(dst, x.report(0))
		if i > 0 {
			dst = append(dst, x.report(i))
		}
	}
	return dst
}

// step is which one a case has come to; −1: it is not reported yet.
func (x *cityCase) step(at float64) int {
	i := -1
	for i+1 < len(x.steps) && x.begin+x.steps[i+1].after <= at {
		i++
	}
	return i
}

func (x *cityCase) id() string {
	day := time.Unix(x.slot*caseEvery, 0).UTC()
	return fmt.Sprintf("%s%s-%04d", casePrefix, day.Format("20060102"), x.slot%(86400/caseEvery))
}

// slotOf reads an id of a case.
func slotOf(id string) (slot int64, ok bool) {
	date, number, found := strings.Cut(strings.TrimPrefix(id, casePrefix), "-")
	day, err := time.Parse("20060102", date)
	if !strings.HasPrefix(id, casePrefix) || !found || err != nil {
		return 0, false
	}
	var n int64
	if _, err := fmt.Sscanf(number, "%04d", &n); err != nil {
		return 0, false
	}
	return day.Unix()/caseEvery + n, true
}

func (x *cityCase) moment(after float64) time.Time {
	return time.UnixMilli(int64((x.begin + after) * 1000)).UTC()
}

// report is what is said of a case when it comes to a step; the first says all
// that is known of it.
func (x *cityCase) report(i int) realtime.EventReport {
	r := realtime.EventReport{ID: x.id(), Class: "gbt30428-" + x.class.code, State: x.steps[i].state, Time: x.moment(x.steps[i].after), Lon: math.NaN(), Lat: math.NaN()}
	if r.State == "dispatched" {
		r.Owner = &x.class.owner
	}
	if i > 0 {
		return r
	}
	says := x.at.street + ":" + x.class.says + "。"
	r.Title, r.Text, r.Source = &x.class.title, &says, &x.source
	r.Lon, r.Lat = x.at.lon, x.at.lat
	if x.at.id != "" {
		r.Layer, r.Entity = "demo_parts", x.at.id
	}
	minutes := x.class.limit
	r.Deadlines = map[string]time.Time{"accepted": x.moment(60), "dispatched": x.moment(120), "closed": x.moment(60*minutes + 150)}
	p := map[string]any{"generated": true, "class_code": strings.TrimPrefix(x.class.code, "p-"), "street": x.at.street}
	if main, ok := mainClasses[x.class.code[1]]; ok && x.class.main == "" {
		p["main_class"] = main
	} else {
		p["main_class"] = text("部件", "City parts")
	}
	r.Properties, _ = json.Marshal(p) // texts always encode
	return r
}
