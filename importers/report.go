package importers

import (
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"time"

	"twind/internal/outfile"
	"twind/layers"
)

// Report is what a run found and did.
type Report struct {
	Layer      layers.ID        `json:"layer"`
	Created    bool             `json:"created"` // the layer is new (in a dry run: would be)
	DryRun     bool             `json:"dryRun,omitempty"`
	Mode       Mode             `json:"mode,omitempty"` // as it was decided
	Started    time.Time        `json:"started"`
	Seconds    float64          `json:"seconds"`
	Files      []FileReport     `json:"files"`
	Read       int64            `json:"read"`     // records met, refused ones too
	Accepted   int64            `json:"accepted"` // records fit to be stored
	Inserted   int64            `json:"inserted"`
	Updated    int64            `json:"updated"`
	Unchanged  int64            `json:"unchanged"`
	Refused    int64            `json:"refused"`
	Refusals   []RefusalCount   `json:"refusals,omitempty"` // by code
	Rejects    string           `json:"rejects,omitempty"`  // file with the refused records
	Kind       layers.Kind      `json:"kind,omitempty"`
	KindReason string           `json:"kindReason,omitempty"` // why a kind was guessed
	Key        string           `json:"key,omitempty"`
	Geometry   GeometryReport   `json:"geometry"`
	Properties []PropertyReport `json:"properties"`
	Added      []string         `json:"addedProperties,omitempty"` // that the layer lacked before
	Ignored    []string         `json:"ignoredProperties,omitempty"`
	Warnings   []string         `json:"warnings,omitempty"`
	Error      string           `json:"error,omitempty"` // why nothing, or not all, was stored
	Revision   layers.Revision  `json:"revision,omitempty"`
}

// FileReport is one data set: a file and what accompanies it.
type FileReport struct {
	Path            string     `json:"path"`
	Format          string     `json:"format"`
	Parts           []FilePart `json:"parts"`
	Read            int64      `json:"read"`
	CRS             string     `json:"crs"`
	CRSCode         int        `json:"crsCode,omitempty"`
	CRSMethod       string     `json:"crsMethod"` // given, file, standard, assumed
	CRSEvidence     string     `json:"crsEvidence,omitempty"`
	UnshiftedMetres float64    `json:"unshiftedMetres,omitempty"` // by which positions may lie off, the datum's shift being unknown
	Encoding        string     `json:"encoding,omitempty"`
	EncodingMethod  string     `json:"encodingMethod,omitempty"`
	EncodingSamples []string   `json:"encodingSamples,omitempty"`
}

// FilePart is a file with its fingerprint.
type FilePart struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// RefusalCount counts the refused records of one code.
type RefusalCount struct {
	Code    string    `json:"code"`
	Count   int64     `json:"count"`
	Samples []Refusal `json:"samples"` // the first ones
}

// GeometryReport describes the geometries of the accepted records.
type GeometryReport struct {
	Type     string           `json:"type"`               // of the layer
	Types    map[string]int64 `json:"types,omitempty"`    // of the records
	Without  int64            `json:"without"`            // records without geometry or with an empty one
	Surfaces int64            `json:"surfaces,omitempty"` // records whose bodies' faces are kept
	HasZ     bool             `json:"hasZ"`               // some have heights
	Extent   []float64        `json:"extent,omitempty"`   // west, south, east, north, degrees
	Faults   []FaultCount     `json:"faults,omitempty"`   // kept as they are
}

// FaultCount counts geometries that are stored although they are not valid.
type FaultCount struct {
	Fault   string        `json:"fault"`
	Count   int64         `json:"count"`
	Samples []FaultSample `json:"samples"`
}

// FaultSample is where one is.
type FaultSample struct {
	Place  string `json:"place"`
	ID     string `json:"id,omitempty"`
	Detail string `json:"detail"` // "near x y" in the file's coordinates
}

// PropertyReport describes one property of the accepted records.
type PropertyReport struct {
	Name    string           `json:"name"`
	Type    layers.ValueType `json:"type"`
	Nulls   int64            `json:"nulls"`
	Min     any              `json:"min,omitempty"` // of numbers, dates and texts
	Max     any              `json:"max,omitempty"`
	Longest int              `json:"longest,omitempty"` // characters of the longest text
	Samples []string         `json:"samples,omitempty"`
}

// maxSamples bounds the examples of anything in a report.
const maxSamples = 10

// Write writes the report as JSON.
func (r *Report) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// save puts the report into a file.
func (r *Report) save(ctx context.Context, path string) error {
	f, err := outfile.Create(ctx, path)
	if err == nil {
		defer f.Abort()
		if err = r.Write(f); err == nil {
			err = f.Commit()
		}
	}
	if err != nil {
		return layers.Errorf(layers.ErrUnavailable, "the report %s cannot be written: %w", path, err)
	}
	return nil
}

// CheckReport refuses a report that would take the place of a file to import or of
// one that belongs to it; it fails with layers.ErrInvalid and only looks at names.
func (p *Plan) CheckReport(formats ...Format) error {
	if p.Report == "" {
		return nil
	}
	for _, path := range p.Files {
		main, belongs := mainFile(path, formats), mainFile(p.Report, formats)
		if outfile.Same(p.Report, path) || outfile.Same(p.Report, main) || outfile.Same(belongs, main) {
			return layers.Errorf(layers.ErrInvalid, "%s is or belongs to one of the files to import; choose another file with --report", p.Report)
		}
	}
	return nil
}

// mainFile is the file to open for one that is named.
func mainFile(path string, formats []Format) string {
	for _, f := range formats {
		if c, ok := f.(Companion); ok {
			if main := c.MainFile(path); main != "" {
				path = main
			}
		}
	}
	return path
}

// rejectsPaths are where refused records may go, the wanted place first: where
// the plan says, beside the report, or beside the first file and, if that folder
// cannot be written to, in the current one. A dry run keeps them only where the
// plan says.
func (p *Plan) rejectsPaths() []string {
	if p.Rejects != "" {
		return []string{p.Rejects}
	}
	if p.Report != "" {
		return []string{strings.TrimSuffix(p.Report, filepath.Ext(p.Report)) + ".rejects.geojsonl"}
	}
	if p.DryRun {
		return nil
	}
	name := string(p.Layer) + ".rejects.geojsonl"
	return []string{filepath.Join(filepath.Dir(p.Files[0]), name), name}
}
