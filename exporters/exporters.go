// Package exporters writes a layer to a file that other programs read.
//
//	Scan ─▶ GeoJSON │ GeoJSON sequence │ CSV ─▶ [gzip] ─▶ temporary file ─▶ rename
//	     └▶ Container (a GeoPackage) ──────────────────────────────────────┘
//	TileSource ─▶ renderings, in order ─▶ TileArchive (a PMTiles file)
//
// Features stream: memory does not grow with the layer. A file appears under its
// name only when it is whole; one that was there is replaced at that moment. A
// link stays, its end is replaced; pipes and devices are written to as it comes.
package exporters

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"twind/internal/outfile"
	"twind/layers"
)

// Scan yields the features to write, as layers.Store.Scan and snapshot views do.
// A feature is lent until yield returns; an error of yield ends the scan and is
// returned.
type Scan func(ctx context.Context, yield func(*layers.Feature) error) error

// Format is a format of files.
type Format string

// The formats.
const (
	GeoJSON         Format = "geojson"    // FeatureCollection, RFC 7946, one feature a line
	GeoJSONSequence Format = "geojsonseq" // one feature a line, with record separators (RFC 8142) where the file is called .geojsonseq
	CSV             Format = "csv"        // RFC 4180
	GeoPackage      Format = "gpkg"       // OGC 12-128
	PMTiles         Format = "pmtiles"    // finished tiles; see ExportTiles
)

// Formats lists the formats.
var Formats = []Format{GeoPackage, GeoJSON, GeoJSONSequence, CSV, PMTiles}

// Geometry says how CSV carries geometries.
type Geometry string

// The ways. The default is lon and lat for a layer of points and WKT for others.
const (
	ByType  Geometry = ""
	WKT     Geometry = "wkt"    // a last column "wkt", well-known text
	LonLat  Geometry = "lonlat" // columns "lon", "lat" and, in a layer with heights, "z"; only points have them
	Without Geometry = "none"
)

// Container is a file that is filled like a store. A layers.Store is one.
type Container interface {
	CreateLayer(ctx context.Context, l layers.Layer) error
	Load(ctx context.Context, id layers.ID, mode layers.LoadMode, features iter.Seq2[*layers.Feature, error]) (layers.LoadResult, error)
	Close() error
}

// Options of an export.
type Options struct {
	Format        Format                                                    // "" is told by the file's name
	Geometry      Geometry                                                  // CSV only
	BOM           bool                                                      // CSV only: begin with a byte order mark, which Excel needs to see that the file is UTF-8
	GuardFormulas bool                                                      // CSV only: put an apostrophe before texts that a spreadsheet would run (= + - @ at their beginning); the values are then no longer the layer's
	OpenContainer func(ctx context.Context, path string) (Container, error) // makes a new GeoPackage; needed for that format
	Progress      func(features int64)                                      // called now and then
}

// Result counts what was written.
type Result struct {
	Features int64
	Bytes    int64 // of the file
}

// ParseFormat tells the format by a name or, where that is empty, by a path;
// layers.ErrInvalid.
func ParseFormat(name, path string) (Format, error) {
	for _, f := range Formats {
		if string(f) == strings.ToLower(name) {
			return f, nil
		}
	}
	if name != "" {
		return "", layers.Errorf(layers.ErrInvalid, "format %q is unknown; expected gpkg, geojson, geojsonseq, csv, pmtiles or 3dtiles", name)
	}
	switch filepath.Ext(strings.TrimSuffix(strings.ToLower(path), ".gz")) {
	case ".geojson", ".json":
		return GeoJSON, nil
	case ".geojsonl", ".geojsons", ".geojsonseq", ".ndjson", ".jsonl":
		return GeoJSONSequence, nil
	case ".csv":
		return CSV, nil
	case ".gpkg":
		return GeoPackage, nil
	case ".pmtiles":
		return PMTiles, nil
	}
	return "", layers.Errorf(layers.ErrInvalid, "the name of %s does not tell a format; say --format gpkg, geojson, geojsonseq, csv or pmtiles", path)
}

// Export writes layer l to the file at path, gzipped where it ends in .gz. It
// fails with layers.ErrInvalid for options that do not fit and ErrUnavailable
// where the file cannot be written; path is then as it was, unless it is a pipe
// or a device, which takes what comes.
func Export(ctx context.Context, path string, l *layers.Layer, scan Scan, o Options) (Result, error) {
	format, err := ParseFormat(string(o.Format), path)
	if err != nil {
		return Result{}, err
	}
	if format == PMTiles {
		return Result{}, layers.Errorf(layers.ErrInvalid, "%s: PMTiles holds tiles, which are rendered, not features", path)
	}
	o.Format = format
	if err := o.check(l, path); err != nil {
		return Result{}, err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return Result{}, layers.Errorf(layers.ErrInvalid, "%s is a folder; name a file in it", path)
	}
	if format == GeoPackage {
		return exportContainer(ctx, path, l, scan, o)
	}
	f, err := outfile.Create(ctx, path)
	if err != nil {
		return Result{}, cannot(path, err)
	}
	defer f.Abort()
	n, err := stream(ctx, f, path, l, scan, o)
	if err != nil {
		return Result{}, err
	}
	if err := f.Commit(); err != nil {
		return Result{}, cannot(path, err)
	}
	return Result{Features: n, Bytes: f.Size()}, nil
}

func cannot(path string, err error) error {
	return layers.Errorf(layers.ErrUnavailable, "%s cannot be written: %w", path, outfile.Plain(err))
}

// Target is where a file that is made as a whole is to be put: the end of path's
// links. It fails with layers.ErrInvalid for what takes bytes in order only, and
// ErrUnavailable for what takes none.
func Target(path string, format Format) (string, error) {
	target, streams, err := outfile.Resolve(path)
	if err != nil {
		return "", cannot(path, err)
	}
	if streams || path == outfile.Standard {
		return "", layers.Errorf(layers.ErrInvalid, "%s cannot be written to %s, which takes bytes in order; name a file, or choose geojson, geojsonseq or csv", format, path)
	}
	return target, nil
}

// exportContainer writes a GeoPackage.
func exportContainer(ctx context.Context, path string, l *layers.Layer, scan Scan, o Options) (Result, error) {
	target, err := Target(path, o.Format)
	if err != nil {
		return Result{}, err
	}
	tmp, err := os.CreateTemp(filepath.Dir(target), ".twind-export-*"+filepath.Ext(target))
	if err != nil {
		return Result{}, cannot(path, err)
	}
	name := tmp.Name()
	_ = tmp.Close()
	_ = os.Remove(name) // the container makes it
	n, err := fill(ctx, name, l, scan, o)
	if err == nil {
		if err = outfile.Place(name, target); err != nil {
			err = cannot(path, err)
		}
	}
	if err != nil {
		for _, side := range []string{"", "-wal", "-shm", "-journal"} {
			_ = os.Remove(name + side)
		}
		return Result{}, err
	}
	res := Result{Features: n}
	if info, err := os.Stat(target); err == nil {
		res.Bytes = info.Size()
	}
	return res, nil
}

func (o *Options) check(l *layers.Layer, path string) error {
	switch o.Geometry {
	case ByType, WKT, Without:
	case LonLat:
		if o.Format == CSV && l.GeometryType.Dimension() > 0 {
			return layers.Errorf(layers.ErrInvalid, "layer %s holds %v; only points can be written as lon and lat, others as wkt", l.ID, l.GeometryType)
		}
	default:
		return layers.Errorf(layers.ErrInvalid, "geometry %q is unknown; expected wkt, lonlat or none", o.Geometry)
	}
	if o.Format == GeoPackage {
		if o.OpenContainer == nil {
			return layers.Errorf(layers.ErrUnsupported, "GeoPackage cannot be written here")
		}
		if strings.HasSuffix(strings.ToLower(path), ".gz") {
			return layers.Errorf(layers.ErrInvalid, "%s: a GeoPackage cannot be gzipped; leave .gz off", path)
		}
	}
	return nil
}

// stream writes one of the streaming formats to a file, gzipped where its name says so.
func stream(ctx context.Context, f *outfile.File, path string, l *layers.Layer, scan Scan, o Options) (n int64, err error) {
	var w io.Writer = f
	var z *gzip.Writer
	if strings.HasSuffix(strings.ToLower(path), ".gz") {
		z = gzip.NewWriter(f)
		w = z
	}
	into := failing{w: w}
	separators := strings.HasSuffix(strings.TrimSuffix(strings.ToLower(path), ".gz"), ".geojsonseq")
	n, err = write(ctx, &into, l, scan, o, separators)
	if err == nil && z != nil {
		into.err = z.Close()
		err = into.err
	}
	if into.err != nil {
		return n, cannot(path, into.err)
	}
	return n, err
}

// failing keeps the error of a writer apart from those of a scan.
type failing struct {
	w   io.Writer
	err error
}

func (f *failing) Write(b []byte) (n int, err error) {
	n, f.err = f.w.Write(b)
	return n, f.err
}

// Write writes layer l to w in one of the streaming formats.
func Write(ctx context.Context, w io.Writer, l *layers.Layer, scan Scan, o Options) (int64, error) {
	if o.Format == GeoPackage || o.Format == "" {
		return 0, layers.Errorf(layers.ErrInvalid, "format %q cannot be written to a stream; choose geojson, geojsonseq or csv", o.Format)
	}
	if err := o.check(l, ""); err != nil {
		return 0, err
	}
	return write(ctx, w, l, scan, o, false)
}

// encoder appends the parts of a streaming format.
type encoder interface {
	begin(dst []byte) []byte
	feature(dst []byte, f *layers.Feature, first bool) []byte
	end(dst []byte) []byte
}

func write(ctx context.Context, w io.Writer, l *layers.Layer, scan Scan, o Options, separators bool) (int64, error) {
	var e encoder
	switch o.Format {
	case GeoJSON:
		e = &collection{l: l}
	case GeoJSONSequence:
		e = &sequence{l: l, separators: separators}
	case CSV:
		e = newTable(l, o)
	default:
		return 0, layers.Errorf(layers.ErrInvalid, "format %q is unknown; expected gpkg, geojson, geojsonseq or csv", o.Format)
	}
	b := bufio.NewWriterSize(w, 256<<10)
	buf := e.begin(nil)
	n := int64(0)
	err := scan(ctx, func(f *layers.Feature) error {
		buf = e.feature(buf, f, n == 0)
		_, err := b.Write(buf)
		buf = buf[:0]
		if n++; o.Progress != nil && n%1024 == 0 {
			o.Progress(n)
		}
		return err
	})
	if err != nil {
		return n, err
	}
	if _, err := b.Write(e.end(buf)); err != nil {
		return n, err
	}
	if err := b.Flush(); err != nil {
		return n, err
	}
	if o.Progress != nil {
		o.Progress(n)
	}
	return n, nil
}

var errStopped = errors.New("exporters: the container stopped reading")

// fill writes a container.
func fill(ctx context.Context, path string, l *layers.Layer, scan Scan, o Options) (n int64, err error) {
	c, err := o.OpenContainer(ctx, path)
	if err != nil {
		return 0, err
	}
	defer func() {
		if e := c.Close(); err == nil {
			err = e
		}
	}()
	copied := *l
	copied.ReadOnly, copied.Live = false, nil
	if err := c.CreateLayer(ctx, copied); err != nil {
		return 0, err
	}
	_, err = c.Load(ctx, l.ID, layers.Append, func(yield func(*layers.Feature, error) bool) {
		err := scan(ctx, func(f *layers.Feature) error {
			if !yield(f, nil) {
				return errStopped
			}
			if n++; o.Progress != nil && n%1024 == 0 {
				o.Progress(n)
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, err)
		}
	})
	return n, err
}
