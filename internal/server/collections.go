package server

import (
	"context"
	"net/http"
	"sort"
	"strings"

	"github.com/go-chi/chi/v5"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial"
)

const (
	crs84        = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
	crs84h       = "http://www.opengis.net/def/crs/OGC/0/CRS84h"
	relQueryable = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
	relSchema    = "http://www.opengis.net/def/rel/ogc/1.0/schema"
	relTileSets  = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector"
)

// collection is one layer as OGC API sees it: the snapshot of a layer of the
// store, or what the hub holds of a live one.
type collection struct {
	layer  *layers.Layer
	view   *snapshot.View // nil for a live layer
	server *Server
}

// open finds the collection of a request; the caller releases it.
func (s *Server) open(r *http.Request) (*collection, error) {
	return s.openLayer(r, chi.URLParam(r, "collection"))
}

func (s *Server) openLayer(r *http.Request, name string) (*collection, error) {
	id, err := layers.ParseID(name)
	if err == nil && !s.policy(r, id).Deny {
		view, verr := s.o.Catalog.View(id)
		if verr == nil {
			if view.Layer().Live == nil {
				return &collection{view.Layer(), view, s}, nil
			}
			view.Release()
			l, herr := s.o.Hub.Layer(id) // its schema grows with what positions bring
			if herr == nil {
				return &collection{&l, nil, s}, nil
			}
			verr = herr
		}
		err = verr
	}
	if err == nil || isNotFound(err) || isInvalid(err) {
		return nil, layers.Errorf(layers.ErrNotFound, "there is no layer %q; /ogc/collections lists what there is", cut(name, 80))
	}
	return nil, err
}

func (c *collection) release() {
	if c.view != nil {
		c.view.Release()
	}
}

func (c *collection) live() bool { return c.view == nil }

func (c *collection) count() int64 {
	if c.live() {
		n, err := c.server.o.Hub.Count(c.layer.ID)
		if err != nil {
			return 0 // removed meanwhile
		}
		return int64(n.Total())
	}
	return int64(c.view.Len())
}

func (c *collection) extent() spatial.Envelope {
	if c.live() {
		e, err := c.server.o.Hub.Extent(c.layer.ID)
		if err != nil {
			return spatial.EmptyEnvelope() // removed meanwhile
		}
		return e
	}
	return c.view.Extent()
}

// writable tells whether items can be created and changed over HTTP.
func (c *collection) writable() bool { return !c.live() && !c.layer.ReadOnly }

// describe is the collection's JSON. Its lists are equal in /collections and
// /collections/{id}.
func (c *collection) describe(base, lang string) map[string]any {
	l := c.layer
	u := base + "/ogc/collections/" + string(l.ID)
	d := map[string]any{
		"id":         l.ID,
		"title":      title(l, lang),
		"itemType":   "feature",
		"crs":        []string{crs84},
		"storageCrs": crs84,
		"links": []link{
			{Href: u, Rel: "self", Type: typeJSON, Title: "This collection"},
			{Href: u + "/items", Rel: "items", Type: typeGeoJSON, Title: "Features"},
			{Href: u + "/schema", Rel: relSchema, Type: typeSchema, Title: "Schema"},
			{Href: u + "/queryables", Rel: relQueryable, Type: typeSchema, Title: "Queryables"},
			{Href: base + "/styles/" + string(l.ID) + ".json", Rel: "style", Type: "application/vnd.mapbox.style+json", Title: "MapLibre style"},
			{Href: base + "/tiles/" + string(l.ID) + ".json", Rel: "describedby", Type: typeJSON, Title: "TileJSON"},
		},
		"twind:kind":         l.Kind,
		"twind:geometryType": l.GeometryType.String(),
		"twind:count":        c.count(),
		"twind:title":        l.Title,
	}
	if !c.live() {
		d["links"] = append(d["links"].([]link), link{Href: u + "/tiles", Rel: relTileSets, Type: typeJSON, Title: "Vector tiles"})
	}
	if t := l.Description.In(lang); t != "" {
		d["description"] = t
	}
	if l.Provenance != layers.Surveyed {
		d["twind:provenance"] = l.Provenance
	}
	if l.Owner != "" {
		d["twind:owner"] = l.Owner
	}
	if l.VerticalDatum != "" {
		d["twind:verticalDatum"] = l.VerticalDatum
	}
	if l.Attribution != "" {
		d["attribution"] = l.Attribution
	}
	if l.Licence != "" {
		d["license"] = l.Licence
	}
	if c.live() {
		d["twind:live"] = true
	}
	if !c.writable() {
		d["twind:readOnly"] = true
	}
	if e := c.extent(); !e.IsEmpty() {
		d["extent"] = map[string]any{"spatial": map[string]any{"bbox": [][4]float64{{e.MinX, e.MinY, e.MaxX, e.MaxY}}, "crs": crs84}}
	}
	return d
}

func title(l *layers.Layer, lang string) string {
	if t := l.Title.In(lang); t != "" {
		return t
	}
	return string(l.ID)
}

// language is the first language of Accept-Language, or English.
func language(r *http.Request) string {
	return strings.TrimSpace(first(r.Header.Get("Accept-Language")))
}

func (s *Server) layers(r *http.Request) []layers.Layer {
	all := s.o.Catalog.Layers()
	out := make([]layers.Layer, 0, len(all))
	for _, l := range all {
		if !s.policy(r, l.ID).Deny {
			out = append(out, l)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

func (s *Server) collections(w http.ResponseWriter, r *http.Request) error {
	if err := readFormat(r); err != nil {
		return err
	}
	base, lang := s.base(r), language(r)
	list := []map[string]any{}
	for _, l := range s.layers(r) {
		c, err := s.openLayer(r, string(l.ID))
		if err != nil {
			if isNotFound(err) {
				continue // dropped meanwhile
			}
			return err
		}
		list = append(list, c.describe(base, lang))
		c.release()
	}
	w.Header().Set("Vary", "Accept-Language")
	u := base + "/ogc/collections"
	return s.json(w, r, typeJSON, map[string]any{
		"links": []link{
			{Href: u, Rel: "self", Type: typeJSON, Title: "This document"},
			{Href: u + "?f=json", Rel: "alternate", Type: typeJSON, Title: "This document as JSON"},
		},
		"collections": list,
	})
}

func (s *Server) collection(w http.ResponseWriter, r *http.Request) error {
	if err := readFormat(r); err != nil {
		return err
	}
	c, err := s.open(r)
	if err != nil {
		return err
	}
	defer c.release()
	w.Header().Set("Vary", "Accept-Language")
	return s.json(w, r, typeJSON, c.describe(s.base(r), language(r)))
}

// schemaOf is the JSON Schema of a layer's features, after OGC API Features
// Part 5 and, without the geometry's detail, of its queryables after Part 3.
func schemaOf(l *layers.Layer, self, lang string, queryables bool) map[string]any {
	props := map[string]any{}
	geometry := "any"
	if l.GeometryType != spatial.Unknown {
		geometry = strings.ToLower(l.GeometryType.String())
	}
	g := map[string]any{"title": map[bool]string{true: "几何", false: "Geometry"}[strings.HasPrefix(lang, "zh")], "format": "geometry-" + geometry}
	if !queryables {
		g["x-ogc-role"] = "primary-geometry"
	}
	props["geometry"] = g
	for i, p := range l.Schema {
		d := map[string]any{"x-ogc-propertySeq": i + 1}
		switch p.Type {
		case layers.Date, layers.DateTime:
			d["type"], d["format"] = "string", p.Type.String()
		default:
			d["type"] = p.Type.String()
		}
		if t := p.Title.In(lang); t != "" {
			d["title"] = t
		}
		if p.Unit != "" {
			d["x-ogc-unit"] = p.Unit
		}
		props[p.Name] = d
	}
	return map[string]any{
		"$schema":              "https://json-schema.org/draft/2020-12/schema",
		"$id":                  self,
		"type":                 "object",
		"title":                title(l, lang),
		"properties":           props,
		"additionalProperties": false,
	}
}

func (s *Server) schema(w http.ResponseWriter, r *http.Request) error {
	return s.schemaAnswer(w, r, "schema", false)
}

func (s *Server) queryables(w http.ResponseWriter, r *http.Request) error {
	return s.schemaAnswer(w, r, "queryables", true)
}

func (s *Server) schemaAnswer(w http.ResponseWriter, r *http.Request, name string, queryables bool) error {
	if err := readFormat(r); err != nil {
		return err
	}
	c, err := s.open(r)
	if err != nil {
		return err
	}
	defer c.release()
	self := s.base(r) + "/ogc/collections/" + string(c.layer.ID) + "/" + name
	w.Header().Set("Vary", "Accept-Language")
	return s.json(w, r, typeSchema, schemaOf(c.layer, self, language(r), queryables))
}

// refresh waits until a revision is readable, so that who wrote reads what was written.
func (s *Server) refresh(ctx context.Context, to layers.Revision) error {
	return s.o.Catalog.Refresh(ctx, to)
}
