package sensorthings

import (
	"context"
	"slices"
)

// page is a part of a collection.
type page struct {
	rows  []*entity
	count int // of all that the filter lets through; only with $count
	more  bool
}

// query finds the page of the entities of a kind with those ids.
func (s *Store) query(ctx context.Context, k kind, ids []int64, o *options) (page, error) {
	if err := ctx.Err(); err != nil {
		return page{}, err
	}
	if o.filter == nil && o.orderBy == nil {
		from := min(o.skip, len(ids))
		to := min(from+o.top, len(ids))
		p := page{count: len(ids), more: to < len(ids)}
		for _, id := range ids[from:to] {
			p.rows = append(p.rows, s.find(k, id))
		}
		return p, nil
	}
	rows, err := s.filtered(ctx, k, ids, o)
	if err != nil {
		return page{}, err
	}
	if o.orderBy != nil {
		s.order(ctx, rows, o.orderBy)
	}
	from := min(o.skip, len(rows))
	to := min(from+o.top, len(rows))
	return page{rows: rows[from:to], count: len(rows), more: to < len(rows)}, nil
}

// filtered are the entities that $filter lets through: no more than the page and
// one when nobody asks for their order or number.
func (s *Store) filtered(ctx context.Context, k kind, ids []int64, o *options) ([]*entity, error) {
	c := &evaluation{s: s, ctx: ctx}
	enough := len(ids)
	if o.orderBy == nil && !o.count {
		enough = o.skip + o.top + 1
	}
	var rows []*entity
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e := s.find(k, id)
		if o.filter != nil && !isTrue(o.filter(c, e)) {
			continue
		}
		if rows = append(rows, e); len(rows) >= enough {
			break
		}
	}
	return rows, ctx.Err() // a predicate that ran out of time is not false
}

// order sorts; entities without a value come first, then by id.
func (s *Store) order(ctx context.Context, rows []*entity, by []order) {
	type keyed struct {
		e    *entity
		keys []value
	}
	c := &evaluation{s: s, ctx: ctx}
	list := make([]keyed, len(rows))
	for i, e := range rows {
		list[i] = keyed{e, make([]value, len(by))}
		for j := range by {
			list[i].keys[j] = by[j].by(c, e)
		}
	}
	slices.SortStableFunc(list, func(a, b keyed) int {
		for j := range by {
			d := compareKeys(a.keys[j], b.keys[j])
			if by[j].desc {
				d = -d
			}
			if d != 0 {
				return d
			}
		}
		return 0
	})
	for i := range list {
		rows[i] = list[i].e
	}
}

func compareKeys(a, b value) int {
	if a.typ == typeNull || b.typ == typeNull {
		return int(min(a.typ, 1)) - int(min(b.typ, 1))
	}
	if a.typ != b.typ { // one order for values of several types
		return int(a.typ) - int(b.typ)
	}
	d, _ := compareSame(a, b)
	return d
}
