package tiles3d

import (
	"cmp"
	"context"
	"math"
	"slices"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial/geodesic"
	"twind/spatial/mesh"
	"twind/spatial/tile"
)

// MaxExcavated is the number of things that one excavation names at most.
const MaxExcavated = 100_000

// ExcavationRequest asks what lies in a pit.
type ExcavationRequest struct {
	Ring   []float64 // the pit's outline: longitude, latitude, … in degrees; closed or not
	Depth  float64   // metres below the ground
	Layers []layers.ID
	Policy func(layers.ID) layers.Policy // the reader's rights; nil is unrestricted
}

// Excavation is what lies in a pit, by the layers' newest state.
type Excavation struct {
	Area   float64 `json:"area"`   // of the ground that opens, m²
	Depth  float64 `json:"depth"`  // m
	Volume float64 `json:"volume"` // m³
	// Items are in the order of the request's layers, by id.
	Items  []Excavated      `json:"items"`
	Totals []ExcavatedTotal `json:"totals"`
}

// Excavated is a pipe or a point in a pit. Lengths and depths are in metres, sizes
// in millimetres. What the record does not say is nil.
type Excavated struct {
	Thing
	// Length is that of a pipe's axis, in three dimensions on the spheroid, where
	// its top lies inside the outline and above the floor.
	Length *float64 `json:"length,omitempty"`
	// DepthMin and DepthMax are the ground above the top of a pipe within that
	// length; of a point its top, which is the ground, and its recorded depth.
	DepthMin *float64 `json:"depthMin,omitempty"`
	DepthMax *float64 `json:"depthMax,omitempty"`
	// Assumed tells that nobody recorded the depth: it is the layer's cover.
	Assumed bool `json:"assumed,omitempty"`
}

// Thing is a pipe, node or part as answers name it, with its size in millimetres.
type Thing struct {
	Layer    layers.ID `json:"layer"`
	ID       string    `json:"id"`
	Name     string    `json:"name,omitempty"`
	Kind     string    `json:"kind,omitempty"`     // value of the layer's class property
	KindName string    `json:"kindName,omitempty"` // of a pipe, in words
	Part     string    `json:"part,omitempty"`     // of a node or part: what it is
	Material string    `json:"material,omitempty"`
	Diameter *float64  `json:"diameter,omitempty"` // of a round pipe
	Width    *float64  `json:"width,omitempty"`    // of a rectangular one
	Height   *float64  `json:"height,omitempty"`
}

// ExcavatedTotal sums up the items of one layer and kind.
type ExcavatedTotal struct {
	Layer    layers.ID `json:"layer"`
	Kind     string    `json:"kind,omitempty"`
	KindName string    `json:"kindName,omitempty"`
	Count    int       `json:"count"`
	Length   float64   `json:"length"` // m; 0 for points
}

// Excavable tells whether an excavation names a layer's features.
func Excavable(l *layers.Layer) bool { return Has(l) && l.Kind != layers.KindBuilding }

// Excavate computes what lies in a pit from the exact records, whatever contents
// have been made. The depth of a pipe is known at its vertices and taken to change
// evenly between them. It fails with layers.ErrInvalid for a ring that is no pit,
// with a sentence that says why.
func (s *Service) Excavate(ctx context.Context, r ExcavationRequest) (*Excavation, error) {
	if !(r.Depth >= MinPitDepth && r.Depth <= MaxPitDepth) {
		return nil, layers.Errorf(layers.ErrInvalid, "depth: %g m; expected %g to %d m below the ground", r.Depth, MinPitDepth, MaxPitDepth)
	}
	p, err := newPit(r.Ring)
	if err != nil {
		return nil, err
	}
	d := &digger{ctx: ctx, pit: p, floor: r.Depth, ground: s.ground()}
	out := &Excavation{Area: p.area, Depth: r.Depth, Volume: p.area * r.Depth, Totals: []ExcavatedTotal{}}
	d.out = []Excavated{}
	for _, id := range r.Layers {
		var policy layers.Policy
		if r.Policy != nil {
			policy = r.Policy(id)
		}
		if err := s.excavateLayer(d, id, policy); err != nil {
			return nil, err
		}
	}
	out.Items = d.out
	out.total()
	return out, nil
}

// excavateLayer adds what the pit has of one layer.
func (s *Service) excavateLayer(d *digger, id layers.ID, policy layers.Policy) error {
	first := len(d.out)
	err := s.search(d.ctx, id, policy, d.pit.box(), func(l *layers.Layer, hidden []string) func(*snapshot.Segment, int) error {
		dig := d.of(l, hidden)
		return func(seg *snapshot.Segment, i int) error {
			item, ok := dig(seg, i)
			if !ok {
				return nil
			}
			if len(d.out) == MaxExcavated {
				return layers.Errorf(layers.ErrInvalid, "polygon: more than %d things lie in it; draw a smaller one", MaxExcavated)
			}
			d.out = append(d.out, item)
			return nil
		}
	})
	slices.SortFunc(d.out[first:], func(a, b Excavated) int { return cmp.Compare(a.ID, b.ID) })
	return err
}

// search visits the features of a layer of pipes, nodes or parts whose boxes meet
// one and that the reader may see.
func (s *Service) search(ctx context.Context, id layers.ID, policy layers.Policy, box tile.WorldBox,
	of func(l *layers.Layer, hidden []string) func(*snapshot.Segment, int) error,
) error {
	missing := layers.Errorf(layers.ErrInvalid, "layers: there is no layer %.63q of pipes, nodes or parts", id)
	return s.visit(ctx, id, policy, box, Excavable, missing, of)
}

// visit is search in a layer that is fit for it; missing says that it is not.
func (s *Service) visit(ctx context.Context, id layers.ID, policy layers.Policy, box tile.WorldBox, fit func(*layers.Layer) bool, missing error,
	of func(l *layers.Layer, hidden []string) func(*snapshot.Segment, int) error,
) error {
	if policy.Deny {
		return missing
	}
	v, err := s.o.Views(id)
	if err != nil {
		return missing
	}
	defer v.Release()
	l := v.Layer()
	if !fit(l) {
		return missing
	}
	match, err := snapshot.NewMatch(l, nil, policy)
	if err != nil {
		return err
	}
	visit := of(l, policy.Hidden)
	var found []uint32
	for _, seg := range v.Segments() {
		found = seg.Search(box, found[:0])
		for n, i := range found {
			if n%256 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if !match.Feature(seg.Segment, int(i)) {
				continue
			}
			if err := visit(seg.Segment, int(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// box holds the pit, in world units.
func (p *pit) box() tile.WorldBox {
	e := p.envelope
	var b tile.WorldBox
	b.MinX, b.MinY = tile.WorldOf(e.MinX, e.MaxY)
	b.MaxX, b.MaxY = tile.WorldOf(e.MaxX, e.MinY)
	return b
}

// total sums up the items by layer and kind, in the order in which they come.
func (x *Excavation) total() {
	type key struct {
		layer      layers.ID
		kind, name string
	}
	at := map[key]int{}
	for i := range x.Items {
		e := &x.Items[i]
		k := key{e.Layer, e.Kind, e.KindName}
		n, ok := at[k]
		if !ok {
			n = len(x.Totals)
			at[k] = n
			x.Totals = append(x.Totals, ExcavatedTotal{Layer: e.Layer, Kind: e.Kind, KindName: e.KindName})
		}
		t := &x.Totals[n]
		t.Count++
		if e.Length != nil {
			t.Length += *e.Length
		}
	}
}

// digger collects what lies in one pit.
type digger struct {
	ctx              context.Context //nolint:containedctx // of one call
	pit              *pit
	floor            float64 // metres below the ground
	ground           *ground
	out              []Excavated
	level, elevation course
	cuts             []float64
}

// texts are the numbers of the properties that items repeat.
type texts struct{ name, kind, kindName, part, fitting, material int }

func textsOf(l *layers.Layer, hidden []string) texts {
	of := func(names ...string) int { return column(l, hidden, false, names...) }
	t := texts{-1, -1, -1, -1, -1, of("material", "材质")}
	if l.Label != "" {
		t.name = of(l.Label)
	}
	if l.ClassBy != "" {
		t.kind = of(l.ClassBy)
	}
	if l.Kind == layers.KindPipe {
		t.kindName = of("kind_name", "管线种类")
	}
	return t
}

func (t *texts) item(l *layers.Layer, s *snapshot.Segment, i int) Thing {
	text := func(c int) string { return string(textOf(raw(s, c, i))) }
	part := text(t.part)
	if part == "" {
		part = text(t.fitting)
	}
	return Thing{
		Layer: l.ID, ID: string(s.ID(i)), Name: text(t.name), Kind: text(t.kind), KindName: text(t.kindName),
		Part: part, Material: text(t.material),
	}
}

// of is how the features of a layer are dug up.
func (d *digger) of(l *layers.Layer, hidden []string) func(*snapshot.Segment, int) (Excavated, bool) {
	t := textsOf(l, hidden)
	level := &site{hidden: hidden, ground: d.ground, relative: true}
	if l.Kind != layers.KindPipe {
		m := newPartModel(l, level)
		t.part, t.fitting = m.columns.name, m.columns.fitting
		return func(s *snapshot.Segment, i int) (Excavated, bool) { return d.point(m, &t, s, i) }
	}
	m := newPipeModel(l, level)
	absolute := newPipeModel(l, &site{hidden: hidden, ground: d.ground})
	return func(s *snapshot.Segment, i int) (Excavated, bool) {
		return d.pipe(m, absolute, &t, s, i)
	}
}

// point digs up a node or part.
func (d *digger) point(m *partModel, t *texts, s *snapshot.Segment, i int) (Excavated, bool) {
	if !hasPath(s, i, snapshot.PathPoints) {
		return Excavated{}, false
	}
	lo, hi := s.Vertices(i)
	inside := false
	for v := lo; v < hi && !inside; v++ {
		inside = d.pit.contains(s.Exact()[2*v], s.Exact()[2*v+1])
	}
	if !inside {
		return Excavated{}, false
	}
	item := Excavated{Thing: t.item(m.layer, s, i)}
	if deep := numberOf(raw(s, m.columns.depth, i)); deep > 0 && deep < maxDepth {
		item.DepthMin, item.DepthMax = new(float64), &deep
	}
	return item, true
}

// pipe digs up a pipe: what of it lies inside the outline and above the floor.
func (d *digger) pipe(m, absolute *pipeModel, t *texts, s *snapshot.Segment, i int) (Excavated, bool) {
	if !hasPath(s, i, snapshot.PathLine) {
		return Excavated{}, false
	}
	m.course(s, i, &d.level)
	absolute.course(s, i, &d.elevation)
	heights := d.elevation.heights
	if d.elevation.assumed && !d.level.assumed {
		heights = d.level.heights
	}
	size := d.level.section
	tall := size.Width
	if size.Kind == mesh.Rectangular {
		tall = size.Height
	}
	first, _ := s.Vertices(i)
	w := run{pit: d.pit, floor: d.floor, low: math.Inf(1), high: math.Inf(-1), cuts: d.cuts}
	for p := s.FeaturePath[i]; p < s.FeaturePath[i+1]; p++ {
		if s.PathKinds[p] != snapshot.PathLine {
			continue
		}
		for v := int(s.PathVertex[p]) + 1; v < int(s.PathVertex[p+1]); v++ {
			k := v - first
			w.segment(s.Exact()[2*v-2:2*v+2],
				[2]float64{-d.level.heights[k-1] - tall/2, -d.level.heights[k] - tall/2},
				[2]float64{heights[k-1], heights[k]})
		}
	}
	d.cuts = w.cuts
	if !(w.length > 0) {
		return Excavated{}, false
	}
	item := Excavated{Thing: t.item(m.layer, s, i)}
	item.Length, item.DepthMin, item.DepthMax = &w.length, &w.low, &w.high
	item.Assumed = d.level.assumed
	if f := d.level.faults[0]; f == "" {
		item.setSection(size)
	}
	return item, true
}

func (e *Thing) setSection(s mesh.Section) {
	millimetres := func(m float64) *float64 {
		v := math.Round(m * 1000)
		return &v
	}
	if s.Kind == mesh.Round {
		e.Diameter = millimetres(s.Width)
		return
	}
	e.Width, e.Height = millimetres(s.Width), millimetres(s.Height)
}

// run sums up what of a pipe lies in a pit.
type run struct {
	pit       *pit
	floor     float64
	length    float64
	low, high float64 // depths of the top
	cuts      []float64
}

// longestPiece bounds the pieces that are measured as geodesics, in metres: a line
// that is straight in degrees leaves its geodesic by less than a micrometre then.
const longestPiece = 500

// segment adds a straight piece of a pipe between two positions in degrees, with
// the depths of its top below the ground and the heights of its axis.
func (w *run) segment(xy []float64, depth, height [2]float64) {
	w.cuts = w.pit.cut(append(w.cuts[:0], 0, 1), xy[0], xy[1], xy[2], xy[3])
	if t := (w.floor - depth[0]) / (depth[1] - depth[0]); t > 0 && t < 1 {
		w.cuts = append(w.cuts, t)
	}
	slices.Sort(w.cuts)
	at := func(pair [2]float64, t float64) float64 { return pair[0] + (pair[1]-pair[0])*t }
	lon, lat := [2]float64{xy[0], xy[2]}, [2]float64{xy[1], xy[3]}
	for k := 1; k < len(w.cuts); k++ {
		a, b := w.cuts[k-1], w.cuts[k]
		middle := (a + b) / 2
		if a == b || at(depth, middle) > w.floor || !w.pit.contains(at(lon, middle), at(lat, middle)) {
			continue
		}
		w.low = min(w.low, at(depth, a), at(depth, b))
		w.high = max(w.high, at(depth, a), at(depth, b))
		whole := geodesic.Distance(at(lon, a), at(lat, a), at(lon, b), at(lat, b))
		n := max(1, math.Ceil(whole/longestPiece))
		fall := (at(height, b) - at(height, a)) / n
		for j := range int(n) {
			from, to := a+(b-a)*float64(j)/n, a+(b-a)*float64(j+1)/n
			d := whole
			if n > 1 {
				d = geodesic.Distance(at(lon, from), at(lat, from), at(lon, to), at(lat, to))
			}
			w.length += math.Hypot(d, fall)
		}
	}
}
