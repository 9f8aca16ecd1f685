package tiles3d_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial/geodesic"
)

// The tests read contents with a reader of their own, so that a mistake of the
// writer is not made twice. It knows what glTF 2.0 and the extensions in use say,
// and nothing of twind.

type gltfDoc struct {
	Nodes []struct {
		Mesh        *int
		Children    []int
		Matrix      []float64
		Translation []float64
		Scale       []float64
		Rotation    []float64
		Extensions  struct {
			Instancing *struct {
				Attributes map[string]int
			} `json:"EXT_mesh_gpu_instancing"`
			Features *gltfFeatures `json:"EXT_instance_features"`
		}
	}
	Scenes []struct{ Nodes []int }
	Meshes []struct {
		Name       string
		Primitives []struct {
			Attributes map[string]int
			Indices    *int
			Material   int
			Extensions struct {
				Features *gltfFeatures `json:"EXT_mesh_features"`
			}
		}
	}
	Materials []struct {
		Name string
		PBR  struct {
			BaseColorFactor []float64
		} `json:"pbrMetallicRoughness"`
	}
	Accessors []struct {
		BufferView, ByteOffset, ComponentType, Count int
		Normalized                                   bool
		Type                                         string
		Min, Max                                     []float64
	}
	BufferViews []struct{ ByteOffset, ByteLength, ByteStride int }
	Extensions  struct {
		Metadata struct {
			Schema struct {
				Classes map[string]struct {
					Properties map[string]gltfProperty
				}
				Enums map[string]struct {
					Values []struct {
						Name  string
						Value int
					}
				}
			}
			PropertyTables []struct {
				Class      string
				Count      int
				Properties map[string]struct {
					Values           int
					StringOffsets    int
					StringOffsetType string
				}
			}
		} `json:"EXT_structural_metadata"`
	}
}

type gltfFeatures struct {
	FeatureIDs []struct {
		FeatureCount  int
		Attribute     *int
		PropertyTable *int
	} `json:"featureIds"`
}

type gltfProperty struct {
	Name, Type, ComponentType, EnumType string
	NoData                              any
}

// content is a decoded content: triangles in earth-centred metres, by row.
type content struct {
	rows      int
	triangles []triangle
	instances []instance
	values    map[string][]any // by property, then row; nil is null
	// Twice the area of triangles, and of those whose front is not where their
	// normals point.
	area, flipped float64
}

type triangle struct {
	row      int
	material string
	corners  [3]geodesic.Vec3
}

// instance is one placement of a model: the matrix carries the model's own axes
// to earth-centred metres.
type instance struct {
	row      int
	mesh     string
	material string
	matrix   matrix
	lo, hi   [3]float64 // of the model, in its own axes
}

// matrix is column-major.
type matrix [16]float64

func (m matrix) mul(o matrix) (out matrix) {
	for c := range 4 {
		for r := range 4 {
			for k := range 4 {
				out[4*c+r] += m[4*k+r] * o[4*c+k]
			}
		}
	}
	return out
}

func (m matrix) at(x, y, z float64) geodesic.Vec3 {
	return geodesic.Vec3{m[0]*x + m[4]*y + m[8]*z + m[12], m[1]*x + m[5]*y + m[9]*z + m[13], m[2]*x + m[6]*y + m[10]*z + m[14]}
}

var identity = matrix{0: 1, 5: 1, 10: 1, 15: 1}

// upright turns glTF's y-up to the z-up of 3D Tiles: (x, y, z) → (x, −z, y).
var upright = matrix{0: 1, 6: 1, 9: -1, 15: 1}

func compose(t, q, s []float64) matrix {
	m := identity
	if len(q) == 4 {
		x, y, z, w := q[0], q[1], q[2], q[3]
		m = matrix{
			1 - 2*(y*y+z*z), 2 * (x*y + z*w), 2 * (x*z - y*w), 0,
			2 * (x*y - z*w), 1 - 2*(x*x+z*z), 2 * (y*z + x*w), 0,
			2 * (x*z + y*w), 2 * (y*z - x*w), 1 - 2*(x*x+y*y), 0,
			0, 0, 0, 1}
	}
	if len(s) == 3 {
		for c := range 3 {
			for r := range 3 {
				m[4*c+r] *= s[c]
			}
		}
	}
	if len(t) == 3 {
		m[12], m[13], m[14] = t[0], t[1], t[2]
	}
	return m
}

type decoder struct {
	t   *testing.T
	doc gltfDoc
	bin []byte
	out *content
}

// decode reads a GLB.
func decode(t *testing.T, b []byte) *content {
	t.Helper()
	require.GreaterOrEqual(t, len(b), 28)
	require.Equal(t, "glTF", string(b[:4]))
	require.EqualValues(t, 2, binary.LittleEndian.Uint32(b[4:]))
	require.EqualValues(t, len(b), binary.LittleEndian.Uint32(b[8:]))
	n := int(binary.LittleEndian.Uint32(b[12:]))
	require.Equal(t, "JSON", string(b[16:20]))
	d := &decoder{t: t, out: &content{values: map[string][]any{}}}
	require.NoError(t, json.Unmarshal(b[20:20+n], &d.doc))
	require.Zero(t, (20+n)%4)
	d.bin = b[28+n:]
	require.EqualValues(t, len(d.bin), binary.LittleEndian.Uint32(b[20+n:]))
	for _, v := range d.doc.BufferViews {
		require.LessOrEqual(t, v.ByteOffset+v.ByteLength, len(d.bin))
	}
	d.tables()
	for _, i := range d.doc.Scenes[0].Nodes {
		d.node(i, upright)
	}
	return d.out
}

// numbers reads an accessor as float64, components one after the other.
func (d *decoder) numbers(i int) []float64 {
	a := d.doc.Accessors[i]
	v := d.doc.BufferViews[a.BufferView]
	per := map[string]int{"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}[a.Type]
	size := map[int]int{5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4}[a.ComponentType]
	stride := v.ByteStride
	if stride == 0 {
		stride = per * size
	}
	out := make([]float64, 0, a.Count*per)
	for k := range a.Count {
		for c := range per {
			p := d.bin[v.ByteOffset+a.ByteOffset+k*stride+c*size:]
			var f float64
			switch a.ComponentType {
			case 5120:
				f = float64(int8(p[0]))
				if a.Normalized {
					f = max(f/127, -1)
				}
			case 5121:
				f = float64(p[0])
				if a.Normalized {
					f /= 255
				}
			case 5122:
				f = float64(int16(binary.LittleEndian.Uint16(p)))
				if a.Normalized {
					f = max(f/32767, -1)
				}
			case 5123:
				f = float64(binary.LittleEndian.Uint16(p))
				if a.Normalized {
					f /= 65535
				}
			case 5125:
				f = float64(binary.LittleEndian.Uint32(p))
			default:
				f = float64(math.Float32frombits(binary.LittleEndian.Uint32(p)))
			}
			out = append(out, f)
		}
	}
	return out
}

func (d *decoder) node(i int, parent matrix) {
	n := d.doc.Nodes[i]
	m := parent
	if n.Matrix != nil {
		m = m.mul(matrix(n.Matrix))
		d.rigid(matrix(n.Matrix))
	} else {
		m = m.mul(compose(n.Translation, n.Rotation, n.Scale))
	}
	for _, c := range n.Children {
		d.node(c, m)
	}
	if n.Mesh == nil {
		return
	}
	if in := n.Extensions.Instancing; in != nil {
		d.instances(*n.Mesh, m, in.Attributes, n.Extensions.Features)
		return
	}
	d.mesh(*n.Mesh, m)
}

// rigid: a frame neither skews nor scales nor mirrors.
func (d *decoder) rigid(m matrix) {
	for a := range 3 {
		for b := range 3 {
			dot := m[4*a]*m[4*b] + m[4*a+1]*m[4*b+1] + m[4*a+2]*m[4*b+2]
			want := 0.0
			if a == b {
				want = 1
			}
			require.InDelta(d.t, want, dot, 1e-8)
		}
	}
	det := m[0]*(m[5]*m[10]-m[6]*m[9]) - m[4]*(m[1]*m[10]-m[2]*m[9]) + m[8]*(m[1]*m[6]-m[2]*m[5])
	require.InDelta(d.t, 1, det, 1e-8)
}

func (d *decoder) featureCount(f *gltfFeatures) {
	require.NotNil(d.t, f)
	require.Len(d.t, f.FeatureIDs, 1)
	id := f.FeatureIDs[0]
	require.NotNil(d.t, id.PropertyTable)
	require.LessOrEqual(d.t, id.FeatureCount, d.out.rows, "featureCount")
	require.Positive(d.t, id.FeatureCount)
}

func (d *decoder) mesh(i int, m matrix) {
	for _, p := range d.doc.Meshes[i].Primitives {
		d.featureCount(p.Extensions.Features)
		pos, ids := d.numbers(p.Attributes["POSITION"]), d.numbers(p.Attributes["_FEATURE_ID_0"])
		normals := d.numbers(p.Attributes["NORMAL"])
		idx := d.numbers(*p.Indices)
		a := d.doc.Accessors[p.Attributes["POSITION"]]
		for k, v := range pos {
			require.True(d.t, v >= a.Min[k%3] && v <= a.Max[k%3], "an accessor's bounds hold its values")
		}
		seen := map[float64]bool{}
		for k := 0; k+2 < len(idx); k += 3 {
			t := triangle{row: int(ids[int(idx[k])]), material: d.doc.Materials[p.Material].Name}
			for c := range 3 {
				v := int(idx[k+c])
				require.Equal(d.t, t.row, int(ids[v]), "a triangle belongs to one feature")
				t.corners[c] = m.at(pos[3*v], pos[3*v+1], pos[3*v+2])
			}
			seen[ids[int(idx[k])]] = true
			d.winding(m, &t, normals[3*int(idx[k]):])
			d.out.triangles = append(d.out.triangles, t)
		}
		require.LessOrEqual(d.t, len(seen), p.Extensions.Features.FeatureIDs[0].FeatureCount, "featureCount")
	}
}

// winding: a triangle's front is where its normals point.
func (d *decoder) winding(m matrix, t *triangle, n []float64) {
	g := cross(t.corners[1].Sub(t.corners[0]), t.corners[2].Sub(t.corners[0]))
	o, e := m.at(0, 0, 0), m.at(n[0], n[1], n[2])
	v := e.Sub(o)
	longest := 0.0
	for c := range 3 {
		longest = max(longest, t.corners[c].Sub(t.corners[(c+1)%3]).Norm())
	}
	if area := g.Norm(); area > 0.02*longest { // what is thinner than 2 cm turns by rounding
		d.out.area += area
		if g.Dot(v) <= 0 {
			d.out.flipped += area
		}
	}
}

func cross(a, b geodesic.Vec3) geodesic.Vec3 {
	return geodesic.Vec3{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}

func (d *decoder) instances(i int, m matrix, attributes map[string]int, f *gltfFeatures) {
	d.featureCount(f)
	t := d.numbers(attributes["TRANSLATION"])
	n := len(t) / 3
	var q, s, ids []float64
	if a, ok := attributes["ROTATION"]; ok {
		q = d.numbers(a)
		require.Len(d.t, q, 4*n)
	}
	if a, ok := attributes["SCALE"]; ok {
		s = d.numbers(a)
		require.Len(d.t, s, 3*n)
	}
	if f.FeatureIDs[0].Attribute != nil {
		ids = d.numbers(attributes["_FEATURE_ID_0"])
	} else { // implicit: the number of the instance
		for k := range n {
			ids = append(ids, float64(k))
		}
	}
	require.Len(d.t, ids, n)
	for _, p := range d.doc.Meshes[i].Primitives {
		a := d.doc.Accessors[p.Attributes["POSITION"]]
		for k := range n {
			in := instance{row: int(ids[k]), mesh: d.doc.Meshes[i].Name, material: d.doc.Materials[p.Material].Name, lo: [3]float64(a.Min), hi: [3]float64(a.Max)}
			var qk, sk []float64
			if q != nil {
				qk = q[4*k : 4*k+4]
			}
			if s != nil {
				sk = s[3*k : 3*k+3]
			}
			in.matrix = m.mul(compose(t[3*k:3*k+3], qk, sk))
			d.out.instances = append(d.out.instances, in)
		}
	}
}

// view is the bytes of a buffer view of a table, which must be aligned to 8.
func (d *decoder) view(i int, aligned bool) []byte {
	v := d.doc.BufferViews[i]
	if aligned {
		require.Zero(d.t, v.ByteOffset%8, "views of tables are aligned to 8 bytes")
	}
	return d.bin[v.ByteOffset : v.ByteOffset+v.ByteLength]
}

func (d *decoder) tables() {
	md := d.doc.Extensions.Metadata
	require.Len(d.t, md.PropertyTables, 1)
	tbl := md.PropertyTables[0]
	d.out.rows = tbl.Count
	for id, p := range tbl.Properties {
		spec := md.Schema.Classes[tbl.Class].Properties[id]
		name := id
		if spec.Name != "" {
			name = spec.Name
		}
		values := make([]any, tbl.Count)
		b := d.view(p.Values, true)
		switch spec.Type {
		case "STRING":
			off := d.view(p.StringOffsets, true)
			size := map[string]int{"UINT8": 1, "UINT16": 2, "": 4, "UINT32": 4}[p.StringOffsetType]
			require.Len(d.t, off, size*(tbl.Count+1))
			for k := range values {
				s := string(b[little(off[k*size:], size):little(off[(k+1)*size:], size)])
				if nd, ok := spec.NoData.(string); !ok || nd != s {
					values[k] = s
				}
			}
		case "BOOLEAN":
			for k := range values {
				values[k] = b[k/8]>>(k%8)&1 == 1
			}
		case "SCALAR":
			for k := range values {
				v := scalar(b, spec.ComponentType, k)
				if nd, ok := spec.NoData.(float64); !ok || nd != v && float64(float32(nd)) != v {
					values[k] = v
				}
			}
		case "ENUM":
			for k := range values {
				size := len(b) / tbl.Count
				code := little(b[k*size:], size)
				for _, e := range md.Schema.Enums[spec.EnumType].Values {
					if e.Value == code && spec.NoData != e.Name {
						values[k] = e.Name
					}
				}
			}
		default:
			d.t.Fatalf("property of type %s", spec.Type)
		}
		d.out.values[name] = values
	}
}

func little(b []byte, size int) (v int) {
	for k := range size {
		v |= int(b[k]) << (8 * k)
	}
	return v
}

func scalar(b []byte, component string, k int) float64 {
	switch component {
	case "INT8":
		return float64(int8(b[k]))
	case "UINT8":
		return float64(b[k])
	case "INT16":
		return float64(int16(little(b[2*k:], 2)))
	case "UINT16":
		return float64(little(b[2*k:], 2))
	case "INT32":
		return float64(int32(little(b[4*k:], 4)))
	case "UINT32":
		return float64(little(b[4*k:], 4))
	case "INT64", "UINT64":
		return float64(int64(binary.LittleEndian.Uint64(b[8*k:])))
	case "FLOAT32":
		return float64(math.Float32frombits(uint32(little(b[4*k:], 4))))
	default:
		return math.Float64frombits(binary.LittleEndian.Uint64(b[8*k:]))
	}
}
