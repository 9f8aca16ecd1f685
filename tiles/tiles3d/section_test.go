package tiles3d

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial/mesh"
)

func TestParseSection(t *testing.T) {
	for text, want := range map[string][2]float64{
		"DN300": {0.3, 0}, "300": {0.3, 0}, "600X300": {0.6, 0.3}, "2000×1500": {2, 1.5}, "方沟 1200*800 mm": {1.2, 0.8}, "": {}, "不明": {}, "d": {},
	} {
		w, h := parseSection([]byte(text))
		require.InDelta(t, want[0], w, 1e-9, text)
		require.InDelta(t, want[1], h, 1e-9, text)
	}
}

func FuzzParseSection(f *testing.F) {
	for _, s := range []string{"DN300", "600X300", "2000×1500", "9999999999999999999999", "1x", "x1", "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		w, h := parseSection(text)
		if !(w >= 0 && h >= 0 && !math.IsInf(w, 0) && !math.IsInf(h, 0)) || w == 0 && h != 0 && len(text) < 2 {
			t.Fatalf("%q: %v by %v", text, w, h)
		}
	})
}

func TestPartOf(t *testing.T) {
	for name, want := range map[string]mesh.Part{
		"雨水井盖": mesh.Manhole, "雨水箅子": mesh.CatchBasin, "消防栓": mesh.Hydrant, "阀门井": mesh.Valve, "检修井": mesh.Manhole, "人孔": mesh.Manhole,
		"路灯": mesh.Lamp, "路灯井盖": mesh.Manhole, "交通信号灯": mesh.Pole, "行道树": mesh.Broadleaf, "监控电子眼": mesh.Camera, "垃圾箱": mesh.Bin,
		"manholes": mesh.Manhole, "catchbasins catch basins": mesh.CatchBasin, "hydrant": mesh.Hydrant, "tree": mesh.Broadleaf, "bench": mesh.Bench,
	} {
		got, ok := partOf(name)
		require.True(t, ok, name)
		require.Equal(t, want, got, name)
	}
	_, ok := partOf("变压器(箱)")
	require.False(t, ok)
}

func TestSimplifierKeepsWithinItsTolerance(t *testing.T) {
	var s simplifier
	line := []float64{0, 0, 0, 10, 0.1, 0, 20, 0, 0.1, 30, 5, 0, 40, 5.1, 0, 50, 5, 0}
	want := []float64{0, 0, 0, 20, 0, 0.1, 30, 5, 0, 50, 5, 0}
	require.Equal(t, want, s.line(append([]float64(nil), line...), 0.3))
	require.Equal(t, line, s.line(append([]float64(nil), line...), 0.01))
	require.Equal(t, []float64{1, 2, 3, 1, 2, 3}, s.line([]float64{1, 2, 3, 1, 2, 3}, 1))
	require.Empty(t, s.line(nil, 1))
}
