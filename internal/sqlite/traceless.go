package sqlite

import (
	"errors"
	"io"
	"os"
)

// ErrChanged is returned by Open and Read when a file that is read without locks
// was written meanwhile: see Options.Traceless.
var ErrChanged = errors.New("sqlite: the database was changed while it was read")

// LeftLog tells whether a file opened with Options.Traceless has a write-ahead log
// with content that no process has open; it is not read.
func (db *DB) LeftLog() bool { return db.log }

// unused tells whether a file is in WAL mode and no process has it open, so that
// SQLite would make files beside it, and whether a log was left beside it.
func unused(path string) (unused, left bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, false, nil // SQLite has its own error for that
	}
	if err != nil {
		return false, false, err
	}
	defer f.Close()
	// https://sqlite.org/fileformat2.html §1.3: byte 18 and 19 are 2 in WAL mode.
	var header [20]byte
	if _, err := io.ReadFull(f, header[:]); err != nil || header[18] != 2 && header[19] != 2 {
		return false, false, nil //nolint:nilerr // a short file is no database; SQLite says so
	}
	// A process that has it open has made both files.
	if _, err := os.Stat(path + "-shm"); err == nil {
		if _, err := os.Stat(path + "-wal"); err == nil {
			return false, false, nil
		}
	}
	log, err := os.Stat(path + "-wal")
	return true, err == nil && log.Size() > 0, nil
}

// unchanged tells whether a file that is read without locks is as it was opened.
func (db *DB) unchanged() error {
	if !db.o.immutable || !db.o.Traceless {
		return nil
	}
	// One that was removed or replaced is still read whole.
	if now, err := os.Stat(db.o.Path); err == nil && os.SameFile(now, db.file) && changed(db.file, now) {
		return ErrChanged
	}
	return nil
}

func changed(before, now os.FileInfo) bool {
	return before == nil || before.Size() != now.Size() || !before.ModTime().Equal(now.ModTime())
}
