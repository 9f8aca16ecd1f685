package realtime

import (
	"math"
	"time"

	"twind/layers"
	"twind/spatial"
)

// Past shows recorded positions of a layer to one reader, by the reader's rights
// and by the same rules for states as the present. It is used by one goroutine.
type Past struct {
	live    layers.Live
	states  silences
	policy  layers.Policy
	matcher matcher
	row     pastRow
}

// Past prepares to show a live layer's recorded positions. Fails with
// layers.ErrNotFound, also for a reader who may not know the layer.
func (h *Hub) Past(id layers.ID, policy layers.Policy) (*Past, error) {
	l, err := h.layer(id)
	if err != nil {
		return nil, err
	}
	if policy.Deny {
		return nil, layers.Errorf(layers.ErrNotFound, "no live layer %q", id)
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	m, err := l.matcher(nil, policy)
	if err != nil {
		return nil, err
	}
	return &Past{live: l.live, states: l.states, policy: policy, matcher: m, row: pastRow{schema: l.desc.Schema}}, nil
}

// Live is the layer's times, without zeros.
func (p *Past) Live() layers.Live { return p.live }

// Show tells whether the reader may see a position, and takes from it what is
// hidden from the reader.
func (p *Past) Show(b *Believed, s State) bool {
	p.row.b, p.row.state = b, s
	if !p.matcher.admitsRow(&p.row) {
		return false
	}
	b.Properties = withoutHidden(b.Properties, p.policy.Hidden)
	for _, name := range p.policy.Hidden {
		switch name {
		case "course":
			b.Course = math.NaN()
		case "speed":
			b.Speed = math.NaN()
		case "clock":
			b.Flags = 0
		}
	}
	return true
}

// State is what an entity's state was at a moment, if b was its latest position
// then; gone says that it had left.
func (p *Past) State(b *Believed, at time.Time) (s State, gone bool) {
	s = p.states.after(at.UnixMilli() - b.Received)
	return s, s == stateGone
}

// pastRow is a recorded position as policies see it.
type pastRow struct {
	schema []layers.Property
	b      *Believed
	state  State
}

var _ layers.Row = (*pastRow)(nil)

// Property implements layers.Row, as row.Property does.
func (r *pastRow) Property(i int) layers.Value {
	switch i {
	case 0:
		return dateTime(r.b.Time)
	case 1:
		return dateTime(r.b.Received)
	case 2:
		return layers.StringValue(r.state.String())
	case 3:
		return layers.FloatValue(r.b.Course)
	case 4:
		return layers.FloatValue(r.b.Speed)
	case 5:
		return layers.StringValue(r.b.Flags.Clock())
	}
	return valueIn(r.b.Properties, &r.schema[i])
}

// IntersectsBox implements layers.Row.
func (r *pastRow) IntersectsBox(box spatial.Envelope) layers.Truth {
	return truth(box.ContainsPoint(r.b.Lon, r.b.Lat))
}

// IntersectsGeometry implements layers.Row.
func (r *pastRow) IntersectsGeometry(g *spatial.Geometry) layers.Truth {
	return truth(spatial.NewPoint(r.b.Lon, r.b.Lat).Intersects(*g))
}
