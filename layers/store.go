package layers

import (
	"context"
	"iter"

	"twind/spatial"
)

// Store holds the truth of a city: layers, features, and the log of their
// changes. Implementations are in geopackage and postgis, proved equal by
// storetest. All methods are safe for concurrent use; readers do not wait for
// writers. Errors are of the kinds in errors.go.
type Store interface {
	// Layers lists every layer's description, by id.
	Layers(ctx context.Context) ([]Layer, error)
	// Layer is one description; ErrNotFound.
	Layer(ctx context.Context, id ID) (Layer, error)
	// CreateLayer makes an empty layer; ErrExists, ErrInvalid.
	CreateLayer(ctx context.Context, l Layer) error
	// UpdateLayer replaces the description. The schema may gain properties at
	// its end and nothing else of it may change; id, geometry type and CRS stay.
	UpdateLayer(ctx context.Context, l Layer) error
	// DropLayer removes a layer with its features; ErrNotFound.
	DropLayer(ctx context.Context, id ID) error
	// Stats counts the current features and their envelope in degrees.
	Stats(ctx context.Context, id ID) (Stats, error)

	// Scan calls yield for each feature that matches q, in no promised order,
	// all from one state of the store. The feature and its slices are lent until
	// yield returns. An error of yield ends the scan and is returned.
	Scan(ctx context.Context, id ID, q Query, yield func(*Feature) error) error

	// Update runs fn in one transaction and returns the last revision it took
	// (the current one if it changed nothing). If fn fails, nothing is kept.
	Update(ctx context.Context, fn func(Tx) error) (Revision, error)

	// Load writes many features in batches that are each short, and publishes
	// them together: until it returns, and if it fails or the process dies,
	// readers see the layer as it was. Features without an id get one.
	Load(ctx context.Context, id ID, mode LoadMode, features iter.Seq2[*Feature, error]) (LoadResult, error)

	// Head is the revision of the last committed change, also of other processes.
	Head(ctx context.Context) (Revision, error)
	// Changes yields the log after a revision, in order. It fails with
	// ErrNotFound when the log no longer reaches back so far: read all again.
	Changes(ctx context.Context, after Revision, yield func(Record) error) error
	// Watch returns a channel that receives, within 200 ms of a commit by any
	// process, a signal that the log may have grown; signals may be merged. It
	// is closed when ctx ends.
	Watch(ctx context.Context) (<-chan struct{}, error)

	// Check looks for faults of the store itself (integrity, missing triggers,
	// counts) and yields one sentence for each.
	Check(ctx context.Context, yield func(fault string) error) error
	// Identity tells one store from another and from itself after being made
	// anew: snapshots on disk are valid only for the identity they were made of.
	Identity() string
	// Close ends the store; it waits for running calls.
	Close() error
}

// Stats counts a layer.
type Stats struct {
	Count  int64
	Extent spatial.Envelope // degrees; empty without geometries
}

// LoadMode says what Load does with the features that are there.
type LoadMode uint8

// The modes of Load.
const (
	Append  LoadMode = iota // add; an id that exists is an error
	Replace                 // the loaded features are the layer's only ones afterwards
	Upsert                  // by id: insert new ones, update changed ones, leave equal ones and the rest untouched
)

// LoadResult counts what Load did.
type LoadResult struct {
	Inserted, Updated, Unchanged int64
	Revision                     Revision
}

// Tx is a transaction of a Store. It is not safe for concurrent use and dies
// with the function that received it.
//
// Surfaces belong to a feature as long as its geometry stays what it is: who
// changes the geometry, by whatever program, removes them, unless new ones come with
// it. A feature written with nil surfaces keeps those it has, one with empty surfaces
// loses them; this holds for Load by Upsert too. With a feature its surfaces go.
type Tx interface {
	// Get reads a feature as the transaction sees it and holds it until the
	// transaction ends, so that a revision compared with it stays true; ErrNotFound.
	Get(ctx context.Context, layer ID, id string) (*Feature, error)
	// Insert adds a feature. An empty ID is replaced by a new one, which is set
	// in f; an id that exists is ErrExists. Geometry, property count and types
	// are checked against the layer: ErrInvalid.
	Insert(ctx context.Context, layer ID, f *Feature) error
	// Replace writes all of a feature that exists; ErrNotFound, ErrInvalid.
	Replace(ctx context.Context, layer ID, f *Feature) error
	// Delete removes a feature; ErrNotFound.
	Delete(ctx context.Context, layer ID, id string) error
}
