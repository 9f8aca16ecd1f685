package geojson

import (
	"twind/layers"
	"twind/spatial"
)

// ApplyMergePatch applies a JSON Merge Patch (RFC 7396) to the GeoJSON form of
// f, a feature of l, and returns the feature that results; f stays as it is. A
// property set to null loses its value; a geometry is merged member by member,
// so coordinates alone keep the type. The id cannot change. It fails with
// layers.ErrInvalid, naming the place.
func ApplyMergePatch(l *layers.Layer, f *layers.Feature, patch []byte) (*layers.Feature, error) {
	if err := tooLong(patch); err != nil {
		return nil, err
	}
	out := &layers.Feature{ID: f.ID, Geometry: f.Geometry.Clone(), Revision: f.Revision, Properties: make([]layers.Value, len(l.Schema))}
	copy(out.Properties, f.Properties)
	r := reader{scanner: scanner{b: patch}, degrees: true}
	err := r.patch(l, out)
	if err == nil {
		err = r.end()
	}
	if err == nil {
		err = admitted(l, &out.Geometry)
	}
	if err != nil {
		return nil, invalid(err)
	}
	return out, nil
}

func (r *reader) patch(l *layers.Layer, f *layers.Feature) error {
	if r.peek() != '{' {
		return faultf("expected an object with the members to change, such as {\"properties\":{…}}, found %s", r.found())
	}
	more, err := r.open('{', '}')
	for more && err == nil {
		name, err := r.key()
		if err != nil {
			return err
		}
		switch name {
		case "type":
			var raw []byte
			if raw, err = r.raw(); err == nil && string(raw) != `"Feature"` {
				err = at(faultf("the type of a feature cannot change"), "type")
			}
		case "id":
			var id string
			if id, err = r.id(); err == nil && id != f.ID {
				err = faultf("the id of a feature cannot change (it is %s)", quoted(f.ID))
			}
			err = wrap(err, "id")
		case "geometry":
			switch r.peek() {
			case 'n':
				if err = r.literal("null"); err == nil {
					f.Geometry = spatial.Geometry{}
				}
			case '{':
				err = r.patchGeometry(&f.Geometry)
			default:
				err = faultf("expected a geometry object or null, found %s", r.found())
			}
			err = wrap(err, "geometry")
		case "properties":
			switch r.peek() {
			case 'n':
				if err = r.literal("null"); err == nil {
					clear(f.Properties)
				}
			case '{':
				err = r.bySchema(l, f.Properties)
			default:
				err = faultf("expected an object of properties, found %s", r.found())
			}
			err = wrap(err, "properties")
		case "links", "bbox":
			err = r.skip(0)
		default:
			err = at(faultf("a feature has no such member to change; it has geometry and properties"), string(append([]byte(nil), name...)))
		}
		if err != nil {
			return err
		}
		if more, err = r.next('}', "patch"); err != nil {
			return err
		}
	}
	return err
}

func wrap(err error, elem string) error {
	if err == nil {
		return nil
	}
	return at(err, elem)
}

// patchGeometry merges a geometry object into g: what it lacks is taken from g.
func (r *reader) patchGeometry(g *spatial.Geometry) error {
	start := r.i
	var have struct{ typ, coordinates, geometries bool }
	more, err := r.open('{', '}')
	for more && err == nil {
		name, err := r.key()
		if err != nil {
			return err
		}
		null := r.peek() == 'n'
		switch name {
		case "type":
			have.typ = true
		case "coordinates":
			have.coordinates = true
		case "geometries":
			have.geometries = true
		}
		if null && (name == "type" || name == "coordinates" || name == "geometries") {
			return at(faultf("a geometry cannot lose it; set the geometry itself to null"), string(append([]byte(nil), name...)))
		}
		if err := r.skip(0); err != nil {
			return err
		}
		if more, err = r.next('}', "geometry"); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	end := r.i
	whole := r.b[start:end]
	if !(have.typ && (have.coordinates || have.geometries)) && !g.IsNull() {
		// Merge: the patch's members first, then those of the old geometry that it does not name.
		merged := append([]byte(nil), whole[:len(whole)-1]...)
		if !have.typ {
			merged = appendMember(merged, `"type":"`+g.Type.String()+`"`)
		}
		if !have.coordinates && !have.geometries {
			old := AppendGeometry(nil, *g)
			merged = appendMember(merged, string(old[len(`{"type":"","`)+len(g.Type.String())-1:len(old)-1]))
		}
		whole = append(merged, '}')
	}
	in := reader{scanner: scanner{b: whole}, degrees: true}
	var out spatial.Geometry
	if err := in.geometry(&out, 0); err != nil {
		return err
	}
	*g = out
	r.i = end
	return nil
}

func appendMember(dst []byte, member string) []byte {
	for i := len(dst) - 1; i >= 0; i-- {
		switch dst[i] {
		case ' ', '\n', '\r', '\t':
			continue
		case '{':
		default:
			dst = append(dst, ',')
		}
		break
	}
	return append(dst, member...)
}
