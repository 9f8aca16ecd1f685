package tiles

import (
	"context"
	"slices"
	"strings"

	"twind/layers"
	"twind/layers/pyramid"
	"twind/layers/snapshot"
	"twind/spatial/tile"
)

// Pyramids finds what tiles below the ungeneralised zoom show: a *pyramid.Catalog.
type Pyramids interface {
	// Find finds the cells of the tile's zoom that meet its box, as new as the
	// view is there; false when there are none to be had.
	Find(ctx context.Context, v pyramid.Reader, id tile.ID, box tile.WorldBox) (pyramid.Found, bool)
}

// generalized is what was found for each of a request's layers; nil for none.
type generalized []foundCells

type foundCells struct {
	pyramid.Found
	ok bool
}

func (g generalized) has(i int) bool { return i < len(g) && g[i].ok }

// generalized finds the cells of the layers that are below their ungeneralised
// zoom. Requests that see less than the whole layer never get those that all share.
func (s *Service) generalized(ctx context.Context, r *Request, views viewList) generalized {
	if s.o.Pyramids == nil || r.Exact || r.Filter != nil {
		return nil
	}
	var list generalized
	for i, v := range views {
		l, policy := v.Layer(), r.policy(i)
		if r.Tile.Z >= FullZoom(l) || r.Tile.Z < l.MinZoom || policy.Rows != nil || hides(l, policy) {
			continue
		}
		if list == nil {
			list = make(generalized, len(views))
		}
		list[i].Found, list[i].ok = s.o.Pyramids.Find(ctx, v, r.Tile, Box(r.Tile))
	}
	return list
}

// hides tells whether a policy hides a property that the cells follow from.
func hides(l *layers.Layer, p layers.Policy) bool {
	return len(p.Hidden) > 0 && slices.ContainsFunc(pyramid.Uses(l), func(name string) bool { return slices.Contains(p.Hidden, name) })
}

// shownCell is a cell with its columns in the order of the source's schema.
type shownCell struct {
	*pyramid.Cell
	segment *snapshot.Segment
}

// take makes the source show cells. properties are those of the request.
func (p *sourcePlan) take(found *pyramid.Found, properties []string) error {
	cells, err := found.Cells()
	if err != nil {
		return err
	}
	p.dropped = found.Dropped(cells)
	at := map[string]int{}
	for c := range p.layer.Schema {
		at[p.layer.Schema[c].Name] = c
	}
	p.schema = slices.Clone(p.layer.Schema)
	for _, c := range cells {
		for _, name := range c.Names {
			if _, ok := at[name]; !ok && carriesDerived(name, p.layer, properties) {
				at[name] = len(p.schema)
				p.columns = append(p.columns, len(p.schema))
				p.schema = append(p.schema, layers.Property{Name: name, Type: layers.Integer})
			}
		}
	}
	p.cells = make([]shownCell, 0, len(cells))
	for _, c := range cells {
		s := c.Segment
		nulls := make([]uint32, s.N)
		s.Columns = make([][]uint32, len(p.schema))
		for k := range s.Columns {
			s.Columns[k] = nulls
		}
		for k, name := range c.Names {
			if to, ok := at[name]; ok {
				s.Columns[to] = c.Segment.Columns[k]
			}
		}
		p.cells = append(p.cells, shownCell{c, &s})
	}
	return nil
}

// carriesDerived tells whether a tile with some properties of the layer carries a
// derived one: none with no properties at all, and counts by class with the class.
func carriesDerived(name string, l *layers.Layer, properties []string) bool {
	switch {
	case properties == nil:
		return true
	case strings.HasPrefix(name, pyramid.CountPrefix):
		return slices.Contains(properties, l.ClassBy)
	}
	return len(properties) > 0
}

// findCells fills runs with what a tile's box leaves of cells.
func (w *worker) findCells(source int, cells []shownCell, box tile.WorldBox) {
	for _, c := range cells {
		lo := len(w.features)
		w.features = c.Search(box, w.features)
		if len(w.features) > lo {
			w.runs = append(w.runs, selected{source, c.segment, lo, len(w.features)})
		}
	}
}
