package mesh

import "math"

// Part is a kind of street or network furniture that stands at a point.
type Part uint8

// The parts.
const (
	Generic Part = iota
	Manhole
	CatchBasin
	Valve
	Hydrant
	Lamp
	Broadleaf
	Conifer
	Columnar
	Camera
	Pole
	Bench
	Bin
	parts
)

var partNames = [parts]string{"generic", "manhole", "catchbasin", "valve", "hydrant", "lamp", "tree", "conifer", "columnar_tree", "camera", "pole", "bench", "bin"}

// String is the word that ParsePart reads.
func (p Part) String() string {
	if p >= parts {
		return "unknown"
	}
	return partNames[p]
}

var partWords = map[string]Part{
	"manhole_cover": Manhole, "well": Manhole, "shaft": Manhole, "chamber": Manhole,
	"catch_basin": CatchBasin, "inlet": CatchBasin, "gully": CatchBasin, "drain": CatchBasin,
	"gate_valve": Valve, "fire_hydrant": Hydrant,
	"street_lamp": Lamp, "streetlight": Lamp, "street_light": Lamp, "light": Lamp,
	"broadleaf": Broadleaf, "broadleaved": Broadleaf, "deciduous": Broadleaf,
	"needleleaved": Conifer, "evergreen": Conifer, "poplar": Columnar, "columnar": Columnar,
	"cctv": Camera, "surveillance": Camera, "utility_pole": Pole, "power_pole": Pole, "post": Pole, "mast": Pole,
	"seat": Bench, "waste_basket": Bin, "trash": Bin, "litter_bin": Bin,
}

// ParsePart reads the name of a part, also by common words of OpenStreetMap and
// of asset registers; ok is false (and the part Generic) for others.
func ParsePart(word string) (p Part, ok bool) {
	for i, name := range partNames {
		if name == word {
			return Part(i), true
		}
	}
	p, ok = partWords[word]
	return p, ok
}

// PartSize are the sizes of one part in metres; 0, NaN or what is out of all
// proportion means the usual size.
type PartSize struct {
	Height float64 // above the ground: lamps, trees, poles, cameras, hydrants
	Depth  float64 // below the ground: manholes, catch basins; of the axis: valves
	Width  float64 // shafts: the inner diameter; valves: the pipe's diameter; trees: the crown
}

// Piece is a model that makes up a part, with its place and scale.
type Piece struct {
	Model Model
	Up    float64    // metres from the part's point on the ground
	Scale [3]float64 // along the model's x, y, z
}

// measurer takes sizes and notes whether one cannot be that of its part.
type measurer struct{ odd bool }

// sane is v if it lies in lo…hi, else usual; 0 and what is not a number mean that it
// is not known.
func (m *measurer) sane(v, lo, hi, usual float64) float64 {
	if v >= lo && v <= hi {
		return v
	}
	if v != 0 && !math.IsNaN(v) {
		m.odd = true
	}
	return usual
}

func uniform(s float64) [3]float64 { return [3]float64{s, s, s} }

// Pieces are the models of a part, of which the first n count: instances of
// these, placed at the part's point on the ground, show it. A size that is out of
// proportion is replaced by the usual one: odd tells so.
func Pieces(p Part, s PartSize) (pieces [2]Piece, n int, odd bool) {
	var m measurer
	pieces, n = m.pieces(p, s)
	return pieces, n, m.odd
}

func (m *measurer) pieces(p Part, s PartSize) (pieces [2]Piece, n int) {
	switch p {
	case Manhole:
		return m.shaftPieces(ManholeNeck, ManholeShaft, neckDepth, s, 0.6, 1.2)
	case CatchBasin:
		return m.shaftPieces(CatchGrate, CatchShaft, grateDepth, s, 0.4, 0.6)
	case Valve:
		width := m.sane(s.Width, 0.02, 3, 0.15)
		depth := m.sane(s.Depth, 0.05, 30, 1)
		pieces[0] = Piece{ValveBody, -depth, uniform(width)}
		pieces[1] = Piece{ValveBox, 0, uniform(1)}
		return pieces, 2
	case Broadleaf, Conifer, Columnar:
		return m.treePieces(p, s)
	case Lamp:
		return one(LampModel, m.sane(s.Height, 2, 40, lampHeight)/lampHeight)
	case Hydrant:
		return one(HydrantModel, m.sane(s.Height, 0.3, 2, hydrantHeight)/hydrantHeight)
	case Camera:
		return one(CameraModel, m.sane(s.Height, 2, 20, cameraHeight)/cameraHeight)
	case Pole:
		h := m.sane(s.Height, 2, 60, poleHeight) / poleHeight
		pieces[0] = Piece{PoleModel, 0, [3]float64{math.Sqrt(h), math.Sqrt(h), h}}
		return pieces, 1
	case Bench:
		return one(BenchModel, 1)
	case Bin:
		return one(BinModel, 1)
	}
	return one(GenericModel, m.sane(s.Height, 0.2, 20, 1))
}

func one(m Model, scale float64) (pieces [2]Piece, n int) {
	pieces[0] = Piece{m, 0, uniform(scale)}
	return pieces, 1
}

// The depth of the pieces at the top of shafts, and the usual heights, metres.
const (
	neckDepth     = 0.9
	grateDepth    = 0.2
	lampHeight    = 8.0
	hydrantHeight = 0.9
	cameraHeight  = 5.0
	poleHeight    = 10.0
	treeHeight    = 10.0
	treeWidth     = 7.0
)

// shaftPieces are a top of fixed depth and a shaft for the rest of the depth.
// least and usual are inner diameters.
func (m *measurer) shaftPieces(top, shaft Model, topDepth float64, s PartSize, least, usual float64) (pieces [2]Piece, n int) {
	width := m.sane(s.Width, least, 6, usual) / usual
	depth := m.sane(s.Depth, 0.1, 60, 2)
	if depth <= topDepth*1.1 {
		pieces[0] = Piece{top, 0, [3]float64{width, width, depth / topDepth}}
		return pieces, 1
	}
	pieces[0] = Piece{top, 0, [3]float64{width, width, 1}}
	pieces[1] = Piece{shaft, -topDepth, [3]float64{width, width, depth - topDepth}}
	return pieces, 2
}

func (m *measurer) treePieces(p Part, s PartSize) (pieces [2]Piece, n int) {
	model, slim := TreeBroadleaf, 1.0
	switch p {
	case Conifer:
		model, slim = TreeConifer, 0.6
	case Columnar:
		model, slim = TreeColumnar, 0.4
	}
	h := m.sane(s.Height, 0.5, 90, treeHeight)
	w := m.sane(s.Width, 0.3, 50, treeWidth*slim*h/treeHeight)
	pieces[0] = Piece{model, 0, [3]float64{w / (treeWidth * slim), w / (treeWidth * slim), h / treeHeight}}
	return pieces, 1
}
