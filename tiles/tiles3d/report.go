package tiles3d

import (
	"strings"

	"twind/layers/snapshot"
)

// Fault is what is wrong with a feature, in words for the layer's report.
type Fault string

// The faults. Features with the first ones are drawn as well as they can be, those
// with the others are left out.
const (
	FaultNoHeight  Fault = "no height: drawn with an assumed one"
	FaultHeight    Fault = "height not credible (negative, zero or above 1500 m): drawn with another"
	FaultBase      Fault = "base not credible (negative or above the height): drawn from the ground"
	FaultShape     Fault = "rings cross, touch or have spikes: the area drawn differs"
	FaultNoArea    Fault = "no area: left out"
	FaultCoords    Fault = "a coordinate is not a number: left out"
	FaultNoShape   Fault = "no geometry, or none of the layer's kind: left out"
	FaultNoDepth   Fault = "no elevation: drawn at the layer's cover"
	FaultNoGround  Fault = "ground not known: drawn without it"
	FaultElevation Fault = "elevation not credible: drawn without it"
	FaultOneEnd    Fault = "elevation of one end only: drawn level"
	FaultSize      Fault = "size not credible: drawn with a usual one"
	FaultNoLength  Fault = "no length: left out"
	FaultSection   Fault = "section not credible (above 20 m): drawn with another"
	FaultNoSection Fault = "no section: drawn with an assumed one"
	FaultBody      Fault = "faces of the body cannot be drawn: drawn from its footprint"
	FaultFace      Fault = "rings of a face cross, or it is not flat: drawn as well as it can be"
	FaultFlat      Fault = "a face has no area: drawn without it"
	FaultTooMany   Fault = "more features in one cell than a content may hold: left out"
)

// Report names the features of a layer that are not drawn as recorded.
type Report struct {
	Layer    string       `json:"layer"`
	Revision string       `json:"revision"`
	Features int          `json:"features"` // of the layer, as far as the reader sees them and they match
	Drawn    int          `json:"drawn"`
	Faults   []FaultCount `json:"faults"`
}

// FaultCount is one line of a report.
type FaultCount struct {
	Fault Fault    `json:"fault"`
	Count int      `json:"count"`
	IDs   []string `json:"ids"` // of the first maxNamed
}

// maxNamed is the number of features that a report names for a fault.
const maxNamed = 100

// faults collects a report. The zero value is ready.
type faults struct {
	order []Fault
	by    map[Fault]*FaultCount
}

func (f *faults) add(what Fault, id []byte) {
	if what == "" {
		return
	}
	c := f.by[what]
	if c == nil {
		if f.by == nil {
			f.by = map[Fault]*FaultCount{}
		}
		c = &FaultCount{Fault: what, IDs: []string{}}
		f.by[what] = c
		f.order = append(f.order, what)
	}
	c.Count++
	if len(c.IDs) < maxNamed {
		c.IDs = append(c.IDs, string(id))
	}
}

// report draws every feature that matches once, without writing it, and lists what
// was wrong.
func (w *worker) report(v View, st *state, match *snapshot.Match) *Report {
	var f faults
	out := &Report{Layer: string(v.Layer().ID), Faults: []FaultCount{}}
	segments := v.Segments()
	for k := range segments {
		s := &segments[k]
		for i := range s.N {
			if !s.Alive(i) || !match.Feature(s.Segment, i) {
				continue
			}
			out.Features++
			if !st.model.replaced(s.Segment, i) && !st.placed(s.Segment, i) {
				f.add(FaultNoShape, s.ID(i))
			}
		}
	}
	for k := range st.nodes {
		n := &st.nodes[k]
		if _, forms := st.model.levels(0); n.count == 0 || forms == 2 && n.cell.Level == BottomLevel {
			continue // the far form has shown it
		}
		w.gather(v, st, n, &f)
		w.bare = true
		for _, w.detailed = range []bool{false, true} {
			if !w.detailed || n.detailed > 0 {
				w.writer.Reset()
				st.model.paint(w, v, nil)
			}
		}
		out.Drawn += n.count
	}
	for _, what := range f.order {
		c := f.by[what]
		if what.leavesOut() && what != FaultNoShape { // which is in no node
			out.Drawn -= c.Count
		}
		out.Faults = append(out.Faults, *c)
	}
	return out
}

// placed tells whether a feature stands in a cell.
func (s *state) placed(segment *snapshot.Segment, i int) bool {
	if segment.Box[i] == snapshot.EmptyBox {
		return false
	}
	_, ok := s.model.measure(segment, i)
	return ok
}

// leavesOut tells whether a feature with the fault is not drawn.
func (f Fault) leavesOut() bool { return strings.HasSuffix(string(f), ": left out") }
