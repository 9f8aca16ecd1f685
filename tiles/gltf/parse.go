package gltf

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// Limits bound what Parse accepts; a zero field means the default.
type Limits struct {
	Bytes    int // of the file: 256 MiB
	JSON     int // bytes of the JSON chunk: 16 MiB
	Elements int // of all decoded columns together: 64 million
	Depth    int // of nested nodes: 32
}

func (l *Limits) ensureDefaults() {
	set := func(v *int, usual int) {
		if *v <= 0 {
			*v = usual
		}
	}
	set(&l.Bytes, 256<<20)
	set(&l.JSON, 16<<20)
	set(&l.Elements, 64<<20)
	set(&l.Depth, 32)
}

// Document is a GLB with what twind writes decoded. It is read only.
type Document struct {
	ExtensionsUsed     []string
	ExtensionsRequired []string
	Roots              []int // nodes of the scene
	Nodes              []DocumentNode
	Meshes             []DocumentMesh
	Tables             []DocumentTable
}

// DocumentNode is a node of the scene.
type DocumentNode struct {
	Matrix    [16]float64 // local, column by column
	Children  []int
	Mesh      int // −1 is none
	Instances [][16]float64
	Features  []uint32 // 1 an instance; nil without EXT_instance_features
	Count     int      // featureCount
	Table     int      // or NoTable
}

// DocumentMesh is a list of primitives.
type DocumentMesh struct {
	Name       string
	Primitives []DocumentPrimitive
}

// DocumentPrimitive is a list of triangles, decoded to the node's frame.
type DocumentPrimitive struct {
	Positions []float64 // 3 a vertex
	Normals   []float64 // 3 a vertex, or nil
	Colors    []float64 // 4 a vertex, linear, or nil
	Features  []uint32  // 1 a vertex, or nil
	Indices   []uint32
	Count     int // featureCount
	Table     int // or NoTable
	Material  int
	Lo, Hi    [3]float64 // of the accessor, decoded
}

var errGLB = errors.New("gltf: not a GLB 2.0 file")

// Parse reads a GLB and checks it: lengths, alignment, counts, references,
// indices and feature counts. Only what a Writer writes is understood; other
// parts of glTF are errors or passed over.
func Parse(data []byte, limits Limits) (*Document, error) {
	limits.ensureDefaults()
	text, bin, err := chunks(data, &limits)
	if err != nil {
		return nil, err
	}
	var file fileJSON
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("gltf: JSON chunk: %w", err)
	}
	p := parser{file: &file, bin: bin, left: limits.Elements, limits: &limits}
	return p.document()
}

// chunks splits the container.
func chunks(data []byte, limits *Limits) (text, bin []byte, err error) {
	if len(data) > limits.Bytes {
		return nil, nil, fmt.Errorf("gltf: %d bytes are more than the limit of %d", len(data), limits.Bytes)
	}
	if len(data) < 20 || string(data[:4]) != "glTF" || le.Uint32(data[4:]) != 2 || uint64(le.Uint32(data[8:])) != uint64(len(data)) {
		return nil, nil, errGLB
	}
	n := uint64(le.Uint32(data[12:]))
	if string(data[16:20]) != "JSON" || n%4 != 0 || n > uint64(len(data)-20) || n > uint64(limits.JSON) {
		return nil, nil, errGLB
	}
	text, rest := data[20:20+n], data[20+n:]
	if len(rest) == 0 {
		return text, nil, nil
	}
	if len(rest) < 8 || string(rest[4:8]) != "BIN\x00" || uint64(le.Uint32(rest)) != uint64(len(rest)-8) {
		return nil, nil, errGLB
	}
	if (20+n+8)%8 != 0 {
		return nil, nil, errors.New("gltf: the binary chunk does not begin on a multiple of 8 bytes")
	}
	return text, rest[8:], nil
}

type parser struct {
	file   *fileJSON
	bin    []byte
	left   int
	limits *Limits
}

func (p *parser) document() (*Document, error) {
	f := p.file
	if f.Asset.Version != "2.0" {
		return nil, fmt.Errorf("gltf: version %q is not 2.0", f.Asset.Version)
	}
	if len(f.Buffers) > 1 || len(f.Buffers) == 1 && f.Buffers[0].ByteLength > uint64(len(p.bin)) {
		return nil, errors.New("gltf: the buffer is not the binary chunk")
	}
	d := &Document{ExtensionsUsed: f.ExtensionsUsed, ExtensionsRequired: f.ExtensionsRequired}
	var err error
	if d.Tables, err = p.tables(); err != nil {
		return nil, err
	}
	for i := range f.Meshes {
		m := DocumentMesh{Name: f.Meshes[i].Name}
		for k := range f.Meshes[i].Primitives {
			prim, err := p.primitive(&f.Meshes[i].Primitives[k], d.Tables)
			if err != nil {
				return nil, fmt.Errorf("gltf: mesh %d, primitive %d: %w", i, k, err)
			}
			m.Primitives = append(m.Primitives, prim)
		}
		d.Meshes = append(d.Meshes, m)
	}
	for i := range f.Nodes {
		n, err := p.node(&f.Nodes[i], d)
		if err != nil {
			return nil, fmt.Errorf("gltf: node %d: %w", i, err)
		}
		d.Nodes = append(d.Nodes, n)
	}
	if f.Scene != nil {
		if *f.Scene < 0 || *f.Scene >= len(f.Scenes) {
			return nil, errors.New("gltf: the scene is not there")
		}
		d.Roots = f.Scenes[*f.Scene].Nodes
	}
	return d, p.checkTree(d)
}

// checkTree tells whether the nodes are trees: no node is reached twice.
func (p *parser) checkTree(d *Document) error {
	reached := make([]bool, len(d.Nodes))
	var visit func(list []int, depth int) error
	visit = func(list []int, depth int) error {
		if depth > p.limits.Depth {
			return errors.New("gltf: the nodes are nested too deeply")
		}
		for _, i := range list {
			if i < 0 || i >= len(d.Nodes) || reached[i] {
				return fmt.Errorf("gltf: node %d is not there or not in a tree", i)
			}
			reached[i] = true
			if err := visit(d.Nodes[i].Children, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return visit(d.Roots, 0)
}

func (p *parser) primitive(j *primitiveJSON, tables []DocumentTable) (q DocumentPrimitive, err error) {
	if j.Mode != nil && *j.Mode != 4 || j.Indices == nil {
		return q, errors.New("only indexed triangles are understood")
	}
	q.Table, q.Material = NoTable, -1
	if j.Material != nil {
		if q.Material = *j.Material; q.Material < 0 || q.Material >= len(p.file.Materials) {
			return q, errors.New("the material is not there")
		}
	}
	at, ok := j.Attributes["POSITION"]
	if !ok {
		return q, errors.New("POSITION is missing")
	}
	if q.Positions, err = p.column(at, 3); err != nil {
		return q, err
	}
	vertices := len(q.Positions) / 3
	if q.Lo, q.Hi, err = p.checkBounds(at, q.Positions); err != nil {
		return q, err
	}
	if q.Normals, err = p.optional(j.Attributes, "NORMAL", 3, vertices); err != nil {
		return q, err
	}
	if q.Colors, err = p.optional(j.Attributes, "COLOR_0", 4, vertices); err != nil {
		return q, err
	}
	if q.Indices, err = p.whole(*j.Indices); err != nil {
		return q, err
	}
	for _, i := range q.Indices {
		if int(i) >= vertices {
			return q, errIndex
		}
	}
	if j.Extensions.Features == nil {
		return q, nil
	}
	if at, ok = j.Attributes["_FEATURE_ID_0"]; !ok {
		return q, errors.New("_FEATURE_ID_0 is missing")
	}
	if q.Features, err = p.whole(at); err != nil || len(q.Features) != vertices {
		return q, errors.Join(errors.New("the feature ids do not fit the vertices"), err)
	}
	q.Count, q.Table, err = checkFeatures(j.Extensions.Features, q.Features, true, tables)
	return q, err
}

func (p *parser) optional(attributes map[string]int, name string, width, vertices int) ([]float64, error) {
	at, ok := attributes[name]
	if !ok {
		return nil, nil
	}
	v, err := p.column(at, width)
	if err == nil && len(v) != width*vertices {
		err = fmt.Errorf("%s does not fit the positions", name)
	}
	return v, err
}

// checkBounds compares min and max of an accessor with its values.
func (p *parser) checkBounds(at int, v []float64) (lo, hi [3]float64, err error) {
	a := &p.file.Accessors[at]
	if len(a.Min) != 3 || len(a.Max) != 3 {
		return lo, hi, errors.New("POSITION has no min and max")
	}
	lo, hi = [3]float64{math.Inf(1), math.Inf(1), math.Inf(1)}, [3]float64{math.Inf(-1), math.Inf(-1), math.Inf(-1)}
	for i, x := range v {
		lo[i%3], hi[i%3] = min(lo[i%3], x), max(hi[i%3], x)
	}
	s := a.unit()
	for k := range 3 {
		if a.Min[k]*s != lo[k] || a.Max[k]*s != hi[k] {
			return lo, hi, fmt.Errorf("min and max of POSITION are %v %v, the values reach from %v to %v", a.Min, a.Max, lo, hi)
		}
	}
	return lo, hi, nil
}

// checkFeatures compares featureCount with the ids and the ids with the table.
func checkFeatures(j *featureIDsJSON, ids []uint32, attribute bool, tables []DocumentTable) (count, table int, err error) {
	if len(j.FeatureIDs) == 0 {
		return 0, NoTable, errors.New("no feature ids are declared")
	}
	f := &j.FeatureIDs[0]
	if attribute != (f.Attribute != nil) {
		return 0, NoTable, errors.New("the feature ids' attribute is not as declared")
	}
	table = NoTable
	if f.PropertyTable != nil {
		if table = *f.PropertyTable; table < 0 || table >= len(tables) {
			return 0, NoTable, errors.New("the property table is not there")
		}
	}
	distinct := map[uint32]bool{}
	for _, id := range ids {
		distinct[id] = true
		if table >= 0 && int(id) >= tables[table].Rows {
			return 0, NoTable, fmt.Errorf("feature %d is beyond the table's %d rows", id, tables[table].Rows)
		}
	}
	if f.FeatureCount != len(distinct) {
		return 0, NoTable, fmt.Errorf("featureCount is %d, there are %d", f.FeatureCount, len(distinct))
	}
	return f.FeatureCount, table, nil
}
