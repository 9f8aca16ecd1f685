package server

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"twind/layers"
	"twind/spatial"
)

// searchResult is one object whose name matches.
type searchResult struct {
	Layer  layers.ID  `json:"layer"`
	ID     string     `json:"id"`
	Label  string     `json:"label"`
	Center [2]float64 `json:"center"` // longitude, latitude, degrees
	BBox   [4]float64 `json:"bbox"`   // west, south, east, north, degrees
	rank   int
}

const (
	defaultResults = 10
	maxResults     = 100
	maxNeedle      = 200 // bytes
)

// searchItems finds objects by name: the label property of each layer, and
// feature ids. Equal names come first, then those that begin with the text, then
// those that hold it, without regard to letter case; shorter names first. Features
// of a layer with one name that lie near one another, as the parts of a street do,
// are one result: the middle one, with the box of all.
func (s *Server) searchItems(w http.ResponseWriter, r *http.Request) error {
	p, err := readParams(r, "q", "limit", "token")
	if err != nil {
		return err
	}
	needle := strings.TrimSpace(p["q"])
	if needle == "" || len(needle) > maxNeedle || !utf8.ValidString(needle) {
		return fail(400, fmt.Sprintf("q: expected 1 to %d bytes of text to search for.", maxNeedle))
	}
	limit, err := parseLimit(p["limit"], defaultResults, maxResults)
	if err != nil {
		return err
	}
	results := []searchResult{}
	for _, l := range s.layers(r) {
		found, err := s.searchLayer(r, l.ID, needle, limit)
		if err != nil {
			return err
		}
		results = append(results, found...)
	}
	slices.SortStableFunc(results, func(a, b searchResult) int {
		return cmp.Or(compareFound(a.rank, a.Label, b.rank, b.Label), cmp.Compare(a.ID, b.ID))
	})
	if len(results) > limit {
		results = results[:limit]
	}
	return s.json(w, r, typeJSON, map[string]any{"results": results})
}

func (s *Server) searchLayer(r *http.Request, id layers.ID, needle string, limit int) ([]searchResult, error) {
	c, err := s.openLayer(r, string(id))
	if err != nil {
		if isNotFound(err) {
			return nil, nil
		}
		return nil, err
	}
	defer c.release()
	l := c.layer
	label := l.PropertyIndex(l.Label)
	var out []searchResult
	add := func(f *layers.Feature, text string, rank int) {
		e := f.Geometry.Envelope()
		if e.IsEmpty() {
			return
		}
		out = append(out, searchResult{l.ID, f.ID, text, center(f.Geometry, e), bounds(e), rank})
	}
	if c.live() {
		fold := strings.ToLower(needle)
		err := s.o.Hub.Items(r.Context(), l.ID, layers.Query{Policy: s.policy(r, l.ID)}, func(f *layers.Feature) error {
			text := f.ID
			if label >= 0 && f.Properties[label].Text() != "" {
				text = f.Properties[label].Text()
			}
			if rank, ok := textRank(strings.ToLower(text), fold); ok && len(out) < limit {
				add(f, text, rank)
			}
			return nil
		})
		return out, err
	}
	var f layers.Feature
	if ref, ok := c.view.Find(needle); ok {
		c.view.Feature(ref, &f)
		text := f.ID
		if label >= 0 && f.Properties[label].Text() != "" {
			text = f.Properties[label].Text()
		}
		add(&f, text, 0)
	}
	if label < 0 {
		return out, nil
	}
	places := placesOf(c.view, c.view.SearchText(label, needle, maxMatches))
	for _, p := range places[:min(limit, len(places))] {
		c.view.Feature(p.middle(c.view), &f)
		if len(out) > 0 && out[0].ID == f.ID {
			continue // found by its id
		}
		add(&f, p.label, p.rank)
		out[len(out)-1].BBox = bounds(p.box)
	}
	return out, nil
}

func bounds(e spatial.Envelope) [4]float64 {
	return [4]float64{e.MinX, e.MinY, e.MaxX, e.MaxY}
}

// textRank is 0 for equal, 1 for a beginning, 2 for a part; both in lower case.
func textRank(text, needle string) (int, bool) {
	switch i := strings.Index(text, needle); {
	case i < 0:
		return 0, false
	case i == 0 && len(text) == len(needle):
		return 0, true
	case i == 0:
		return 1, true
	}
	return 2, true
}

// center is a point for the camera: the point itself, the middle vertex of a
// line, else the middle of the box.
func center(g spatial.Geometry, e spatial.Envelope) [2]float64 {
	if g.Type == spatial.LineString && len(g.XY) >= 4 {
		i := len(g.XY) / 4 * 2
		return [2]float64{g.XY[i], g.XY[i+1]}
	}
	x, y := e.Center()
	return [2]float64{x, y}
}
