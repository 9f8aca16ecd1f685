package style

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/golden"
	"twind/layers"
	"twind/spatial"
	"twind/tiles/sprite"
)

func schema(names ...string) (list []layers.Property) {
	for _, n := range names {
		p := layers.Property{Name: n, Type: layers.String}
		switch n {
		case "height", "base":
			p.Type, p.Unit = layers.Number, "m"
		case "diameter", "width":
			p.Type, p.Unit = layers.Integer, "mm"
		case "floors":
			p.Type = layers.Integer
		case "part", "has_parts", "tunnel":
			p.Type = layers.Boolean
		}
		list = append(list, p)
	}
	return list
}

// city has every kind of layer that a demo city has.
func city() []layers.Layer {
	return []layers.Layer{
		{ID: "buildings", Kind: layers.KindBuilding, GeometryType: spatial.MultiPolygon, Label: "name", MinZoom: 13, MaxZoom: 16, Schema: schema("name", "height", "base", "part", "has_parts")},
		{ID: "demo_buildings", Kind: layers.KindBuilding, GeometryType: spatial.Polygon, Label: "name", MaxZoom: 16, Schema: schema("name", "floors", "height")},
		{ID: "streets", Kind: layers.KindStreet, GeometryType: spatial.LineString, Label: "name", ClassBy: "class", MaxZoom: 15, Schema: schema("name", "class", "tunnel")},
		{ID: "subway", Title: text("地铁", "Subway"), Kind: layers.KindRail, GeometryType: spatial.LineString, Label: "name", ClassBy: "rt_symbol", MaxZoom: 15, Schema: schema("name", "rt_symbol")},
		{ID: "stations", Title: text("车站", "Stations"), Kind: layers.KindStation, GeometryType: spatial.Point, Label: "name", MaxZoom: 15, Schema: schema("name")},
		{ID: "precincts", Title: text("警区", "Precincts"), Kind: layers.KindCell, GeometryType: spatial.MultiPolygon, Label: "precinct", MinZoom: 8, MaxZoom: 14, Schema: schema("precinct")},
		{ID: "storm", Title: text("雨水管道", "Storm sewers"), Kind: layers.KindPipe, GeometryType: spatial.LineString, Label: "id", ClassBy: "material", MaxZoom: 16, Schema: schema("id", "material", "diameter", "status")},
		{ID: "water", Title: text("供水管网", "Water network"), Kind: layers.KindPipe, GeometryType: spatial.MultiLineString, MaxZoom: 15, Schema: schema("MATERIAL")},
		{ID: "manholes", Title: text("检查井", "Manholes"), Kind: layers.KindNode, GeometryType: spatial.Point, ClassBy: "network", Label: "id", MaxZoom: 16, Schema: schema("id", "network")},
		{ID: "demo_pipes", Kind: layers.KindPipe, GeometryType: spatial.LineString, ClassBy: "kind", Label: "code", MaxZoom: 16, Schema: schema("code", "kind", "subkind", "section", "material", "width", "status")},
		{ID: "demo_nodes", Kind: layers.KindNode, GeometryType: spatial.Point, ClassBy: "kind", Label: "id", MaxZoom: 16, Schema: schema("id", "kind")},
		{ID: "demo_parts", Kind: layers.KindPart, GeometryType: spatial.Point, ClassBy: "class", Label: "name", MaxZoom: 16, Schema: schema("name", "class")},
		{ID: "demo_blocks", Kind: layers.KindBlock, GeometryType: spatial.Polygon, ClassBy: "usage", Label: "name", MaxZoom: 15, Schema: schema("name", "usage")},
		{ID: "lakes", Title: text("湖", "Lakes"), Kind: layers.KindWater, Label: "name", MaxZoom: 15, Schema: schema("name")},
		{ID: "things", Title: text("其他", "Things"), Kind: layers.KindFeature, Label: "name", MaxZoom: 15, Schema: schema("name")},
		{ID: "trains", Title: text("列车", "Trains"), Kind: layers.KindTrain, GeometryType: spatial.Point, Live: &layers.Live{}},
		{ID: "plain_streets", Kind: layers.KindStreet, GeometryType: spatial.LineString, MaxZoom: 15},
		{ID: "own", Kind: layers.KindBuilding, GeometryType: spatial.Polygon, MaxZoom: 15,
			Style: []byte(`[{"id":"roof","type":"fill","paint":{"fill-color":"#123456"}},{"id":"own-wall","type":"line","metadata":{"x":1}}]`)},
	}
}

func make1(t *testing.T, list []layers.Layer, theme Theme) []byte {
	t.Helper()
	b, faults, err := Style(list, theme, Links{
		TileJSON: func(id layers.ID) string { return "https://city.example/tiles/" + string(id) + ".json" },
		Sprite:   "https://city.example/sprites/city",
	})
	require.NoError(t, err)
	require.Empty(t, faults)
	return b
}

// The style layers in both themes, one a line: reviewed as text here, judged by MapLibre's
// own validator in test/judges.
func TestGoldenStyles(t *testing.T) {
	for _, theme := range []Theme{Light, Dark} {
		var d struct{ Layers []json.RawMessage }
		require.NoError(t, json.Unmarshal(make1(t, city(), theme), &d))
		var b strings.Builder
		for _, l := range d.Layers {
			b.Write(l)
			b.WriteByte(0x0a)
		}
		golden.Equal(t, "testdata/city-"+string(theme)+".jsonl", b.String())
	}
}

func TestStyleIsDeterministic(t *testing.T) {
	list := city()
	want := make1(t, list, Dark)
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	require.Equal(t, string(want), string(make1(t, list, Dark)))
}

type document struct {
	Version int
	Glyphs  any
	Sprite  string
	Sources map[string]struct{ Type, URL string }
	Layers  []struct {
		ID, Type, Source string
		SourceLayer      string `json:"source-layer"`
		Metadata         map[string]any
		Layout, Paint    map[string]any
		Filter           any
	}
}

func parsed(t *testing.T, b []byte) (d document) {
	t.Helper()
	require.NoError(t, json.Unmarshal(b, &d))
	return d
}

func TestStyle(t *testing.T) {
	d := parsed(t, make1(t, city(), Light))
	require.Equal(t, 8, d.Version)
	require.Nil(t, d.Glyphs)
	require.Equal(t, "https://city.example/sprites/city", d.Sprite)
	require.Len(t, d.Sources, len(city())-1, "no source for a live layer")
	require.Equal(t, "https://city.example/tiles/streets.json", d.Sources["streets"].URL)
	seen := map[string]bool{}
	position := map[string]int{}
	for i, l := range d.Layers {
		require.False(t, seen[l.ID], l.ID)
		seen[l.ID], position[l.ID] = true, i
		if l.Type == "background" {
			require.Zero(t, i)
			continue
		}
		require.Equal(t, "vector", d.Sources[l.Source].Type)
		require.Equal(t, l.Source, l.SourceLayer)
		require.Equal(t, l.Source, l.Metadata["twind:layer"])
		require.True(t, l.ID == l.Source || strings.HasPrefix(l.ID, l.Source+"-"), l.ID)
		if l.Layout["text-field"] != nil {
			require.Equal(t, []any{Font}, l.Layout["text-font"])
		}
	}
	order := []string{"demo_blocks", "lakes", "plain_streets-casing", "streets-casing", "plain_streets", "streets", "precincts", "subway", "demo_pipes", "buildings", "demo_nodes", "streets-label", "buildings-solid", "stations", "buildings-label"}
	for i := 1; i < len(order); i++ {
		require.Less(t, position[order[i-1]], position[order[i]], "%s before %s", order[i-1], order[i])
	}
}

// Parts stand in 3D instead of the outline that they replace, and not in the plan.
func TestBuildingParts(t *testing.T) {
	d := parsed(t, make1(t, city(), Light))
	for _, l := range d.Layers {
		filter, err := json.Marshal(l.Filter)
		require.NoError(t, err)
		switch l.ID {
		case "buildings":
			require.Contains(t, string(filter), `["!=",["get","part"],true]`)
		case "buildings-solid":
			require.Contains(t, string(filter), `["!=",["get","has_parts"],true]`)
			require.NotContains(t, string(filter), `"part"`)
			require.Equal(t, []any{"to-number", []any{"get", "base"}, 0.0}, l.Paint["fill-extrusion-base"])
		}
	}
}

func TestOwnStyle(t *testing.T) {
	d := parsed(t, make1(t, city(), Light))
	var ids []string
	for _, l := range d.Layers {
		if l.Source == "own" {
			ids = append(ids, l.ID)
		}
		if l.ID == "own-wall" {
			require.EqualValues(t, 1, l.Metadata["x"], "what else it says is kept")
		}
	}
	require.Equal(t, []string{"own-roof", "own-wall"}, ids)

	for name, style := range map[string]string{
		"not JSON":          `[{`,
		"an object":         `{"id":"a"}`,
		"no id":             `[{"type":"fill"}]`,
		"twice the same id": `[{"id":"a","type":"fill"},{"id":"a","type":"line"}]`,
		"a type unknown":    `[{"id":"a","type":"raster"}]`,
	} {
		l := layers.Layer{ID: "own", Style: []byte(style)}
		l.GeometryType, l.Kind = spatial.Point, layers.KindPart
		b, faults, err := Style([]layers.Layer{l}, Light, Links{TileJSON: func(layers.ID) string { return "" }})
		require.NoError(t, err)
		require.Len(t, faults, 1)
		require.ErrorIs(t, faults[0], layers.ErrInvalid, name)
		var ids []string
		for _, s := range parsed(t, b).Layers {
			ids = append(ids, s.ID)
		}
		require.Equal(t, []string{"ground", "own-cluster", "own-count", "own"}, ids, "the style by kind stands in")
	}
	_, _, err := Style(nil, "sepia", Links{})
	require.ErrorIs(t, err, layers.ErrInvalid)
}

func TestEveryIconOfTheRulesIsBuiltIn(t *testing.T) {
	set, faults := sprite.New(sprite.Builtin())
	require.Empty(t, faults)
	for _, rules := range [][]iconRule{partIcons, subsidiaryIcons} {
		seen := map[string]bool{}
		for _, r := range rules {
			require.True(t, set.Has(r.icon), r.icon)
			for _, v := range r.values {
				require.False(t, seen[v], "%s chooses two icons", v)
				seen[v] = true
			}
		}
	}
}

func TestLegend(t *testing.T) {
	byID := map[layers.ID][]Entry{}
	list := city()
	for i := range list {
		l := &list[i]
		entries := Legend(l)
		require.NotEmpty(t, entries)
		for _, e := range entries {
			require.Contains(t, []string{"fill", "line", "circle", "arrow", "square", "diamond"}, e.Symbol)
			if e.Label != l.Title {
				require.NotEmpty(t, e.Label.ZH)
				require.NotEmpty(t, e.Label.EN)
			}
			for _, c := range []string{e.Color.Light, e.Color.Dark} {
				require.Regexp(t, "^#[0-9a-f]{6}$", c)
			}
		}
		byID[l.ID] = entries
	}
	require.Len(t, byID["demo_pipes"], 8)
	require.Equal(t, "给水 JS", byID["demo_pipes"][0].Label.ZH)
	require.Equal(t, []Entry{{text("雨水管道", "Storm sewers"), sewerKinds[0].color, "line"}}, byID["storm"])
	require.Equal(t, []Entry{{text("供水管网", "Water network"), pipeKinds[0].color, "line"}}, byID["water"])
	require.Len(t, byID["manholes"], 2)
	require.Len(t, byID["subway"], 10)
	require.Equal(t, "#0039a6", byID["subway"][3].Color.Light)
	require.Equal(t, "square", byID["trains"][0].Symbol)
	require.Equal(t, "line", byID["precincts"][0].Symbol)
	// The class property may be missing from the schema.
	require.Len(t, Legend(&layers.Layer{ID: "p", Kind: layers.KindNode, ClassBy: "network"}), 1)

	b, err := json.Marshal(byID["storm"])
	require.NoError(t, err)
	require.JSONEq(t, `[{"label":{"zh":"雨水管道","en":"Storm sewers"},"color":{"light":"`+sewerKinds[0].color.Light+`","dark":"`+sewerKinds[0].color.Dark+`"},"symbol":"line"}]`, string(b))
}

// Lines and symbols are told from every ground (3:1), labels are read on their
// halo (4.5:1), national hues stay what they are.
func TestContrast(t *testing.T) {
	symbols := map[string]Colors{"rail": readableRail, "unknown pipe": unknownPipe}
	for _, list := range [][]class{pipeKinds, sewerKinds, partClasses} {
		for _, c := range list {
			symbols[c.label.EN] = c.color
		}
	}
	for _, k := range []layers.Kind{layers.KindCell, layers.KindStation, layers.KindTrain, layers.KindEvent, layers.KindVehicle, layers.KindSensor, layers.KindFeature} {
		symbols[string(k)] = colorOfKind(k)
	}
	for _, theme := range []Theme{Light, Dark} {
		p := palettes[theme]
		for name, c := range symbols {
			for _, ground := range p.grounds() {
				require.GreaterOrEqual(t, contrast(c.In(theme), ground), symbolContrast-.01, "%s %s on %s", theme, name, ground)
			}
		}
		for _, c := range subwayLines {
			d := drawing{theme: theme, palette: p}
			best := max(contrast(c.color.In(theme), p.land), contrast(pen{&d, nil}.casingOfRail(), p.land))
			require.GreaterOrEqual(t, best, symbolContrast, "%s %s, or its casing", theme, c.label.EN)
		}
		for _, c := range []string{p.text, p.quiet} {
			require.GreaterOrEqual(t, contrast(c, p.halo), 4.5)
		}
	}
	// The hues of CJJ 61 stay: darker on light ground, lighter on dark.
	for i, national := range map[int]string{0: "#00ffff", 2: "#ff00ff", 3: "#ff8000", 4: "#ff0000", 5: "#00ff00"} {
		for _, theme := range []Theme{Light, Dark} {
			off := math.Abs(hue(pipeKinds[i].color.In(theme)) - hue(national))
			require.LessOrEqual(t, min(off, 360-off), 15.0, "%s in %s", pipeKinds[i].label.EN, theme)
		}
	}
	require.Less(t, contrast(pipeKinds[6].color.Light, "#000000"), 6.0, "industrial pipes are dark on light ground")
	require.Greater(t, contrast(pipeKinds[6].color.Dark, "#000000"), 3.0, "and readable on dark")
}

// hue is the angle of a colour on the circle from red over green to blue, degrees.
func hue(hex string) float64 {
	c := parse(hex)
	r, g, b := float64(c[0]), float64(c[1]), float64(c[2])
	h := math.Atan2(math.Sqrt(3)*(g-b), 2*r-g-b) * 180 / math.Pi
	return math.Mod(h+360, 360)
}

func TestColors(t *testing.T) {
	require.InDelta(t, 21, contrast("#000000", "#ffffff"), 1e-9)
	require.InDelta(t, 1, contrast("#4c3926", "#4c3926"), 1e-9)
	require.Equal(t, "#808080", mix("#000000", "#ffffff", .5))
	require.Equal(t, "#0c1422", mix("#0c1422", "#ffffff", 0))
	require.Equal(t, "#ffffff", fit("#000000", []string{"#000000"}, 21, 1))
	require.Equal(t, "#123456", parse("#123456").hex())
	require.Panics(t, func() { parse("#12345g") })
}

// Pictures of the ground are of no use below opaque land.
func TestLandIsTransparentOverPictures(t *testing.T) {
	opacity := func(bases ...Base) (out []any) {
		b, _, err := Style(city(), Light, Links{TileJSON: func(layers.ID) string { return "https://city.example/x.json" }, Bases: bases})
		require.NoError(t, err)
		for _, l := range parsed(t, b).Layers {
			if l.ID == "precincts-area" || l.ID == "demo_blocks" {
				out = append(out, l.Paint["fill-opacity"])
			}
		}
		return out
	}
	require.Equal(t, []any{nil, nil}, opacity())
	require.Equal(t, []any{nil, nil}, opacity(Base{ID: "relief", Raster: true, Relief: true}))
	require.Equal(t, []any{.1, .1}, opacity(Base{ID: "aerial", Raster: true}))
}
