package snapshot

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"twind/layers"
)

// Options of a Catalog.
type Options struct {
	Dir        string                                   // folder of mapped bases, made if missing; "": a temporary one
	Log        *slog.Logger                             // nil: none
	Registerer prometheus.Registerer                    // nil: no metrics
	Progress   func(layer layers.ID, done, total int64) // of bases being built from the store; may be called concurrently; nil: none
}

// Catalog holds the current view of every layer of a store.
type Catalog struct{ store layers.Store }

// Open maps the bases on disk that are valid, builds the others, and returns
// once every layer of the store has a view.
func Open(ctx context.Context, store layers.Store, o Options) (*Catalog, error) {
	return nil, layers.Errorf(layers.ErrUnsupported, "not built yet")
}

// Run follows the store until ctx ends.
func (c *Catalog) Run(ctx context.Context) error { return nil }

// Refresh returns once every change up to a revision is published.
func (c *Catalog) Refresh(ctx context.Context, upTo layers.Revision) error { return nil }

// Layers lists the layers' descriptions by id, live layers included.
func (c *Catalog) Layers() []layers.Layer { return nil }

// View is the current view of a layer, which the caller must release; ErrNotFound.
func (c *Catalog) View(id layers.ID) (*View, error) { return nil, layers.ErrNotFound }

// Identity tells the store (layers.Store.Identity).
func (c *Catalog) Identity() string { return "" }

// Subscribe has fn called with every change once it is readable in the views, in
// order. fn must not block.
func (c *Catalog) Subscribe(fn func(layers.Change)) (cancel func()) { return func() {} }

// Check compares the snapshot with the store, feature by feature, and yields one
// sentence for each fault.
func (c *Catalog) Check(ctx context.Context, yield func(fault string) error) error { return nil }

// Close ends the catalog. Views that are still held stay valid until released.
func (c *Catalog) Close() error { return nil }
