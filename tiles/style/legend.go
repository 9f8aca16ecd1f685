package style

import (
	"slices"

	"twind/layers"
	"twind/spatial"
)

// Entry is a line of a layer's legend.
type Entry struct {
	Label  layers.Text `json:"label"`
	Color  Colors      `json:"color"`
	Symbol string      `json:"symbol"` // fill, line, circle, arrow, square or diamond
}

// Legend lists the classes that the layer's style tells apart, in the style's
// colours, or the layer itself where it has none. It is the legend of the style
// by kind, also where the layer brings a style of its own.
func Legend(l *layers.Layer) []Entry {
	list, rest := classesOf(l)
	symbol := symbolOf(l)
	if l.Kind == layers.KindPipe || l.Kind == layers.KindNode {
		list = legendOfPipes(l, list)
	}
	entries := make([]Entry, 0, len(list)+1)
	for _, c := range list {
		entries = append(entries, Entry{c.label, c.color, symbol})
	}
	if len(entries) == 0 {
		entries = append(entries, Entry{l.Title, rest, symbol})
	}
	return entries
}

// legendOfPipes leaves to each property the codes that it holds: kinds, or the
// sewers of a sewer network.
func legendOfPipes(l *layers.Layer, list []class) []class {
	if len(list) == 0 {
		return nil
	}
	if l.ClassBy == "network" {
		return list[:2]
	}
	if l.ClassBy == "subkind" {
		return slices.DeleteFunc(slices.Clone(list), func(c class) bool { return c.values[0] == "PS" })
	}
	return list
}

func symbolOf(l *layers.Layer) string {
	switch l.Kind {
	case layers.KindVehicle:
		return "arrow"
	case layers.KindTrain, layers.KindPart:
		return "square"
	case layers.KindEvent:
		return "diamond"
	case layers.KindCell:
		return "line"
	}
	switch l.GeometryType.Dimension() {
	case 0:
		return "circle"
	case 1:
		return "line"
	case 2:
		return "fill"
	}
	if l.GeometryType == spatial.Unknown {
		switch l.Kind {
		case layers.KindStreet, layers.KindRail, layers.KindPipe:
			return "line"
		case layers.KindNode, layers.KindStation, layers.KindSensor:
			return "circle"
		}
	}
	return "fill"
}
