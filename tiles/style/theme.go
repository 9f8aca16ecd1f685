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
	beyond, land, block, water                string // beyond: outside all that is known
	street, casing, rail                      string
	buildingTop, buildingSide                 string
	panel, text, quiet, halo, accent, warning string
}

var palettes = map[Theme]*palette{
	Light: {
		beyond: "#e4eaed", land: "#f3f1ec", block: "#e9e6df", water: "#cfe2ee",
		street: "#ffffff", casing: "#d8d4ca", rail: "#b9b3a6",
		buildingTop: "#e4dfd5", buildingSide: "#cfc8ba",
		panel: "#ffffff", text: "#1a2331", quiet: "#5d6b7e", halo: "#ffffff", accent: "#0a84c6", warning: "#b86e00",
	},
	Dark: {
		beyond: "#0b1626", land: "#0c1422", block: "#101b2d", water: "#0a2136",
		street: "#2a3a55", casing: "#16233a", rail: "#4a5f83",
		buildingTop: "#33445f", buildingSide: "#1d2a41",
		panel: "#111a2b", text: "#e8eef8", quiet: "#9db0ca", halo: "#0c1422", accent: "#4cc3ff", warning: "#ffb84d",
	},
}

// tones are the colours of solids by height in metres: the higher, the lighter,
// which is what makes a skyline.
var tones = map[Theme][]any{
	Light: {0, "#ece8e0", 40, "#f0ece5", 120, "#f5f2ed", 300, "#fbf9f6"},
	Dark:  {0, "#1f2b41", 20, "#26344c", 60, "#33445e", 120, "#455875", 200, "#5e7191", 300, "#8092b0", 420, "#a5b4cc"},
}

// skies lead the eye to the horizon of a tilted map, where they have the colour
// of the ground: no edge is seen.
var skies = map[Theme]object{
	Light: {"sky-color": "#c9dcea", "horizon-color": "#e4eaed", "fog-color": "#e6eaea", "fog-ground-blend": .6, "horizon-fog-blend": .6, "sky-horizon-blend": .7, "atmosphere-blend": 0},
	Dark:  {"sky-color": "#1a2b47", "horizon-color": "#0b1626", "fog-color": "#0d1829", "fog-ground-blend": .55, "horizon-fog-blend": .6, "sky-horizon-blend": .7, "atmosphere-blend": 0},
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

// subdued takes a third of a colour's strength away: kinds are told by hue, and
// a district full of pure ones would shout.
func subdued(hex string) Colors {
	return Colors{readable(mix(hex, "#6f7885", .3)).Light, readable(mix(hex, "#a9b6c8", .38)).Dark}
}

// readable fits a colour that somebody else has laid down to both themes: same
// hue, darker on light ground and lighter on dark until it can be told from
// every ground.
func readable(hex string) Colors {
	return Colors{
		fit(hex, palettes[Light].grounds(), symbolContrast, -1),
		fit(hex, palettes[Dark].grounds(), symbolContrast, 1),
	}
}
