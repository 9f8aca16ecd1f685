package server

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"twind/layers"
	"twind/layers/geojson"
	"twind/spatial"
	"twind/spatial/geodesic"
)

// Bounds of nearest.
const (
	maxNearest     = 1000
	farthest       = 2.1e7 // metres: more than half around the Earth
	firstNearReach = 500.0 // metres that a filtered search looks around first
	nearFactor     = 4.0   // by which it looks farther each time
)

// nearestQuery asks for what is nearest to a position.
type nearestQuery struct {
	lon, lat float64 // degrees
	limit    int
	distance float64 // metres; what is farther is left out
	filter   layers.Filter
	policy   layers.Policy
}

// neighbour is a feature and its distance in metres.
type neighbour struct {
	feature layers.Feature
	metres  float64
}

func (s *Server) readNearestQuery(r *http.Request, c *collection) (nearestQuery, error) {
	q := nearestQuery{distance: farthest, policy: s.policy(r, c.layer.ID)}
	p, err := readParams(r, append([]string{"lon", "lat", "limit", "distance", "f", "token"}, filterParams...)...)
	if err != nil {
		return q, err
	}
	if f, ok := p["f"]; ok && f != "json" && f != "geojson" {
		return q, fail(400, fmt.Sprintf("f=%s is not offered; use f=json.", cut(f, 40)))
	}
	if q.lon, err = p.degrees("lon", 180); err != nil {
		return q, err
	}
	if q.lat, err = p.degrees("lat", 90); err != nil {
		return q, err
	}
	if q.limit, err = parseLimit(p["limit"], defaultLimit, maxNearest); err != nil {
		return q, err
	}
	if v, ok := p["distance"]; ok {
		if q.distance, ok = parseNumber(v); !ok || q.distance <= 0 {
			return q, fail(400, fmt.Sprintf("distance %q: expected metres above 0.", cut(v, 40)))
		}
		q.distance = min(q.distance, farthest)
	}
	q.filter, err = p.filter(c.layer)
	return q, err
}

// degrees reads a coordinate that must be there.
func (p params) degrees(name string, most float64) (float64, error) {
	v, ok := parseNumber(p[name])
	if !ok || math.Abs(v) > most {
		return 0, fail(400, fmt.Sprintf("%s %q: expected degrees from −%g to %g.", name, cut(p[name], 40), most, most))
	}
	return v, nil
}

// nearest answers with the features of a layer, live or not, that are nearest to
// a position: in order of distance, each with its member "distance" in metres on
// the WGS 84 spheroid (0 inside a polygon), equal distances by id.
func (s *Server) nearest(w http.ResponseWriter, r *http.Request) error {
	c, err := s.open(r)
	if err != nil {
		return err
	}
	defer c.release()
	q, err := s.readNearestQuery(r, c)
	if err != nil {
		return err
	}
	found, err := c.nearest(r.Context(), &q)
	if err != nil {
		return err
	}
	b := []byte(`{"type":"FeatureCollection","numberReturned":` + strconv.Itoa(len(found)) + `,"features":[`)
	for i := range found {
		if i > 0 {
			b = append(b, ',', '\n')
		}
		distance := strconv.AppendFloat([]byte(`"distance":`), math.Round(found[i].metres*100)/100, 'f', -1, 64)
		b = geojson.AppendFeature(b, c.layer, &found[i].feature, geojson.EncodeOptions{Members: distance})
	}
	b = append(b, "]}\n"...)
	h := w.Header()
	h.Set("Content-Type", typeGeoJSON)
	h.Set("Cache-Control", "no-cache")
	return s.send(w, r, b, nil)
}

func (c *collection) nearest(ctx context.Context, q *nearestQuery) ([]neighbour, error) {
	switch {
	case q.filter != nil || q.policy.Restricted():
		return c.nearestAdmitted(ctx, q)
	case c.live():
		return c.nearestLive(ctx, q)
	}
	found := c.view.Nearest(q.lon, q.lat, q.limit, q.distance)
	out := make([]neighbour, len(found))
	for i, n := range found {
		c.view.Feature(n.Ref, &out[i].feature)
		out[i].metres = n.Metres
	}
	return out, nil
}

// nearestLive asks the hub, which measures on the sphere, for a few more than
// wanted, and measures them on the spheroid.
func (c *collection) nearestLive(ctx context.Context, q *nearestQuery) ([]neighbour, error) {
	found, err := c.server.o.Hub.Nearest(c.layer.ID, q.lon, q.lat, q.limit+q.limit/4+4, q.distance*1.01)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	ids := make([]string, len(found))
	for i := range found {
		ids[i] = found[i].ID
	}
	return c.measure(ctx, q, layers.Query{IDs: ids, Policy: q.policy}, q.distance)
}

// nearestAdmitted looks at what the reader may see and the filter admits, in
// boxes that grow until there is enough within the distance that they cover.
func (c *collection) nearestAdmitted(ctx context.Context, q *nearestQuery) ([]neighbour, error) {
	for reach := min(firstNearReach, q.distance); ; reach = min(reach*nearFactor, q.distance) {
		query := layers.Query{Filter: q.filter, Policy: q.policy}
		box, bounded := around(q.lon, q.lat, reach)
		if bounded {
			query.Envelope = &box
		}
		within := reach
		if !bounded {
			within = q.distance
		}
		found, err := c.measure(ctx, q, query, within)
		if err != nil || len(found) >= q.limit || within >= q.distance {
			return found, err
		}
	}
}

// measure is what a query finds at most so many metres away, the nearest first.
func (c *collection) measure(ctx context.Context, q *nearestQuery, query layers.Query, within float64) ([]neighbour, error) {
	origin := geodesic.NewOrigin(q.lon, q.lat)
	var found []neighbour
	take := func(f *layers.Feature) error {
		metres := origin.Distance(f.Geometry)
		if metres > within || len(found) >= q.limit && metres > found[q.limit-1].metres {
			return nil
		}
		n := neighbour{feature: *f.Clone(), metres: metres}
		at, _ := slices.BinarySearchFunc(found, n, compareNeighbours)
		found = slices.Insert(found, at, n)
		found = found[:min(len(found), q.limit)]
		return nil
	}
	if c.live() {
		err := c.server.o.Hub.Items(ctx, c.layer.ID, query, take)
		return found, err
	}
	err := c.view.Scan(ctx, query, take)
	return found, err
}

func compareNeighbours(a, b neighbour) int {
	switch {
	case a.metres < b.metres:
		return -1
	case a.metres > b.metres:
		return 1
	}
	return strings.Compare(a.feature.ID, b.feature.ID)
}

// around is a box in degrees that holds everything within so many metres of a
// position; false where such a box would reach a pole or the 180th meridian.
func around(lon, lat, metres float64) (spatial.Envelope, bool) {
	const shortest = geodesic.LeastRadius * math.Pi / 180 // metres of a degree of latitude, at least
	dLat := metres / shortest
	cos := math.Cos((math.Abs(lat) + dLat) * math.Pi / 180)
	if math.Abs(lat)+dLat >= 89 || cos <= 0 {
		return spatial.Envelope{}, false
	}
	dLon := dLat / cos
	e := spatial.Envelope{MinX: lon - dLon, MinY: lat - dLat, MaxX: lon + dLon, MaxY: lat + dLat}
	return e, e.MinX >= -180 && e.MaxX <= 180
}
