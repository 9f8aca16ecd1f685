package server

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"twind/layers"
	"twind/layers/geojson"
	"twind/spatial"
)

// Page sizes of items. GDAL pages by 10 unless told, QGIS by 1,000.
const (
	defaultLimit = 10
	maxLimit     = 10000
)

// itemsQuery is a request for items, read and checked.
type itemsQuery struct {
	query   layers.Query
	limit   int
	cursor  string // where the last page ended; empty is the first page
	during  *interval
	repeat  url.Values // what next must repeat
	special bool       // filtered: the count must be taken
}

var itemsParams = []string{"bbox", "bbox-crs", "crs", "datetime", "limit", "cursor", "f", "token", "filter", "filter-lang", "filter-crs"}

func (s *Server) readItemsQuery(r *http.Request, c *collection) (itemsQuery, error) {
	l := c.layer
	q := itemsQuery{repeat: url.Values{}, query: layers.Query{Policy: s.policy(r, l.ID)}}
	known := slices.Clone(itemsParams)
	for _, p := range l.Schema {
		if !slices.Contains(itemsParams, p.Name) {
			known = append(known, p.Name)
		}
	}
	p, err := readParams(r, known...)
	if err != nil {
		return q, err
	}
	if q.limit, err = parseLimit(p["limit"], defaultLimit, maxLimit); err != nil {
		return q, err
	}
	if v, given := p["limit"]; given {
		if v == "" {
			return q, fail(400, fmt.Sprintf("limit is empty: expected a whole number from 1 to %d.", maxLimit))
		}
		q.repeat.Set("limit", strconv.Itoa(q.limit))
	}
	if f, ok := p["f"]; ok && f != "json" && f != "geojson" {
		return q, fail(400, fmt.Sprintf("f=%s is not offered; use f=json.", cut(f, 40)))
	}
	for _, name := range []string{"crs", "bbox-crs"} {
		if v, ok := p[name]; ok {
			if v != crs84 {
				return q, fail(400, fmt.Sprintf("%s %q is not offered; use %s.", name, cut(v, 100), crs84))
			}
			q.repeat.Set(name, v)
		}
	}
	var and layers.And
	if v, ok := p["bbox"]; ok {
		boxes, err := parseBBox(v)
		if err != nil {
			return q, err
		}
		env := boxes[0]
		if len(boxes) == 1 {
			and = append(and, layers.Intersects{Box: boxes[0]})
		} else {
			and = append(and, layers.Or{layers.Intersects{Box: boxes[0]}, layers.Intersects{Box: boxes[1]}})
			env = spatial.Envelope{MinX: -180, MinY: boxes[0].MinY, MaxX: 180, MaxY: boxes[0].MaxY}
		}
		q.query.Envelope = &env
		q.repeat.Set("bbox", v)
		q.special = true
	}
	if v, ok := p["datetime"]; ok {
		i, err := parseDatetime(v)
		if err != nil {
			return q, err
		}
		q.during = &i
		q.repeat.Set("datetime", v)
	}
	for _, prop := range l.Schema {
		v, ok := p[prop.Name]
		if !ok || slices.Contains(itemsParams, prop.Name) {
			continue
		}
		f, err := propertyFilter(l, prop.Name, v)
		if err != nil {
			return q, err
		}
		and = append(and, f)
		q.repeat.Set(prop.Name, v)
		q.special = true
	}
	f, err := p.filter(l)
	if err != nil {
		return q, err
	}
	if f != nil {
		and = append(and, f)
		q.special = true
		if box, ok := layers.FilterExtent(f); ok && q.query.Envelope == nil {
			q.query.Envelope = &box
		}
	}
	for _, name := range filterParams {
		if v, ok := p[name]; ok {
			q.repeat.Set(name, v)
		}
	}
	switch len(and) {
	case 0:
	case 1:
		q.query.Filter = and[0]
	default:
		q.query.Filter = and
	}
	if v, ok := p["cursor"]; ok {
		b, err := base64.RawURLEncoding.DecodeString(v)
		if err != nil || len(b) == 0 || len(b) > 512 {
			return q, errNoCursor()
		}
		if q.cursor = string(b); c.live() && layers.CheckFeatureID(q.cursor) != nil {
			return q, errNoCursor()
		}
	}
	return q, nil
}

func errNoCursor() error {
	return fail(400, "cursor is not one that a next link gave; ask for the first page again.")
}

// page is one page of items and the cursor of the next; cursor "" is the end.
type page struct {
	features []layers.Feature
	cursor   string
	matched  int64
}

func (s *Server) page(r *http.Request, c *collection, q itemsQuery) (page, error) {
	if c.live() {
		return s.livePage(r, c, q)
	}
	features, next, err := c.view.Page(r.Context(), q.query, q.cursor, q.limit)
	if err != nil {
		return page{}, err
	}
	p := page{features, next, int64(c.view.Len())}
	if q.special || q.query.Policy.Restricted() {
		key := strings.Join([]string{string(c.layer.ID), strconv.FormatInt(int64(c.view.Revision()), 36), q.query.Policy.Key(), q.filterKey()}, "\x00")
		p.matched, err = s.counts.get(r.Context(), key, func() (int64, error) { return c.view.Count(r.Context(), q.query) })
	}
	return p, err
}

// filterKey identifies what is filtered, whatever the page.
func (q *itemsQuery) filterKey() string {
	v := url.Values{}
	for k, x := range q.repeat {
		if k != "limit" {
			v[k] = x
		}
	}
	return v.Encode()
}

func (s *Server) livePage(r *http.Request, c *collection, q itemsQuery) (page, error) {
	var p page
	at := c.layer.PropertyIndex("time")
	more := false
	err := s.o.Hub.Items(r.Context(), c.layer.ID, q.query, func(f *layers.Feature) error {
		if q.during != nil {
			t, err := time.Parse(time.RFC3339Nano, f.Properties[at].Text())
			if err == nil && !q.during.contains(t) {
				return nil
			}
		}
		p.matched++
		if q.cursor != "" && f.ID <= q.cursor {
			return nil
		}
		if len(p.features) == q.limit {
			more = true
			return nil
		}
		p.features = append(p.features, *f)
		return nil
	})
	if more {
		p.cursor = p.features[q.limit-1].ID
	}
	return p, err
}

// featureBytes is about what a feature of a page takes in memory, with its JSON.
const featureBytes = 1500

func (s *Server) items(w http.ResponseWriter, r *http.Request) error {
	c, err := s.open(r)
	if err != nil {
		return err
	}
	defer c.release()
	q, err := s.readItemsQuery(r, c)
	if err != nil {
		return err
	}
	var made func()
	if q.limit > 100 {
		if made, err = s.making.take(r, q.limit*featureBytes, s.largeWait); err != nil {
			return err
		}
		made = sync.OnceFunc(made)
		defer made()
	}
	p, err := s.page(r, c, q)
	if err != nil {
		return err
	}
	self := s.base(r) + "/ogc/collections/" + string(c.layer.ID) + "/items"
	links := []link{
		{Href: withQuery(self, q.repeat, q.cursor), Rel: "self", Type: typeGeoJSON, Title: "This page"},
		{Href: withQuery(self, merge(q.repeat, "f", "json"), q.cursor), Rel: "alternate", Type: typeGeoJSON, Title: "This page as GeoJSON"},
		{Href: s.base(r) + "/ogc/collections/" + string(c.layer.ID), Rel: "collection", Type: typeJSON, Title: title(c.layer, language(r))},
	}
	if p.cursor != "" {
		links = append(links, link{Href: withQuery(self, q.repeat, p.cursor), Rel: "next", Type: typeGeoJSON, Title: "Next page"})
	}
	h := w.Header()
	h.Set("Content-Crs", "<"+crs84+">")
	h.Set("Vary", "Accept-Language")
	h.Add("Link", "<"+self[:len(self)-len("items")]+"queryables>; rel=\""+relQueryable+"\"")

	b := make([]byte, 0, 512+512*len(p.features))
	b = append(b, `{"type":"FeatureCollection","timeStamp":"`...)
	b = append(b, time.Now().UTC().Format("2006-01-02T15:04:05Z")...)
	b = append(b, `","numberMatched":`...)
	b = strconv.AppendInt(b, p.matched, 10)
	b = append(b, `,"numberReturned":`...)
	b = strconv.AppendInt(b, int64(len(p.features)), 10)
	b = append(b, `,"links":`...)
	b = appendJSON(b, links)
	b = append(b, `,"features":[`...)
	for i := range p.features {
		if i > 0 {
			b = append(b, ',', '\n')
		}
		b = geojson.AppendFeature(b, c.layer, &p.features[i], geojson.EncodeOptions{})
	}
	b = append(b, "]}\n"...)
	p.features = nil // the client may take its time
	h.Set("Cache-Control", "no-cache")
	if c.live() || q.limit > 1000 { // timeStamp changes each second; a tag would hash it all for nothing
		h.Set("Content-Type", typeGeoJSON)
		return s.send(w, r, b, made)
	}
	etag := fmt.Sprintf(`"%s-%x-%s"`, s.identity(), c.view.Revision(), hashText(r.URL.RawQuery+"\x00"+self+"\x00"+q.query.Policy.Key()))
	return s.taggedAfter(w, r, typeGeoJSON, etag, b, made)
}

func merge(v url.Values, k, x string) url.Values {
	m := url.Values{k: {x}}
	for key, val := range v {
		m[key] = val
	}
	return m
}

func withQuery(u string, v url.Values, cursor string) string {
	m := url.Values{}
	for k, x := range v {
		m[k] = x
	}
	if cursor != "" {
		m.Set("cursor", base64.RawURLEncoding.EncodeToString([]byte(cursor)))
	}
	if len(m) == 0 {
		return u
	}
	return u + "?" + m.Encode()
}
