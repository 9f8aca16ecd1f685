package geotiff

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"

	"twind/layers"
)

// Options are how a file is read.
type Options struct {
	Name  string // of the file, for errors; Open sets it
	Cache *Cache // of decoded blocks; default: one of DefaultCacheBytes for the file alone
}

// File is an open GeoTIFF. It does not change and is safe for concurrent use.
type File struct {
	structure
	name   string
	cache  *Cache
	closer io.Closer

	levels   []*Image // the full image, then the reduced ones, each smaller than the one before
	geo      Georeference
	geoErr   error
	noData   float64
	hasNone  bool
	scalings []scaling
}

func isKind(err, kind error) bool { return errors.Is(err, kind) }

// Open opens a file; the caller closes it. It fails with layers.ErrNotFound,
// with layers.ErrInvalid for what is no TIFF, with layers.ErrUnsupported and with
// layers.ErrCorrupt, each with a sentence.
func Open(path string, o Options) (*File, error) {
	// Looked at before it is opened: opening a pipe would wait for its other end.
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, layers.Errorf(layers.ErrInvalid, "%s is no file; name a GeoTIFF", path)
	}
	file, err := os.Open(path)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, layers.Errorf(layers.ErrNotFound, "%s cannot be read: %w; name an existing GeoTIFF", path, err)
	}
	info, err = file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, layers.Errorf(layers.ErrInvalid, "%s is no file; name a GeoTIFF", path)
	}
	if o.Name == "" {
		o.Name = path
	}
	f, err := New(file, info.Size(), o)
	if err != nil {
		file.Close()
		return nil, err
	}
	f.closer = file
	return f, nil
}

// New reads a file of a size in bytes from r, which must allow concurrent calls.
// It fails as Open does.
func New(r io.ReaderAt, size int64, o Options) (*File, error) {
	f := &File{structure: structure{r: r, size: size}, name: o.Name, cache: o.Cache}
	if f.cache == nil {
		f.cache = NewCache(DefaultCacheBytes)
	}
	if err := f.load(); err != nil {
		return nil, named(f.name, err)
	}
	return f, nil
}

func (f *File) load() error {
	first, err := f.open()
	if err != nil {
		return err
	}
	dirs, err := f.directories(first)
	if err != nil {
		return err
	}
	full, err := f.image(dirs[0])
	if err != nil {
		return err
	}
	f.levels = []*Image{full}
	var masks []*Image
	for i, d := range dirs[1:] {
		m, err := f.image(d)
		if err != nil {
			continue // a page that is not needed
		}
		m.index = i + 1
		switch {
		case m.isMask():
			masks = append(masks, m)
		case m.isReduced() && m.reduces(full):
			f.levels = append(f.levels, m)
		}
	}
	slices.SortStableFunc(f.levels[1:], func(a, b *Image) int { return b.Width - a.Width })
	for _, m := range masks {
		for _, l := range f.levels {
			if l.mask == nil && l.Width == m.Width && l.Height == m.Height {
				l.mask = m
			}
		}
	}
	return f.meaning(dirs[0], full)
}

// reduces tells whether m is a smaller image of the same kind.
func (m *Image) reduces(full *Image) bool {
	if m.Width >= full.Width || m.Bands != full.Bands || m.Type != full.Type {
		return false
	}
	rows := float64(full.Height) * float64(m.Width) / float64(full.Width)
	return float64(m.Height) > rows-2 && float64(m.Height) < rows+2
}

// meaning reads what the samples and their places mean.
func (f *File) meaning(d directory, full *Image) (err error) {
	if f.noData, f.hasNone, err = f.structure.noData(d, full.Type); err != nil {
		return err
	}
	var unit string
	if f.scalings, unit, err = f.structure.scalings(d, full); err != nil {
		return err
	}
	if f.scalings == nil {
		if f.scalings, err = f.verticalScale(d); err != nil {
			return err
		}
	}
	f.geo, f.geoErr = f.georeference(d)
	if f.geo.VerticalUnit == 1 {
		f.geo.VerticalUnit = unitOfText(unit)
	}
	return nil
}

// Close closes what Open opened; reads fail from then on.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

// Levels are the full image and its reduced ones, each smaller than the one
// before; there is at least one. They must not be changed.
func (f *File) Levels() []*Image { return f.levels }

// NoData is the sample value that stands for nothing; ok is false without one.
func (f *File) NoData() (v float64, ok bool) { return f.noData, f.hasNone }

func (s *structure) bigEndian() bool { return s.order == binary.BigEndian }
