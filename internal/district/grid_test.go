package district_test

import (
	"math"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/district"
	"twind/layers"
	"twind/spatial"
)

// TestCellsTileTheDistrict shows that the cells have neither gaps nor overlaps:
// each side belongs to two neighbours, once in either direction, but for those
// of one single border, whose area is the sum of all.
func TestCellsTileTheDistrict(t *testing.T) {
	for _, o := range []district.Options{{}, {Seed: 2, Width: 1700, Height: 5200}} {
		m := makeDistrict(t, o)
		type corner [2]float64
		type side [2]corner
		sides := make(map[side]bool)
		sum := 0.0
		for _, f := range m.features[district.Cells] {
			xy := f.Geometry.XY
			require.Positive(t, area(xy), "cell %s turns to the left", f.ID)
			sum += area(xy)
			for i := 0; i+3 < len(xy); i += 2 {
				s := side{{xy[i], xy[i+1]}, {xy[i+2], xy[i+3]}}
				check(t, s[0] != s[1] && !sides[s], "two cells lie on the same hand of %v", s)
				sides[s] = true
			}
		}
		border := make(map[corner]corner)
		for s := range sides {
			if !sides[side{s[1], s[0]}] {
				_, twice := border[s[0]]
				require.False(t, twice, "the border touches itself at %v", s[0])
				border[s[0]] = s[1]
			}
		}
		var ring []float64
		var first corner
		for first = range border {
			break
		}
		for at := first; ; {
			ring = append(ring, at[0], at[1])
			next, ok := border[at]
			require.True(t, ok, "the border goes on at %v", at)
			delete(border, at)
			if at = next; at == first {
				break
			}
		}
		require.Empty(t, border, "one border and no holes")
		ring = append(ring, first[0], first[1])
		require.InEpsilon(t, area(ring), sum, 1e-9)
		want := o
		want.EnsureDefaults()
		require.InEpsilon(t, want.Width*want.Height, sum*98_180*110_850, 0.002, "m²")
	}
}

// area is the signed area of a closed ring, in the square of its units.
func area(xy []float64) float64 {
	sum := 0.0
	for i := 0; i+3 < len(xy); i += 2 {
		sum += (xy[i]-xy[0])*(xy[i+3]-xy[1]) - (xy[i+2]-xy[0])*(xy[i+1]-xy[1])
	}
	return sum / 2
}

func TestCellCodes(t *testing.T) {
	m := makeDistrict(t, district.Options{Width: 4000, Height: 4000})
	code, sub, com, size := m.get(district.Cells, "code"), m.get(district.Cells, "subdistrict"), m.get(district.Cells, "community"), m.get(district.Cells, "area")
	next := make(map[string]int)
	names := make(map[string]string)
	for _, f := range m.features[district.Cells] {
		c := code(f).Text()
		require.Regexp(t, `^430102\d{9}$`, c)
		require.Equal(t, c, f.ID)
		next[c[:12]]++
		require.Equal(t, next[c[:12]], int(c[12]-'0')*100+int(c[13]-'0')*10+int(c[14]-'0'), "cells of a community are numbered from north to south and west to east")
		for prefix, name := range map[string]string{c[:9]: sub(f).Text(), c[:12]: com(f).Text()} {
			if names[prefix] == "" {
				names[prefix] = name
			}
			require.Equal(t, names[prefix], name)
		}
		require.True(t, size(f).Float() > 4000 && size(f).Float() < 30_000, "%g m²", size(f).Float())
	}
	require.GreaterOrEqual(t, len(next), 20, "communities")
}

// TestEveryPartIsInOneCell asks the polygons, not the generator.
func TestEveryPartIsInOneCell(t *testing.T) {
	m := makeDistrict(t, district.Options{Width: 2500, Height: 2000})
	type square struct{ x, y int }
	of := func(x, y float64) square { return square{int(math.Floor(x / 0.001)), int(math.Floor(y / 0.001))} }
	grid := make(map[square][]*layers.Feature)
	for _, f := range m.features[district.Cells] {
		e := f.Geometry.Envelope()
		a, b := of(e.MinX, e.MinY), of(e.MaxX, e.MaxY)
		for x := a.x; x <= b.x; x++ {
			for y := a.y; y <= b.y; y++ {
				grid[square{x, y}] = append(grid[square{x, y}], f)
			}
		}
	}
	code, class, cell, state := m.get(district.Parts, "code"), m.get(district.Parts, "class_code"), m.get(district.Parts, "cell"), m.get(district.Parts, "state")
	installed, changed := m.get(district.Parts, "installed"), m.get(district.Parts, "changed")
	serials := make(map[string]int)
	format, date := regexp.MustCompile(`^430102\d{10}$`), regexp.MustCompile(`^20\d\d-\d\d-\d\d$`)
	for _, f := range m.features[district.Parts] {
		x, y := f.Geometry.XY[0], f.Geometry.XY[1]
		var in []string
		for _, c := range grid[of(x, y)] {
			if contains(c.Geometry.XY, x, y) {
				in = append(in, c.ID)
			}
		}
		check(t, len(in) == 1 && in[0] == cell(f).Text(), "part %s is in %v and says %s", f.ID, in, cell(f).Text())
		check(t, format.MatchString(code(f).Text()) && code(f).Text() == f.ID && code(f).Text()[6:10] == class(f).Text(), "code %s of part %s", code(f).Text(), f.ID)
		serials[class(f).Text()]++
		n := 0
		for _, d := range code(f).Text()[10:] {
			n = 10*n + int(d-'0')
		}
		check(t, serials[class(f).Text()] == n, "part %s: serial numbers of a class have no gaps", f.ID)
		check(t, slices.Contains([]string{"完好", "破损", "丢失", "占用"}, state(f).Text()), "state %s", state(f).Text())
		check(t, date.MatchString(installed(f).Text()), "date %s", installed(f).Text())
		if !changed(f).IsNull() {
			check(t, installed(f).Text() < changed(f).Text(), "part %s changed after it was installed", f.ID)
		} else {
			check(t, state(f).Text() == "完好", "part %s is %s", f.ID, state(f).Text())
		}
	}
}

func contains(xy []float64, x, y float64) bool {
	in := false
	for i := 0; i+3 < len(xy); i += 2 {
		if (xy[i+1] > y) != (xy[i+3] > y) && x < (xy[i+2]-xy[i])*(y-xy[i+1])/(xy[i+3]-xy[i+1])+xy[i] {
			in = !in
		}
	}
	return in
}

// TestBuildingsStandApartInTheirBlocks tests every building against its
// neighbours and against the blocks.
func TestBuildingsStandApartInTheirBlocks(t *testing.T) {
	m := makeDistrict(t, district.Options{})
	type square struct{ x, y int }
	buildings := make(map[square][]*layers.Feature)
	blocks := make(map[square][]*layers.Feature)
	spread := func(grid map[square][]*layers.Feature, f *layers.Feature, visit func(*layers.Feature)) {
		e := f.Geometry.Envelope()
		seen := make(map[*layers.Feature]bool)
		for x := int(math.Floor(e.MinX / 0.002)); x <= int(math.Floor(e.MaxX/0.002)); x++ {
			for y := int(math.Floor(e.MinY / 0.002)); y <= int(math.Floor(e.MaxY/0.002)); y++ {
				for _, g := range grid[square{x, y}] {
					if visit != nil && !seen[g] {
						seen[g] = true
						visit(g)
					}
				}
				if visit == nil {
					grid[square{x, y}] = append(grid[square{x, y}], f)
				}
			}
		}
	}
	for _, f := range m.features[district.Blocks] {
		spread(blocks, f, nil)
	}
	names, height, floors := m.get(district.Buildings, "name"), m.get(district.Buildings, "height"), m.get(district.Buildings, "floors")
	address := m.get(district.Buildings, "address")
	for _, f := range m.features[district.Buildings] {
		xy := f.Geometry.XY
		require.Positive(t, area(xy), "the ring of building %s turns to the left", f.ID)
		within := 0
		spread(blocks, f, func(b *layers.Feature) {
			all := true
			for i := 0; i < len(xy); i += 2 {
				all = all && contains(b.Geometry.XY, xy[i], xy[i+1])
			}
			if all {
				within++
			}
		})
		require.Equal(t, 1, within, "building %s stands in one block", f.ID)
		spread(buildings, f, func(g *layers.Feature) {
			check(t, !overlap(xy, g.Geometry.XY), "buildings %s and %s overlap", f.ID, g.ID)
		})
		spread(buildings, f, nil)
		require.Regexp(t, `\p{Han}{2,}\d+栋$`, names(f).Text())
		require.Regexp(t, `\p{Han}{2,}\d+号\d+栋$`, address(f).Text())
		require.True(t, height(f).Float() > 2.5*float64(floors(f).Int()) && height(f).Float() < 320, "%d floors, %g m", floors(f).Int(), height(f).Float())
	}
}

// overlap tells whether two simple rings share more than their borders.
func overlap(a, b []float64) bool {
	if !(spatial.Geometry{XY: a}).Envelope().Intersects((spatial.Geometry{XY: b}).Envelope()) {
		return false
	}
	if contains(a, b[0], b[1]) || contains(b, a[0], a[1]) {
		return true
	}
	for i := 0; i+3 < len(a); i += 2 {
		for j := 0; j+3 < len(b); j += 2 {
			if d, _, _ := closest(a[i:i+4], b[j:j+4]); d == 0 {
				return true
			}
		}
	}
	return false
}
