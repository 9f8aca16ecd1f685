package realtime

import (
	"time"

	"twind/layers"
	"twind/spatial"
)

// row is one entity of a layer whose mu is held, as filters see it.
type row struct {
	l    *layer
	slot uint32
}

var _ layers.Row = (*row)(nil)

// Property is a value by its place in the layer's schema: those of baseSchema,
// then the entity's own properties, made what the schema says.
func (r *row) Property(i int) layers.Value {
	l, s := r.l, r.slot
	switch i {
	case 0:
		return dateTime(l.e[s].time)
	case 1:
		return dateTime(l.received[s])
	case 2:
		return layers.StringValue(l.e[s].state.String())
	case 3:
		return layers.FloatValue(l.e[s].course)
	case 4:
		return layers.FloatValue(l.e[s].speed)
	case 5:
		return layers.StringValue(l.e[s].flags.Clock())
	}
	return valueIn(l.props[s], &l.desc.Schema[i])
}

// valueIn is a property of an entity's own, null where it has none such.
func valueIn(props []byte, p *layers.Property) layers.Value {
	if props == nil {
		return layers.Value{}
	}
	var found layers.Value
	_ = eachProperty(props, func(name string, v layers.Value) error { // checked when it came
		if name == p.Name {
			found = convert(v, p.Type)
		}
		return nil
	})
	return found
}

func (r *row) point() spatial.Geometry {
	return spatial.NewPoint(r.l.e[r.slot].lon, r.l.e[r.slot].lat)
}

// IntersectsBox implements layers.Row.
func (r *row) IntersectsBox(box spatial.Envelope) layers.Truth {
	return truth(box.ContainsPoint(r.l.e[r.slot].lon, r.l.e[r.slot].lat))
}

// IntersectsGeometry implements layers.Row.
func (r *row) IntersectsGeometry(g *spatial.Geometry) layers.Truth {
	return truth(r.point().Intersects(*g))
}

func truth(b bool) layers.Truth {
	if b {
		return layers.True
	}
	return layers.False
}

func dateTime(ms int64) layers.Value {
	return layers.TextValue(layers.DateTime, time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999Z"))
}

// matcher is a filter and a policy together; nil parts admit everything.
type matcher struct {
	deny         bool
	filter, rows *layers.Matcher
}

// matcher prepares a reader's filter, to which hidden properties are null, and
// the policy's own. Fails with layers.ErrInvalid. Caller holds mu.
func (l *layer) matcher(filter layers.Filter, policy layers.Policy) (m matcher, err error) {
	m.deny = policy.Deny
	if filter != nil {
		if m.filter, err = layers.NewMatcher(&l.desc, filter, policy.Hidden...); err != nil {
			return m, err
		}
	}
	if policy.Rows != nil {
		m.rows, err = layers.NewMatcher(&l.desc, policy.Rows)
	}
	return m, err
}

// admits tells whether the reader may see the entity and asked for it.
func (m *matcher) admits(r *row) bool { return m.admitsRow(r) }

func (m *matcher) admitsRow(r layers.Row) bool {
	return !m.deny && (m.filter == nil || m.filter.Match(r)) && (m.rows == nil || m.rows.Match(r))
}
