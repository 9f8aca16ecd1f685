package tiles3d

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// cutLevel is the level whose tiles with others below are tilesets of their own,
// so that no tileset grows with the city.
const cutLevel = 13

// DetailedExt ends the addresses of contents with the faces of bodies.
const DetailedExt = ".lod2.glb"

// TileType is the media type of a content, JSONType that of a tileset.
const (
	TileType = "model/gltf-binary"
	JSONType = "application/json"
)

type tilesetJSON struct {
	Asset          assetJSON       `json:"asset"`
	GeometricError float64         `json:"geometricError"`
	Root           tileJSON        `json:"root"`
	Schema         json.RawMessage `json:"schema,omitempty"`
	Extras         any             `json:"extras,omitempty"`
}

type assetJSON struct {
	Version        string `json:"version"`
	TilesetVersion string `json:"tilesetVersion,omitempty"`
}

type tileJSON struct {
	BoundingVolume volume        `json:"boundingVolume"`
	GeometricError float64       `json:"geometricError"`
	Refine         string        `json:"refine,omitempty"`
	Content        *contentJSON  `json:"content,omitempty"`
	Children       []tileJSON    `json:"children,omitempty"`
	Implicit       *implicitJSON `json:"implicitTiling,omitempty"`
}

type contentJSON struct {
	URI string `json:"uri"`
}

// addresses makes the addresses of contents and tilesets, relative to the tileset
// that names them.
type addresses struct {
	query string // what each must repeat, without "?"
	plain bool   // names of files: no revision and no query
	up    string // from this tileset to the folder of the first
}

func (a addresses) of(folder string, c Cell, ext, revision string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s/%s%s", a.up, folder, c, ext)
	if a.plain {
		return b.String()
	}
	b.WriteString("?r=" + revision)
	if a.query != "" {
		b.WriteString("&" + a.query)
	}
	return b.String()
}

// Extras are what a viewer is told with the first tileset of a layer.
type Extras struct {
	Layer           string  `json:"twind:layer"`
	Kind            string  `json:"twind:kind"`
	VerticalDatum   string  `json:"twind:verticalDatum,omitempty"`
	EllipsoidOffset float64 `json:"twind:ellipsoidOffset"`    // metres: ellipsoidal height = height + offset
	Vertical        string  `json:"twind:vertical,omitempty"` // "ground": heights are above it, not above the ellipsoid
}

// tileset is the layer's first tileset.
func (s *state) tileset(a addresses, extras *Extras) ([]byte, error) {
	doc := tilesetJSON{Asset: assetJSON{Version: "1.1"}, Extras: extras}
	if s.root < 0 { // a tileset must have a root
		doc.Root = tileJSON{BoundingVolume: volume{Region: &[6]float64{}}, Refine: "ADD"}
		return json.Marshal(doc)
	}
	root := &s.nodes[s.root]
	doc.Asset.TilesetVersion = s.treeRevision(root)
	doc.Root = s.top(s.root, a, false, 2*s.model.geometricError(root.cell))
	s.finish(&doc)
	return json.Marshal(doc)
}

// subtree is the tileset of a cell of cutLevel.
func (s *state) subtree(n *node, a addresses) ([]byte, error) {
	doc := tilesetJSON{Asset: assetJSON{Version: "1.1", TilesetVersion: s.treeRevision(n)}}
	doc.Root = s.top(s.byKey[n.cell.key()], a, true, s.model.geometricError(n.cell))
	s.finish(&doc)
	return json.Marshal(doc)
}

func (s *state) finish(doc *tilesetJSON) {
	if doc.Root.Refine == "" {
		doc.Root.Refine = "ADD"
	}
	doc.GeometricError = 2 * max(doc.Root.GeometricError, 1)
}

// top is a node with all below it as the root of a tileset, which has one tile: where
// there are two, one around them, of a geometric error above theirs.
func (s *state) top(i int32, a addresses, inside bool, geometricError float64) tileJSON {
	list := s.tile(i, a, inside)
	if len(list) == 1 {
		return list[0]
	}
	return tileJSON{BoundingVolume: s.nodes[i].whole.volume(s.model.volume()), GeometricError: geometricError, Refine: "ADD", Children: list}
}

// tile is a node with all below it, or with the address of the tileset that has
// them; inside tells that this is that tileset. What stands in a node with bodies
// whose faces are known is a tile of its own, the last of two where there are others
// below; a tileset leaves the one of its root to who names it.
func (s *state) tile(i int32, a addresses, inside bool) []tileJSON {
	n := &s.nodes[i]
	for n.count == 0 && len(n.children) == 1 && (inside || n.cell.Level < cutLevel) {
		i = n.children[0]
		n = &s.nodes[i]
	}
	detailed := n.detailed > 0
	if detailed && len(n.children) == 0 {
		return []tileJSON{s.chain(n, a)}
	}
	t := tileJSON{BoundingVolume: n.whole.volume(s.model.volume())}
	if len(n.children) > 0 {
		t.GeometricError = s.model.geometricError(n.cell)
	}
	switch {
	case !inside && n.cell.Level == cutLevel && len(n.children) > 0:
		t.Content = &contentJSON{a.of("t", n.cell, ".json", s.treeRevision(n))}
	default:
		if n.count > 0 && !detailed {
			t.Content = &contentJSON{a.of("c", n.cell, ".glb", s.revision(n))}
			if s.model.replaces(n.cell.Level) && len(n.children) > 0 {
				t.Refine = "REPLACE"
			}
		}
		s.children(&t, n, a, inside)
	}
	if detailed && !(inside && n.cell.Level == cutLevel) {
		return []tileJSON{t, s.chain(n, a)}
	}
	return []tileJSON{t}
}

// chain is what stands in a node, as footprints from afar and as bodies with faces
// from near.
func (s *state) chain(n *node, a addresses) tileJSON {
	revision, volume := s.revision(n), n.bound.volume(s.model.volume())
	return tileJSON{
		BoundingVolume: volume, GeometricError: DetailError, Refine: "REPLACE", Content: &contentJSON{a.of("c", n.cell, ".glb", revision)},
		Children: []tileJSON{{BoundingVolume: volume, Content: &contentJSON{a.of("c", n.cell, DetailedExt, revision)}}},
	}
}

// children adds the tiles below a node. Below a tile that is replaced every tile
// has a content, so that nothing vanishes while it is replaced: nodes without are
// passed over.
func (s *state) children(t *tileJSON, n *node, a addresses, inside bool) {
	for _, i := range n.children {
		child := &s.nodes[i]
		if child.count == 0 && t.Refine == "REPLACE" {
			s.children(t, child, a, inside)
			continue
		}
		t.Children = append(t.Children, s.tile(i, a, inside)...)
	}
}

// halving is the geometric error of cells whose features are told apart by size.
func halving(c Cell) float64 { return math.Min(c.Error(), 1<<20) }
