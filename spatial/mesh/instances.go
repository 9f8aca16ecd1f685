package mesh

import "math"

// Instances are placements of one model in flat columns: first the model is
// scaled along its own axes, then turned, then moved.
type Instances struct {
	Translations []float32 // 3 an instance: metres, x east, y north, z up
	Rotations    []float32 // 4 an instance: unit quaternion x, y, z, w
	Scales       []float32 // 3 an instance, along the model's x, y, z
	Features     []uint32  // 1 an instance: row of the feature in the content's table
}

// Reset empties the columns and keeps their memory.
func (s *Instances) Reset() {
	s.Translations, s.Rotations = s.Translations[:0], s.Rotations[:0]
	s.Scales, s.Features = s.Scales[:0], s.Features[:0]
}

// Len is the number of instances.
func (s *Instances) Len() int { return len(s.Features) }

// Append places one instance: position in metres, rotation as a unit quaternion
// (x, y, z, w), scale along the model's axes.
func (s *Instances) Append(position [3]float64, rotation [4]float64, scale [3]float64, feature uint32) {
	s.Translations = append(s.Translations, float32(position[0]), float32(position[1]), float32(position[2]))
	s.Rotations = append(s.Rotations, float32(rotation[0]), float32(rotation[1]), float32(rotation[2]), float32(rotation[3]))
	s.Scales = append(s.Scales, float32(scale[0]), float32(scale[1]), float32(scale[2]))
	s.Features = append(s.Features, feature)
}

// Heading is the rotation about the vertical that turns a model's front (+y,
// north) to a compass direction in degrees clockwise from north.
func Heading(degrees float64) [4]float64 {
	sin, cos := math.Sincos(-degrees * math.Pi / 360)
	return [4]float64{0, 0, sin, cos}
}

// frame are the axes of a section, orthonormal: the tangent, the side to its
// right and up, with side × tangent = up.
type frame struct{ tangent, side, up vec }

// level is the frame whose up is as near to the vertical as the tangent lets;
// along the vertical, up points north.
func level(tangent vec) frame {
	side := tangent.cross(vec{0, 0, 1})
	if side.norm() < 1e-6 {
		side = tangent.cross(vec{0, 1, 0})
	}
	right := side.unit()
	return frame{tangent, right, right.cross(tangent)}
}

// quaternion is the rotation that takes x to the side, y to the tangent and z to
// up: about the vertical alone where the tangent is level.
func (f frame) quaternion() [4]float64 {
	x, y, z := f.side, f.tangent, f.up
	// rotation matrix with columns x y z, to a quaternion by the largest term
	switch trace := x[0] + y[1] + z[2]; {
	case trace > 0:
		s := 2 * math.Sqrt(trace+1)
		return [4]float64{(y[2] - z[1]) / s, (z[0] - x[2]) / s, (x[1] - y[0]) / s, s / 4}
	case x[0] > y[1] && x[0] > z[2]:
		s := 2 * math.Sqrt(1+x[0]-y[1]-z[2])
		return [4]float64{s / 4, (y[0] + x[1]) / s, (z[0] + x[2]) / s, (y[2] - z[1]) / s}
	case y[1] > z[2]:
		s := 2 * math.Sqrt(1+y[1]-x[0]-z[2])
		return [4]float64{(y[0] + x[1]) / s, s / 4, (z[1] + y[2]) / s, (z[0] - x[2]) / s}
	default:
		s := 2 * math.Sqrt(1+z[2]-x[0]-y[1])
		return [4]float64{(z[0] + x[2]) / s, (z[1] + y[2]) / s, s / 4, (x[1] - y[0]) / s}
	}
}

// Tubes are the instanced far form of tubes: the segments are instances of a
// unit model, the corners of another. Build the models with UnitCylinder,
// UnitBox and UnitSphere.
type Tubes struct {
	Cylinders Instances // of UnitCylinder: segments of round sections, and corners of rectangular ones
	Spheres   Instances // of UnitSphere: corners of round sections
	Boxes     Instances // of UnitBox: segments of rectangular sections

	path []vec
}

// Reset empties all columns.
func (t *Tubes) Reset() {
	t.Cylinders.Reset()
	t.Spheres.Reset()
	t.Boxes.Reset()
}

// jointCos is the cosine of the turn below which a corner needs no joint: 8°,
// which leaves a notch of 2 cm on the outer side of a pipe of 30 cm.
const jointCos = 0.9903

// Append adds a polyline: xyz holds three ordinates a vertex, in metres, of the
// section's axis. Segments shorter than a millimetre are left out.
func (t *Tubes) Append(xyz []float64, s Section, feature uint32) Fault {
	var fault Fault
	t.path, fault = cleanPath(t.path[:0], xyz, s)
	if fault != OK {
		return fault
	}
	var f frame
	for i := 1; i < len(t.path); i++ {
		a, d := t.path[i-1], t.path[i].sub(t.path[i-1])
		before := f.tangent
		if i == 1 {
			f = level(d.unit())
		} else {
			f = f.carried(d.unit(), math.Pi)
		}
		scale := [3]float64{s.Width, d.norm(), s.height()}
		if s.Kind == Round {
			t.Cylinders.Append(a, f.quaternion(), scale, feature)
		} else {
			t.Boxes.Append(a, f.quaternion(), scale, feature)
		}
		if i > 1 && before.dot(f.tangent) < jointCos {
			t.joint(a, s, feature)
		}
	}
	return OK
}

func (t *Tubes) joint(p vec, s Section, feature uint32) {
	if s.Kind == Round {
		t.Spheres.Append(p, [4]float64{0, 0, 0, 1}, [3]float64{s.Width, s.Width, s.Width}, feature)
		return
	}
	p[2] -= s.height() / 2 // a cylinder that stands
	t.Cylinders.Append(p, level(vec{0, 0, 1}).quaternion(), [3]float64{s.Width, s.height(), s.Width}, feature)
}
