//go:build proof

package gltf

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial/mesh"
)

// Every building of Manhattan becomes a solid: drawn, closed, looking outward.
func TestManhattansBuildingsAreSolids(t *testing.T) {
	list, count := cells(t)
	var e mesh.Extruder
	m := mesh.Mesh{}
	edges := map[[2][3]float32]int{}
	faults := map[mesh.Fault]int{}
	for _, cell := range list {
		for i := range cell {
			f := &cell[i]
			m.Reset()
			b := e.Extrude(mesh.Sinks{Roof: &m, Wall: &m, Floor: &m}, &f.solid)
			faults[b.Fault]++
			require.LessOrEqual(t, b.Fault, mesh.Approximated, "%s is drawn", f.id)
			require.True(t, closed(&m, edges), "%s is closed", f.id)
			require.Positive(t, volume(&m), "%s looks outward", f.id)
		}
	}
	t.Logf("%d buildings: %v", count, faults)
	require.Less(t, faults[mesh.Approximated], count/1000)
}

// closed tells whether every edge is met in both directions equally often.
func closed(m *mesh.Mesh, edges map[[2][3]float32]int) bool {
	clear(edges)
	at := func(i uint32) [3]float32 { return [3]float32(m.Positions[3*i : 3*i+3]) }
	for i := 0; i < len(m.Indices); i += 3 {
		for k := range 3 {
			a, b := at(m.Indices[i+k]), at(m.Indices[i+(k+1)%3])
			if a != b {
				edges[[2][3]float32{a, b}]++
				edges[[2][3]float32{b, a}]--
			}
		}
	}
	for _, n := range edges {
		if n != 0 {
			return false
		}
	}
	return len(edges) > 0
}

// volume is the enclosed volume, metres³, from the mesh's first corner.
func volume(m *mesh.Mesh) (sum float64) {
	corner := func(i uint32) (v [3]float64) {
		for k := range uint32(3) {
			v[k] = float64(m.Positions[3*i+k]) - float64(m.Positions[k])
		}
		return v
	}
	for i := 0; i < len(m.Indices); i += 3 {
		sum += dot(corner(m.Indices[i]), cross(corner(m.Indices[i+1]), corner(m.Indices[i+2])))
	}
	return sum / 6
}
