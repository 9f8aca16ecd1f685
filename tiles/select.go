package tiles

import (
	"math"
	"slices"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/tile"
)

// FullZoom is the first zoom at which a layer's tiles are ungeneralised: they
// carry every feature with every vertex that the grid can tell apart, unless the
// tile would be too large. Below it they show the layer's pyramid (package
// pyramid); where there is none, coordinates are coarsened to a quarter of a pixel
// and what is smaller than a pixel is left out.
func FullZoom(l *layers.Layer) uint8 { return l.FullZoom() }

// generalization says how a layer is reduced at a zoom. The zero value keeps all.
type generalization struct {
	coarsen uint8   // see Source.Coarsen
	minimum float32 // least measure of a feature; see measure
}

func generalizationAt(l *layers.Layer, z uint8) generalization {
	full := FullZoom(l)
	if z >= full {
		return generalization{}
	}
	side := float32(pixel) * float32(gridUnit(z))
	return generalization{coarsen: 1, minimum: side * side}
}

// gridUnit is the width of a grid unit of zoom z in world units.
func gridUnit(z uint8) float64 { return math.Ldexp(1, 32-12-int(z)) }

// worker is the memory of one rendering.
type worker struct {
	encoder  Encoder
	features []uint32 // of all runs, one after the other
	runs     []selected
	measures []float32
	sources  []Source
	runList  []Run
	raw      []byte
}

// selected is the features of one segment that a tile shows: features[lo:hi] of
// the worker.
type selected struct {
	source  int
	segment *snapshot.Segment
	lo, hi  int
}

// find fills runs with what the tile's box and the filters leave of the layers.
func (w *worker) find(plan *plan, views viewList, box tile.WorldBox) {
	w.features, w.runs = w.features[:0], w.runs[:0]
	for i, v := range views {
		if !plan.sources[i].shown {
			continue
		}
		if cells := plan.sources[i].cells; cells != nil {
			w.findCells(i, cells, box)
			continue
		}
		segments := v.Segments()
		for k := range segments {
			s := &segments[k]
			lo := len(w.features)
			w.features = s.Search(box, w.features)
			if match := plan.sources[i].match; match != nil {
				w.keep(lo, func(f uint32) bool { return match.passes(s.Segment, int(f)) })
			}
			if len(w.features) > lo {
				w.runs = append(w.runs, selected{i, s.Segment, lo, len(w.features)})
			}
		}
	}
}

// keep filters the features from lo on.
func (w *worker) keep(lo int, f func(uint32) bool) {
	kept := w.features[:lo]
	for _, i := range w.features[lo:] {
		if f(i) {
			kept = append(kept, i)
		}
	}
	w.features = kept
}

// count is the number of features in the runs.
func (w *worker) count() (n int) {
	for _, r := range w.runs {
		n += r.hi - r.lo
	}
	return n
}

// dropTiny leaves out the polygons that measure less than their source's minimum,
// and reports how many. Lines and points stay: a street is a chain of short lines.
func (w *worker) dropTiny(plan *plan) (dropped int) {
	return w.drop(func(r *selected, f uint32) bool {
		least := plan.sources[r.source].reduce.minimum
		return least > 0 && spatial.Type(r.segment.Type[f]).Dimension() == 2 && measure(r.segment, f) < least
	})
}

// drop leaves features out of each run, and reports how many.
func (w *worker) drop(out func(*selected, uint32) bool) (dropped int) {
	for k := range w.runs {
		r := &w.runs[k]
		n := r.lo
		for _, f := range w.features[r.lo:r.hi] {
			if !out(r, f) {
				w.features[n] = f
				n++
			}
		}
		dropped += r.hi - n
		r.hi = n
	}
	return dropped
}

// dropSmallest leaves out all but about the share largest features of all runs
// together, but keeps one; it reports how many.
func (w *worker) dropSmallest(share float64, z uint8) (dropped int) {
	side := float32(symbolWidth * gridUnit(z))
	rank := func(s *snapshot.Segment, f uint32) float32 {
		luck := float32(chance(s.ID(int(f)), s.Box[f]))
		if spatial.Type(s.Type[f]).Dimension() == 0 {
			return side * side * luck // points all look alike
		}
		return measure(s, f) * (1 + luck/32) // so that equal ones differ
	}
	w.measures = w.measures[:0]
	for _, r := range w.runs {
		for _, f := range w.features[r.lo:r.hi] {
			w.measures = append(w.measures, rank(r.segment, f))
		}
	}
	n := len(w.measures)
	if n < 2 {
		return 0
	}
	slices.Sort(w.measures)
	least := w.measures[max(1, min(n-1, int(math.Ceil(float64(n)*(1-share)))))]
	return w.drop(func(r *selected, f uint32) bool { return rank(r.segment, f) < least })
}

// symbolWidth is the width of a point's symbol in grid units.
const symbolWidth = 8 * pixel

// measure is what a line or polygon takes on the map: the area of its box in
// square world units; of a line the square of its length at a quarter of the
// weight, since it is read although it is thin.
func measure(s *snapshot.Segment, f uint32) float32 {
	b := &s.Box[f]
	w, h := float32(b.MaxX-b.MinX), float32(b.MaxY-b.MinY)
	if spatial.Type(s.Type[f]).Dimension() == 1 {
		return (w*w + h*h) / 4
	}
	return w * h
}

// chance is a number in [0, 1) that depends on the id (FNV-1a) or, without one, on
// the place alone.
func chance(id []byte, place tile.WorldBox) float64 {
	h := uint64(14695981039346656037)
	if len(id) == 0 {
		h ^= (uint64(place.MinX)<<32 | uint64(place.MinY)) * 1099511628211
	}
	for _, c := range id {
		h = (h ^ uint64(c)) * 1099511628211
	}
	h ^= h >> 29
	h *= 0x9E3779B97F4A7C15
	return float64(h>>11) / (1 << 53)
}

// arrange makes the encoder's sources of the runs.
func (w *worker) arrange(plan *plan) []Source {
	w.sources, w.runList = w.sources[:0], w.runList[:0]
	for _, r := range w.runs { // all runs first, for the slices of a list that stays
		w.runList = append(w.runList, Run{r.segment, w.features[r.lo:r.hi]})
	}
	for k := 0; k < len(w.runs); {
		end := k + 1
		for end < len(w.runs) && w.runs[end].source == w.runs[k].source {
			end++
		}
		p := &plan.sources[w.runs[k].source]
		w.sources = append(w.sources, Source{
			Name: string(p.layer.ID), Schema: p.schema, Columns: p.columns,
			Runs: w.runList[k:end], Coarsen: p.reduce.coarsen,
		})
		k = end
	}
	return w.sources
}
