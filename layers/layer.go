package layers

import (
	"time"

	"twind/spatial"
)

// ID names a layer. It matches [a-z0-9][a-z0-9_-]{0,62}.
type ID string

// ParseID checks a layer id; it fails with ErrInvalid.
func ParseID(s string) (ID, error) {
	if !isID(s) {
		if len(s) > 80 {
			s = s[:80] + "…"
		}
		return "", Errorf(ErrInvalid, "layer id %q: use 1 to 63 of a–z, 0–9, _ and -, beginning with a letter or digit", s)
	}
	return ID(s), nil
}

// isID is the pattern of ID, by hand: every tile asks.
func isID(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '_' || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return true
}

// Kind is what a layer's features are in the city; style, zooms and 3D follow it.
type Kind string

// The kinds that have a default style.
const (
	KindBuilding Kind = "building"
	KindPipe     Kind = "pipe"    // pipe segments of any network
	KindNode     Kind = "node"    // manholes, valves, bends and other points of a network
	KindPart     Kind = "part"    // city parts of GB/T 30428.2: lamps, hydrants, covers, cameras
	KindCell     Kind = "cell"    // management grids
	KindStreet   Kind = "street"  // street centre lines
	KindBlock    Kind = "block"   // city blocks and other land
	KindWater    Kind = "water"   // water areas
	KindRail     Kind = "rail"    // railway and subway lines
	KindStation  Kind = "station" // stops and stations
	KindVehicle  Kind = "vehicle" // moving: road vehicles
	KindTrain    Kind = "train"   // moving: trains
	KindSensor   Kind = "sensor"
	KindEvent    Kind = "event"
	KindFeature  Kind = "feature" // anything else
)

// Kinds lists every kind, in drawing order from the ground up.
var Kinds = []Kind{KindBlock, KindWater, KindCell, KindStreet, KindRail, KindPipe, KindBuilding, KindNode, KindPart, KindStation, KindSensor, KindVehicle, KindTrain, KindEvent, KindFeature}

// Text is a text in the two languages of twind; an empty one falls back to the other.
type Text struct {
	ZH string `json:"zh,omitempty" yaml:"zh"`
	EN string `json:"en,omitempty" yaml:"en"`
}

// In is the text in a language: "zh" or anything that begins with it gives
// Chinese, all else English; an empty text falls back to the other.
func (t Text) In(lang string) string {
	zh := len(lang) >= 2 && (lang[:2] == "zh" || lang[:2] == "ZH")
	if zh && t.ZH != "" || t.EN == "" {
		return t.ZH
	}
	return t.EN
}

// Provenance says how a layer's features came to be; the legend shows all but Surveyed.
type Provenance string

// The provenances.
const (
	Surveyed  Provenance = ""          // measured or recorded by its owner
	Generated Provenance = "generated" // made by a program, no such thing exists
	Estimated Provenance = "estimated" // computed from records, such as trains between predicted stops
)

// Property describes one attribute of a layer's features.
type Property struct {
	Name  string    `json:"name"` // as in the source; any Unicode but control characters, at most 255 bytes
	Type  ValueType `json:"type"`
	Title Text      `json:"title,omitzero"` // shown to people; the name where empty
	Unit  string    `json:"unit,omitempty"` // UCUM, such as "m", "mm", "m/s"
}

// Live says how the entities of a live layer age; zero durations take the
// defaults of package realtime.
type Live struct {
	Period   time.Duration `json:"period"`   // expected time between two positions of one entity
	Stale    time.Duration `json:"stale"`    // silence after which an entity is stale
	Offline  time.Duration `json:"offline"`  // silence after which it is offline
	Removed  time.Duration `json:"removed"`  // silence after which it leaves
	MaxSpeed float64       `json:"maxSpeed"` // m/s; faster is a jump, not a movement
}

// Layer describes one layer: a collection of OGC API, a source layer of tiles.
// Geometries are kept in degrees, x = longitude and y = latitude, of CRS
// (docs/decisions), heights in metres of VerticalDatum.
type Layer struct {
	ID             ID              `json:"id"`
	Title          Text            `json:"title"`
	Description    Text            `json:"description,omitzero"`
	Kind           Kind            `json:"kind"`
	GeometryType   spatial.Type    `json:"geometryType"` // Unknown: mixed. A Multi type admits its single type too
	HasZ           bool            `json:"hasZ,omitempty"`
	Schema         []Property      `json:"schema"`
	CRS            int             `json:"crs"`                     // EPSG code of the stored degrees: 4326 or 4490
	SourceCRS      int             `json:"sourceCrs,omitempty"`     // EPSG code of the data as it came, 0 unknown
	VerticalDatum  string          `json:"verticalDatum,omitempty"` // such as "EPSG:5737"; empty: unknown
	Heights        *Heights        `json:"heights,omitempty"`       // how heights stand in 3D; nil: ellipsoidal, and the defaults
	Owner          string          `json:"owner,omitempty"`         // the department that answers for it
	Attribution    string          `json:"attribution,omitempty"`   // who must be named where it is shown
	Licence        string          `json:"licence,omitempty"`
	Provenance     Provenance      `json:"provenance,omitempty"`
	MinZoom        uint8           `json:"minZoom"`                  // first zoom with tiles
	MaxZoom        uint8           `json:"maxZoom"`                  // last zoom with tiles of its own; viewers overzoom
	Label          string          `json:"label,omitempty"`          // property shown as the name; searched
	ClassBy        string          `json:"classBy,omitempty"`        // property that the style and legend tell apart
	Key            string          `json:"key,omitempty"`            // property that identifies a feature in imports
	Style          []byte          `json:"style,omitempty"`          // MapLibre layers (JSON array) that replace the style by kind; nil: by kind
	Generalization *Generalization `json:"generalization,omitempty"` // of tiles below the ungeneralised zoom; nil: by kind
	Live           *Live           `json:"live,omitempty"`           // set: entities come from the hub, the store keeps only this description
	ReadOnly       bool            `json:"readOnly,omitempty"`       // published in place from somebody else's table
}

// Limits of a layer's description.
const (
	MaxProperties   = 1000
	MaxNameBytes    = 255
	MaxFeatureBytes = 64 << 20 // encoded size of one feature in a request or file
)

// Validate reports the first fault of the description; it fails with ErrInvalid.
func (l *Layer) Validate() error {
	if _, err := ParseID(string(l.ID)); err != nil {
		return err
	}
	if l.CRS != 4326 && l.CRS != 4490 {
		return Errorf(ErrInvalid, "layer %s: crs %d: layers are kept in 4326 or 4490; reproject on import", l.ID, l.CRS)
	}
	if l.GeometryType > spatial.GeometryCollection {
		return Errorf(ErrInvalid, "layer %s: geometry type %d is unknown", l.ID, l.GeometryType)
	}
	if len(l.Schema) > MaxProperties {
		return Errorf(ErrInvalid, "layer %s: %d properties; at most %d are possible", l.ID, len(l.Schema), MaxProperties)
	}
	if l.MinZoom > l.MaxZoom || l.MaxZoom > 24 {
		return Errorf(ErrInvalid, "layer %s: zooms %d to %d: expected 0 ≤ min ≤ max ≤ 24", l.ID, l.MinZoom, l.MaxZoom)
	}
	if err := l.Heights.check(l.ID); err != nil {
		return err
	}
	seen := make(map[string]bool, len(l.Schema))
	for _, p := range l.Schema {
		if p.Name == "" || len(p.Name) > MaxNameBytes {
			return Errorf(ErrInvalid, "layer %s: property name %.40q: expected 1 to %d bytes", l.ID, p.Name, MaxNameBytes)
		}
		for _, r := range p.Name {
			if r < ' ' || r == 0x7f || r == 0xfffd {
				return Errorf(ErrInvalid, "layer %s: property name %.40q holds a control character or invalid UTF-8", l.ID, p.Name)
			}
		}
		if p.Type == Null || p.Type > DateTime {
			return Errorf(ErrInvalid, "layer %s: property %q has no type", l.ID, p.Name)
		}
		if seen[p.Name] {
			return Errorf(ErrInvalid, "layer %s: property %q stands twice", l.ID, p.Name)
		}
		seen[p.Name] = true
	}
	if l.Generalization != nil {
		return l.Generalization.validate(l)
	}
	return nil
}

// PropertyIndex is the position of a property in Schema, or −1.
func (l *Layer) PropertyIndex(name string) int {
	for i := range l.Schema {
		if l.Schema[i].Name == name {
			return i
		}
	}
	return -1
}

// Admits tells whether a geometry of type t may stand in the layer: any in a
// mixed layer, the layer's own type, a single in a multi layer, and null everywhere.
func (l *Layer) Admits(t spatial.Type) bool {
	return l.GeometryType == spatial.Unknown || t == spatial.Unknown || t == l.GeometryType || t == l.GeometryType.Single()
}
