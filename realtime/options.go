package realtime

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"twind/layers"
)

// Options of a Hub. Zero fields take the defaults named.
type Options struct {
	// Codec is the binary format, wire.NewCodec(). Nil: viewers can only have JSON.
	Codec Codec
	// ParseFilter reads the filter of a subscription. Nil: filters are refused.
	ParseFilter func(l *layers.Layer, text string) (layers.Filter, error)
	// TickRate is how often viewers are served, in Hz; 5.
	TickRate float64
	// Resume is how long those who left a tile are remembered, and so how long a
	// viewer may be away or slow and still get a delta; 12 s, 60 ticks of 5 Hz.
	Resume time.Duration
	// MaxEntities is the most one layer holds; 500,000.
	MaxEntities int
	// MaxFilters is the most distinct filters of a layer that are encoded; 16.
	MaxFilters int
	// Now is the server's clock; time.Now.
	Now func() time.Time
	Log *slog.Logger
	// Journal records what is believed, and what it has of a layer is its first
	// state; nil: nothing outlives the process.
	Journal Journal
	// NewCodec makes the codec of a replay; nil: replays are JSON only.
	NewCodec func() Codec
	// MaxReplays is how many viewers may replay at a time; 16. Each has a state
	// of its own.
	MaxReplays int
	// Registerer receives the metrics twind_live_…; nil: they are counted but not shown.
	Registerer prometheus.Registerer
}

// ensureDefaults fills what was left zero.
func (o *Options) ensureDefaults() {
	if o.TickRate <= 0 || o.TickRate > 60 {
		o.TickRate = 5
	}
	if o.Resume <= 0 {
		o.Resume = 12 * time.Second
	}
	if o.MaxEntities <= 0 {
		o.MaxEntities = 500_000
	}
	if o.MaxFilters <= 0 {
		o.MaxFilters = 16
	}
	if o.MaxReplays <= 0 {
		o.MaxReplays = 16
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Limits of what an entity may carry.
const (
	MaxPositionBytes   = 64 << 10 // one position as JSON
	MaxPropertiesBytes = 8 << 10  // its properties, without white space
	MaxEntityProps     = 64       // members of its properties
	maxSchema          = 200      // properties of a live layer's schema, those found in positions included
)
