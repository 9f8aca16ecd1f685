package postgis

import (
	"errors"
	"log/slog"
	"time"

	"twind/layers"
)

// Options of a store. The zero Options are good for a database of twind's own.
type Options struct {
	Schema      string        // schema of twind's tables, made when absent; default "twind"
	Published   []Published   // tables of others that are published in place
	Log         *slog.Logger  // default: nothing is logged
	KeepChanges int64         // records of the change log that are kept; default 1,000,000
	PollEvery   time.Duration // how often published tables are compared; default 1 s, at least 100 ms
}

// EnsureDefaults fills in what is not set.
func (o *Options) EnsureDefaults() {
	if o.Schema == "" {
		o.Schema = "twind"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.KeepChanges <= 0 {
		o.KeepChanges = 1_000_000
	}
	if o.PollEvery <= 0 {
		o.PollEvery = time.Second
	}
	o.PollEvery = max(o.PollEvery, 100*time.Millisecond)
}

// Validate reports every fault; it fails with ErrInvalid.
func (o *Options) Validate() error {
	var faults []error
	if err := checkSchema(o.Schema); err != nil {
		faults = append(faults, err)
	}
	seen := map[layers.ID]bool{}
	for i := range o.Published {
		p := &o.Published[i]
		if err := p.validate(); err != nil {
			faults = append(faults, err)
		}
		if p.Layer != "" && seen[p.Layer] {
			faults = append(faults, layers.Errorf(layers.ErrInvalid, "published table %s: layer %s is published twice", p.Table, p.Layer))
		}
		seen[p.Layer] = true
	}
	if len(faults) == 0 {
		return nil
	}
	return layers.Errorf(layers.ErrInvalid, "%w", errors.Join(faults...))
}

// Published says which table or view of the database to publish, and how. Only
// Table is needed; all else is found in the catalogue or has a default.
type Published struct {
	// Table is "schema.table", each part as it is in the catalogue (quotes are
	// needed only around a name with a dot or an asterisk in it), or a pattern:
	// "gis.*" publishes every table, view and materialised view of the schema gis
	// that can be published and logs why the others cannot.
	Table string `yaml:"table"`
	// Layer is the layer's id. Default: made of the table's name. Not with a pattern.
	Layer layers.ID `yaml:"layer"`
	// Key is the column whose text is the feature's id; "/" and "%" and control
	// characters in it become %2F and so on. Default: the primary key, or the only
	// unique column that is not null. It must be unique.
	Key string `yaml:"key"`
	// Geometry is the geometry column. Default: the only one.
	Geometry string `yaml:"geometry"`
	// SRID is the EPSG code of the coordinates where the column does not say.
	SRID int `yaml:"srid"`
	// Properties are the columns to publish, in this order. Default: all but the
	// geometries and bytea.
	Properties []string `yaml:"properties"`
	// TimeZone of timestamps without one, such as "Asia/Shanghai". Default UTC.
	TimeZone string `yaml:"timeZone"`
	// Triggers lets twind add triggers to the table: its changes are then known
	// feature by feature within 200 ms. Otherwise the whole layer is read again
	// when the table's statistics say that it changed: within 1 s of an edit, or
	// 12 s where one client commits many times a second.
	Triggers bool `yaml:"triggers"`
	// Reload is for what has no statistics, such as foreign tables: the layer is
	// read again so often. 0 is never.
	Reload time.Duration `yaml:"reload"`

	Title          layers.Text            `yaml:"title"` // default: the table's name
	Description    layers.Text            `yaml:"description"`
	Kind           layers.Kind            `yaml:"kind"` // default feature
	VerticalDatum  string                 `yaml:"verticalDatum"`
	Owner          string                 `yaml:"owner"`
	Attribution    string                 `yaml:"attribution"`
	Licence        string                 `yaml:"licence"`
	Provenance     layers.Provenance      `yaml:"provenance"`
	MinZoom        uint8                  `yaml:"minZoom"` // default 0
	MaxZoom        uint8                  `yaml:"maxZoom"` // default 16
	Label          string                 `yaml:"label"`
	ClassBy        string                 `yaml:"classBy"`
	Generalization *layers.Generalization `yaml:"generalization"`
	Style          []byte                 `yaml:"-"`
}
