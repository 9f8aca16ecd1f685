package tiles3d

import "strings"

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
	FaultNoDepth   Fault = "no elevation: drawn at the layer's cover"
	FaultNoGround  Fault = "ground not known: drawn without it"
	FaultElevation Fault = "elevation not credible: drawn without it"
	FaultOneEnd    Fault = "elevation of one end only: drawn level"
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
	Features int          `json:"features"` // of the layer
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

// report draws every feature once, without writing it, and lists what was wrong.
func (w *worker) report(v View, st *state) *Report {
	var f faults
	out := &Report{Layer: string(v.Layer().ID), Faults: []FaultCount{}}
	for _, s := range v.Segments() {
		out.Features += s.Len()
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
		if what.leavesOut() {
			out.Drawn -= c.Count
		}
		out.Faults = append(out.Faults, *c)
	}
	return out
}

// leavesOut tells whether a feature with the fault is not drawn.
func (f Fault) leavesOut() bool { return strings.HasSuffix(string(f), ": left out") }
