package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// rounded writes a geometry with coordinates of 7 decimals and without
// positions that repeat the one before them; a path that would lose its shape
// (a ring below 4 positions, a line below 2) keeps all its positions.
func rounded(b *bytes.Buffer, raw json.RawMessage) error {
	var g struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	}
	if err := json.Unmarshal(raw, &g); err != nil {
		return err
	}
	fmt.Fprintf(b, `{"type":%q,"coordinates":`, g.Type)
	var err error
	switch g.Type {
	case "Point":
		var p []float64
		if err = json.Unmarshal(g.Coordinates, &p); err == nil {
			writePosition(b, p)
		}
	case "LineString":
		var l [][]float64
		if err = json.Unmarshal(g.Coordinates, &l); err == nil {
			writePath(b, l, 2)
		}
	case "Polygon":
		var p [][][]float64
		if err = json.Unmarshal(g.Coordinates, &p); err == nil {
			writePolygon(b, p)
		}
	case "MultiPolygon":
		var m [][][][]float64
		if err = json.Unmarshal(g.Coordinates, &m); err == nil {
			b.WriteByte('[')
			for i, p := range m {
				if i > 0 {
					b.WriteByte(',')
				}
				writePolygon(b, p)
			}
			b.WriteByte(']')
		}
	default:
		err = fmt.Errorf("geometry type %q is not among those of the sources", g.Type)
	}
	b.WriteByte('}')
	return err
}

func writePolygon(b *bytes.Buffer, rings [][][]float64) {
	b.WriteByte('[')
	for i, r := range rings {
		if i > 0 {
			b.WriteByte(',')
		}
		writePath(b, r, 4)
	}
	b.WriteByte(']')
}

func writePath(b *bytes.Buffer, path [][]float64, least int) {
	kept := path[:0:0]
	for i, p := range path {
		if i > 0 && e7(p[0]) == e7(path[i-1][0]) && e7(p[1]) == e7(path[i-1][1]) {
			continue
		}
		kept = append(kept, p)
	}
	if len(kept) < least {
		kept = path
	}
	b.WriteByte('[')
	for i, p := range kept {
		if i > 0 {
			b.WriteByte(',')
		}
		writePosition(b, p)
	}
	b.WriteByte(']')
}

func writePosition(b *bytes.Buffer, p []float64) {
	b.WriteByte('[')
	b.WriteString(strconv.FormatFloat(float64(e7(p[0]))/1e7, 'f', -1, 64))
	b.WriteByte(',')
	b.WriteString(strconv.FormatFloat(float64(e7(p[1]))/1e7, 'f', -1, 64))
	b.WriteByte(']')
}

func e7(v float64) int64 { return int64(math.Round(v * 1e7)) }

// area is a set of polygons with holes, for tests of containment.
type area struct {
	rings                  [][][]float64 // all rings; even–odd rule
	minX, minY, maxX, maxY float64
}

// areas reads the polygons of a geometry.
func areas(raw json.RawMessage) ([]area, error) {
	var g struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	}
	if err := json.Unmarshal(raw, &g); err != nil {
		return nil, err
	}
	var polygons [][][][]float64
	var err error
	if g.Type == "Polygon" {
		polygons = make([][][][]float64, 1)
		err = json.Unmarshal(g.Coordinates, &polygons[0])
	} else {
		err = json.Unmarshal(g.Coordinates, &polygons)
	}
	if err != nil {
		return nil, err
	}
	var out []area
	for _, p := range polygons {
		a := area{rings: p, minX: math.Inf(1), minY: math.Inf(1), maxX: math.Inf(-1), maxY: math.Inf(-1)}
		for _, v := range p[0] {
			a.minX, a.maxX = min(a.minX, v[0]), max(a.maxX, v[0])
			a.minY, a.maxY = min(a.minY, v[1]), max(a.maxY, v[1])
		}
		out = append(out, a)
	}
	return out, nil
}

// contains tells whether a position lies inside.
func (a *area) contains(x, y float64) bool {
	if x < a.minX || x > a.maxX || y < a.minY || y > a.maxY {
		return false
	}
	in := false
	for _, r := range a.rings {
		for i := 0; i+1 < len(r); i++ {
			x1, y1, x2, y2 := r[i][0], r[i][1], r[i+1][0], r[i+1][1]
			if (y1 > y) != (y2 > y) && x < (x2-x1)*(y-y1)/(y2-y1)+x1 {
				in = !in
			}
		}
	}
	return in
}

// near tells whether a vertex of the shell lies within d metres.
func (a *area) near(x, y, d float64) bool {
	const metres = 111320.0
	k := metres * math.Cos(y*math.Pi/180)
	if x < a.minX-d/k || x > a.maxX+d/k || y < a.minY-d/metres || y > a.maxY+d/metres {
		return false
	}
	for _, v := range a.rings[0] {
		if math.Hypot((v[0]-x)*k, (v[1]-y)*metres) <= d {
			return true
		}
	}
	return false
}
