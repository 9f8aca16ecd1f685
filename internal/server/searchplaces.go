package server

import (
	"cmp"
	"math"
	"slices"
	"unicode/utf8"

	"twind/layers/snapshot"
	"twind/spatial"
)

const (
	// maxMatches is how many features of one layer and rank a search looks at.
	maxMatches = 1000
	// samePlace is how far apart in metres the boxes of features with one name may
	// be that are one place, as the parts of a street between its crossings are.
	samePlace = 100
	// degreeMetres is the length of a degree of latitude, about.
	degreeMetres = 111_320
)

// place is one or several features of a layer that have one name and lie near
// one another.
type place struct {
	label string
	rank  int
	box   spatial.Envelope // of all
	refs  []snapshot.Ref
}

// placesOf puts features that were found together where they are one place, the
// best first, as compareFound orders them.
func placesOf(v *snapshot.View, matches []snapshot.TextMatch) []place {
	byName := map[string][]place{}
	var names []string
	for _, m := range matches {
		box := v.Envelope(m.Ref)
		if box.IsEmpty() {
			continue
		}
		if byName[m.Text] == nil {
			names = append(names, m.Text)
		}
		byName[m.Text] = join(byName[m.Text], place{m.Text, m.Rank, box, []snapshot.Ref{m.Ref}})
	}
	var out []place
	for _, name := range names {
		out = append(out, byName[name]...)
	}
	slices.SortStableFunc(out, func(a, b place) int { return compareFound(a.rank, a.label, b.rank, b.label) })
	return out
}

// join adds a place to others of its name, and to it those that lie near it.
func join(places []place, p place) []place {
	near := widen(p.box)
	kept := places[:0]
	for _, other := range places {
		if !near.Intersects(other.box) {
			kept = append(kept, other)
			continue
		}
		p.box = p.box.Union(other.box)
		p.refs = append(other.refs, p.refs...)
	}
	return append(kept, p)
}

// widen is a box with samePlace around it.
func widen(e spatial.Envelope) spatial.Envelope {
	high := float64(samePlace) / degreeMetres
	_, lat := e.Center()
	wide := high / max(0.01, math.Cos(lat*math.Pi/180))
	return spatial.Envelope{MinX: e.MinX - wide, MinY: e.MinY - high, MaxX: e.MaxX + wide, MaxY: e.MaxY + high}
}

// middle is the feature of a place that lies nearest to the middle of its box.
func (p *place) middle(v *snapshot.View) snapshot.Ref {
	x, y := p.box.Center()
	wide := math.Cos(y * math.Pi / 180)
	return slices.MinFunc(p.refs, func(a, b snapshot.Ref) int {
		away := func(ref snapshot.Ref) float64 {
			cx, cy := v.Envelope(ref).Center()
			return math.Hypot((cx-x)*wide, cy-y)
		}
		return cmp.Compare(away(a), away(b))
	})
}

// compareFound orders what was found: by rank, then shorter names first.
func compareFound(rank int, label string, otherRank int, otherLabel string) int {
	return cmp.Or(
		cmp.Compare(rank, otherRank),
		cmp.Compare(utf8.RuneCountInString(label), utf8.RuneCountInString(otherLabel)),
		cmp.Compare(label, otherLabel),
	)
}
