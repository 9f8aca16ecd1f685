package grid

import "math"

func sincos(turn float64) (sin, cos float64) { return math.Sincos(2 * math.Pi * turn) }
