package mesh

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// requireClosed checks that every edge is met by two triangles in opposite
// directions, comparing positions, so that a mesh with split normals counts.
func requireClosed(t *testing.T, m *Mesh) {
	t.Helper()
	type edge [2][3]float32
	at := func(i uint32) [3]float32 { return [3]float32(m.Positions[3*i : 3*i+3]) }
	edges := map[edge]int{}
	for i := 0; i < len(m.Indices); i += 3 {
		for k := range 3 {
			a, b := at(m.Indices[i+k]), at(m.Indices[i+(k+1)%3])
			if a == b {
				continue // an edge of no length
			}
			edges[edge{a, b}]++
			edges[edge{b, a}]--
		}
	}
	for e, n := range edges {
		require.Zero(t, n, "edge %v", e)
	}
}

// volume is the enclosed volume: positive when the winding looks outward.
func volume(m *Mesh) float64 {
	at := func(i uint32) vec {
		return vec{float64(m.Positions[3*i]), float64(m.Positions[3*i+1]), float64(m.Positions[3*i+2])}
	}
	sum := 0.0
	for i := 0; i < len(m.Indices); i += 3 {
		sum += at(m.Indices[i]).dot(at(m.Indices[i+1]).cross(at(m.Indices[i+2])))
	}
	return sum / 6
}

// requireNormalsOutward checks each triangle's normal against its vertices'.
func requireNormalsOutward(t *testing.T, m *Mesh) {
	t.Helper()
	at := func(i uint32) vec {
		return vec{float64(m.Positions[3*i]), float64(m.Positions[3*i+1]), float64(m.Positions[3*i+2])}
	}
	for i := 0; i < len(m.Indices); i += 3 {
		a, b, c := at(m.Indices[i]), at(m.Indices[i+1]), at(m.Indices[i+2])
		n := b.sub(a).cross(c.sub(a)).unit()
		if n == (vec{}) {
			continue
		}
		for k := range 3 {
			j := 3 * m.Indices[i+k]
			v := vec{float64(m.Normals[j]), float64(m.Normals[j+1]), float64(m.Normals[j+2])}
			require.InDelta(t, 127, v.norm(), 2)
			require.Greater(t, n.dot(v), 30.0, "triangle %d of normal %v, vertex normal %v", i/3, n, v)
		}
	}
}
