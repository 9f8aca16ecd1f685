package tiles3d

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math"

	"twind/layers"
)

// The second form of a tileset: one quadtree over the whole earth, whose tiles are
// found in subtree files (3D Tiles 1.1 §8). Its cells are those of the first, and
// so are its contents. Features overflow their cells, so each tile's region is in
// the subtree's metadata.

// subtreeLevels is the number of levels in a subtree file.
const subtreeLevels = 6

// SubtreeType is the media type of a subtree file.
const SubtreeType = "application/octet-stream"

type implicitJSON struct {
	SubdivisionScheme string      `json:"subdivisionScheme"`
	AvailableLevels   int         `json:"availableLevels"`
	SubtreeLevels     int         `json:"subtreeLevels"`
	Subtrees          contentJSON `json:"subtrees"`
}

// tileSchema describes the metadata of tiles in subtrees.
var tileSchema = json.RawMessage(`{"id":"twind","classes":{"tile":{"properties":{"region":{"type":"SCALAR","componentType":"FLOAT64","array":true,"count":6,"semantic":"TILE_BOUNDING_REGION"}}}}}`)

// implicit is the tileset of the quadtree.
func (s *state) implicit(query string, extras *Extras) ([]byte, error) {
	if s.root < 0 {
		return s.tileset(addresses{}, extras)
	}
	if query != "" {
		query = "?" + query
	}
	levels := 1
	for i := range s.nodes {
		levels = max(levels, int(s.nodes[i].cell.Level)+1)
	}
	r := s.nodes[s.root].whole.region()
	first := Cell{Level: firstImplicit}
	e := s.model.geometricError(first) * math.Ldexp(1, firstImplicit)
	root := tileJSON{
		BoundingVolume: volume{Region: &[6]float64{-math.Pi, -math.Pi / 2, math.Pi, math.Pi / 2, r[4], r[5]}},
		GeometricError: e, Refine: "ADD",
		Content: &contentJSON{"../c/{level}/{x}/{y}.glb" + query},
		Implicit: &implicitJSON{
			SubdivisionScheme: "QUADTREE", AvailableLevels: levels, SubtreeLevels: subtreeLevels,
			Subtrees: contentJSON{"s/{level}/{x}/{y}.subtree" + query},
		},
	}
	if s.model.replaces(farPipes) {
		root.Refine = "REPLACE"
	}
	return json.Marshal(tilesetJSON{Asset: assetJSON{Version: "1.1"}, GeometricError: 2 * e, Root: root, Schema: tileSchema, Extras: extras})
}

// firstImplicit is a level whose geometric error the implicit tileset has; those of
// others follow by halving.
const firstImplicit = 14

// bound is what a tile of the quadtree holds; false when there is none. The tiles
// above the state's first node hold what that holds.
func (s *state) tileBound(c Cell) (bound, bool) {
	if n := s.find(c); n != nil {
		return n.whole, true
	}
	if s.root < 0 {
		return bound{}, false
	}
	top := s.nodes[s.root].cell
	for top.Level > c.Level {
		top = top.Parent()
	}
	return s.nodes[s.root].whole, top == c
}

// subtreeFile appends the subtree below a cell; false when the cell is no tile.
func (s *state) subtreeFile(dst []byte, root Cell) ([]byte, bool) {
	if _, ok := s.tileBound(root); !ok {
		return dst, false
	}
	w := subtreeWriter{state: s}
	w.collect(root)
	return w.append(dst), true
}

// subtreeWriter collects the tiles of a subtree in the order of their bits: by
// level, then along the Morton curve.
type subtreeWriter struct {
	state    *state
	tiles    bits // of the tiles
	contents bits
	children bits // of the subtrees below
	regions  []float64
}

// bits is a bitstream, the lowest bit first, with what is set counted.
type bits struct {
	bytes []byte
	n     int
	set   int
}

func (b *bits) add(v bool) {
	if b.n%8 == 0 {
		b.bytes = append(b.bytes, 0)
	}
	if v {
		b.bytes[b.n/8] |= 1 << (b.n % 8)
		b.set++
	}
	b.n++
}

// collect adds the tiles from a cell down.
func (w *subtreeWriter) collect(root Cell) {
	for depth := 0; depth <= subtreeLevels; depth++ {
		for k := range 1 << (2 * depth) {
			c := morton(root, depth, uint32(k))
			b, there := w.state.tileBound(c)
			if depth == subtreeLevels {
				w.children.add(there)
				continue
			}
			w.tiles.add(there)
			n := w.state.find(c)
			w.contents.add(n != nil && n.count > 0)
			if there {
				r := b.volume(asRegion).Region
				w.regions = append(w.regions, r[:]...)
			}
		}
	}
}

// morton is the cell so many levels below another, by its place on the curve: bits
// of x and y take turns, x first.
func morton(root Cell, depth int, k uint32) Cell {
	c := Cell{root.Level + uint8(depth), root.X << depth, root.Y << depth}
	for bit := range depth {
		c.X |= k >> (2 * bit) & 1 << bit
		c.Y |= k >> (2*bit + 1) & 1 << bit
	}
	return c
}

type availability struct {
	Constant  *int `json:"constant,omitempty"`
	Bitstream *int `json:"bitstream,omitempty"`
	Count     int  `json:"availableCount,omitempty"`
}

type bufferView struct {
	Buffer     int `json:"buffer"`
	ByteOffset int `json:"byteOffset"`
	ByteLength int `json:"byteLength"`
}

type byteLength struct {
	ByteLength int `json:"byteLength"`
}

type subtreeJSON struct {
	Buffers        []byteLength   `json:"buffers,omitempty"`
	BufferViews    []bufferView   `json:"bufferViews,omitempty"`
	PropertyTables []any          `json:"propertyTables,omitempty"`
	Tiles          availability   `json:"tileAvailability"`
	Contents       []availability `json:"contentAvailability"`
	Children       availability   `json:"childSubtreeAvailability"`
	TileMetadata   *int           `json:"tileMetadata,omitempty"`
}

// append writes the file: "subt", version 1, the lengths of two chunks, the
// chunks, each padded to 8 bytes.
func (w *subtreeWriter) append(dst []byte) []byte {
	var doc subtreeJSON
	var binaryChunk []byte
	view := func(b []byte) *int {
		k := len(doc.BufferViews)
		doc.BufferViews = append(doc.BufferViews, bufferView{0, len(binaryChunk), len(b)})
		binaryChunk = append(binaryChunk, b...)
		for len(binaryChunk)%8 != 0 {
			binaryChunk = append(binaryChunk, 0)
		}
		return &k
	}
	available := func(b *bits) availability {
		constant := 0
		switch b.set {
		case 0:
			return availability{Constant: &constant}
		case b.n:
			constant = 1
			return availability{Constant: &constant}
		}
		return availability{Bitstream: view(b.bytes), Count: b.set}
	}
	doc.Tiles, doc.Contents, doc.Children = available(&w.tiles), []availability{available(&w.contents)}, available(&w.children)
	values := make([]byte, 0, 8*len(w.regions))
	for _, v := range w.regions {
		values = binary.LittleEndian.AppendUint64(values, math.Float64bits(v))
	}
	doc.PropertyTables = []any{map[string]any{
		"class": "tile", "count": len(w.regions) / 6,
		"properties": map[string]any{"region": map[string]any{"values": *view(values)}},
	}}
	doc.TileMetadata = new(int)
	doc.Buffers = []byteLength{{len(binaryChunk)}}
	text, err := json.Marshal(doc)
	if err != nil { // numbers only
		panic(err)
	}
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	dst = append(dst, "subt"...)
	dst = binary.LittleEndian.AppendUint32(dst, 1)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(text)))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(binaryChunk)))
	dst = append(dst, text...)
	return append(dst, binaryChunk...)
}

// Implicit is the tileset of a layer as an implicit quadtree.
func (s *Service) Implicit(ctx context.Context, r Request) (Answer, error) {
	sc, err := s.open(&r)
	if err != nil {
		return Answer{}, err
	}
	st, extras := sc.state, extrasOf(sc.view.Layer(), &r)
	return s.json(ctx, sc, &r, "implicit tileset", st.wholeRevision(), func() ([]byte, error) { return st.implicit(r.Query, extras) })
}

// ImplicitSubtree is a subtree file of the implicit quadtree, below a cell of
// every sixth level.
func (s *Service) ImplicitSubtree(ctx context.Context, r Request, c Cell) (Answer, error) {
	sc, err := s.open(&r)
	if err != nil {
		return Answer{}, err
	}
	st := sc.state
	if _, ok := st.tileBound(c); !ok || c.Level%subtreeLevels != 0 {
		sc.view.Release()
		return Answer{}, layers.Errorf(layers.ErrNotFound, "layer %s has no subtree %v", r.Layer, c)
	}
	return s.json(ctx, sc, &r, "subtree "+c.String(), st.wholeRevision(), func() ([]byte, error) {
		b, _ := st.subtreeFile(nil, c)
		return b, nil
	})
}
