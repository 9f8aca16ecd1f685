package quantizedmesh

import "math"

const (
	side = 64       // steps of a tile
	span = 3 * side // steps of the tile and its neighbours
	rows = span + 1 // points of a row of these
)

// MaxLevel is the deepest level served.
const MaxLevel = 20

// Bound is the greatest difference in metres between the mesh of a level and the
// heights of its lattice: an eighth of the error that CesiumJS assumes for the
// level, so that triangles stay far below what is seen, and at least 5 cm.
func Bound(level uint8) float64 {
	const levelZero = 2 * math.Pi * 6378137 * 0.25 / (65 * 2) // metres
	return max(0.05, levelZero/float64(uint64(1)<<level)/8)
}

// lattice places the points of a level: columns go east from −180°, rows north
// from −90°.
type lattice struct{ step float64 } // degrees

func latticeOf(level uint8) lattice {
	return lattice{180 / float64(uint64(1)<<level) / side}
}

// Lon is the longitude of a column in degrees; it may pass ±180.
func (l lattice) Lon(i int64) float64 { return -180 + float64(i)*l.step }

// Lat is the latitude of a row in degrees; it may pass ±90.
func (l lattice) Lat(j int64) float64 { return -90 + float64(j)*l.step }
