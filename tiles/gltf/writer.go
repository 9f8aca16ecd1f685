package gltf

import (
	"errors"
	"fmt"
	"math"

	"twind/spatial/mesh"
)

// NoTable stands for the absence of a table.
const NoTable = -1

// Material is a physically based material of one colour.
type Material struct {
	Name        string
	Color       mesh.Color // sRGB; an opacity below 255 blends
	Metallic    float64    // 0…1
	Roughness   float64    // 0…1
	DoubleSided bool
	Unlit       bool // KHR_materials_unlit
}

// Surface is a mesh in one material.
type Surface struct {
	Mesh     *mesh.Mesh
	Material int // what Writer.Material returned
}

// Writer collects a scene and writes it as GLB. The zero value is ready. It
// keeps its memory over Reset and serves one goroutine at a time. What it is
// given is copied at once, but names and strings of tables are kept until
// Reset.
type Writer struct {
	// Plain leaves KHR_mesh_quantization out: positions and normals are
	// float32, for readers that know only the core of glTF.
	Plain bool

	bin       []byte
	views     []view
	accessors []accessor
	materials []Material
	surfaces  []surface
	meshes    []meshEntry
	nodes     []nodeEntry
	tables    []tableEntry
	props     []propEntry
	enums     []enumEntry
	frame     [16]float64
	hasFrame  bool
	uses      extensions
	seen      []uint64
	narrow    []uint64
	err       error
}

type extensions uint8

const (
	usesQuantization extensions = 1 << iota
	usesFeatures
	usesInstancing
	usesInstanceFeatures
	usesMetadata
	usesUnlit
)

type view struct {
	offset, length int
	stride         int // 0 is packed
	target         int // 0 is none
}

// The component types of accessors.
const (
	typeInt8    = 5120
	typeUint8   = 5121
	typeInt16   = 5122
	typeUint16  = 5123
	typeUint32  = 5125
	typeFloat32 = 5126

	targetVertices = 34962
	targetIndices  = 34963
)

type accessor struct {
	view       int
	component  int
	kind       string // SCALAR, VEC3, VEC4
	count      int
	normalized bool
	bounded    bool
	lo, hi     [3]float64
}

// surface is a primitive: accessors, −1 where there is none.
type surface struct {
	position, normal, color, feature, indices int
	material                                  int
	features                                  int // distinct
}

type meshEntry struct {
	name       string
	from, to   int // surfaces
	table      int
	quantized  bool
	offset     [3]float64 // of the grid, in glTF's axes
	step       float64
	hasFeature bool
}

type nodeEntry struct {
	mesh                         int
	instanced                    bool
	translation, rotation, scale int // accessors
	feature                      int // accessor, −1: the instance's number
	features                     int
	table                        int
}

// Reset empties the writer and keeps its memory and Plain.
func (w *Writer) Reset() {
	w.bin, w.views, w.accessors = w.bin[:0], w.views[:0], w.accessors[:0]
	w.materials, w.surfaces, w.meshes, w.nodes = w.materials[:0], w.surfaces[:0], w.meshes[:0], w.nodes[:0]
	clear(w.tables)
	clear(w.props)
	clear(w.enums)
	w.tables, w.props, w.enums = w.tables[:0], w.props[:0], w.enums[:0]
	w.hasFrame, w.uses, w.err = false, 0, nil
}

// Empty tells whether no node was added.
func (w *Writer) Empty() bool { return len(w.nodes) == 0 }

// Frame sets the matrix of the root node, column by column: it carries glTF's
// local axes (x east, y up, z south), in metres, to the scene. See Earth.
func (w *Writer) Frame(columns [16]float64) { w.frame, w.hasFrame = columns, true }

// Earth is the frame of a place on the earth for a 3D Tiles content: origin,
// east, north and up in earth-centred coordinates (metres, and unit vectors).
// 3D Tiles turn a content from y-up to z-up, so each vector (X, Y, Z) is
// written as (X, Z, −Y).
func Earth(origin, east, north, up [3]float64) [16]float64 {
	return [16]float64{
		east[0], east[2], -east[1], 0,
		up[0], up[2], -up[1], 0,
		-north[0], -north[2], north[1], 0,
		origin[0], origin[2], -origin[1], 1,
	}
}

// Material adds a material and returns its number.
func (w *Writer) Material(m Material) int {
	if m.Unlit {
		w.uses |= usesUnlit
	}
	w.materials = append(w.materials, m)
	return len(w.materials) - 1
}

// Mesh adds a mesh of one or more surfaces and returns its number; a mesh of no
// triangles gives −1, which Node and Instances accept. With quantize, positions
// become 16-bit steps if half a step is no more than 5 mm (so up to 655 m of
// extent), else float32 values on a grid of 4 mm; leave quantize out for models
// of instances and for small pipes. table is the table whose rows the features
// of the surfaces are, or NoTable.
func (w *Writer) Mesh(name string, quantize bool, table int, surfaces ...Surface) int {
	e := meshEntry{name: name, from: len(w.surfaces), table: table}
	grid := newGrid(surfaces)
	switch {
	case quantize && !w.Plain && grid.fits():
		e.quantized, e.offset, e.step = true, grid.lo, grid.step
	case quantize:
		grid.snap = 1.0 / 256
	}
	for _, s := range surfaces {
		if s.Mesh == nil || len(s.Mesh.Indices) == 0 {
			continue
		}
		w.addSurface(&e, &s, &grid)
	}
	e.to = len(w.surfaces)
	if e.to == e.from {
		return -1
	}
	w.meshes = append(w.meshes, e)
	return len(w.meshes) - 1
}

func (w *Writer) addSurface(e *meshEntry, s *Surface, g *grid) {
	m := s.Mesh
	n := m.Vertices()
	if err := checkColumns(m); err != nil {
		w.fail(err)
		return
	}
	if s.Material < 0 || s.Material >= len(w.materials) {
		w.fail(fmt.Errorf("gltf: material %d of mesh %q was not added", s.Material, e.name))
		return
	}
	p := surface{normal: -1, color: -1, feature: -1, material: s.Material}
	if e.quantized {
		p.position = w.quantizedPositions(m.Positions, g)
	} else {
		p.position = w.floatPositions(m.Positions, g.snap)
	}
	if m.Columns&mesh.WithNormals != 0 {
		p.normal = w.normals(m.Normals)
	}
	if m.Columns&mesh.WithColors != 0 {
		p.color = w.colors(m.Colors, e.quantized)
	}
	if m.Columns&mesh.WithFeatures != 0 {
		p.feature, p.features = w.featureColumn(m.Features, targetVertices)
		e.hasFeature = true
		w.uses |= usesFeatures
	}
	p.indices = w.indices(m.Indices, n)
	w.surfaces = append(w.surfaces, p)
}

var errColumns = errors.New("gltf: the columns of a mesh differ in length")

func checkColumns(m *mesh.Mesh) error {
	n := m.Vertices()
	switch {
	case m.Columns&mesh.WithNormals != 0 && len(m.Normals) != 3*n,
		m.Columns&mesh.WithColors != 0 && len(m.Colors) != 4*n,
		m.Columns&mesh.WithFeatures != 0 && len(m.Features) != n,
		len(m.Indices)%3 != 0:
		return errColumns
	}
	return nil
}

// Node places a mesh in the scene as it is.
func (w *Writer) Node(mesh int) {
	if mesh >= 0 {
		w.nodes = append(w.nodes, nodeEntry{mesh: mesh})
	}
}

// Instances places a mesh once for each instance. The mesh must not have been
// quantised, for its own scale would act after the instances'. table is the one
// whose rows the instances' features are, or NoTable.
func (w *Writer) Instances(mesh int, s *mesh.Instances, table int) {
	if mesh < 0 || s.Len() == 0 {
		return
	}
	if w.meshes[mesh].quantized {
		w.fail(fmt.Errorf("gltf: mesh %q is quantised and cannot be instanced", w.meshes[mesh].name))
		return
	}
	n := s.Len()
	if len(s.Translations) != 3*n || len(s.Rotations) != 4*n || len(s.Scales) != 3*n {
		w.fail(errColumns)
		return
	}
	e := nodeEntry{mesh: mesh, instanced: true, feature: -1, features: n, table: table}
	e.translation = w.instanceTranslations(s.Translations)
	e.rotation = w.instanceRotations(s.Rotations)
	e.scale = w.instanceScales(s.Scales)
	if !counting(s.Features) {
		e.feature, e.features = w.featureColumn(s.Features, 0)
	}
	w.uses |= usesInstancing | usesInstanceFeatures
	w.nodes = append(w.nodes, e)
}

// counting tells whether the features are 0, 1, 2, …
func counting(features []uint32) bool {
	for i, f := range features {
		if f != uint32(i) {
			return false
		}
	}
	return true
}

func (w *Writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// grid is the lattice of quantised positions, in glTF's axes.
type grid struct {
	lo, extent [3]float64
	step       float64
	snap       float64 // of float32 positions, 0 is none
}

// newGrid encloses all surfaces.
func newGrid(surfaces []Surface) grid {
	lo := [3]float64{math.Inf(1), math.Inf(1), math.Inf(1)}
	hi := [3]float64{math.Inf(-1), math.Inf(-1), math.Inf(-1)}
	for _, s := range surfaces {
		if s.Mesh == nil {
			continue
		}
		a, b, ok := s.Mesh.Bounds()
		if !ok {
			continue
		}
		for k := range 3 {
			lo[k], hi[k] = min(lo[k], float64(a[k])), max(hi[k], float64(b[k]))
		}
	}
	g := grid{step: 1.0 / 128}
	g.lo = [3]float64{lo[0], lo[2], -hi[1]}
	g.extent = [3]float64{hi[0] - lo[0], hi[2] - lo[2], hi[1] - lo[1]}
	if widest := max(g.extent[0], g.extent[1], g.extent[2]); widest > 65534*g.step {
		g.step = 0.01
	}
	for k := range 3 {
		g.lo[k] = math.Floor(g.lo[k]/g.step) * g.step
	}
	return g
}

// fits tells whether the extent has no more than 65,536 steps.
func (g *grid) fits() bool {
	return max(g.extent[0], g.extent[1], g.extent[2]) <= 65534*g.step // false for NaN
}
