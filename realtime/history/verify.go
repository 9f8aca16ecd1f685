package history

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"twind/layers"
)

// Verified counts what Verify read.
type Verified struct {
	Files int
	Rows  int64
}

// Verify reads every block of the history in a folder, compares its checksum, and
// yields one sentence for each file that is damaged. It changes nothing, and a
// server may be running on the folder: files that it removes meanwhile, and what
// it has not written to the end, are passed over. A folder that is not there holds
// nothing. It fails with layers.ErrUnavailable where the disk cannot be read.
func Verify(ctx context.Context, dir string, yield func(fault string) error) (Verified, error) {
	v := &verifier{ctx: ctx, l: &Log{o: Options{Dir: dir}}, yield: yield}
	folders, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return v.sum, nil
	}
	if err != nil {
		return v.sum, unusable(dir, err)
	}
	journals := v.numbers(journalDir)
	for _, f := range folders {
		if !f.IsDir() || !validStream(f.Name()) {
			continue
		}
		check := v.segment
		if f.Name() == journalDir {
			check = v.journal
		}
		if err := v.folder(f.Name(), journals, check); err != nil {
			return v.sum, err
		}
	}
	return v.sum, nil
}

// verifier is one Verify.
type verifier struct {
	ctx   context.Context
	l     *Log // only tells names
	yield func(string) error
	sum   Verified
	t     table
}

// numbers are those of the journals, whose segments may be unfinished.
func (v *verifier) numbers(folder string) map[uint64]bool {
	found := map[uint64]bool{}
	entries, _ := os.ReadDir(filepath.Join(v.l.o.Dir, folder)) // Verify has told, or a server is about to make it
	for _, e := range entries {
		if n, ok := numberOf(e.Name(), journalExt); ok {
			found[n] = true
		}
	}
	return found
}

// folder checks the files of a stream, or the journals.
func (v *verifier) folder(name string, journals map[uint64]bool, check func(stream string, number uint64) error) error {
	entries, err := os.ReadDir(filepath.Join(v.l.o.Dir, name))
	if err != nil {
		return unusable(v.l.o.Dir, err)
	}
	for _, e := range entries {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		ext := filepath.Ext(e.Name())
		n, ok := numberOf(e.Name(), ext)
		switch {
		case strings.HasSuffix(e.Name(), segmentExt+".damaged"):
			err = layers.Errorf(layers.ErrCorrupt, "%s was damaged and is left out; put it back from a backup or remove it", shortName(filepath.Join(v.l.o.Dir, name, e.Name())))
		case !ok || ext == segmentExt && journals[n]:
			continue
		default:
			err = check(name, n)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist): // a server has sealed or retired it
			continue
		case errors.Is(err, layers.ErrCorrupt):
			err = v.yield(err.Error())
		}
		if err != nil {
			return err
		}
		v.sum.Files++
	}
	return nil
}

func (v *verifier) segment(stream string, number uint64) error {
	s, err := v.l.openSegment(stream, number)
	if err != nil {
		return err
	}
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, fileHeader)
	if _, err := f.ReadAt(head, 0); err != nil || !checkFileHeader(head, segmentName, number) {
		return s.damaged(fmt.Errorf("%w: its header is not that of segment %d", errMalformed, number))
	}
	refs, err := s.blocks(f)
	if err != nil {
		return err
	}
	for i := range refs {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		got, ok := readBlockAt(f, refs[i].offset, s.bytes, &v.t)
		if !ok || got.size != refs[i].size || got.rows != refs[i].rows || got.kind != refs[i].kind {
			return s.damaged(fmt.Errorf("%w: the %d rows at byte %d", errMalformed, refs[i].rows, refs[i].offset))
		}
		v.sum.Rows += int64(refs[i].rows)
	}
	return nil
}

// journal checks the blocks of a journal. What follows the last whole one is being
// written, or was when a server died, and is no fault.
func (v *verifier) journal(_ string, number uint64) error {
	path := v.l.journalPath(number)
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	for at := int64(fileHeader); at < info.Size(); {
		ref, ok := readBlockAt(f, at, info.Size(), &v.t)
		next := at + int64(ref.size)
		if ok {
			v.sum.Rows += int64(ref.rows)
		} else if ref.size == 0 {
			return nil
		} else if _, ok := readBlockAt(f, next, info.Size(), &v.t); ok {
			return damaged(path, fmt.Errorf("%w: the %d rows at byte %d, and whole ones behind them", errMalformed, ref.rows, at))
		} else {
			return nil
		}
		at = next
	}
	return nil
}
