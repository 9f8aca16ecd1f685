package importers

import (
	"strings"

	"twind/layers"
	"twind/spatial"
)

// decide makes the description of the layer as it will be, and the mode.
func (r *run) decide() error {
	if r.existing == nil {
		if err := r.describeNew(); err != nil {
			return err
		}
	} else if err := r.extend(); err != nil {
		return err
	}
	r.report.Key, r.report.Kind = r.key, r.layer.Kind
	r.report.Geometry.Type = r.layer.GeometryType.String()
	for i := range r.report.Properties {
		if p := r.layer.PropertyIndex(r.report.Properties[i].Name); p >= 0 {
			r.report.Properties[i].Type = r.layer.Schema[p].Type
		}
	}
	identified := r.withID == r.report.Accepted
	mode := r.plan.Mode
	switch {
	case mode == Upsert && !identified:
		return layers.Errorf(layers.ErrInvalid, "%d of %d features have no identifier, so they cannot be matched with those of layer %s; name the property that identifies them with --key", r.report.Accepted-r.withID, r.report.Accepted, r.layer.ID)
	case mode != Choose:
	case r.count == 0:
		mode = Append
	case identified:
		mode = Upsert
	default:
		return layers.Errorf(layers.ErrInvalid, "layer %s holds %d features and the new ones have no identifier to match them by; name the property that identifies them with --key, or choose the mode append (add them) or replace (exchange all)", r.layer.ID, r.count)
	}
	if r.withID > 0 && !identified {
		r.warn("%d of %d features have no identifier and get one", r.report.Accepted-r.withID, r.report.Accepted)
	}
	r.report.Mode = mode
	return nil
}

// describeNew describes a layer that is not there yet.
func (r *run) describeNew() error {
	r.report.Created = true
	multi := false
	for i := range r.sets {
		multi = multi || r.sets[i].multi
	}
	l := layers.Layer{}
	if d := r.plan.Describe; d != nil {
		l = *d
	}
	l.ID, l.CRS = r.plan.Layer, 4326
	if from := r.sets[0].from; from != nil {
		l.SourceCRS = from.Code
		if from.Datum.Name == "CGCS2000" {
			l.CRS = 4490
		}
	}
	if l.GeometryType == spatial.Unknown {
		l.GeometryType = r.geometryType(multi)
	}
	l.HasZ = l.HasZ || r.report.Geometry.HasZ
	named := l.Schema
	l.Schema = nil
	for _, c := range r.columns.list {
		p := layers.Property{Name: c.name, Type: c.valueType()}
		for _, n := range named {
			if n.Name != c.name {
				continue
			}
			p.Title, p.Unit = n.Title, n.Unit
			if n.Type != layers.Null && n.Type != p.Type {
				if !widens(p.Type, n.Type) && c.records > 0 {
					return layers.Errorf(layers.ErrInvalid, "property %s is to be %v, but holds values of type %v", c.name, n.Type, p.Type)
				}
				p.Type = n.Type
			}
		}
		l.Schema = append(l.Schema, p)
	}
	if r.plan.Kind != "" {
		l.Kind = r.plan.Kind
	}
	if l.Kind == "" {
		var names []string
		for _, c := range r.columns.list {
			names = append(names, c.name)
		}
		l.Kind, r.report.KindReason = guessKind(l.GeometryType, l.ID, r.plan.Files, names)
	}
	if t := r.plan.Title; t != nil {
		l.Title = *t
	}
	if l.Title == (layers.Text{}) {
		title := strings.TrimSpace(strings.NewReplacer("_", " ", "-", " ").Replace(string(l.ID)))
		l.Title = layers.Text{EN: strings.ToUpper(title[:1]) + title[1:]}
	}
	if l.MinZoom == 0 && l.MaxZoom == 0 {
		l.MinZoom, l.MaxZoom = zooms(l.Kind, l.GeometryType)
	}
	if l.Label == "" {
		l.Label = guessLabel(l.Schema)
		l.ClassBy = guessClass(l.Kind, l.Schema)
	}
	if r.key != "" {
		l.Key = r.key
	}
	r.layer = l
	if t := l.GeometryType; t != spatial.Unknown {
		for name, n := range r.report.Geometry.Types {
			if g, _ := spatial.ParseType(name); !l.Admits(g) {
				return layers.Errorf(layers.ErrInvalid, "%d features are of type %s, but the layer is to hold %v", n, name, t)
			}
		}
	}
	return l.Validate()
}

// widens tells whether every value of type from can be had as type to.
func widens(from, to layers.ValueType) bool {
	return to == layers.String || from == layers.Integer && to == layers.Number || from == layers.Date && to == layers.DateTime
}

// extend gives an existing layer the properties that it lacks, as the plan says.
func (r *run) extend() error {
	r.layer = *r.existing
	r.layer.Schema = append([]layers.Property(nil), r.existing.Schema...)
	var missing []string
	for _, c := range r.columns.list {
		if r.layer.PropertyIndex(c.name) >= 0 {
			continue
		}
		missing = append(missing, c.name)
		if r.plan.NewProperties == "" || r.plan.NewProperties == AddProperties {
			r.layer.Schema = append(r.layer.Schema, layers.Property{Name: c.name, Type: c.valueType()})
		}
	}
	if len(missing) == 0 {
		return nil
	}
	switch r.plan.NewProperties {
	case RefuseProperties:
		return layers.Errorf(layers.ErrInvalid, "layer %s has no property %s; let the import add or ignore new properties", r.layer.ID, strings.Join(missing, ", "))
	case IgnoreProperties:
		r.report.Ignored = missing
		r.warn("layer %s has no property %s; its values were left out", r.layer.ID, strings.Join(missing, ", "))
		return nil
	}
	r.report.Added = missing
	r.warn("layer %s had no property %s; it was added", r.layer.ID, strings.Join(missing, ", "))
	return r.layer.Validate()
}
