package sqlite

import (
	"context"
	"errors"

	"github.com/ncruces/go-sqlite3"
)

// IsBusy tells whether another connection held a lock for longer than BusyTimeout.
func IsBusy(err error) bool {
	return errors.Is(err, sqlite3.BUSY) || errors.Is(err, sqlite3.LOCKED)
}

// IsConstraint tells whether a row broke a UNIQUE, CHECK, NOT NULL or key constraint.
func IsConstraint(err error) bool { return errors.Is(err, sqlite3.CONSTRAINT) }

// IsUnique tells whether a row repeats a value of a unique column or primary key.
func IsUnique(err error) bool {
	return errors.Is(err, sqlite3.CONSTRAINT_UNIQUE) || errors.Is(err, sqlite3.CONSTRAINT_PRIMARYKEY) || errors.Is(err, sqlite3.CONSTRAINT_ROWID)
}

// IsCorrupt tells whether the file is damaged.
func IsCorrupt(err error) bool { return errors.Is(err, sqlite3.CORRUPT) }

// IsNotADB tells whether the file is no SQLite database.
func IsNotADB(err error) bool { return errors.Is(err, sqlite3.NOTADB) }

// IsReadOnly tells whether the file or its folder cannot be written.
func IsReadOnly(err error) bool { return errors.Is(err, sqlite3.READONLY) }

// IsCantOpen tells whether the file could not be opened at all.
func IsCantOpen(err error) bool { return errors.Is(err, sqlite3.CANTOPEN) }

// IsTooBig tells whether a text, blob or statement is longer than SQLite carries (about 1 GB).
func IsTooBig(err error) bool { return errors.Is(err, sqlite3.TOOBIG) }

// contextError replaces an interruption by its cause, the end of ctx.
func contextError(ctx context.Context, err error) error {
	if err != nil && errors.Is(err, sqlite3.INTERRUPT) && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
