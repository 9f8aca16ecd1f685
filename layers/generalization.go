package layers

import (
	"slices"
	"strings"
)

// Generalization says what a layer's tiles carry below its ungeneralised zoom.
// Zero fields take the defaults of the layer's kind; see Layer.Generalized.
//
// Pixels are those of a tile drawn 512 pixels wide.
type Generalization struct {
	// FullZoom is the first ungeneralised zoom; default 14, within MinZoom and MaxZoom.
	FullZoom uint8 `json:"fullZoom,omitempty" yaml:"fullZoom"`
	// Properties is what generalised tiles carry, each with the first zoom at which
	// they do; the properties of RankBy and the layer's ClassBy are carried always.
	Properties map[string]uint8 `json:"properties,omitempty" yaml:"properties"`
	// MinimumArea is the area, in square pixels, below which a polygon is merged
	// with its neighbours into a square of their area; default by kind.
	MinimumArea float64 `json:"minimumArea,omitempty" yaml:"minimumArea"`
	// MergeBy is a property: only polygons of one value are merged. Default: the
	// layer's ClassBy, none for buildings. "-" is none.
	MergeBy string `json:"mergeBy,omitempty" yaml:"mergeBy"`
	// ClusterPixels is the side of the squares within which points become one
	// cluster, a power of two; default by kind.
	ClusterPixels uint16 `json:"clusterPixels,omitempty" yaml:"clusterPixels"`
	// RankBy is the property that decides from which zoom on a line is drawn, by
	// the first of Ranks that holds for it.
	RankBy string `json:"rankBy,omitempty" yaml:"rankBy"`
	Ranks  []Rank `json:"ranks,omitempty" yaml:"ranks"`
	// SharedEdges says whether polygons that meet along an edge still do after
	// simplification, for maps without gaps; default by kind.
	SharedEdges *bool `json:"sharedEdges,omitempty" yaml:"sharedEdges"`
}

// Rank gives lines whose rank property has one of the values, or is at least a
// number, or, with neither, all others, their first zoom.
type Rank struct {
	Values []string `json:"values,omitempty" yaml:"values"`
	Least  *float64 `json:"least,omitempty" yaml:"least"`
	From   uint8    `json:"from" yaml:"from"`
}

// StreetRanks are the classes of streets that OpenStreetMap and GB/T 51328 have,
// the widest first.
var StreetRanks = [][]string{
	{"motorway", "motorway_link", "trunk", "trunk_link", "高速公路", "快速路"},
	{"primary", "primary_link", "主干路"},
	{"secondary", "secondary_link", "次干路"},
	{"tertiary", "tertiary_link", "residential", "unclassified", "living_street", "支路"},
	{"service", "track", "track_grade1", "track_grade2", "track_grade3", "pedestrian"},
	{"footway", "steps", "cycleway", "path", "bridleway"},
}

// streetZooms is the first zoom of each rank of streets. Unknown classes are as
// the fourth.
var streetZooms = [...]uint8{0, 9, 11, 12, 13, 14}

// carried are the properties that the styles by kind look at.
var carried = []string{"height", "floors", "base", "part", "has_parts", "tunnel", "status", "subkind", "network"}

// Generalized is how the layer's tiles are generalised: its own declaration,
// completed by the defaults of its kind. FullZoom lies within the layer's zooms.
func (l *Layer) Generalized() Generalization {
	var g Generalization
	if l.Generalization != nil {
		g = *l.Generalization
	}
	g.FullZoom = l.FullZoom()
	if g.MinimumArea == 0 {
		g.MinimumArea = 1
		if l.Kind == KindBuilding {
			g.MinimumArea = 4
		}
	}
	if g.MergeBy == "" && l.Kind != KindBuilding {
		g.MergeBy = l.ClassBy
	}
	if l.PropertyIndex(g.MergeBy) < 0 {
		g.MergeBy = ""
	}
	if g.ClusterPixels == 0 {
		g.ClusterPixels = 64
		switch l.Kind {
		case KindNode:
			g.ClusterPixels = 8
		case KindStation:
			g.ClusterPixels = 4
		}
	}
	if g.SharedEdges == nil {
		shared := l.Kind != KindBuilding
		g.SharedEdges = &shared
	}
	l.rank(&g)
	l.carry(&g)
	return g
}

// FullZoom is the first zoom at which the layer's tiles are ungeneralised.
func (l *Layer) FullZoom() uint8 {
	full := uint8(14)
	if l.Generalization != nil && l.Generalization.FullZoom != 0 {
		full = l.Generalization.FullZoom
	}
	return max(l.MinZoom, min(l.MaxZoom, full))
}

// rank sets the default ranks of streets and pipes.
func (l *Layer) rank(g *Generalization) {
	if g.RankBy == "" && g.Ranks == nil {
		switch l.Kind {
		case KindStreet:
			g.RankBy = l.ClassBy
			for i, values := range StreetRanks {
				g.Ranks = append(g.Ranks, Rank{Values: values, From: streetZooms[i]})
			}
			g.Ranks = append(g.Ranks, Rank{From: streetZooms[3]})
		case KindPipe:
			if g.RankBy = l.Diameter(); g.RankBy != "" {
				for _, r := range []struct {
					least float64
					from  uint8
				}{{800, 0}, {600, 9}, {400, 10}, {250, 11}} {
					g.Ranks = append(g.Ranks, Rank{Least: &r.least, From: r.from})
				}
				g.Ranks = append(g.Ranks, Rank{From: 12})
			}
		}
	}
	if l.PropertyIndex(g.RankBy) < 0 {
		g.RankBy, g.Ranks = "", nil
	}
}

func (l *Layer) carry(g *Generalization) {
	own := g.Properties
	g.Properties = map[string]uint8{}
	add := func(name string, from uint8) {
		if l.PropertyIndex(name) >= 0 {
			g.Properties[name] = from
		}
	}
	if own == nil {
		for _, name := range carried {
			add(name, 0)
		}
		from := uint8(0)
		if l.Kind == KindBuilding || l.Kind == KindPart || l.Kind == KindNode {
			from = 13 // the names of small things, unique ones, cost most
		}
		add(l.Label, from)
	}
	for name, from := range own {
		add(name, from)
	}
	for _, name := range []string{l.ClassBy, g.RankBy, g.MergeBy} {
		add(name, 0)
	}
}

// Diameter is the name of the property that holds a pipe's diameter or width in
// millimetres, or "".
func (l *Layer) Diameter() string {
	for _, s := range l.Schema {
		number := s.Type == Integer || s.Type == Number
		if number && s.Unit == "mm" && slices.Contains([]string{"diameter", "width", "dn", "size", "管径"}, strings.ToLower(s.Name)) {
			return s.Name
		}
	}
	return ""
}

// validate fails with ErrInvalid.
func (g *Generalization) validate(l *Layer) error {
	bad := func(format string, args ...any) error {
		return Errorf(ErrInvalid, "layer %s: generalization: "+format, append([]any{l.ID}, args...)...)
	}
	named := func(what, name string) error {
		if name != "" && name != "-" && l.PropertyIndex(name) < 0 {
			return bad("%s: the layer has no property %.80q", what, name)
		}
		return nil
	}
	switch {
	case g.FullZoom > 24:
		return bad("fullZoom %d: expected 1 to 24", g.FullZoom)
	case !(g.MinimumArea >= 0 && g.MinimumArea <= 4096):
		return bad("minimumArea %v: expected 0 to 4096 square pixels", g.MinimumArea)
	case g.ClusterPixels > 512 || g.ClusterPixels&(g.ClusterPixels-1) != 0:
		return bad("clusterPixels %d: expected a power of two up to 512", g.ClusterPixels)
	case len(g.Ranks) > 100:
		return bad("%d ranks; at most 100 are possible", len(g.Ranks))
	case len(g.Ranks) > 0 && g.RankBy == "":
		return bad("ranks without rankBy; name the property that they look at")
	}
	for name := range g.Properties {
		if err := named("properties", name); err != nil {
			return err
		}
	}
	if err := named("mergeBy", g.MergeBy); err != nil {
		return err
	}
	return named("rankBy", g.RankBy)
}
