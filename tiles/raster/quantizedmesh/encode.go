package quantizedmesh

import (
	"encoding/binary"
	"math"
	"slices"

	"twind/spatial/geodesic"
)

const full = 32767 // the greatest quantised value

// tileMesh is a triangulated tile that is to be encoded.
type tileMesh struct {
	*mesher
	grid   lattice
	x0, y0 int64   // lattice point in the south-west
	offset float64 // metres added to heights
	step   float64 // metres of a quantised height
	lowest float64 // metres
}

func (t *tileMesh) at(p int32) (i, j int) { return int(p)%rows - side, int(p)/rows - side }

// quantise chooses the step: a power of two, at least 1/1024 m, so that most
// neighbours have the same one and points of their edge the same height.
func (t *tileMesh) quantise() {
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range t.vertices {
		h := float64(t.heights[p]) + t.offset
		low, high = min(low, h), max(high, h)
	}
	for t.step = 1.0 / 1024; ; t.step *= 2 {
		t.lowest = math.Floor(low/t.step) * t.step
		if high-t.lowest <= full*t.step {
			return
		}
	}
}

func (t *tileMesh) level(p int32) uint16 {
	return uint16(max(0, min(full, math.Round((float64(t.heights[p])+t.offset-t.lowest)/t.step))))
}

// position is where a vertex stands, as decoders compute it.
func (t *tileMesh) position(p int32) geodesic.Vec3 {
	i, j := t.at(p)
	return geodesic.ECEF(t.grid.Lon(t.x0+int64(i)), t.grid.Lat(t.y0+int64(j)), t.lowest+t.step*float64(t.level(p)))
}

// append appends the tile; normals asks for the extension of vertex normals.
func (t *tileMesh) append(dst []byte, normals bool) []byte {
	t.quantise()
	dst = t.header(dst)
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, uint32(len(t.vertices)))
	for axis := range 3 {
		before := 0
		for _, p := range t.vertices {
			i, j := t.at(p)
			v := [3]int{quantisedStep(i), quantisedStep(j), int(t.level(p))}[axis]
			dst = le.AppendUint16(dst, zigzag(v-before))
			before = v
		}
	}
	dst = le.AppendUint32(dst, uint32(len(t.triangles)/3))
	highest := int32(0) // vertices are numbered in the order of their first use
	for _, v := range t.triangles {
		dst = le.AppendUint16(dst, uint16(highest-v))
		if v == highest {
			highest++
		}
	}
	for _, e := range []func(i, j int) (on bool, along int){
		func(i, j int) (bool, int) { return i == 0, j },    // west
		func(i, j int) (bool, int) { return j == 0, i },    // south
		func(i, j int) (bool, int) { return i == side, j }, // east
		func(i, j int) (bool, int) { return j == side, i }, // north
	} {
		dst = t.edgeList(dst, e)
	}
	if normals {
		dst = append(dst, 1)
		dst = le.AppendUint32(dst, uint32(2*len(t.vertices)))
		for _, p := range t.vertices {
			dst = appendOct(dst, t.normal(p))
		}
	}
	return dst
}

func quantisedStep(i int) int { return (i*full + side/2) / side }

func zigzag(v int) uint16 { return uint16(v<<1 ^ v>>31) }

func (t *tileMesh) edgeList(dst []byte, edge func(i, j int) (on bool, along int)) []byte {
	var list [side + 1]int32
	n := 0
	for k, p := range t.vertices {
		if on, along := edge(t.at(p)); on {
			list[n] = int32(along)<<16 | int32(k)
			n++
		}
	}
	slices.Sort(list[:n])
	dst = binary.LittleEndian.AppendUint32(dst, uint32(n))
	for _, v := range list[:n] {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(v))
	}
	return dst
}

// header appends centre, height range, bounding sphere and horizon occlusion point.
func (t *tileMesh) header(dst []byte) []byte {
	highest := t.lowest + full*t.step
	low, high := geodesic.Vec3{math.Inf(1), math.Inf(1), math.Inf(1)}, geodesic.Vec3{math.Inf(-1), math.Inf(-1), math.Inf(-1)}
	for _, p := range t.vertices {
		v := t.position(p)
		for k := range 3 {
			low[k], high[k] = min(low[k], v[k]), max(high[k], v[k])
		}
	}
	sphere := low.Add(high).Scale(0.5)
	radius := 0.0
	for _, p := range t.vertices {
		radius = max(radius, t.position(p).Sub(sphere).Norm())
	}
	center := geodesic.ECEF(t.grid.Lon(t.x0+side/2), t.grid.Lat(t.y0+side/2), (t.lowest+highest)/2)
	for _, v := range center {
		dst = appendDouble(dst, v)
	}
	dst = appendFloat(appendFloat(dst, t.lowest), highest)
	for _, v := range sphere {
		dst = appendDouble(dst, v)
	}
	dst = appendDouble(dst, radius)
	for _, v := range t.horizon(sphere) {
		dst = appendDouble(dst, v)
	}
	return dst
}

// horizon is the horizon occlusion point, in the frame in which the ellipsoid is
// the unit sphere: when it is behind the horizon, so is the tile.
//
// Source: K. Ring, P. Cozzi, Horizon culling for terrain (Cesium, 2013).
func (t *tileMesh) horizon(sphere geodesic.Vec3) geodesic.Vec3 {
	const minor = geodesic.SemiMajor * (1 - geodesic.Flattening)
	scale := func(v geodesic.Vec3) geodesic.Vec3 {
		return geodesic.Vec3{v[0] / geodesic.SemiMajor, v[1] / geodesic.SemiMajor, v[2] / minor}
	}
	dir := scale(sphere)
	dir = dir.Scale(1 / dir.Norm())
	const far = 1000 // radii: for tiles so large that one point cannot tell
	most := 0.0
	for _, p := range t.vertices {
		v := scale(t.position(p))
		length := v.Norm()
		cosA := v.Dot(dir) / length
		sinA := math.Sqrt(max(0, 1-cosA*cosA))
		length = max(1, length) // under the ellipsoid
		cosB := 1 / length
		sinB := math.Sqrt(length*length-1) * cosB
		d := cosA*cosB - sinA*sinB
		if d < 1.0/far {
			return dir.Scale(far)
		}
		most = max(most, 1/d)
	}
	return dir.Scale(most)
}

func appendDouble(dst []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
}

func appendFloat(dst []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(v)))
}

// normal is the unit normal of the ground at a vertex, of the heights around it.
func (t *tileMesh) normal(p int32) geodesic.Vec3 {
	i, j := t.at(p)
	lon, lat := t.grid.Lon(t.x0+int64(i)), t.grid.Lat(t.y0+int64(j))
	meridian, across := geodesic.Radii(lat)
	step := t.grid.step * math.Pi / 180
	east := max(1, across*math.Cos(lat*math.Pi/180)*step) // metres; poles have no east
	dx := float64(t.heights[p+1]-t.heights[p-1]) / (2 * east)
	dy := float64(t.heights[p+rows]-t.heights[p-rows]) / (2 * meridian * step)
	frame := geodesic.NewLocal(lon, lat, 0)
	n := frame.Up.Sub(frame.East.Scale(dx)).Sub(frame.North.Scale(dy))
	return n.Scale(1 / n.Norm())
}

// appendOct appends a unit vector as two bytes on an octahedron.
//
// Source: Z. Cigolle et al., A survey of efficient representations for
// independent unit vectors, JCGT 3(2), 2014.
func appendOct(dst []byte, n geodesic.Vec3) []byte {
	sum := math.Abs(n[0]) + math.Abs(n[1]) + math.Abs(n[2])
	x, y := n[0]/sum, n[1]/sum
	if n[2] < 0 {
		x, y = (1-math.Abs(y))*math.Copysign(1, x), (1-math.Abs(x))*math.Copysign(1, y)
	}
	to8 := func(v float64) byte { return byte(math.Round((max(-1, min(1, v))*0.5 + 0.5) * 255)) }
	return append(dst, to8(x), to8(y))
}
