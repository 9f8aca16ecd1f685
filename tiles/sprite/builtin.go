package sprite

import (
	"embed"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"twind/layers"
)

//go:embed icons/*.svg
var files embed.FS

// Builtin is the icons that the styles by kind use: 20 × 20 pixels, masks.
func Builtin() []Icon {
	dir, err := fs.Sub(files, "icons")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	list, err := Read(dir)
	if err != nil {
		panic(err)
	}
	return list
}

// Read reads the *.svg files of a folder, by name; what else is in it is not
// looked at. It fails with layers.ErrInvalid for more than MaxIcons, and with
// the error of the file system; a file that is too large is cut off, and then
// refused by New.
func Read(dir fs.FS) ([]Icon, error) {
	names, err := fs.Glob(dir, "*.svg")
	if err != nil {
		return nil, err
	}
	if len(names) > MaxIcons {
		return nil, layers.Errorf(layers.ErrInvalid, "%d icons in the folder: at most %d are possible", len(names), MaxIcons)
	}
	slices.Sort(names)
	list := make([]Icon, 0, len(names))
	for _, name := range names {
		b, err := readFile(dir, name)
		if err != nil {
			return nil, err
		}
		list = append(list, Icon{Name: strings.TrimSuffix(path.Base(name), ".svg"), SVG: b})
	}
	return list, nil
}

func readFile(dir fs.FS, name string) (b []byte, err error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, MaxIconBytes+1))
}
