package sprite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"twind/layers"
)

func svg(body string) []byte {
	return []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20">` + body + `</svg>`)
}

const disc = `<circle cx="10" cy="10" r="8" fill="currentColor"/>`

func decode(t *testing.T, s *Sheet) (*image.NRGBA, map[string]entry) {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(s.PNG))
	require.NoError(t, err)
	var index map[string]entry
	require.NoError(t, json.Unmarshal(s.Index, &index))
	out := image.NewNRGBA(img.Bounds())
	draw.Draw(out, out.Rect, img, image.Point{}, draw.Src)
	return out, index
}

func TestBuiltinIconsAreMasksOnOneSheetWithoutOverlap(t *testing.T) {
	set, faults := New(Builtin())
	require.Empty(t, faults)
	require.True(t, set.Has("hydrant"))
	require.False(t, set.Has("unicorn"))
	for ratio := 1; ratio <= MaxRatio; ratio++ {
		sheet, err := set.Sheet(ratio)
		require.NoError(t, err)
		img, index := decode(t, sheet)
		require.Len(t, index, len(Builtin()))
		taken := map[image.Point]string{}
		for name, e := range index {
			require.True(t, e.SDF, name)
			require.Equal(t, ratio, e.PixelRatio)
			require.Equal(t, (20+2*margin)*ratio, e.Width, name)
			box := image.Rect(e.X, e.Y, e.X+e.Width, e.Y+e.Height)
			require.True(t, box.In(img.Rect), name)
			for y := box.Min.Y; y < box.Max.Y; y += ratio {
				for x := box.Min.X; x < box.Max.X; x += ratio {
					other, was := taken[image.Pt(x, y)]
					require.False(t, was, "%s lies on %s", name, other)
					taken[image.Pt(x, y)] = name
				}
			}
		}
		again, err := set.Sheet(ratio)
		require.NoError(t, err)
		require.Same(t, sheet, again)
	}
}

// A disc has a distance that geometry knows at every pixel.
func TestMaskIsTheSignedDistanceOfADisc(t *testing.T) {
	set, faults := New([]Icon{{Name: "disc", SVG: svg(disc)}})
	require.Empty(t, faults)
	for _, ratio := range []int{1, 2} {
		sheet, err := set.Sheet(ratio)
		require.NoError(t, err)
		img, index := decode(t, sheet)
		e := index["disc"]
		for y := range e.Height {
			for x := range e.Width {
				dx := (float64(x)+.5)/float64(ratio) - margin - 10
				dy := (float64(y)+.5)/float64(ratio) - margin - 10
				d := math.Hypot(dx, dy) - 8
				if d < -7 {
					continue // the centre has no single nearest place
				}
				want := max(0, min(255, 255*(1-(d/sdfRadius+sdfCutoff))))
				got := float64(img.NRGBAAt(e.X+x, e.Y+y).A)
				require.InDelta(t, want, got, 6, "pixel %d,%d at ratio %d", x, y, ratio)
			}
		}
	}
}

func TestColouredIconKeepsItsColours(t *testing.T) {
	set, faults := New([]Icon{{Name: "flag", SVG: svg(`<rect x="0" y="0" width="20" height="20" fill="#c83214"/>`)}})
	require.Empty(t, faults)
	sheet, err := set.Sheet(2)
	require.NoError(t, err)
	img, index := decode(t, sheet)
	require.False(t, index["flag"].SDF)
	require.Equal(t, 40, index["flag"].Width)
	require.Equal(t, color.NRGBA{0xc8, 0x32, 0x14, 0xff}, img.NRGBAAt(20, 20))
}

func TestLaterListReplacesEarlierIcon(t *testing.T) {
	set, faults := New(Builtin(), []Icon{{Name: "hydrant", SVG: svg(`<rect x="1" y="1" width="18" height="18" fill="#00ff00"/>`)}})
	require.Empty(t, faults)
	sheet, err := set.Sheet(1)
	require.NoError(t, err)
	_, index := decode(t, sheet)
	require.False(t, index["hydrant"].SDF)
	require.Len(t, index, len(Builtin()))
}

func TestDistanceTransformAgainstBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	const w, h = 13, 9
	for range 20 {
		in := make([]float64, w*h)
		for i := range in {
			in[i] = far
			if r.IntN(6) == 0 {
				in[i] = r.Float64()
			}
		}
		in[r.IntN(w*h)] = 0
		got := append([]float64(nil), in...)
		transform(got, w, h)
		for i := range in {
			want := far
			for k := range in {
				want = min(want, in[k]+sq(float64(i%w-k%w))+sq(float64(i/w-k/w)))
			}
			require.InDelta(t, want, got[i], 1e-6)
		}
	}
}

func TestBadIconsAreLeftOutWithASentence(t *testing.T) {
	cases := map[string]struct {
		icon Icon
		says string
	}{
		"name":        {Icon{Name: "../etc", SVG: svg(disc)}, "name the file"},
		"empty":       {Icon{Name: "a"}, "no <svg> element"},
		"not XML":     {Icon{Name: "a", SVG: []byte("PNG\x00")}, "a.svg"},
		"torn":        {Icon{Name: "a", SVG: []byte(`<svg viewBox="0 0 9 9"><path d="M0`)}, "not well-formed XML"},
		"no viewBox":  {Icon{Name: "a", SVG: []byte(`<svg width="20" height="20">` + disc + `</svg>`)}, "viewBox"},
		"huge box":    {Icon{Name: "a", SVG: []byte(`<svg viewBox="0 0 4000 20">` + disc + `</svg>`)}, "from 1 to 64"},
		"NaN box":     {Icon{Name: "a", SVG: []byte(`<svg viewBox="0 0 NaN 20"/>`)}, "viewBox"},
		"huge number": {Icon{Name: "a", SVG: svg(`<path d="M0 0L1e30 5" fill="black"/>`)}, "is beyond 4096"},
		"script":      {Icon{Name: "a", SVG: svg(`<script>x</script>`)}, "<script> is not drawn"},
		"use":         {Icon{Name: "a", SVG: svg(`<use href="#a"/>`)}, "<use>: the attribute href"},
		"image":       {Icon{Name: "a", SVG: svg(`<image href="file:///etc/passwd"/>`)}, "<image>: the attribute href"},
		"dashes":      {Icon{Name: "a", SVG: svg(`<path d="M0 0h20" stroke="black" stroke-dasharray="1e-9"/>`)}, "stroke-dasharray"},
		"entity":      {Icon{Name: "a", SVG: []byte(`<!DOCTYPE svg [<!ENTITY a "aaaa">]>` + string(svg(disc)))}, "document type"},
		"two svg":     {Icon{Name: "a", SVG: svg(string(svg(disc)))}, "outermost"},
		"deep":        {Icon{Name: "a", SVG: svg(strings.Repeat("<g>", 40) + disc + strings.Repeat("</g>", 40))}, "levels"},
		"many":        {Icon{Name: "a", SVG: svg(strings.Repeat(disc, 600))}, "elements"},
		"large":       {Icon{Name: "a", SVG: svg(strings.Repeat(" ", MaxIconBytes))}, "bytes"},
		"blank":       {Icon{Name: "a", SVG: svg(`<rect x="30" y="30" width="2" height="2" fill="black"/>`)}, "draws nothing"},
		"bad path":    {Icon{Name: "a", SVG: svg(`<path d="Q" fill="black"/>`)}, "a.svg"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			set, faults := New([]Icon{c.icon, {Name: "good", SVG: svg(disc)}})
			require.Len(t, faults, 1)
			require.ErrorIs(t, faults[0], layers.ErrInvalid)
			require.ErrorContains(t, faults[0], c.says)
			sheet, err := set.Sheet(1)
			require.NoError(t, err)
			_, index := decode(t, sheet)
			require.Len(t, index, 1)
			require.Contains(t, index, "good")
		})
	}
}

func TestRatiosAndSizesOfSheetsAreBounded(t *testing.T) {
	set, _ := New(Builtin())
	for _, ratio := range []int{-1, 0, 5, 1000} {
		_, err := set.Sheet(ratio)
		require.ErrorIs(t, err, layers.ErrNotFound)
	}
	small := []byte(`<svg viewBox="0 0 1 1"><rect width="1" height="1" fill="#102030"/></svg>`)
	list := make([]Icon, MaxIcons)
	for i := range list {
		list[i] = Icon{Name: fmt.Sprint("i", i), SVG: small}
	}
	set, faults := New(list, []Icon{{Name: "one-more", SVG: small}})
	require.Len(t, faults, 1)
	require.ErrorContains(t, faults[0], "more than 1000 icons")
	_, err := set.Sheet(4)
	require.NoError(t, err)
	for _, d := range set.icons { // as if each had the largest size
		d.width, d.height = MaxSide, MaxSide
	}
	_, err = set.Sheet(3)
	require.ErrorIs(t, err, layers.ErrInvalid)
	require.ErrorContains(t, err, "use fewer or smaller icons")
}

func TestReadTakesTheSVGFilesOfAFolder(t *testing.T) {
	list, err := Read(fstest.MapFS{"b.svg": {Data: svg(disc)}, "a.svg": {Data: svg(disc)}, "readme.txt": {Data: []byte("x")}})
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, "a", list[0].Name)
}

func FuzzIcon(f *testing.F) {
	for _, icon := range Builtin() {
		f.Add(icon.SVG)
	}
	f.Add(svg(`<g transform="rotate(1e3)"><ellipse cx="1" cy="2" rx="3" ry="4" fill="red" opacity=".5"/></g>`))
	f.Add(svg(`<path d="M0 0A1 1 0 0 1 5 5C1 2 3 4 5 6S1 2 3 4Q1 2 3 4T5 6z" stroke="#abc" stroke-width="3"/>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		set, faults := New([]Icon{{Name: "a", SVG: b}})
		if len(faults) > 0 {
			require.ErrorIs(t, faults[0], layers.ErrInvalid)
			return
		}
		_, err := set.Sheet(1)
		require.NoError(t, err)
	})
}

func BenchmarkSheet(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		set, _ := New(Builtin())
		if _, err := set.Sheet(2); err != nil {
			b.Fatal(err)
		}
	}
}
