package pyramid

import (
	"cmp"
	"slices"

	"twind/layers/snapshot"
)

// polygon is one that is drawn by itself.
type polygon struct {
	candidate
	area float64 // as the layer has it
}

// limitPolygons orders the polygons, the largest first, and merges those beyond
// what a cell may hold.
func (b *builder) limitPolygons() {
	slices.SortStableFunc(b.polygons, func(x, y polygon) int { return cmp.Compare(y.area, x.area) })
	for n := len(b.polygons); n > b.s.limits.polygons; n-- {
		p := b.polygons[n-1]
		count := uint32(1)
		if in := b.inputs[p.input]; in.cell != nil {
			count = in.cell.Count[p.feature]
		}
		b.merge(p.candidate, p.area, count)
		b.polygons = b.polygons[:n-1]
	}
}

// drawPolygons simplifies within half a pixel, or as much more as the bound of
// vertices asks for. What less than a triangle is left of is merged.
func (b *builder) drawPolygons() {
	factor := 1.0
	for b.countVertices(factor) > b.s.limits.vertices && factor < 1<<12 {
		factor *= 2
	}
	for _, p := range b.polygons {
		b.geom.reset()
		shells := b.simplified(p.candidate, factor)
		if shells == 0 {
			b.merge(p.candidate, p.area, 1)
			continue
		}
		b.put(RoleFeature, p.candidate, 1, p.area, func(column int) uint32 { return b.value(p.candidate, column) })
	}
}

// countVertices is what all polygons come to.
func (b *builder) countVertices(factor float64) (n int) {
	raw := 0
	for _, p := range b.polygons {
		lo, hi := b.inputs[p.input].seg.Vertices(int(p.feature))
		raw += hi - lo
	}
	if raw <= b.s.limits.vertices {
		return raw
	}
	for _, p := range b.polygons {
		b.geom.reset()
		b.simplified(p.candidate, factor)
		n += len(b.geom.xy) / 2
	}
	return n
}

// simplified appends a feature's paths to the geometry at hand and counts the
// shells that are left. Parts and holes below a quarter of a square pixel are left
// out, if a larger shell stays.
func (b *builder) simplified(c candidate, factor float64) (shells int) {
	in, g := b.inputs[c.input], &b.geom
	step := snapUnits * unit(b.z) * uint64(factor)
	tolerance := pixel(b.z) / 2 * factor
	least := pixel(b.z) * pixel(b.z) / 4
	alone := in.shells(c.feature) == 1
	open := false // the last shell is drawn
	for p := in.seg.FeaturePath[c.feature]; p < in.seg.FeaturePath[c.feature+1]; p++ {
		xy := in.path(p)
		switch kind := in.seg.PathKinds[p]; kind {
		case snapshot.PathShell:
			if open = (alone || ringArea(xy) >= least) && g.ring(kind, xy, b.pinned(in, p, xy), step, tolerance); open {
				shells++
			}
		case snapshot.PathHole:
			if open && ringArea(xy) >= least {
				g.ring(kind, xy, b.pinned(in, p, xy), step, tolerance)
			}
		case snapshot.PathLine:
			g.line(xy, step, tolerance)
		case snapshot.PathPoints:
			for i := 0; i+1 < len(xy); i += 2 {
				g.xy = append(g.xy, round(xy[i], step), round(xy[i+1], step))
			}
			if len(xy) > 0 {
				g.close(kind)
			}
		}
	}
	return shells
}

func (in *input) shells(f uint32) (n int) {
	for p := in.seg.FeaturePath[f]; p < in.seg.FeaturePath[f+1]; p++ {
		if in.seg.PathKinds[p] == snapshot.PathShell {
			n++
		}
	}
	return n
}
