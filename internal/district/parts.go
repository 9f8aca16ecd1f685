package district

import (
	"fmt"
	"math/rand/v2"

	"twind/layers"
	"twind/spatial"
)

// partClass is a class of city parts: two digits of the main class and two of the
// minor one (GB/T 30428.2), the department that answers for it, and who keeps it.
type partClass struct {
	code       string
	name       string
	department string
	owner      string
	keeper     string
}

// mainClasses names the first two digits.
var mainClasses = map[string]string{"01": "公用设施", "02": "交通设施", "03": "市容环境设施", "04": "园林绿化设施", "05": "其他部件"}

const (
	cityManagement = "示范区城市管理和综合执法局"
	roads          = "示范区市政工程维护中心"
	police         = "示范区公安分局交通警察大队"
	gardens        = "示范区园林绿化维护中心"
	sanitation     = "示范区环境卫生维护中心"
	water          = "示范区水务局"
)

// The classes that the district has.
var (
	waterCover    = &partClass{"0101", "上水井盖", water, jp.owner, jp.owner}
	sewageCover   = &partClass{"0102", "污水井盖", water, ws.owner, ws.owner}
	stormCover    = &partClass{"0103", "雨水井盖", water, ys.owner, ys.owner}
	stormGrate    = &partClass{"0104", "雨水箅子", water, ys.owner, ys.owner}
	powerCover    = &partClass{"0105", "电力井盖", cityManagement, gd.owner, gd.owner}
	lampCover     = &partClass{"0106", "路灯井盖", cityManagement, ld.owner, ld.owner}
	telecomCover  = &partClass{"0107", "通信井盖", cityManagement, xx.owner, xx.owner}
	heatCover     = &partClass{"0110", "热力井盖", cityManagement, rs.owner, rs.owner}
	gasCover      = &partClass{"0111", "燃气井盖", cityManagement, tr.owner, tr.owner}
	fireHydrant   = &partClass{"0113", "消防设施", "示范区消防救援大队", jp.owner, jp.owner}
	crossConnect  = &partClass{"0115", "通信交接箱", cityManagement, xx.owner, xx.owner}
	streetLamp    = &partClass{"0118", "路灯", cityManagement, ld.owner, ld.owner}
	transformer   = &partClass{"0134", "变压器(箱)", cityManagement, gd.owner, gd.owner}
	gasRegulator  = &partClass{"0135", "燃气调压站(箱)", cityManagement, tr.owner, tr.owner}
	camera        = &partClass{"0136", "监控电子眼", "示范区公安分局", "示范区公安分局", "示范区公安分局"}
	busShelter    = &partClass{"0203", "公交站亭", "示范区交通运输局", "示范公交集团有限公司", "示范公交集团有限公司"}
	trafficSign   = &partClass{"0209", "交通标志牌", police, police, roads}
	trafficSignal = &partClass{"0210", "交通信号灯", police, police, police}
	nameSign      = &partClass{"0213", "路名牌", "示范区民政局", "示范区民政局", roads}
	litterBin     = &partClass{"0305", "垃圾箱", sanitation, sanitation, sanitation}
	streetTree    = &partClass{"0402", "行道树", gardens, gardens, gardens}
)

// cover is the class of what is seen of a node from above; nil for nothing.
func cover(n *node) *partClass {
	switch n.subsidiary {
	case "阀门井":
		switch n.sub.kind {
		case "JS":
			return waterCover
		case "RQ":
			return gasCover
		}
	case "消防栓":
		return fireHydrant
	case "雨水井":
		return stormCover
	case "雨水箅":
		return stormGrate
	case "污水井":
		return sewageCover
	case "手孔":
		return lampCover
	case "人孔":
		return telecomCover
	case "检修井":
		if n.sub == gd {
			return powerCover
		}
		return heatCover
	}
	return nil
}

// borderClear is how far parts stay away from the borders of the unit grid, so
// that each is in one cell without doubt, metres.
const borderClear = 0.3

// partMaker deals the serial numbers of a layer of parts.
type partMaker struct {
	d       *District
	r       *rand.Rand
	serials map[string]int
	yield   func(*layers.Feature) bool
	more    bool
}

// parts calls yield for each city part: first the covers of the nodes, then what
// stands along the streets.
func (d *District) parts(yield func(*layers.Feature) bool) {
	m := &partMaker{d: d, r: stream(d.plan.o.Seed, forParts, 0, 0), serials: make(map[string]int), yield: yield, more: true}
	for i := range d.network.nodes {
		n := &d.network.nodes[i]
		if c := cover(n); c != nil && m.more {
			m.add(c, n.at, n.street, 0)
		}
	}
	d.plan.pieces(func(p piece) {
		if m.more {
			m.furnish(p)
		}
	})
}

// add makes a part; one that would stand on a border of the unit grid moves by a
// metre, or is left out at the edge of the district.
func (m *partMaker) add(c *partClass, at point, street string, step float64) {
	if !m.more {
		return
	}
	r := m.r
	state := pick(r, []string{"完好", "破损", "占用", "丢失"}, []float64{970, 20, 6, 4})
	installed := date(r, 2004, 2024)
	changed := ""
	if state != "完好" || r.Float64() < 0.1 {
		changed = fmt.Sprintf("2025-%02d-%02d", 1+r.IntN(12), 1+r.IntN(28))
	}
	cell, inside := m.d.grid.at(at, borderClear)
	if cell != "" && !inside {
		for _, by := range []point{{1, 0}, {0, 1}, {1, 1}, {-1, -1}} {
			moved := point{at.u + by.u, at.v + by.v}
			if other, ok := m.d.grid.at(moved, borderClear); ok && step > 0 {
				at, cell, inside = moved, other, true
				break
			}
		}
	}
	if !inside {
		return
	}
	m.serials[c.code]++
	code := fmt.Sprintf("%s%s%06d", county, c.code, m.serials[c.code])
	lon, lat := m.d.plan.lonLat(at)
	changedValue := layers.Value{}
	if changed != "" {
		changedValue = layers.TextValue(layers.Date, changed)
	}
	m.more = m.yield(&layers.Feature{ID: code, Geometry: spatial.NewPoint(lon, lat), Properties: []layers.Value{
		layers.StringValue(code), layers.StringValue(c.name), layers.StringValue(mainClasses[c.code[:2]]), layers.StringValue(c.code),
		layers.StringValue(c.department), layers.StringValue(c.owner), layers.StringValue(c.keeper), layers.StringValue(cell),
		layers.StringValue(state), layers.TextValue(layers.Date, installed), changedValue, layers.StringValue("程序生成"),
		layers.StringValue(street + "沿线"),
	}})
}

func date(r *rand.Rand, from, to int) string {
	return fmt.Sprintf("%d-%02d-%02d", from+r.IntN(to-from+1), 1+r.IntN(12), 1+r.IntN(28))
}

// furnish sets what stands along a stretch of street.
func (m *partMaker) furnish(p piece) {
	pl := m.d.plan
	l := pl.street(p)
	from, to := pl.ends(p)
	c := &classes[l.class]
	across := pl.vs
	if !p.vertical {
		across = pl.us
	}
	lo, hi := from+across[p.from].half(), to-across[p.to].half()
	every := func(k *partClass, start, spacing, aside float64, both bool) {
		for s := lo + start; s < hi; s += spacing {
			m.add(k, along(p.vertical, l.at, s, aside), l.name, 1)
			if both {
				m.add(k, along(p.vertical, l.at, s, -aside), l.name, 1)
			}
		}
	}
	lamp := c.half - 1.2
	if l.class == branch {
		every(streetLamp, 8, 28, lamp, false)
	} else {
		every(streetLamp, 8, 32, lamp, true)
		every(streetTree, 15, 24, c.half-2.6, true)
		every(litterBin, 20, 90, c.half-3.4, true)
		every(camera, 60, 240, c.half-0.9, false)
	}
	every(crossConnect, 70, 420, -(c.half - 2.0), false)
	every(transformer, 110, 380, c.half-1.7, false)
	if l.class == secondary {
		every(gasRegulator, 90, 500, c.half-2.2, false)
	}
	if l.class == arterial && hi-lo > 120 {
		m.add(busShelter, along(p.vertical, l.at, (lo+hi)/2, c.half-6), l.name, 1)
		m.add(busShelter, along(p.vertical, l.at, (lo+hi)/2+30, -(c.half-6)), l.name, 1)
	}
	// At either end: signals where two greater streets meet, signs and names.
	for _, e := range []struct {
		s     float64
		other class
	}{{lo - 2, across[p.from].class}, {hi + 2, across[p.to].class}} {
		if l.class != branch && e.other != branch {
			m.add(trafficSignal, along(p.vertical, l.at, e.s, c.road+0.8), l.name, 1)
			m.add(camera, along(p.vertical, l.at, e.s, -(c.road+0.8)), l.name, 1)
		} else {
			m.add(trafficSign, along(p.vertical, l.at, e.s, c.road+0.8), l.name, 1)
		}
		m.add(nameSign, along(p.vertical, l.at, e.s, c.half-1.5), l.name, 1)
	}
}
