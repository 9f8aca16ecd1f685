package sprite

import (
	"image"
	"math"
)

// The encoding of signed distances that MapLibre's shaders expect: alpha is
// 255 · (1 − cutoff) at the outline and falls by 255 a radius outwards.
const (
	sdfRadius = 8 // CSS pixels
	sdfCutoff = 0.25
)

// distances makes the signed distance field of samples in rows of w, fine times
// finer than the picture, which has ratio pixels a CSS pixel.
func distances(samples []pixel, w, ratio, fine int) *image.NRGBA {
	h := len(samples) / w
	outside, inside := make([]float64, w*h), make([]float64, w*h)
	for i := range samples {
		if samples[i][3] >= .5 {
			inside[i] = far
		} else {
			outside[i] = far
		}
	}
	transform(outside, w, h)
	transform(inside, w, h)
	dst := image.NewNRGBA(image.Rect(0, 0, w/fine, h/fine))
	unit := 1 / (float64(fine) * float64(ratio) * sdfRadius)
	for y := range dst.Rect.Dy() {
		for x := range dst.Rect.Dx() {
			d := 0.0 // the mean over the fine pixels of a pixel
			for k := range fine * fine {
				i := (y*fine+k/fine)*w + x*fine + k%fine
				d += signed(outside[i], inside[i])
			}
			d /= float64(fine * fine)
			v := 255 * (1 - (d*unit + sdfCutoff))
			dst.Pix[y*dst.Stride+x*4+3] = uint8(math.Round(max(0, min(255, v))))
		}
	}
	return dst
}

const far = 1e20

func sq(v float64) float64 { return v * v }

// transform replaces each value by the least of value + squared distance over
// the grid: the Euclidean distance transform of Felzenszwalb and Huttenlocher
// (2012), row by row and column by column.
func transform(grid []float64, w, h int) {
	n := max(w, h)
	line := envelope{f: make([]float64, n), v: make([]int, n), z: make([]float64, n+1)}
	for x := range w {
		line.run(grid, x, w, h)
	}
	for y := range h {
		line.run(grid, y*w, 1, w)
	}
}

// envelope is the memory of one line's lower envelope of parabolas.
type envelope struct {
	f []float64 // values of the line
	v []int     // places of the parabolas
	z []float64 // borders between them
}

func (e *envelope) run(grid []float64, offset, stride, n int) {
	for q := range n {
		e.f[q] = grid[offset+q*stride]
	}
	k := 0
	e.v[0], e.z[0], e.z[1] = 0, math.Inf(-1), math.Inf(1)
	for q := 1; q < n; q++ {
		s := e.cross(q, e.v[k])
		for s <= e.z[k] {
			k--
			s = e.cross(q, e.v[k])
		}
		k++
		e.v[k], e.z[k], e.z[k+1] = q, s, math.Inf(1)
	}
	k = 0
	for q := range n {
		for e.z[k+1] < float64(q) {
			k++
		}
		grid[offset+q*stride] = sq(float64(q-e.v[k])) + e.f[e.v[k]]
	}
}

// cross is where the parabolas at q and r meet.
func (e *envelope) cross(q, r int) float64 {
	return (e.f[q] - e.f[r] + float64(q*q-r*r)) / float64(2*(q-r))
}

// signed is the distance from a sample's centre to the outline, which runs half
// a sample before the nearest sample of the other side.
func signed(outside, inside float64) float64 {
	if outside > 0 {
		return math.Sqrt(outside) - .5
	}
	return .5 - math.Sqrt(inside)
}
