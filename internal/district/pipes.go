package district

import (
	"fmt"
	"strconv"

	"twind/layers"
	"twind/spatial"
)

// textOrNull is null for "".
func textOrNull(s string) layers.Value {
	if s == "" {
		return layers.Value{}
	}
	return layers.StringValue(s)
}

// countOrNull is null for 0.
func countOrNull(n int64) layers.Value {
	if n == 0 {
		return layers.Value{}
	}
	return layers.IntValue(n)
}

// pipes calls yield for each pipe.
func (d *District) pipes(yield func(*layers.Feature) bool) {
	for i := range d.network.pipes {
		p := &d.network.pipes[i]
		a, b := &d.network.nodes[p.a], &d.network.nodes[p.b]
		ax, ay := d.plan.lonLat(a.at)
		bx, by := d.plan.lonLat(b.at)
		g := spatial.NewLineString([]float64{ax, ay, bx, by})
		g.Z = []float64{p.za, p.zb}
		s := p.sub
		section := "DN" + strconv.Itoa(int(p.width))
		if s.duct || p.width != p.height {
			section = fmt.Sprintf("%dX%d", p.width, p.height)
		}
		of, flow, embedding := "管顶", "", s.embedding
		if s.gravity {
			of, flow = "管底", "+"
			if p.width != p.height {
				embedding = "管沟"
			}
		}
		year := layers.Value{}
		if p.year > 0 {
			year = layers.IntValue(int64(p.year))
		}
		ok := yield(&layers.Feature{ID: strconv.Itoa(i + 1), Geometry: g, Properties: []layers.Value{
			layers.StringValue(fmt.Sprintf("%s-%06d", s.code, p.serial)),
			layers.StringValue(s.kind), layers.StringValue(s.code), layers.StringValue(s.name), layers.StringValue(s.lineCode),
			layers.StringValue(a.pointID()), layers.StringValue(b.pointID()),
			layers.FloatValue(p.za), layers.FloatValue(p.zb),
			layers.FloatValue(millimetre(d.plan.ground(a.at) - p.za)), layers.FloatValue(millimetre(d.plan.ground(b.at) - p.zb)),
			layers.StringValue(of), layers.StringValue(section), layers.IntValue(int64(p.width)), layers.IntValue(int64(p.height)),
			layers.StringValue(p.material), layers.StringValue(embedding), textOrNull(flow), textOrNull(s.pressure), textOrNull(s.voltage),
			countOrNull(s.cables), countOrNull(s.holes), countOrNull(s.used),
			layers.FloatValue(float64(int(d.plan.length(a.at, b.at)*100+0.5)) / 100), layers.StringValue(p.street), textOrNull(s.owner), year,
			layers.StringValue("在用"),
		}})
		if !ok {
			return
		}
	}
}

// nodes calls yield for each node.
func (d *District) nodes(yield func(*layers.Feature) bool) {
	for i := range d.network.nodes {
		n := &d.network.nodes[i]
		x, y := d.plan.lonLat(n.at)
		ground := d.plan.ground(n.at)
		g := spatial.NewPoint(x, y)
		g.Z = []float64{ground}
		year := layers.Value{}
		if n.year > 0 {
			year = layers.IntValue(int64(n.year))
		}
		ok := yield(&layers.Feature{ID: strconv.Itoa(i + 1), Geometry: g, Properties: []layers.Value{
			layers.StringValue(n.pointID()), layers.StringValue(n.sub.kind), layers.StringValue(n.sub.code), textOrNull(n.feature), textOrNull(n.subsidiary),
			textOrNull(n.sub.pointCodes[n.name()]), layers.FloatValue(ground), layers.FloatValue(millimetre(ground - n.z)),
			layers.IntValue(int64(n.degree)), layers.StringValue(n.street), textOrNull(n.sub.owner), year,
		}})
		if !ok {
			return
		}
	}
}
