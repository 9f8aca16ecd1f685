package sensing

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"twind/layers"
	"twind/realtime/rules"
)

// RulePrefix begins the ids of the demo's rules.
const RulePrefix = "demo-"

// Rules are what the demo watches: of each layer and quantity with a limit an
// alarm beyond it, where the kind has one a warning before it, and two fences for
// the vehicles of Manhattan.
func (n *Network) Rules() []rules.Rule {
	var out []rules.Rule
	add := func(r rules.Rule) {
		if !slices.ContainsFunc(out, func(o rules.Rule) bool { return o.ID == r.ID }) {
			out = append(out, r)
		}
	}
	for i := range n.Sensors {
		s := &n.Sensors[i]
		if math.IsNaN(s.Limit) {
			continue
		}
		r := rules.Rule{
			Title: s.Alarm, Kind: rules.Threshold, Layer: s.Layer, Class: s.Class, Severity: s.Severity,
			Source: "observations", Property: s.Quantity,
		}
		id := ruleID(s.Layer, s.Quantity)
		r.ID, r.Margin = id, s.Margin
		if s.Below {
			r.Below = &s.Limit
		} else {
			r.Above = &s.Limit
		}
		add(r)
		if s.Warn > 0 {
			r.ID, r.Quiet, r.Severity, r.Margin = id+"-warning", true, rules.Minor, s.Margin/2
			r.Class, r.Title = s.Class+"-warning", text(s.Title.ZH+"预警", "Warning: "+strings.ToLower(s.Title.EN))
			r.Above, r.Below = &s.Warn, nil
			add(r)
		}
	}
	return append(out, fences...)
}

func ruleID(layer layers.ID, quantity string) string {
	return RulePrefix + fmt.Sprintf("%s-%s", layer, quantity)
}

// fences are around places of Manhattan. The first tells who comes and goes and
// raises nothing; the second is for those who drive much too fast where many walk.
var fences = []rules.Rule{
	{
		ID: RulePrefix + "wall-street", Title: text("华尔街警戒区", "Wall Street security zone"),
		Kind: rules.Fence, Layer: "vehicles", Class: "security-zone", Severity: rules.Info, Quiet: true, Margin: 10, Delay: 2,
		Area: &rules.Area{Circle: &rules.Circle{Center: [2]float64{-74.0098, 40.7063}, Radius: 40}}, Events: []rules.Outcome{rules.Enter, rules.Leave},
	},
	{
		ID: RulePrefix + "city-hall-speed", Title: text("市政厅周边超速", "Speeding by City Hall"),
		Kind: rules.Fence, Layer: "vehicles", Class: "speeding", Severity: rules.Minor, Margin: 10, Delay: 2,
		Area:   &rules.Area{Circle: &rules.Circle{Center: [2]float64{-74.0060, 40.7128}, Radius: 160}},
		Events: []rules.Outcome{rules.Speed}, SpeedLimit: 15, SpeedMargin: 3,
	},
}
