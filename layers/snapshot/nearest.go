package snapshot

import (
	"math"
	"slices"
	"strings"

	"twind/spatial/tile"
)

// Neighbour is a feature and its distance in metres on the WGS 84 spheroid.
type Neighbour struct {
	Ref
	ID     string
	Metres float64
}

// Nearest is the k features nearest to a position in degrees, by distance, equal
// distances by id; maxMetres > 0 leaves out what is farther. The distance is that
// of PostGIS's ST_Distance between geographies (package spatial/geodesic): 0
// inside a polygon. Features without vertices are nowhere.
func (v *View) Nearest(lon, lat float64, k int, maxMetres float64) []Neighbour {
	if k <= 0 || !isPosition(lon, lat) {
		return nil
	}
	limit := math.Inf(1)
	if maxMetres > 0 {
		limit = maxMetres
	}
	var found []Neighbour
	for s := range v.Segments() {
		m := newMetric(lon, lat, &v.segments[s])
		n, last := 0, 0.0
		take := func(i uint32, metres float64) bool {
			if math.IsInf(metres, 1) || n >= k && metres > last {
				return false
			}
			found = append(found, Neighbour{Ref{uint32(s), i}, "", metres})
			n, last = n+1, metres
			return true
		}
		if v.segments[s].dynamic != nil {
			v.segments[s].dynamic.Nearby(m, limit, take)
		} else {
			v.segments[s].packed.Nearby(m, limit, take)
		}
	}
	v.sortNeighbours(found)
	return found[:min(k, len(found))]
}

// Within is the features at most so many metres away from a position in degrees;
// see Nearest.
func (v *View) Within(lon, lat, metres float64) []Neighbour {
	if !(metres >= 0) || !isPosition(lon, lat) {
		return nil
	}
	var found []Neighbour
	for s := range v.Segments() {
		m := newMetric(lon, lat, &v.segments[s])
		keep := func(b tile.WorldBox) bool { return m.Bound(b) <= metres }
		take := func(i uint32) bool {
			if d := m.Distance(i); d <= metres {
				found = append(found, Neighbour{Ref{uint32(s), i}, "", d})
			}
			return true
		}
		if d := v.segments[s].dynamic; d != nil {
			d.Nearby(m, metres, func(i uint32, d float64) bool {
				found = append(found, Neighbour{Ref{uint32(s), i}, "", d})
				return true
			})
		} else {
			v.segments[s].packed.Walk(keep, take)
		}
	}
	v.sortNeighbours(found)
	return found
}

func isPosition(lon, lat float64) bool {
	return lon >= -180 && lon <= 180 && lat >= -90 && lat <= 90
}

func (v *View) sortNeighbours(list []Neighbour) {
	for i := range list {
		list[i].ID = v.ID(list[i].Ref)
	}
	slices.SortFunc(list, func(a, b Neighbour) int {
		switch {
		case a.Metres < b.Metres:
			return -1
		case a.Metres > b.Metres:
			return 1
		}
		return strings.Compare(a.ID, b.ID)
	})
}
