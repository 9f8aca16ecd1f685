package importers

import (
	"context"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/crs"
)

// Format recognises files of one format and opens them.
type Format interface {
	// Name is the format's name, such as "GeoJSON".
	Name() string
	// Match tells whether the file is of the format, by its name and its first
	// bytes (at most 4 KiB, as they stand in the file).
	Match(path string, head []byte) bool
	// Open begins to read a file. Errors say what is wrong with the file as a
	// whole and how to mend it.
	Open(ctx context.Context, path string, o OpenOptions) (Source, error)
}

// Companion is implemented by formats that keep one data set in several files.
type Companion interface {
	// MainFile is the file to open when the user named one that only
	// accompanies it, such as the .shp for a .dbf; "" for any other file.
	MainFile(path string) string
}

// OpenOptions are what the plan says about a file.
type OpenOptions struct {
	Encoding     string      // of texts; "" to detect
	Kind         layers.Kind // of the features wanted, where a file holds several; "" where nobody said
	GeometryOnly bool        // a shapefile without .dbf is wanted as it is
	Reuse        bool        // records may share memory: each is used before the next is read
}

// Source is a file being read. It is not safe for concurrent use.
type Source interface {
	// Info describes the file as far as it is known; it is complete once Next
	// has returned io.EOF.
	Info() *Info
	// Fields are the properties met so far; they only grow, at the end.
	Fields() []Field
	// Next reads one record. It returns io.EOF at a sound end, a *Refusal for a
	// record that cannot be read (the next one can be; r holds what could be
	// read of this one), and any other error
	// where the file is broken.
	Next(r *Record) error
	// Place names record number row (from 1) for people, such as "features[17]".
	Place(row int64) string
	// Offset is how many of the file's bytes have been read, and how many there are.
	Offset() (done, total int64)
	// Close ends the reading.
	Close() error
}

// Field is a property of a source.
type Field struct {
	Name string
	Type layers.ValueType // as the file declares it; Null where it does not
}

// Record is one record of a source. Values stand in the order of the source's
// fields and may be fewer: what is missing is null. Coordinates are in the
// source's system.
type Record struct {
	Row      int64 // from 1
	ID       string
	Geometry spatial.Geometry
	Values   []layers.Value
	Surfaces *Surfaces // of its body; nil where the format has none
}

// Surfaces are the faces of a record's body: a MultiPolygon with heights, outer rings
// counter-clockwise seen from outside, and the class of each polygon. Without
// polygons, the record has no body, though others of its format may.
type Surfaces struct {
	Geometry spatial.Geometry
	Classes  []layers.SurfaceClass
}

// encode is the surfaces as a feature has them, not nil. It fails with
// layers.ErrInvalid.
func (s *Surfaces) encode() (layers.Surfaces, error) {
	if len(s.Classes) == 0 {
		return layers.Surfaces{}, nil
	}
	return layers.NewSurfaces(s.Geometry, s.Classes)
}

// Info describes a source.
type Info struct {
	Format          string
	Files           []string         // all that belong to it, the main one first
	CRS             *crs.CRS         // that the file names; nil if none
	CRSEvidence     string           // where it names it, or why it cannot be used
	DefaultCRS      *crs.CRS         // that the format prescribes where the file names none; nil if none
	Extent          spatial.Envelope // that the file declares, in its own system; empty if none
	Encoding        string           // of texts
	EncodingMethod  string           // how it was found
	EncodingSamples []string         // texts decoded with it
	Multi           bool             // the format does not tell single geometries from multi ones
	Declared        int64            // records that the file declares; −1 if it does not
	Warnings        []string
}

// Refusal is a record that is not stored, and why.
type Refusal struct {
	Row    int64  `json:"row"`            // from 1
	Place  string `json:"place"`          // in the file, such as "features[17]"
	Code   string `json:"code"`           // one of the Refused… constants
	Reason string `json:"reason"`         // a sentence
	Raw    []byte `json:"-"`              // the record as it stands in the file, where it could not be read
	ID     string `json:"id,omitempty"`   // where known
	File   string `json:"file,omitempty"` // set by the engine
}

// Error is the reason with its place.
func (r *Refusal) Error() string { return r.Reason }

// Why records are refused.
const (
	RefusedRecord    = "record"    // cannot be read
	RefusedGeometry  = "geometry"  // malformed
	RefusedPosition  = "position"  // outside its coordinate system
	RefusedType      = "type"      // a geometry of a type that the layer does not hold
	RefusedProperty  = "property"  // a value that the layer's schema cannot take
	RefusedKey       = "key"       // no usable identifier
	RefusedDuplicate = "duplicate" // an identifier that another record has
)
