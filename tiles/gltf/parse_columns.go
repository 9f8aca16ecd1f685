package gltf

import (
	"errors"
	"fmt"
	"math"
)

var errAccessor = errors.New("an accessor does not fit its view")

// unit is what one step of the accessor's integers is worth.
func (a *accessorJSON) unit() float64 {
	if !a.Normalized {
		return 1
	}
	switch a.ComponentType {
	case typeInt8:
		return 1.0 / 127
	case typeUint8:
		return 1.0 / 255
	case typeInt16:
		return 1.0 / 32767
	case typeUint16:
		return 1.0 / 65535
	}
	return 1
}

func componentSize(component int) uint64 {
	switch component {
	case typeInt8, typeUint8:
		return 1
	case typeInt16, typeUint16:
		return 2
	case typeUint32, typeFloat32:
		return 4
	}
	return 0
}

var kindWidth = map[string]uint64{"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}

// bytesOf are the bytes of a view.
func (p *parser) bytesOf(i int) ([]byte, error) {
	if i < 0 || i >= len(p.file.BufferViews) {
		return nil, fmt.Errorf("buffer view %d is not there", i)
	}
	v := &p.file.BufferViews[i]
	n := uint64(len(p.bin))
	if v.Buffer != 0 || v.ByteOffset > n || v.ByteLength > n-v.ByteOffset {
		return nil, fmt.Errorf("buffer view %d lies beyond the buffer", i)
	}
	return p.bin[v.ByteOffset : v.ByteOffset+v.ByteLength], nil
}

// layout checks an accessor and returns its bytes, stride and size.
func (p *parser) layout(i int) (a *accessorJSON, b []byte, stride, width uint64, err error) {
	if i < 0 || i >= len(p.file.Accessors) {
		return nil, nil, 0, 0, fmt.Errorf("accessor %d is not there", i)
	}
	a = &p.file.Accessors[i]
	size := componentSize(a.ComponentType)
	width = kindWidth[a.Type]
	if a.BufferView == nil || size == 0 || width == 0 {
		return nil, nil, 0, 0, fmt.Errorf("accessor %d is not understood", i)
	}
	if b, err = p.bytesOf(*a.BufferView); err != nil {
		return nil, nil, 0, 0, err
	}
	v := &p.file.BufferViews[*a.BufferView]
	stride = v.ByteStride
	if stride == 0 {
		stride = size * width
	}
	n := uint64(len(b))
	switch {
	case a.Count == 0 || a.Count > n || a.ByteOffset > n || stride < size*width || stride > 252,
		a.ByteOffset+(a.Count-1)*stride+size*width > n,
		(a.ByteOffset+v.ByteOffset)%size != 0:
		return nil, nil, 0, 0, fmt.Errorf("accessor %d: %w", i, errAccessor)
	case v.ByteStride%4 != 0:
		return nil, nil, 0, 0, fmt.Errorf("accessor %d: the stride of %d is not a multiple of 4", i, v.ByteStride)
	}
	if p.left -= int(a.Count * width); p.left < 0 {
		return nil, nil, 0, 0, fmt.Errorf("more elements than the limit of %d", p.limits.Elements)
	}
	return a, b[a.ByteOffset:], stride, width, nil
}

// element decodes one number.
func element(b []byte, component int) float64 {
	switch component {
	case typeInt8:
		return float64(int8(b[0]))
	case typeUint8:
		return float64(b[0])
	case typeInt16:
		return float64(int16(le.Uint16(b)))
	case typeUint16:
		return float64(le.Uint16(b))
	case typeUint32:
		return float64(le.Uint32(b))
	}
	return float64(math.Float32frombits(le.Uint32(b)))
}

// column decodes an accessor of so many numbers an element.
func (p *parser) column(i, want int) ([]float64, error) {
	a, b, stride, width, err := p.layout(i)
	if err != nil {
		return nil, err
	}
	if width != uint64(want) {
		return nil, fmt.Errorf("accessor %d has %d numbers an element, not %d", i, width, want)
	}
	out := make([]float64, 0, a.Count*width)
	size, unit := componentSize(a.ComponentType), a.unit()
	for k := range a.Count {
		for c := range width {
			v := element(b[k*stride+c*size:], a.ComponentType) * unit
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("accessor %d holds a number that is not finite", i)
			}
			out = append(out, v)
		}
	}
	return out, nil
}

// whole decodes an accessor of whole numbers.
func (p *parser) whole(i int) ([]uint32, error) {
	v, err := p.column(i, 1)
	if err != nil {
		return nil, err
	}
	out := make([]uint32, len(v))
	for k, x := range v {
		if x < 0 || x > math.MaxUint32 || x != math.Trunc(x) {
			return nil, fmt.Errorf("accessor %d holds %v, no whole number", i, x)
		}
		out[k] = uint32(x)
	}
	return out, nil
}

func (p *parser) node(j *nodeJSON, d *Document) (n DocumentNode, err error) {
	n = DocumentNode{Children: j.Children, Mesh: -1, Table: NoTable}
	if n.Matrix, err = localMatrix(j); err != nil {
		return n, err
	}
	if j.Mesh != nil {
		if n.Mesh = *j.Mesh; n.Mesh < 0 || n.Mesh >= len(d.Meshes) {
			return n, errors.New("the mesh is not there")
		}
	}
	if j.Extensions.Instancing == nil {
		return n, nil
	}
	return n, p.instances(j, &n, d)
}

func (p *parser) instances(j *nodeJSON, n *DocumentNode, d *Document) error {
	attributes := j.Extensions.Instancing.Attributes
	t, err := p.named(attributes, "TRANSLATION", 3)
	if err != nil {
		return err
	}
	r, err := p.named(attributes, "ROTATION", 4)
	if err != nil {
		return err
	}
	s, err := p.named(attributes, "SCALE", 3)
	if err != nil {
		return err
	}
	count := len(t) / 3
	if len(r) != 4*count || len(s) != 3*count {
		return errors.New("the instances' columns differ in length")
	}
	for i := range count {
		m, err := compose(t[3*i:3*i+3], r[4*i:4*i+4], s[3*i:3*i+3])
		if err != nil {
			return err
		}
		n.Instances = append(n.Instances, m)
	}
	if j.Extensions.Features == nil {
		return nil
	}
	at, ok := attributes["_FEATURE_ID_0"]
	if ok {
		if n.Features, err = p.whole(at); err != nil || len(n.Features) != count {
			return errors.Join(errors.New("the feature ids do not fit the instances"), err)
		}
	} else {
		for i := range count {
			n.Features = append(n.Features, uint32(i))
		}
	}
	n.Count, n.Table, err = checkFeatures(j.Extensions.Features, n.Features, ok, d.Tables)
	return err
}

func (p *parser) named(attributes map[string]int, name string, width int) ([]float64, error) {
	at, ok := attributes[name]
	if !ok {
		return nil, fmt.Errorf("%s is missing", name)
	}
	return p.column(at, width)
}

// localMatrix is a node's matrix, given as such or by its parts.
func localMatrix(j *nodeJSON) (m [16]float64, err error) {
	if j.Matrix != nil {
		if len(j.Matrix) != 16 || j.Translation != nil || j.Rotation != nil || j.Scale != nil {
			return m, errors.New("the matrix is malformed")
		}
		return [16]float64(j.Matrix), nil
	}
	t, r, s := []float64{0, 0, 0}, []float64{0, 0, 0, 1}, []float64{1, 1, 1}
	if j.Translation != nil {
		t = j.Translation
	}
	if j.Rotation != nil {
		r = j.Rotation
	}
	if j.Scale != nil {
		s = j.Scale
	}
	return compose(t, r, s)
}

// compose is the matrix that scales, then turns, then moves.
func compose(t, r, s []float64) (m [16]float64, err error) {
	if len(t) != 3 || len(r) != 4 || len(s) != 3 {
		return m, errors.New("the transform is malformed")
	}
	x, y, z, w := r[0], r[1], r[2], r[3]
	if l := x*x + y*y + z*z + w*w; math.Abs(l-1) > 1e-4 {
		return m, fmt.Errorf("a rotation is no unit quaternion: %v", r)
	}
	return [16]float64{
		(1 - 2*(y*y+z*z)) * s[0], 2 * (x*y + z*w) * s[0], 2 * (x*z - y*w) * s[0], 0,
		2 * (x*y - z*w) * s[1], (1 - 2*(x*x+z*z)) * s[1], 2 * (y*z + x*w) * s[1], 0,
		2 * (x*z + y*w) * s[2], 2 * (y*z - x*w) * s[2], (1 - 2*(x*x+y*y)) * s[2], 0,
		t[0], t[1], t[2], 1,
	}, nil
}
