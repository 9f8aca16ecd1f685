package tiles3d

import (
	"strconv"

	"twind/layers"
	"twind/spatial/mesh"
	"twind/tiles/style"
)

// colorOf is the style's colour of a layer's features of a class: of buildings
// that of light ground; of pipes, which are seen against earth and night as well as
// paper, the middle of both themes'.
func colorOf(l *layers.Layer, class string) mesh.Color {
	c := style.ColorOf(l, class)
	light := parseColor(c.Light)
	if l.Kind != layers.KindPipe {
		return light
	}
	dark := parseColor(c.Dark)
	for k := range 3 {
		light[k] = uint8((int(light[k]) + int(dark[k])) / 2)
	}
	return light
}

// parseColor reads #rrggbb, as all colours of package style are written.
func parseColor(hex string) mesh.Color {
	n, err := strconv.ParseUint(hex[1:], 16, 32)
	if err != nil {
		panic(err)
	}
	return mesh.Color{uint8(n >> 16), uint8(n >> 8), uint8(n), 255}
}
