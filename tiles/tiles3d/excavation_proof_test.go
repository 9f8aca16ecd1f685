//go:build proof

package tiles3d_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/tiles/tiles3d"
)

// TestExcavationsInTheCity: random pits in Kamloops and 示范城区 hold each pipe's
// length as brute force finds it from the records, within 1 cm.
func TestExcavationsInTheCity(t *testing.T) {
	c := openCity(t)
	for id, middle := range map[layers.ID][2]float64{"storm": {}, "sanitary": {}, "demo_pipes": {}} {
		t.Run(string(id), func(t *testing.T) {
			l, all := c.features(t, id)
			lines := map[string]axisLine{}
			n := 0.0
			for _, f := range all {
				middle[0], middle[1] = middle[0]+f.Geometry.XY[0], middle[1]+f.Geometry.XY[1]
				n++
			}
			middle[0], middle[1] = middle[0]/n, middle[1]/n
			ground := tilted{middle[0], middle[1]}
			for k, f := range all {
				lines[k] = recordedLine(l, f, ground)
			}
			s, err := tiles3d.New(tiles3d.Options{Views: tiles3d.From(c.catalog), Ground: ground})
			require.NoError(t, err)
			defer func() { require.NoError(t, s.Close()) }()
			rng := rand.New(rand.NewPCG(7, uint64(len(all))))
			for range 3 {
				ring := star(rng, middle[0]+0.004*(rng.Float64()-0.5), middle[1]+0.004*(rng.Float64()-0.5), 300, 3+rng.IntN(40))
				floor := 0.5 + 5*rng.Float64()
				x, err := s.Excavate(t.Context(), tiles3d.ExcavationRequest{Ring: ring, Depth: floor, Layers: []layers.ID{id}})
				require.NoError(t, err)
				got := map[string]float64{}
				for _, e := range x.Items {
					got[e.ID] = *e.Length
				}
				for k, line := range lines {
					if near(line.xy, ring) {
						require.InDelta(t, bruteLength(line, ring, floor), got[k], 0.01, "%s %s", id, k)
					} else {
						require.NotContains(t, got, k)
					}
				}
				t.Logf("%d pipes in %.0f m² to %.1f m", len(x.Items), x.Area, floor)
			}
		})
	}
}

// tilted is ground around the mean of Kamloops' inverts; 示范城区 tells depths.
type tilted [2]float64

func (m tilted) Height(lon, lat float64) (float64, bool) {
	return 347 + 900*(lon-m[0]) - 500*(lat-m[1]), true
}

// recordedLine reads a pipe from its record as the API shows it.
func recordedLine(l *layers.Layer, f *layers.Feature, ground tilted) axisLine {
	line := axisLine{xy: f.Geometry.XY}
	tall := number(l, f, "diameter") / 1000
	if l.ID == "demo_pipes" {
		tall = number(l, f, "height") / 1000
	}
	if !(tall > 0) {
		tall = 0.2
	}
	a, b := number(l, f, "upstream_invert"), number(l, f, "downstream_invert")
	switch {
	case math.IsNaN(a):
		a = b
	case math.IsNaN(b):
		b = a
	}
	total, at := 0.0, []float64{0}
	scale := math.Cos(line.xy[1] * math.Pi / 180)
	for k := 2; k < len(line.xy); k += 2 {
		total += math.Hypot((line.xy[k]-line.xy[k-2])*scale, line.xy[k+1]-line.xy[k-1])
		at = append(at, total)
	}
	da, db := number(l, f, "start_depth"), number(l, f, "end_depth")
	invert := strings.Contains(text(l, f, "elevation_of"), "管底")
	for k := range at {
		g, _ := ground.Height(line.xy[2*k], line.xy[2*k+1])
		t := at[k] / total
		switch {
		case !math.IsNaN(da):
			top, z := da+(db-da)*t, f.Geometry.Z[k]-tall/2
			if invert {
				top, z = top-tall, z+tall
			}
			line.top, line.z = append(line.top, top), append(line.z, z)
		case math.IsNaN(a):
			line.top, line.z = append(line.top, 1.5), append(line.z, g-1.5-tall/2)
		default:
			z := a + (b-a)*t
			line.top, line.z = append(line.top, g-z-tall), append(line.z, z+tall/2)
		}
	}
	return line
}

// near tells whether the boxes of two runs of positions meet.
func near(a, b []float64) bool {
	for axis := range 2 {
		box := func(xy []float64) (lo, hi float64) {
			lo, hi = math.Inf(1), math.Inf(-1)
			for k := axis; k < len(xy); k += 2 {
				lo, hi = min(lo, xy[k]), max(hi, xy[k])
			}
			return lo, hi
		}
		alo, ahi := box(a)
		blo, bhi := box(b)
		if ahi < blo || bhi < alo {
			return false
		}
	}
	return true
}
