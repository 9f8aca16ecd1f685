package style

// Theme is the light or the dark look of the map.
type Theme string

// The themes.
const (
	Light Theme = "light"
	Dark  Theme = "dark"
)

// palette is the base colours of a theme; the viewer's panels use the same table
// (web/viewer/src/theme/tokens.ts).
type palette struct {
	land, block, water                        string
	street, casing, rail                      string
	buildingTop, buildingSide                 string
	panel, text, quiet, halo, accent, warning string
}

var palettes = map[Theme]*palette{
	Light: {
		land: "#f3f1ec", block: "#e9e6df", water: "#cfe2ee",
		street: "#ffffff", casing: "#d8d4ca", rail: "#b9b3a6",
		buildingTop: "#e4dfd5", buildingSide: "#cfc8ba",
		panel: "#ffffff", text: "#1a2331", quiet: "#5d6b7e", halo: "#ffffff", accent: "#0a84c6", warning: "#b86e00",
	},
	Dark: {
		land: "#0c1422", block: "#101b2d", water: "#0a2136",
		street: "#2a3a55", casing: "#16233a", rail: "#4a5f83",
		buildingTop: "#33445f", buildingSide: "#1d2a41",
		panel: "#111a2b", text: "#e8eef8", quiet: "#9db0ca", halo: "#0c1422", accent: "#4cc3ff", warning: "#ffb84d",
	},
}

// grounds are what lines and symbols stand on: their colours must be told from
// each of these.
func (p *palette) grounds() []string { return []string{p.land, p.block, p.water, p.street} }

// Colors is one colour in both themes, each #rrggbb.
type Colors struct {
	Light string `json:"light"`
	Dark  string `json:"dark"`
}

// In is the colour of a theme.
func (c Colors) In(t Theme) string {
	if t == Dark {
		return c.Dark
	}
	return c.Light
}

// both is a colour of the palettes.
func both(f func(*palette) string) Colors {
	return Colors{f(palettes[Light]), f(palettes[Dark])}
}

// symbolContrast is the least contrast of a line or symbol with its ground.
const symbolContrast = 3.0

// readable fits a colour that somebody else has laid down to both themes: same
// hue, darker on light ground and lighter on dark until it can be told from
// every ground.
func readable(hex string) Colors {
	return Colors{
		fit(hex, palettes[Light].grounds(), symbolContrast, -1),
		fit(hex, palettes[Dark].grounds(), symbolContrast, 1),
	}
}
