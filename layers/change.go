package layers

import (
	"time"

	"twind/spatial"
)

// ChangeOp says what happened.
type ChangeOp uint8

// What can happen to a feature or a layer.
const (
	Inserted ChangeOp = iota + 1
	Updated
	Deleted
	Reloaded     // the whole layer was replaced or may have been: read it again
	LayerCreated // the layer came to be
	LayerUpdated // its description changed
	LayerDropped // it is gone
)

// Record is one line of a store's change log.
type Record struct {
	Revision Revision
	Layer    ID
	Feature  string // id; empty for changes of the whole layer
	Op       ChangeOp
	Time     time.Time
}

// Change is what caches and viewers are told once a change of a layer is
// readable in its snapshot. Envelope encloses the old and the new places of all
// features that changed, in degrees. IDs lists them, or is nil when Whole.
type Change struct {
	Layer    ID
	Revision Revision
	Envelope spatial.Envelope
	IDs      []string
	Whole    bool // everything in the layer may have changed, its description too
}
