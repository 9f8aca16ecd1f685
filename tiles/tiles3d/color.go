package tiles3d

import (
	"strconv"

	"twind/layers"
	"twind/spatial/mesh"
	"twind/tiles/style"
)

// colorOf is the style's colour of a layer's features of a class, as on light
// ground: solids are lit.
func colorOf(l *layers.Layer, class string) mesh.Color {
	n, err := strconv.ParseUint(style.ColorOf(l, class).Light[1:], 16, 32)
	if err != nil { // style's colours are #rrggbb
		panic(err)
	}
	return mesh.Color{uint8(n >> 16), uint8(n >> 8), uint8(n), 255}
}
