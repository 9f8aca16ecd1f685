package geopackage

import (
	"context"
	"errors"
	"fmt"

	"twind/internal/sqlite"
	"twind/layers"
)

// explain makes an error of SQLite one sentence of a kind; errors that have a
// kind, errors of contexts and errors of callbacks pass.
func (s *Store) explain(err error) error {
	switch {
	case err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case hasKind(err):
		return err
	case errors.Is(err, sqlite.ErrClosed):
		return layers.Errorf(layers.ErrUnavailable, "the store %s is closed%.0w", s.path, err)
	case errors.Is(err, sqlite.ErrMoved):
		return layers.Errorf(layers.ErrUnavailable, "%s was removed or replaced while it was open, so nothing is written to it any more; start twind again%.0w", s.path, err)
	case errors.Is(err, sqlite.ErrChanged):
		return layers.Errorf(layers.ErrUnavailable, "%s was changed by another program while it was read; try again%.0w", s.path, err)
	case errors.Is(err, sqlite.ErrReadOnly):
		return layers.Errorf(layers.ErrReadOnly, "%s is not twind's and is only read here; twind serve takes it over%.0w", s.path, err)
	case s.foreign != nil && sqlite.IsReadOnly(err):
		return layers.Errorf(layers.ErrUnavailable, "%s was left by a program in the middle of a change, and only writing to it can undo that; open it with the program that made it, then try again%.0w", s.path, err)
	case sqlite.IsBusy(err):
		return layers.Errorf(layers.ErrUnavailable, "%s has been locked by another program for %v; close its edits there and try again%.0w", s.path, s.o.BusyTimeout, err)
	case sqlite.IsFull(err, s.path):
		s.full.Store(true)
		return fmt.Errorf("%w%.0w", s.diskFull(), err)
	case sqlite.IsReadOnly(err):
		return layers.Errorf(layers.ErrUnavailable, "%s or its folder cannot be written; give this user the right to write there%.0w", s.path, err)
	case sqlite.IsTooBig(err):
		return layers.Errorf(layers.ErrInvalid, "a value is longer than SQLite carries: %w", err)
	case sqlite.IsCorrupt(err) || sqlite.IsNotADB(err):
		return layers.Errorf(layers.ErrCorrupt, "%s is damaged (%w); restore it from a backup", s.path, err)
	}
	return err
}

// diskFull says what to do where there is no room. Reading works, unless another
// process has taken the room of the log's index (32 KB) meanwhile.
func (s *Store) diskFull() error {
	return layers.Errorf(layers.ErrUnavailable, "the disk of %s is full; nothing was changed: make room there, or copy the file, with its -wal where there is one, to another disk and use the copy", s.path)
}

func hasKind(err error) bool {
	for _, k := range []error{layers.ErrNotFound, layers.ErrExists, layers.ErrConflict, layers.ErrInvalid, layers.ErrReadOnly, layers.ErrUnsupported, layers.ErrUnavailable, layers.ErrCorrupt} {
		if errors.Is(err, k) {
			return true
		}
	}
	return false
}
