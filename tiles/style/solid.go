package style

import (
	"slices"

	"twind/layers"
)

// ColorOf is the colour of a layer's features whose ClassBy property has a value,
// for what is drawn without a style document, such as solids.
func ColorOf(l *layers.Layer, value string) Colors {
	list, rest := classesOf(l)
	for _, c := range list {
		if slices.Contains(c.values, value) {
			return c.color
		}
	}
	return rest
}
