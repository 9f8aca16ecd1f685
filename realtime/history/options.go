package history

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"twind/layers"
)

// Options of Open. Zero fields take the defaults named.
type Options struct {
	Dir string // folder of the log, made if absent; one process at a time has it
	// Interval is how long rows that nobody waits for may stay in memory before
	// they are written and synced; 1 s. Whoever waits (Flush, AppendEvents) is
	// served at once.
	Interval time.Duration
	// SealBytes and SealAfter end a journal file, whose rows then go into one
	// segment a layer: 32 MiB, 15 minutes.
	SealBytes int64
	SealAfter time.Duration
	// Retention says how long each layer is kept; layers that it does not name
	// are kept as Default says: 30 days, no bound of bytes. EventsStream and
	// ObservationsStream name the events, and readings bound to no layer.
	Retention map[layers.ID]Retention
	Default   Retention
	// HoldEvents keeps every event until KeepEventsFrom says which are needed, so that
	// none is deleted before it has been read at the start.
	HoldEvents bool
	// MaxBytes bounds all segments together: the oldest of all goes first; 64 GiB.
	MaxBytes int64
	// MaxPending bounds the rows in memory while the disk does not take them, in
	// bytes; 64 MiB. What comes beyond is not recorded, and counted.
	MaxPending int
	Now        func() time.Time // time.Now
	Log        *slog.Logger
	// Registerer receives the metrics twind_history_…; nil: counted but not shown.
	Registerer prometheus.Registerer
}

// Retention bounds what is kept of a layer. Segments are deleted whole, the
// oldest first. Zero is no bound.
type Retention struct {
	Age   time.Duration // since the server received the newest row of the segment
	Bytes int64         // of all segments of the layer
}

// DefaultAge is how long rows are kept unless the options say otherwise.
const DefaultAge = 30 * 24 * time.Hour

func (o *Options) ensureDefaults() {
	if o.Interval <= 0 {
		o.Interval = time.Second
	}
	if o.SealBytes <= 0 {
		o.SealBytes = 32 << 20
	}
	if o.SealAfter <= 0 {
		o.SealAfter = 15 * time.Minute
	}
	if o.Default == (Retention{}) {
		o.Default = Retention{Age: DefaultAge}
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 64 << 30
	}
	if o.MaxPending <= 0 {
		o.MaxPending = 64 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Streams that are no layers; ids of layers never begin with an underscore.
const (
	EventsStream       = "_events"
	ObservationsStream = "_observations"
)

// validStream tells whether a name is that of a layer or of the two streams.
func validStream(s string) bool {
	if s == EventsStream || s == ObservationsStream {
		return true
	}
	_, err := layers.ParseID(s)
	return err == nil
}
