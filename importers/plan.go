package importers

import (
	"twind/layers"
	"twind/spatial/crs"
)

// Plan says what to import, as JSON in a file that can be run again.
type Plan struct {
	Files         []string          `json:"files"`
	Layer         layers.ID         `json:"layer"`
	Kind          layers.Kind       `json:"kind,omitempty"`          // of a new layer; "" is guessed
	Title         *layers.Text      `json:"title,omitempty"`         // the layer's from now on; nil leaves it, or makes one of a new layer's id
	CRS           string            `json:"crs,omitempty"`           // "" is the files' own
	Encoding      string            `json:"encoding,omitempty"`      // "" is detected
	Key           string            `json:"key,omitempty"`           // property that identifies a feature; "" is the layer's key, else the file's ids
	Mode          Mode              `json:"mode,omitempty"`          // "" chooses
	DryRun        bool              `json:"dryRun,omitempty"`        // check and report, change nothing
	Strict        bool              `json:"strict,omitempty"`        // load nothing when one record is refused
	NewProperties PropertyAction    `json:"newProperties,omitempty"` // what to do with properties that an existing layer lacks; "" adds them
	GeometryOnly  bool              `json:"geometryOnly,omitempty"`  // read a shapefile without .dbf
	Describe      *layers.Layer     `json:"describe,omitempty"`      // title, owner, zooms and so on of a new layer; its schema's titles, units and types where it names the property
	Report        string            `json:"report,omitempty"`        // file for the report; "" writes none
	Rejects       string            `json:"rejects,omitempty"`       // file for refused records; "" is beside the report, else beside the first file, else in the current folder; of a dry run nowhere
	Rename        map[string]string `json:"rename,omitempty"`        // properties' names in the file to those in the layer
	Progress      func(Progress)    `json:"-"`
}

// Mode says what becomes of the features that are in the layer.
type Mode string

// The modes. The default is Append into a new or empty layer and Upsert where
// there are identifiers; features without them never meet others unasked.
const (
	Choose  Mode = ""
	Append  Mode = "append"
	Replace Mode = "replace"
	Upsert  Mode = "upsert"
)

// PropertyAction says what to do with properties that an existing layer lacks.
type PropertyAction string

// The actions.
const (
	AddProperties    PropertyAction = "add"
	RefuseProperties PropertyAction = "refuse"
	IgnoreProperties PropertyAction = "ignore"
)

// Progress is where a run is, in bytes of the files; it is reported some times a
// second.
type Progress struct {
	Stage       string // "check", then "load"
	Done, Total int64  // bytes
	Records     int64  // read in this stage
}

// Validate reports the first fault of the plan itself, without touching files or
// store; it fails with layers.ErrInvalid.
func (p *Plan) Validate() error {
	if len(p.Files) == 0 {
		return layers.Errorf(layers.ErrInvalid, "no file to import was named")
	}
	if _, err := layers.ParseID(string(p.Layer)); err != nil {
		return err
	}
	if p.Kind != "" {
		known := false
		for _, k := range layers.Kinds {
			known = known || k == p.Kind
		}
		if !known {
			return layers.Errorf(layers.ErrInvalid, "kind %q is unknown; expected one of %v", p.Kind, layers.Kinds)
		}
	}
	if p.CRS != "" {
		if _, err := crs.Parse(p.CRS); err != nil {
			return layers.Errorf(layers.ErrInvalid, "%w", err)
		}
	}
	if p.Encoding != "" {
		if _, err := LookupEncoding(p.Encoding); err != nil {
			return err
		}
	}
	switch p.Mode {
	case Choose, Append, Replace, Upsert:
	default:
		return layers.Errorf(layers.ErrInvalid, "mode %q is unknown; expected append, replace or upsert", p.Mode)
	}
	switch p.NewProperties {
	case "", AddProperties, RefuseProperties, IgnoreProperties:
	default:
		return layers.Errorf(layers.ErrInvalid, "action %q for new properties is unknown; expected add, refuse or ignore", p.NewProperties)
	}
	return nil
}
