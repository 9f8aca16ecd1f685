package tiles3d_test

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"twind/layers"
	"twind/tiles/tiles3d"
)

// FuzzContent draws footprints, bodies and pipes of any rings and numbers: every content
// that a tileset names is there and can be read.
func FuzzContent(f *testing.F) {
	f.Add([]byte{0, 0, 10, 0, 10, 10, 0, 10, 255, 0, 0, 10, 10, 10, 0, 0, 10})
	f.Add([]byte{5, 5, 5, 5, 5, 5, 255, 1, 1, 9, 9, 1, 1, 200, 3})
	f.Fuzz(func(t *testing.T, data []byte) {
		data = data[:min(len(data), 400)]
		var solids, lines []*layers.Feature
		var corners [][2]float64
		number := func(b byte) float64 {
			return []float64{0, -1, 9999, 1e-9, 3, math.MaxFloat64, -math.MaxFloat64, 30}[b%8]
		}
		flush := func(b byte) {
			if len(corners) < 3 {
				return
			}
			id := strconv.Itoa(len(solids))
			v := metres(number(b))
			v["base"], v["ground_elevation"] = layers.FloatValue(number(b>>3)), layers.FloatValue(number(b>>5))
			v["roof_shape"] = layers.StringValue([]string{"gabled", "hipped", "pyramidal", "skillion"}[b%4])
			solids = append(solids, building(id, ring(corners...), v))
			solids[len(solids)-1].Surfaces = anyBody(t, corners, b, number)
			c := corners[0]
			p := pipe(id, c[0], c[1], corners[1][0]-c[0], corners[1][1]-c[1], []float64{number(b), number(b >> 2)}, "WS", "管底", "", int64(b)*200, int64(b)*100)
			lines = append(lines, p)
			corners = nil
		}
		for i := 0; i+1 < len(data); i += 2 {
			if data[i] == 255 {
				flush(data[i+1])
				continue
			}
			corners = append(corners, [2]float64{float64(data[i]) / 8, float64(data[i+1]) / 8})
		}
		flush(4)
		c := &catalog{}
		for _, l := range []struct {
			layer    *layers.Layer
			features []*layers.Feature
		}{{buildings(), solids}, {pipes(), lines}} {
			c.put(t, l.layer, 1, l.features, nil)
			s, err := tiles3d.New(tiles3d.Options{Views: tiles3d.From(c)})
			if err != nil {
				t.Fatal(err)
			}
			r := tiles3d.Request{Layer: l.layer.ID}
			contents, _ := addresses(t, s, r)
			for name := range contents {
				get, plain := s.Content, name
				if bare, ok := strings.CutSuffix(name, ".lod2.glb"); ok {
					get, plain = s.DetailedContent, bare
				}
				a, err := get(t.Context(), r, cellOfName(t, plain))
				if err != nil {
					t.Fatal(err)
				}
				if !a.Empty {
					decode(t, a.Bytes)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// anyBody is faces over corners: the ring itself, and one for every three corners,
// with heights of any kind; nil for some.
func anyBody(t *testing.T, corners [][2]float64, b byte, number func(byte) float64) layers.Surfaces {
	if b%3 == 0 {
		return nil
	}
	faces := []face{{class: layers.RoofSurface}}
	for i, c := range corners {
		z := number(b+byte(i)) / 1e3
		if b%5 == 0 {
			z = number(b + byte(i))
		}
		at := [3]float64{c[0], c[1], z}
		faces[0].corners = append(faces[0].corners, at)
		faces = append(faces, face{layers.WallSurface, [][3]float64{at, {c[0] + 1, c[1], z}, {c[0], c[1], 2}}})
	}
	if b%2 == 0 {
		slices.Reverse(faces[0].corners)
	}
	return surfacesOf(t, 0, 0, 0, faces)
}
