package gltf

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

var le = binary.LittleEndian

// open begins a view at a multiple of align bytes and returns its bytes.
func (w *Writer) open(length, stride, target, align int) []byte {
	for len(w.bin)%align != 0 {
		w.bin = append(w.bin, 0)
	}
	from := len(w.bin)
	w.bin = slices.Grow(w.bin, length)[:from+length]
	w.views = append(w.views, view{from, length, stride, target})
	return w.bin[from:]
}

func (w *Writer) accessor(a accessor) int {
	a.view = len(w.views) - 1
	w.accessors = append(w.accessors, a)
	return len(w.accessors) - 1
}

// quantizedPositions writes positions as steps of the grid, u16 in 8 bytes.
func (w *Writer) quantizedPositions(p []float32, g *grid) int {
	n := len(p) / 3
	b := w.open(8*n, 8, targetVertices, 4)
	inv := 1 / g.step
	lo, hi := [3]uint16{65535, 65535, 65535}, [3]uint16{}
	for i := range n {
		v := [3]uint16{
			uint16((float64(p[3*i])-g.lo[0])*inv + 0.5),
			uint16((float64(p[3*i+2])-g.lo[1])*inv + 0.5),
			uint16((-float64(p[3*i+1])-g.lo[2])*inv + 0.5),
		}
		le.PutUint64(b[8*i:], uint64(v[0])|uint64(v[1])<<16|uint64(v[2])<<32)
		for k := range 3 {
			lo[k], hi[k] = min(lo[k], v[k]), max(hi[k], v[k])
		}
	}
	w.uses |= usesQuantization
	a := accessor{component: typeUint16, kind: "VEC3", count: n, bounded: true}
	for k := range 3 {
		a.lo[k], a.hi[k] = float64(lo[k]), float64(hi[k])
	}
	return w.accessor(a)
}

// floatPositions writes positions as float32, on multiples of snap if that is
// not 0.
func (w *Writer) floatPositions(p []float32, snap float64) int {
	n := len(p) / 3
	b := w.open(12*n, 12, targetVertices, 4)
	a := accessor{component: typeFloat32, kind: "VEC3", count: n, bounded: true}
	for k := range 3 {
		a.lo[k], a.hi[k] = math.Inf(1), math.Inf(-1)
	}
	for i := range n {
		v := [3]float32{p[3*i], p[3*i+2], -p[3*i+1]}
		for k := range 3 {
			if snap > 0 {
				v[k] = float32(math.Round(float64(v[k])/snap) * snap)
			}
			f := float64(v[k]) + 0 // no negative zero in the bounds
			a.lo[k], a.hi[k] = min(a.lo[k], f), max(a.hi[k], f)
			le.PutUint32(b[12*i+4*k:], math.Float32bits(v[k]))
		}
	}
	return w.accessor(a)
}

// normals writes unit vectors as i8 in 4 bytes, or float32 when Plain.
func (w *Writer) normals(v []int8) int {
	n := len(v) / 3
	if w.Plain {
		return w.floatNormals(v)
	}
	b := w.open(4*n, 4, targetVertices, 4)
	for i := range n {
		le.PutUint32(b[4*i:], uint32(uint8(v[3*i]))|uint32(uint8(v[3*i+2]))<<8|uint32(uint8(-v[3*i+1]))<<16)
	}
	w.uses |= usesQuantization
	return w.accessor(accessor{component: typeInt8, kind: "VEC3", count: n, normalized: true})
}

func (w *Writer) floatNormals(v []int8) int {
	n := len(v) / 3
	b := w.open(12*n, 12, targetVertices, 4)
	for i := range n {
		x, y, z := float64(v[3*i]), float64(v[3*i+2]), -float64(v[3*i+1])
		l := max(math.Sqrt(x*x+y*y+z*z), 1)
		le.PutUint32(b[12*i:], math.Float32bits(float32(x/l)))
		le.PutUint32(b[12*i+4:], math.Float32bits(float32(y/l)))
		le.PutUint32(b[12*i+8:], math.Float32bits(float32(z/l)))
	}
	return w.accessor(accessor{component: typeFloat32, kind: "VEC3", count: n})
}

// linear is the linear value of an sRGB value.
func linear(c uint8) float64 {
	v := float64(c) / 255
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// linearTable holds linear values in 16 bits.
var linearTable = func() (t [256]uint16) {
	for i := range t {
		t[i] = uint16(math.Round(linear(uint8(i)) * 65535))
	}
	return t
}()

// colors writes linear colours: in 8 bits for large meshes, in 16 for models.
func (w *Writer) colors(c []uint8, small bool) int {
	n := len(c) / 4
	if small {
		b := w.open(4*n, 4, targetVertices, 4)
		for i := 0; i < 4*n; i += 4 {
			for k := range 3 {
				b[i+k] = uint8((uint32(linearTable[c[i+k]])*255 + 32767) / 65535)
			}
			b[i+3] = c[i+3]
		}
		return w.accessor(accessor{component: typeUint8, kind: "VEC4", count: n, normalized: true})
	}
	b := w.open(8*n, 8, targetVertices, 4)
	for i := 0; i < 4*n; i += 4 {
		for k := range 3 {
			le.PutUint16(b[2*i+2*k:], linearTable[c[i+k]])
		}
		le.PutUint16(b[2*i+6:], uint16(c[i+3])*257)
	}
	return w.accessor(accessor{component: typeUint16, kind: "VEC4", count: n, normalized: true})
}

// featureColumn writes feature ids as u16 in 4 bytes (2 for instances), or as
// float32 when there are more (u32 is not allowed in vertex attributes), and
// counts the distinct ones.
func (w *Writer) featureColumn(f []uint32, target int) (accessorIndex, distinct int) {
	n := len(f)
	top := uint32(0)
	for _, v := range f {
		top = max(top, v)
	}
	if top > 1<<24 {
		w.fail(errFeatures)
		top = 0
	}
	distinct = w.distinct(f, top)
	if top > 65535 {
		b := w.open(4*n, strideFor(target, 4), target, 4)
		for i, v := range f {
			le.PutUint32(b[4*i:], math.Float32bits(float32(v)))
		}
		return w.accessor(accessor{component: typeFloat32, kind: "SCALAR", count: n}), distinct
	}
	if target == 0 {
		b := w.open(2*n, 0, target, 4)
		for i, v := range f {
			le.PutUint16(b[2*i:], uint16(v))
		}
	} else {
		b := w.open(4*n, 4, target, 4)
		for i, v := range f {
			le.PutUint32(b[4*i:], v)
		}
	}
	return w.accessor(accessor{component: typeUint16, kind: "SCALAR", count: n}), distinct
}

func strideFor(target, stride int) int {
	if target == targetVertices {
		return stride
	}
	return 0
}

// distinct counts the different ids, of which none is above top.
func (w *Writer) distinct(f []uint32, top uint32) int {
	words := int(top/64) + 1
	w.seen = slices.Grow(w.seen[:0], words)[:words]
	clear(w.seen)
	for _, v := range f {
		if v <= top {
			w.seen[v/64] |= 1 << (v % 64)
		}
	}
	n := 0
	for _, s := range w.seen {
		n += bits.OnesCount64(s)
	}
	return n
}

// indices writes indices as u16 where the vertices allow it, else u32.
func (w *Writer) indices(v []uint32, vertices int) int {
	for _, i := range v {
		if int(i) >= vertices {
			w.fail(errIndex)
			break
		}
	}
	if vertices <= 65535 {
		b := w.open(2*len(v), 0, targetIndices, 4)
		for i, x := range v {
			le.PutUint16(b[2*i:], uint16(x))
		}
		return w.accessor(accessor{component: typeUint16, kind: "SCALAR", count: len(v)})
	}
	b := w.open(4*len(v), 0, targetIndices, 4)
	for i, x := range v {
		le.PutUint32(b[4*i:], x)
	}
	return w.accessor(accessor{component: typeUint32, kind: "SCALAR", count: len(v)})
}

// instanceTranslations writes positions on multiples of 4 mm in plan and 1 mm
// in height: what lies below only makes contents larger.
func (w *Writer) instanceTranslations(v []float32) int {
	b := w.open(4*len(v), 0, 0, 4)
	for i := 0; i+2 < len(v); i += 3 {
		le.PutUint32(b[4*i:], math.Float32bits(onGrid(v[i], 256)))
		le.PutUint32(b[4*i+4:], math.Float32bits(onGrid(v[i+2], 1024)))
		le.PutUint32(b[4*i+8:], math.Float32bits(onGrid(-v[i+1], 256)))
	}
	return w.accessor(accessor{component: typeFloat32, kind: "VEC3", count: len(v) / 3})
}

// onGrid rounds to multiples of 1/steps; there is no negative zero.
func onGrid(v float32, steps float64) float32 {
	return float32(math.Round(float64(v)*steps)/steps) + 0
}

// instanceScales writes scales in 15 significant bits: 2 mm in 100 m.
func (w *Writer) instanceScales(v []float32) int {
	b := w.open(4*len(v), 0, 0, 4)
	for i := 0; i+2 < len(v); i += 3 {
		le.PutUint32(b[4*i:], shortened(v[i]))
		le.PutUint32(b[4*i+4:], shortened(v[i+2]))
		le.PutUint32(b[4*i+8:], shortened(v[i+1]))
	}
	return w.accessor(accessor{component: typeFloat32, kind: "VEC3", count: len(v) / 3})
}

// shortened rounds a float32 to 15 bits after the leading one.
func shortened(v float32) uint32 { return (math.Float32bits(v) + 0x80) &^ 0xff }

// instanceRotations writes quaternions in glTF's axes, on multiples of 2⁻¹⁸:
// half a step turns the end of 100 m by less than a millimetre.
func (w *Writer) instanceRotations(v []float32) int {
	b := w.open(4*len(v), 0, 0, 4)
	for i := 0; i+3 < len(v); i += 4 {
		for k, x := range [4]float32{v[i], v[i+2], -v[i+1], v[i+3]} {
			le.PutUint32(b[4*i+4*k:], math.Float32bits(onGrid(x, 1<<18)))
		}
	}
	return w.accessor(accessor{component: typeFloat32, kind: "VEC4", count: len(v) / 4})
}
