package tiles3d

import (
	"context"
	"slices"

	"twind/layers"
	"twind/layers/snapshot"
)

// CutBuilding is a stretch of a section that lies in a building: distances along
// the line, heights above the ground, metres.
type CutBuilding struct {
	Layer  layers.ID `json:"layer"`
	ID     string    `json:"id"`
	Name   string    `json:"name,omitempty"`
	From   float64   `json:"from"`
	To     float64   `json:"to"`
	Base   float64   `json:"base"`
	Height float64   `json:"height"`
}

// cutBuildings adds what the section cuts of a layer of buildings.
func (s *Service) cutBuildings(ctx context.Context, c *cutter, id layers.ID, policies func(layers.ID) layers.Policy) error {
	var policy layers.Policy
	if policies != nil {
		policy = policies(id)
	}
	missing := layers.Errorf(layers.ErrInvalid, "buildings: there is no layer %.63q of buildings", id)
	fit := func(l *layers.Layer) bool { return Has(l) && l.Kind == layers.KindBuilding }
	return s.visit(ctx, id, policy, c.line.box(0), fit, missing, func(l *layers.Layer, hidden []string) func(*snapshot.Segment, int) error {
		t := textsOf(l, hidden)
		m := newBuildingModel(l, &site{hidden: hidden, ground: c.ground, relative: true})
		return func(s *snapshot.Segment, i int) error { return c.building(m, &t, l, s, i) }
	})
}

// building adds the stretches of the line within a footprint.
func (c *cutter) building(m *buildingModel, t *texts, l *layers.Layer, s *snapshot.Segment, i int) error {
	if !m.drawn(s, i) {
		return nil
	}
	for leg := range len(c.line.at) - 1 {
		c.inside(leg, s, i)
		for k := 1; k < len(c.shares); k += 2 {
			if len(c.buildings) == maxCrossings {
				return layers.Errorf(layers.ErrInvalid, "line: it meets more than %d buildings; draw a shorter one", maxCrossings)
			}
			from, _, _ := c.line.place(leg, c.shares[k-1])
			to, _, _ := c.line.place(leg, c.shares[k])
			if to-from < 0.01 {
				continue
			}
			h, named := m.heights(s, i), t.item(l, s, i)
			c.buildings = append(c.buildings, CutBuilding{
				Layer: l.ID, ID: named.ID, Name: named.Name, From: from, To: to, Base: h.bottom, Height: h.top,
			})
		}
	}
	return nil
}

// inside finds the shares of a leg at which it enters and leaves a footprint, in
// order: an even number of them.
func (c *cutter) inside(leg int, s *snapshot.Segment, i int) {
	e := c.line.xy[2*leg : 2*leg+4]
	c.shares = c.shares[:0]
	begins, ends := false, false
	for p := s.FeaturePath[i]; p < s.FeaturePath[i+1]; p++ {
		if k := s.PathKinds[p]; k != snapshot.PathShell && k != snapshot.PathHole {
			continue
		}
		for v := int(s.PathVertex[p]) + 1; v < int(s.PathVertex[p+1]); v++ {
			q := s.Exact()[2*v-2 : 2*v+2]
			begins = begins != right(q, e[0], e[1])
			ends = ends != right(q, e[2], e[3])
			a, b := turn(e[0], e[1], e[2], e[3], q[0], q[1]), turn(e[0], e[1], e[2], e[3], q[2], q[3])
			if a > 0 == (b > 0) {
				continue
			}
			f, g := turn(q[0], q[1], q[2], q[3], e[0], e[1]), turn(q[0], q[1], q[2], q[3], e[2], e[3])
			if share := f / (f - g); share > 0 && share < 1 {
				c.shares = append(c.shares, share)
			}
		}
	}
	slices.Sort(c.shares)
	if begins {
		c.shares = slices.Insert(c.shares, 0, 0)
	}
	if ends {
		c.shares = append(c.shares, 1)
	}
	c.shares = c.shares[:len(c.shares)/2*2]
}

// right tells whether an edge crosses the parallel of a position to the east of it.
func right(edge []float64, lon, lat float64) bool {
	return (edge[1] > lat) != (edge[3] > lat) && lon < edge[0]+(lat-edge[1])/(edge[3]-edge[1])*(edge[2]-edge[0])
}
