package mesh

// Model is a low-poly model of real size made by code: z = 0 is the ground, its
// front looks north (+y). See Pieces.
type Model uint8

// The models.
const (
	GenericModel  Model = iota // a marker 1 m high
	ManholeNeck                // cover, frame and cone, 0.9 m deep, onto a shaft of 1.2 m inside
	ManholeShaft               // from z = 0 down to −1, with its bottom
	CatchGrate                 // grate and frame, 0.2 m deep
	CatchShaft                 // from z = 0 down to −1, with its bottom
	ValveBody                  // a gate valve for a pipe of diameter 1 along y, its axis at z = 0
	ValveBox                   // the box at the surface
	HydrantModel               // 0.9 m high
	LampModel                  // 8 m high, its arm to the front
	TreeBroadleaf              // 10 m high, 7 m wide
	TreeConifer                // 10 m high, 4.2 m wide
	TreeColumnar               // 10 m high, 2.8 m wide
	CameraModel                // on a pole of 5 m
	PoleModel                  // a utility pole of 10 m
	BenchModel                 // 1.8 m wide
	BinModel                   // 1 m high
	// Models is the number of models.
	Models
)

// LODs is the number of levels of detail: 0 near, 2 far.
const LODs = 3

var modelNames = [Models]string{
	"generic", "manhole neck", "manhole shaft", "catch basin grate", "catch basin shaft", "valve", "valve box", "hydrant",
	"lamp", "broadleaf tree", "conifer", "columnar tree", "camera", "pole", "bench", "bin",
}

// String is the model's name.
func (m Model) String() string {
	if m >= Models {
		return "unknown"
	}
	return modelNames[m]
}

// The materials' colours, sRGB.
var (
	castIron    = Color{74, 78, 82, 255}
	darkIron    = Color{46, 49, 53, 255}
	concrete    = Color{176, 172, 163, 255}
	wetConcrete = Color{140, 138, 131, 255}
	steel       = Color{150, 157, 163, 255}
	paintBlue   = Color{38, 104, 172, 255}
	paintRed    = Color{200, 44, 36, 255}
	paintYellow = Color{242, 190, 44, 255}
	lampGlow    = Color{255, 236, 190, 255}
	lampPost    = Color{88, 96, 100, 255}
	bark        = Color{104, 80, 60, 255}
	leaves      = Color{104, 146, 74, 255}
	leavesLight = Color{126, 166, 88, 255}
	leavesDark  = Color{84, 124, 66, 255}
	needles     = Color{56, 100, 70, 255}
	needlesDark = Color{46, 86, 62, 255}
	poplar      = Color{92, 138, 80, 255}
	white       = Color{232, 234, 236, 255}
	glass       = Color{28, 32, 38, 255}
	timber      = Color{150, 108, 70, 255}
	poleWood    = Color{118, 96, 76, 255}
	ceramic     = Color{196, 204, 210, 255}
	binGreen    = Color{58, 96, 78, 255}
	markerBlue  = Color{60, 130, 200, 255}
)

// Build appends a model at a level of detail, in its own frame. With WithColors
// each vertex has the colour of its material, else the pen's colour is unused;
// the pen's colour is changed.
func (m Model) Build(dst *Mesh, lod int) {
	lod = min(max(lod, 0), LODs-1)
	s := sculptor{m: dst, lod: lod, sides: [...]int{16, 8, 5}[lod]}
	switch m {
	case ManholeNeck:
		s.manholeNeck()
	case ManholeShaft:
		s.color(wetConcrete)
		s.turn(0, 0, ringPoint{0, -1}, ringPoint{0.7, -1}, ringPoint{0.7, 0}, ringPoint{0.6, 0})
	case CatchGrate:
		s.catchGrate()
	case CatchShaft:
		s.color(wetConcrete)
		s.box(-0.35, -0.35, -1, 0.35, 0.35, 0)
	case ValveBody:
		s.valve()
	case ValveBox:
		s.color(castIron)
		s.turn(0, 0, ringPoint{0.11, -0.25}, ringPoint{0.11, 0.012}, ringPoint{0.085, 0.012}, ringPoint{0.085, 0.004}, ringPoint{0, 0.004})
	case HydrantModel:
		s.hydrant()
	case LampModel:
		s.lamp()
	case TreeBroadleaf:
		s.broadleaf()
	case TreeConifer:
		s.conifer()
	case TreeColumnar:
		s.columnar()
	case CameraModel:
		s.camera()
	case PoleModel:
		s.pole()
	case BenchModel:
		s.bench()
	case BinModel:
		s.bin()
	default:
		s.generic()
	}
}
