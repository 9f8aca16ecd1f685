package geopackage

import (
	"log/slog"
	"time"
)

// Options say how to open a GeoPackage.
type Options struct {
	Log         *slog.Logger  // default: nothing is logged
	Create      bool          // make the file (not its folder) when it is missing
	BusyTimeout time.Duration // how long to retry while another program writes; default 10 s
	Readers     int           // reads at the same time; default 4, or one a processor if that is more

	// Untouched only reads a GeoPackage that twind did not make: nothing is
	// written to it nor beside it, and what would change it fails with
	// ErrReadOnly. One that twind made is opened as otherwise.
	Untouched bool

	// Quiet is how long another program must not have written before its new
	// and replaced tables are taken over; default 1 s. While it goes on
	// writing, they wait ten times as long at most.
	Quiet time.Duration
	// DropGrace is how long a layer's table may be missing (a program that
	// replaces it drops it first) before the layer counts as dropped; default 30 s.
	DropGrace time.Duration
	// KeepChanges is how many lines of the change log are kept whole at least;
	// default 200,000. When twice as many have gathered, the older ones that a
	// later line of the same feature supersedes are removed.
	KeepChanges int64
}

// EnsureDefaults fills what is zero.
func (o *Options) EnsureDefaults() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.BusyTimeout <= 0 {
		o.BusyTimeout = 10 * time.Second
	}
	if o.Quiet <= 0 {
		o.Quiet = time.Second
	}
	if o.DropGrace <= 0 {
		o.DropGrace = 30 * time.Second
	}
	if o.KeepChanges <= 0 {
		o.KeepChanges = 200_000
	}
}
