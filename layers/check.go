package layers

import (
	"strings"
	"unicode/utf8"
)

// CheckFeature tests what every store refuses: an id, a geometry or a property
// that does not fit the layer. It fails with ErrInvalid. An empty id passes.
func CheckFeature(l *Layer, f *Feature) error {
	if f.ID != "" {
		if err := CheckFeatureID(f.ID); err != nil {
			return err
		}
	}
	if !l.Admits(f.Geometry.Type) {
		return Errorf(ErrInvalid, "a %v in layer %s, which holds %v", f.Geometry.Type, l.ID, l.GeometryType)
	}
	if err := f.Geometry.Check(); err != nil {
		return Errorf(ErrInvalid, "%w", err)
	}
	if e := f.Geometry.Envelope(); !e.IsEmpty() && (e.MinX < -180 || e.MaxX > 180 || e.MinY < -90 || e.MaxY > 90) {
		return Errorf(ErrInvalid, "the geometry reaches %v, outside longitude ±180 and latitude ±90 degrees", e)
	}
	if err := f.Surfaces.Check(); err != nil {
		return err
	}
	if len(f.Properties) != len(l.Schema) {
		return Errorf(ErrInvalid, "%d properties for layer %s, which has %d", len(f.Properties), l.ID, len(l.Schema))
	}
	for i, v := range f.Properties {
		want := l.Schema[i].Type
		if t := v.Type(); t != Null && t != want && !(want == Number && t == Integer) {
			return Errorf(ErrInvalid, "property %q is %v, expected %v", l.Schema[i].Name, t, want)
		}
		if s := v.Text(); !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
			return Errorf(ErrInvalid, "property %q holds text that is not UTF-8 or has a zero byte: %.40q", l.Schema[i].Name, s)
		}
	}
	return nil
}
