package gltf

// Triangle is one triangle of a scene, with its place in the file's frame.
type Triangle struct {
	Corners [3][3]float64 // in the frame of the scene: glTF's axes
	Normals [3][3]float64 // as given, turned with the triangle; zero without
	Feature int           // −1 without feature ids
	Table   int           // or NoTable
	Mesh    int
}

// Triangles calls do for every triangle of the scene, instances included, in
// the order of the nodes, until it returns false.
func (d *Document) Triangles(do func(*Triangle) bool) {
	identity := [16]float64{0: 1, 5: 1, 10: 1, 15: 1}
	d.walk(d.Roots, identity, do)
}

func (d *Document) walk(nodes []int, frame [16]float64, do func(*Triangle) bool) bool {
	for _, i := range nodes {
		n := &d.Nodes[i]
		m := Product(frame, n.Matrix)
		if n.Mesh >= 0 && !d.walkNode(n, m, do) {
			return false
		}
		if !d.walk(n.Children, m, do) {
			return false
		}
	}
	return true
}

func (d *Document) walkNode(n *DocumentNode, m [16]float64, do func(*Triangle) bool) bool {
	if n.Instances == nil {
		return d.walkMesh(n.Mesh, m, -1, NoTable, do)
	}
	for k, instance := range n.Instances {
		feature := -1
		if n.Features != nil {
			feature = int(n.Features[k])
		}
		if !d.walkMesh(n.Mesh, Product(m, instance), feature, n.Table, do) {
			return false
		}
	}
	return true
}

// walkMesh visits the triangles of a mesh; a feature of −1 means the vertices'.
func (d *Document) walkMesh(mesh int, m [16]float64, feature, table int, do func(*Triangle) bool) bool {
	for i := range d.Meshes[mesh].Primitives {
		p := &d.Meshes[mesh].Primitives[i]
		for k := 0; k+2 < len(p.Indices); k += 3 {
			t := Triangle{Feature: feature, Table: table, Mesh: mesh}
			if feature < 0 && p.Features != nil {
				t.Feature, t.Table = int(p.Features[p.Indices[k]]), p.Table
			}
			for c := range 3 {
				at := 3 * p.Indices[k+c]
				t.Corners[c] = Transform(m, [3]float64(p.Positions[at:at+3]), 1)
				if p.Normals != nil {
					t.Normals[c] = Transform(m, [3]float64(p.Normals[at:at+3]), 0)
				}
			}
			if !do(&t) {
				return false
			}
		}
	}
	return true
}

// Product is the matrix that applies b, then a; both column by column.
func Product(a, b [16]float64) (c [16]float64) {
	for col := range 4 {
		for row := range 4 {
			for k := range 4 {
				c[4*col+row] += a[4*k+row] * b[4*col+k]
			}
		}
	}
	return c
}

// Transform applies a matrix to a position (w = 1) or a direction (w = 0).
func Transform(m [16]float64, v [3]float64, w float64) (out [3]float64) {
	for row := range 3 {
		out[row] = m[row]*v[0] + m[4+row]*v[1] + m[8+row]*v[2] + m[12+row]*w
	}
	return out
}
