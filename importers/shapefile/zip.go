package shapefile

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"twind/layers"
)

// Limits of a zip archive.
const (
	maxEntries    = 10_000
	maxUnpacked   = 8 << 30   // bytes of all parts together
	maxExpansion  = 200       // times the packed size, past freeExpansion
	freeExpansion = 256 << 20 // bytes
)

// unpackedName is what a .shp of an archive is called on disk.
const unpackedName = "shapes.shp"

// unzip unpacks the one shapefile of an archive into a temporary folder, which
// the caller removes; it is unpackedName there, and shp its name in the archive.
func unzip(ctx context.Context, archive string, free int64) (shp, dir string, err error) {
	fail := func(format string, args ...any) error {
		return layers.Errorf(layers.ErrInvalid, "%s: "+format, append([]any{archive}, args...)...)
	}
	z, err := zip.OpenReader(archive)
	if err != nil {
		return "", "", fail("it cannot be read as a zip archive: %w", err)
	}
	defer z.Close()
	if len(z.File) > maxEntries {
		return "", "", fail("it has %d entries; at most %d are possible", len(z.File), maxEntries)
	}
	var mains []*zip.File
	for _, f := range z.File {
		if bad(f.Name) {
			return "", "", fail("its entry %q points outside the archive", entryName(f))
		}
		if strings.EqualFold(path.Ext(f.Name), ".shp") && !strings.HasPrefix(path.Base(f.Name), "._") {
			mains = append(mains, f)
		}
	}
	switch len(mains) {
	case 0:
		for _, f := range z.File {
			if strings.EqualFold(path.Ext(f.Name), ".zip") {
				return "", "", fail("there is no .shp in it, but the archive %s: unpack it and import that one", entryName(f))
			}
		}
		return "", "", fail("there is no .shp in it")
	case 1:
	default:
		return "", "", fail("it holds %d shapefiles (%s, %s …); unpack it and name the one to import", len(mains), entryName(mains[0]), entryName(mains[1]))
	}
	if dir, err = os.MkdirTemp("", "twind-shapefile-"); err != nil {
		return "", "", layers.Errorf(layers.ErrUnavailable, "no temporary folder can be made to unpack %s: %w", archive, err)
	}
	base := strings.TrimSuffix(mains[0].Name, path.Ext(mains[0].Name))
	total, packed := int64(0), int64(0)
	for _, f := range z.File {
		ext := strings.ToLower(path.Ext(f.Name))
		if !strings.EqualFold(strings.TrimSuffix(f.Name, path.Ext(f.Name)), base) {
			continue
		}
		switch ext {
		case ".shp", ".shx", ".dbf", ".prj", ".cpg":
		default:
			continue
		}
		name := filepath.Join(dir, strings.TrimSuffix(unpackedName, ".shp")+ext)
		packed += int64(f.CompressedSize64)
		n, err := unpack(ctx, f, name, min(maxUnpacked-total, max(free, maxExpansion*packed)-total))
		if err != nil {
			_ = os.RemoveAll(dir)
			if errors.Is(err, errExpands) {
				return "", "", fail("its entry %s unpacks to more than %d times its size; unpack it by hand if that is right", entryName(f), n/int64(max(f.CompressedSize64, 1)))
			}
			return "", "", fail("its entry %s cannot be unpacked: %w", entryName(f), err)
		}
		total += n
	}
	return entryName(mains[0]), dir, nil
}

var errExpands = errors.New("unpacks to too much")

func unpack(ctx context.Context, f *zip.File, to string, limit int64) (int64, error) {
	r, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	w, err := os.Create(to)
	if err != nil {
		return 0, err
	}
	total := int64(0)
	buf := make([]byte, 1<<20)
	for err == nil {
		if err = ctx.Err(); err != nil {
			break
		}
		var n int
		n, err = r.Read(buf)
		if total += int64(n); total > limit {
			err = errExpands
			break
		}
		if _, e := w.Write(buf[:n]); e != nil {
			err = e
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if e := w.Close(); err == nil {
		err = e
	}
	return total, err
}

// bad tells names that would leave the folder they are unpacked to.
func bad(name string) bool {
	name = strings.ReplaceAll(name, `\`, "/")
	if strings.HasPrefix(name, "/") || len(name) > 1 && name[1] == ':' {
		return true
	}
	for _, part := range strings.Split(name, "/") {
		if part == ".." {
			return true
		}
	}
	return false
}

// entryName is an entry's name for people: archives made in China often carry it
// in GBK.
func entryName(f *zip.File) string {
	if utf8.ValidString(f.Name) {
		return f.Name
	}
	if s, err := simplifiedchinese.GB18030.NewDecoder().String(f.Name); err == nil {
		return s
	}
	return strings.ToValidUTF8(f.Name, "?")
}
