package district

import (
	"iter"

	"twind/layers"
)

// District is a generated district. It is immutable and safe for concurrent use.
type District struct {
	plan    *plan
	grid    *grid
	blocks  []block
	network *network
}

// New plans a district with its pipes; it fails with layers.ErrInvalid. Its
// memory grows with the length of its pipes, the other layers are made as they
// are read.
func New(o Options) (*District, error) {
	o.EnsureDefaults()
	if err := o.Validate(); err != nil {
		return nil, err
	}
	d := &District{plan: newPlan(o)}
	d.grid = newGrid(d.plan)
	d.blocks = d.plan.blocks()
	d.network = newNetwork(d.plan)
	return d, nil
}

// Features yields the features of one of the district's layers, always the same
// in the same order; none for an id that is not one of them. The caller owns
// them.
func (d *District) Features(id layers.ID) iter.Seq[*layers.Feature] {
	switch id {
	case Streets:
		return d.streets
	case Blocks:
		return d.blockFeatures
	case Cells:
		return d.cells
	case Buildings:
		return d.buildings
	case Pipes:
		return d.pipes
	case Nodes:
		return d.nodes
	case Parts:
		return d.parts
	}
	return func(func(*layers.Feature) bool) {}
}

// Count is the number of features of a layer. It makes them all.
func (d *District) Count(id layers.ID) int64 {
	n := int64(0)
	for range d.Features(id) {
		n++
	}
	return n
}
