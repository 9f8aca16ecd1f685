package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ncruces/go-sqlite3"
)

// IsFull tells whether an error comes of a full disk, or of a limit of the size of
// files, of the database file at path. SQLite says so of some errors only; of the
// others the disk is asked.
func IsFull(err error, path string) bool {
	return errors.Is(err, sqlite3.FULL) || outOfSpace(err) || errors.Is(err, sqlite3.IOERR) && DiskFull(path)
}

// probeSize is room for what SQLite needs at once to write anything: the index of
// the write-ahead log grows by 32 KB.
const probeSize = 64 << 10

// DiskFull tells whether the files of the database at path, or others in its
// folder, cannot grow by 64 KB. It writes a file there, and removes it.
func DiskFull(path string) bool {
	for _, end := range []string{"", "-wal"} {
		if info, err := os.Stat(path + end); err == nil && info.Size()+probeSize > fileSizeLimit() {
			return true
		}
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".twind-*")
	if err != nil {
		return outOfSpace(err)
	}
	_, err = f.Write(make([]byte, probeSize))
	err = errors.Join(err, f.Sync(), f.Close())
	_ = os.Remove(f.Name())
	return outOfSpace(err)
}

func outOfSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
