package sprite

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"image"
	"image/draw"
	"image/png"
	"math"
	"slices"
	"strings"
	"sync"

	"twind/layers"
)

// MaxRatio is the largest number of pixels a CSS pixel that a sheet is made for.
const MaxRatio = 4

// maxSheetSide is the largest texture that every WebGL2 device takes, pixels.
const maxSheetSide = 4096

// Set is icons with different names. It is safe for concurrent use.
type Set struct {
	icons  []*drawing // by name
	sheets [MaxRatio]struct {
		once  sync.Once
		sheet *Sheet
		err   error
	}
}

// Sheet is a rendered set.
type Sheet struct {
	PNG   []byte
	Index []byte // JSON: name → x, y, width, height, pixelRatio and, of masks, sdf
	Tag   string // names the content
}

// New makes a set of lists of icons, in which a later one replaces an earlier one
// of its name. Icons that cannot be drawn are left out of the set, and errors has
// one sentence for each of them, of layers.ErrInvalid.
func New(lists ...[]Icon) (s *Set, faults []error) {
	byName := map[string]*drawing{}
	for _, icon := range slices.Concat(lists...) {
		d, err := icon.drawing()
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if _, was := byName[icon.Name]; !was && len(byName) == MaxIcons {
			faults = append(faults, layers.Errorf(layers.ErrInvalid, "icon %s.svg: more than %d icons", icon.Name, MaxIcons))
			continue
		}
		byName[icon.Name] = d
	}
	s = &Set{}
	for _, d := range byName {
		s.icons = append(s.icons, d)
	}
	slices.SortFunc(s.icons, func(a, b *drawing) int { return strings.Compare(a.name, b.name) })
	return s, faults
}

// Has tells whether the set has an icon of a name.
func (s *Set) Has(name string) bool {
	_, found := slices.BinarySearchFunc(s.icons, name, func(d *drawing, name string) int { return strings.Compare(d.name, name) })
	return found
}

// Sheet is the set at a pixel ratio from 1 to MaxRatio, rendered on the first
// call. It fails with layers.ErrNotFound for another ratio and with
// layers.ErrInvalid when the icons do not fit on one sheet.
func (s *Set) Sheet(ratio int) (*Sheet, error) {
	if ratio < 1 || ratio > MaxRatio {
		return nil, layers.Errorf(layers.ErrNotFound, "sprites are made for pixel ratios from 1 to %d", MaxRatio)
	}
	e := &s.sheets[ratio-1]
	e.once.Do(func() { e.sheet, e.err = s.render(ratio) })
	return e.sheet, e.err
}

func (s *Set) render(ratio int) (*Sheet, error) {
	sizes := make([]image.Point, len(s.icons))
	for i, d := range s.icons {
		sizes[i] = d.pictureSize(ratio)
	}
	places, size := pack(sizes)
	if size.X > maxSheetSide || size.Y > maxSheetSide {
		return nil, layers.Errorf(layers.ErrInvalid, "the sprite for pixel ratio %d would be %d × %d pixels, at most %d × %d fit; use fewer or smaller icons", ratio, size.X, size.Y, maxSheetSide, maxSheetSide)
	}
	img := image.NewNRGBA(image.Rectangle{Max: size})
	index := make(map[string]entry, len(s.icons))
	for i, d := range s.icons {
		p := d.draw(ratio)
		at := image.Rectangle{Min: places[i], Max: places[i].Add(p.Rect.Size())}
		draw.Draw(img, at, p.NRGBA, image.Point{}, draw.Src)
		index[p.name] = entry{at.Min.X, at.Min.Y, at.Dx(), at.Dy(), ratio, p.mask}
	}
	var b bytes.Buffer
	doc, err := json.Marshal(index)
	if err = errors.Join(err, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, img)); err != nil {
		return nil, fmt.Errorf("sprite for pixel ratio %d: %w", ratio, err)
	}
	h := fnv.New64a()
	h.Write(doc)
	h.Write(b.Bytes())
	return &Sheet{PNG: b.Bytes(), Index: doc, Tag: fmt.Sprintf("%016x", h.Sum64())}, nil
}

// entry is an icon's line in the index.
type entry struct {
	X          int  `json:"x"`
	Y          int  `json:"y"`
	Width      int  `json:"width"`
	Height     int  `json:"height"`
	PixelRatio int  `json:"pixelRatio"`
	SDF        bool `json:"sdf,omitempty"`
}

// gap is the room between icons, pixels, so that none bleeds into another.
const gap = 1

// pack places pictures of the sizes in rows, the highest first, on a sheet that is about
// as wide as high.
func pack(list []image.Point) (places []image.Point, size image.Point) {
	order := make([]int, len(list))
	area := 0
	for i, p := range list {
		order[i] = i
		area += (p.X + gap) * (p.Y + gap)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(list[b].Y, list[a].Y) })
	width := int(math.Ceil(math.Sqrt(float64(area) * 1.1)))
	places = make([]image.Point, len(list))
	var at image.Point
	row := 0
	for _, i := range order {
		s := list[i]
		if at.X > 0 && at.X+s.X > width {
			at, row = image.Pt(0, at.Y+row+gap), 0
		}
		places[i] = at
		size = image.Pt(max(size.X, at.X+s.X), max(size.Y, at.Y+s.Y))
		at.X += s.X + gap
		row = max(row, s.Y)
	}
	return places, image.Pt(max(1, size.X), max(1, size.Y))
}
