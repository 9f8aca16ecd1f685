// Package outfile writes the files that a user names, where the user meant them:
//
//	a file, or a name that is free ─▶ temporary file beside it ─▶ rename, when whole
//	a link                         ─▶ the same, at the link's end; the link stays
//	a pipe or a character device   ─▶ opened and written to, as it comes
package outfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// maxLinks bounds a chain of links, as the operating system does.
const maxLinks = 40

// Standard is the name of standard output.
const Standard = "-"

// IsStandard tells whether a name is that of standard output.
func IsStandard(path string) bool {
	return slices.Contains([]string{Standard, "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}, path)
}

// Resolve is the absolute path at the end of all links; the file itself need not
// be there. Streams tells that it is a pipe or a character device, which takes
// bytes in order and is never replaced. It fails for what no file can be written
// to, such as a disk, and for links in a circle.
func Resolve(path string) (target string, streams bool, err error) {
	info, err := os.Stat(path)
	if err == nil {
		switch m := info.Mode(); {
		case m&(fs.ModeNamedPipe|fs.ModeCharDevice) != 0:
			return path, true, nil // not resolved: what /proc/self/fd names has no other path
		case m&(fs.ModeDevice|fs.ModeSocket|fs.ModeIrregular) != 0:
			return "", false, fmt.Errorf("it is %s, not a file", kind(m))
		}
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", false, err
	}
	for range maxLinks {
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return path, false, nil //nolint:nilerr // there is no such folder: who writes says so
		}
		path = filepath.Join(dir, filepath.Base(path))
		next, err := os.Readlink(path)
		if err != nil {
			return path, false, nil //nolint:nilerr // it is no link
		}
		if !filepath.IsAbs(next) {
			next = filepath.Join(dir, next)
		}
		path = next
	}
	return "", false, errors.New("its links go in a circle")
}

func kind(m fs.FileMode) string {
	switch {
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a disk"
	}
	return "something else"
}

// Same tells whether two names are of one file, by links of any kind, or would be
// once it is made.
func Same(a, b string) bool {
	one, errOne := os.Stat(a)
	two, errTwo := os.Stat(b)
	if errOne == nil && errTwo == nil {
		return os.SameFile(one, two)
	}
	pathA, _, errA := Resolve(a)
	pathB, _, errB := Resolve(b)
	return errA == nil && errB == nil && pathA == pathB
}

// Within tells whether a file lies, or would lie, in a folder or below it, by
// whatever name.
func Within(path, dir string) bool {
	path, streams, err := Resolve(path)
	if err != nil || streams {
		return false
	}
	if dir, _, err = Resolve(dir); err != nil {
		return false
	}
	rest, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rest)
}

// File is one that is being written. It is not safe for concurrent use.
type File struct {
	file    *os.File
	target  string
	streams bool
	size    int64
	done    bool
}

// Create begins to write to path. Nothing is there before Commit, unless it
// streams. It waits for who reads a pipe, until ctx ends.
func Create(ctx context.Context, path string) (*File, error) {
	target, streams, err := Resolve(path)
	if err != nil {
		return nil, err
	}
	f := &File{target: target, streams: streams}
	if streams {
		f.file, err = openStream(ctx, target)
	} else {
		f.file, err = os.CreateTemp(filepath.Dir(target), ".twind-*"+filepath.Ext(target))
	}
	if err != nil {
		return nil, Plain(err)
	}
	return f, nil
}

// openStream opens what is there; a pipe is opened once it has a reader.
func openStream(ctx context.Context, path string) (*os.File, error) {
	type opened struct {
		file *os.File
		err  error
	}
	ready := make(chan opened, 1)
	go func() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		ready <- opened{f, err}
	}()
	select {
	case o := <-ready:
		return o.file, o.err
	case <-ctx.Done(): // the program ends, and the waiting with it
		return nil, ctx.Err()
	}
}

// Write writes bytes.
func (f *File) Write(b []byte) (int, error) {
	n, err := f.file.Write(b)
	f.size += int64(n)
	return n, Plain(err)
}

// Size is the number of bytes written.
func (f *File) Size() int64 { return f.size }

// Commit ends the writing: the file, which all may read, is on disk and has its
// name, or what was there is as it was.
func (f *File) Commit() error {
	f.done = true
	if f.streams {
		return Plain(f.file.Close())
	}
	err := f.file.Sync()
	if err := errors.Join(Plain(err), Plain(f.file.Close())); err != nil {
		_ = os.Remove(f.file.Name())
		return err
	}
	return Place(f.file.Name(), f.target)
}

// Abort gives the file up; it does nothing after Commit.
func (f *File) Abort() {
	if f.done {
		return
	}
	f.done = true
	_ = f.file.Close() // what was written does not matter any more
	if !f.streams {
		_ = os.Remove(f.file.Name())
	}
}

// Place gives a finished file its name, which Resolve told, and lets all read it.
// Where that fails the file is removed.
func Place(file, target string) error {
	err := os.Chmod(file, 0o644)
	if err == nil {
		err = os.Rename(file, target)
	}
	if err != nil {
		_ = os.Remove(file)
	}
	return Plain(err)
}

// Plain leaves the temporary file's name out of an error.
func Plain(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err
	}
	return err
}
