package sprite

import (
	"cmp"
	"image"
	"math"
	"slices"
)

// margin is the room around a mask for its halo, CSS pixels.
const margin = 3

// picture is a rendered icon.
type picture struct {
	name string
	mask bool
	*image.NRGBA
}

// pixel is a premultiplied colour, channels from 0 to 1.
type pixel [4]float64

// draw renders the drawing at a pixel ratio.
func (d *drawing) draw(ratio int) picture {
	fine := max(2, 8/ratio) // how many times finer it is sampled
	if d.mask {
		w, _ := d.size(ratio*fine, margin)
		return picture{d.name, true, distances(d.render(ratio*fine, margin), w, ratio, fine)}
	}
	w, h := d.size(ratio*fine, 0)
	return picture{d.name, false, average(d.render(ratio*fine, 0), w, h, fine)}
}

// pictureSize is the width and height of the picture at a pixel ratio.
func (d *drawing) pictureSize(ratio int) image.Point {
	if d.mask {
		return image.Pt(d.size(ratio, margin))
	}
	return image.Pt(d.size(ratio, 0))
}

// size is the width and height in samples, scale a CSS pixel, with a margin.
func (d *drawing) size(scale, margin int) (w, h int) {
	side := func(v float64) int { return (int(math.Ceil(v)) + 2*margin) * scale }
	return side(d.width), side(d.height)
}

// render samples the drawing at the centres of a grid.
func (d *drawing) render(scale, margin int) []pixel {
	w, h := d.size(scale, margin)
	c := canvas{w: w, h: h, scale: float64(scale), margin: float64(margin), pixels: make([]pixel, w*h), winding: make([]int, w*h)}
	for i := range d.shapes {
		s := &d.shapes[i]
		if s.fill.a > 0 {
			c.fill(s)
		}
		if s.stroke.a > 0 && s.radius > 0 {
			c.stroke(s)
		}
	}
	return c.pixels
}

// canvas is the grid that shapes are painted on, one over the other.
type canvas struct {
	w, h          int
	scale, margin float64
	pixels        []pixel
	winding       []int // of each sample; zero between shapes
	crossings     []crossing
}

// crossing is where a contour crosses the middle of a row of samples.
type crossing struct {
	x  float64
	up int // +1 or −1
}

// place is a point of the drawing on the grid.
func (c *canvas) place(p point) point {
	return point{(p.x + c.margin) * c.scale, (p.y + c.margin) * c.scale}
}

// fill paints the inside of the contours, each closed.
func (c *canvas) fill(s *shape) {
	for y := range c.h {
		c.crossings = c.crossings[:0]
		for _, path := range s.contours {
			for i := range path {
				c.cross(c.place(path[i]), c.place(path[(i+1)%len(path)]), float64(y)+.5)
			}
		}
		slices.SortFunc(c.crossings, func(a, b crossing) int { return cmp.Compare(a.x, b.x) })
		turns := 0
		for i := 0; i+1 < len(c.crossings); i++ {
			turns += c.crossings[i].up
			if s.evenOdd && turns&1 != 0 || !s.evenOdd && turns != 0 {
				c.span(y, c.crossings[i].x, c.crossings[i+1].x, s.fill)
			}
		}
	}
}

func (c *canvas) cross(a, b point, y float64) {
	if (a.y <= y) == (b.y <= y) {
		return
	}
	up := 1
	if b.y < a.y {
		up = -1
	}
	c.crossings = append(c.crossings, crossing{a.x + (y-a.y)/(b.y-a.y)*(b.x-a.x), up})
}

// span paints the samples of a row whose centres are from x0 to x1.
func (c *canvas) span(y int, x0, x1 float64, p paint) {
	from, to := int(math.Ceil(max(0, x0-.5))), int(math.Ceil(min(float64(c.w), x1-.5)))
	for x := from; x < to; x++ {
		c.pixels[y*c.w+x].over(p)
	}
}

// stroke paints all samples within the shape's radius of a contour, each once.
func (c *canvas) stroke(s *shape) {
	r := s.radius * c.scale
	for _, path := range s.contours {
		for i := range path {
			a := c.place(path[i])
			b := c.place(path[min(i+1, len(path)-1)])
			c.capsule(a, b, r)
		}
	}
	for i := range c.winding {
		if c.winding[i] != 0 {
			c.winding[i] = 0
			c.pixels[i].over(s.stroke)
		}
	}
}

// capsule marks the samples within r of the straight piece from a to b.
func (c *canvas) capsule(a, b point, r float64) {
	bound := func(v float64, limit int) int { return int(max(0, min(float64(limit), v))) }
	x0, x1 := bound(min(a.x, b.x)-r, c.w), bound(max(a.x, b.x)+r+1, c.w)
	y0, y1 := bound(min(a.y, b.y)-r, c.h), bound(max(a.y, b.y)+r+1, c.h)
	dx, dy := b.x-a.x, b.y-a.y
	length := sq(dx) + sq(dy)
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			px, py := float64(x)+.5-a.x, float64(y)+.5-a.y
			t := 0.0
			if length > 0 {
				t = max(0, min(1, (px*dx+py*dy)/length))
			}
			if sq(px-t*dx)+sq(py-t*dy) <= sq(r) {
				c.winding[y*c.w+x] = 1
			}
		}
	}
}

// over paints a colour over the pixel.
func (c *pixel) over(p paint) {
	rest := 1 - p.a
	c[0], c[1], c[2], c[3] = p.r*p.a+c[0]*rest, p.g*p.a+c[1]*rest, p.b*p.a+c[2]*rest, p.a+c[3]*rest
}

// average is the picture of fine × fine samples a pixel, alpha not premultiplied
// as PNG wants it.
func average(samples []pixel, w, h, fine int) *image.NRGBA {
	dst := image.NewNRGBA(image.Rect(0, 0, w/fine, h/fine))
	for y := range dst.Rect.Dy() {
		for x := range dst.Rect.Dx() {
			var sum pixel
			for k := range fine * fine {
				s := &samples[(y*fine+k/fine)*w+x*fine+k%fine]
				for i := range sum {
					sum[i] += s[i]
				}
			}
			if sum[3] == 0 {
				continue
			}
			out := dst.Pix[y*dst.Stride+x*4:]
			for i := range 3 {
				out[i] = uint8(math.Round(255 * min(1, sum[i]/sum[3])))
			}
			out[3] = uint8(math.Round(255 * min(1, sum[3]/float64(fine*fine))))
		}
	}
	return dst
}
