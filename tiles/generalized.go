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
	// own: the request sees less than the whole layer, and gets a cell of its own
	// that is made of the features within reach.
	own   bool
	reach tile.WorldBox
}

func (g generalized) has(i int) bool { return i < len(g) && g[i].ok }

func (g generalized) own(i int) bool { return i < len(g) && g[i].own }

// generalized finds the cells of the layers that are below their ungeneralised
// zoom. Requests that see less than the whole layer never get those that all share.
func (s *Service) generalized(ctx context.Context, r *Request, views viewList) generalized {
	if s.o.Pyramids == nil || r.Exact {
		return nil
	}
	var list generalized
	for i, v := range views {
		l, policy := v.Layer(), r.policy(i)
		if r.Tile.Z >= FullZoom(l) || r.Tile.Z < l.MinZoom {
			continue
		}
		if list == nil {
			list = make(generalized, len(views))
		}
		f := &list[i]
		if r.Filter != nil || policy.Rows != nil || hides(l, policy) {
			f.own, f.reach = true, pyramid.Reach(l, r.Tile.Z, Box(r.Tile))
			continue
		}
		f.Found, f.ok = s.o.Pyramids.Find(ctx, v, r.Tile, Box(r.Tile))
	}
	return list
}

// key names what was found for a layer, or the features that it is made of.
func (g generalized) key(w *KeyWriter, i int, v View, box tile.WorldBox) {
	switch {
	case g.has(i):
		w.Number(1)
		g[i].Key(func(b []byte) { w.Text(string(b)) })
		return
	case g.own(i):
		w.Number(2)
		box = g[i].reach
	default:
		w.Number(0)
	}
	w.Number(uint64(v.TileRevision(box)))
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

// take makes the source show what was found. properties are those of the request.
func (p *sourcePlan) take(found *pyramid.Found, properties []string) error {
	cells, err := found.Cells()
	if err == nil {
		p.dropped = found.Dropped(cells)
		p.show(cells, properties)
	}
	return err
}

// make makes the source show a cell of the rows that match.
func (p *sourcePlan) make(v View, r *Request, hidden []string) error {
	cell, err := pyramid.Own(v, r.Tile, Box(r.Tile), hidden, func(s *snapshot.Segment, i int) bool { return p.match == nil || p.match.passes(s, i) })
	if err == nil {
		p.dropped = int(cell.Dropped)
		p.show([]*pyramid.Cell{cell}, r.Properties)
	}
	return err
}

// show makes the source show cells.
func (p *sourcePlan) show(cells []*pyramid.Cell, properties []string) {
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
