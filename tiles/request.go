package tiles

import (
	"errors"
	"slices"

	"twind/layers"
	"twind/spatial/tile"
)

// MaxLayers is the number of layers that one tile may hold.
const MaxLayers = 32

// MaxExact is the number of features in a tile up to which Request.Exact is
// answered.
const MaxExact = 50_000

// ErrZoom is wrapped, together with layers.ErrNotFound, by the error for a tile
// whose zoom none of the layers has tiles at.
var ErrZoom = errors.New("zoom without tiles")

// Request names a tile and says how it is wanted.
type Request struct {
	Layers []layers.ID // 1 to MaxLayers, none twice; they are the tile's layers in this order
	Tile   tile.ID
	// AcceptEncoding is the client's header of that name.
	AcceptEncoding string
	// IfNoneMatch is the client's header of that name: a tile that it names is
	// not rendered.
	IfNoneMatch string
	// Properties are the names of the properties that the tile carries; nil is
	// all, and an empty list none. Each must exist in one of the layers.
	Properties []string
	// Filter leaves rows out; nil is all. Its properties must exist in every layer.
	Filter layers.Filter
	// Policies are the reader's rights, one for each layer; nil is unrestricted.
	Policies []layers.Policy
	// Exact leaves out and coarsens nothing, whatever the zoom and the size; it
	// fails with layers.ErrInvalid above MaxExact features.
	Exact bool
}

// Tile is an answer. Bytes belong to the cache and must not be changed.
type Tile struct {
	Answer
	// Generalized: coordinates were coarsened or features left out because of
	// the zoom or the size.
	Generalized bool
	Dropped     int // features left out for that
}

// check refuses what no state of the layers could answer.
func (r *Request) check() error {
	if len(r.Layers) == 0 || len(r.Layers) > MaxLayers {
		return layers.Errorf(layers.ErrInvalid, "%d layers in one tile: expected 1 to %d", len(r.Layers), MaxLayers)
	}
	for i, id := range r.Layers {
		if slices.Contains(r.Layers[:i], id) {
			return layers.Errorf(layers.ErrInvalid, "layer %s stands twice in the list of a tile's layers; name it once", id)
		}
	}
	if _, err := r.Tile.Grid.Tile(int64(r.Tile.Z), int64(r.Tile.X), int64(r.Tile.Y)); err != nil {
		return layers.Errorf(layers.ErrInvalid, "%w", err)
	}
	if r.Policies != nil && len(r.Policies) != len(r.Layers) {
		return layers.Errorf(layers.ErrInvalid, "%d policies for %d layers", len(r.Policies), len(r.Layers))
	}
	return nil
}

func (r *Request) policy(i int) layers.Policy {
	if r.Policies == nil {
		return layers.Policy{}
	}
	return r.Policies[i]
}
