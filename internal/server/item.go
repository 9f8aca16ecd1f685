package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-chi/chi/v5"

	"twind/layers"
	"twind/layers/geojson"
)

// itemID is the feature id of a request. The router matches the raw path where
// there is one, else the decoded one: an id is decoded exactly once.
func itemID(r *http.Request) (string, error) {
	id := chi.URLParam(r, "item")
	if r.URL.RawPath != "" {
		var err error
		if id, err = url.PathUnescape(id); err != nil {
			return "", fail(400, "The feature id in the path does not decode.")
		}
	}
	if err := layers.CheckFeatureID(id); err != nil {
		return "", layers.Errorf(layers.ErrNotFound, "%w", err)
	}
	return id, nil
}

func noItem(l *layers.Layer, id string) error {
	return layers.Errorf(layers.ErrNotFound, "layer %s has no feature %q", l.ID, cut(id, 80))
}

// find reads one feature of the collection.
func (c *collection) find(r *http.Request, id string, f *layers.Feature) error {
	q := layers.Query{IDs: []string{id}, Policy: c.server.policy(r, c.layer.ID)}
	if c.live() {
		found := false
		err := c.server.o.Hub.Items(r.Context(), c.layer.ID, q, func(g *layers.Feature) error {
			*f, found = *g, true
			return nil
		})
		if err == nil && !found {
			err = noItem(c.layer, id)
		}
		return err
	}
	ref, ok := c.view.Find(id)
	if !ok {
		return noItem(c.layer, id)
	}
	if q.Policy.Restricted() {
		found := false
		err := c.view.Scan(r.Context(), q, func(g *layers.Feature) error {
			*f, found = *g.Clone(), true
			return nil
		})
		if err == nil && !found {
			err = noItem(c.layer, id)
		}
		return err
	}
	c.view.Feature(ref, f)
	return nil
}

// etag of one feature: it changes with every change of the feature, and with
// nothing else.
func (s *Server) itemETag(r *http.Request, l *layers.Layer, f *layers.Feature) string {
	return fmt.Sprintf(`"%s-%x-%s"`, s.identity(), f.Revision, hashText(s.base(r)+"\x00"+s.policy(r, l.ID).Key()))
}

func (s *Server) identity() string { return hashText(s.o.Store.Identity()) }

func hashText(t string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(t))
	return strconv.FormatUint(uint64(h.Sum32()), 36)
}

func (s *Server) item(w http.ResponseWriter, r *http.Request) error {
	if _, err := readParams(r, "f", "crs", "token"); err != nil {
		return err
	}
	c, err := s.open(r)
	if err != nil {
		return err
	}
	defer c.release()
	id, err := itemID(r)
	if err != nil {
		return err
	}
	if v := r.URL.Query().Get("crs"); v != "" && v != crs84 {
		return fail(400, fmt.Sprintf("crs %q is not offered; use %s.", cut(v, 100), crs84))
	}
	var f layers.Feature
	if err := c.find(r, id, &f); err != nil {
		return err
	}
	w.Header().Set("Content-Crs", "<"+crs84+">")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Vary", "Accept-Language")
	b := s.appendItem(nil, r, c, &f)
	if c.live() {
		w.Header().Set("Content-Type", typeGeoJSON)
		return s.send(w, r, b, nil)
	}
	return s.tagged(w, r, typeGeoJSON, s.itemETag(r, c.layer, &f), b)
}

func (s *Server) itemURL(r *http.Request, l *layers.Layer, id string) string {
	return s.base(r) + "/ogc/collections/" + string(l.ID) + "/items/" + url.PathEscape(id)
}

func (s *Server) appendItem(b []byte, r *http.Request, c *collection, f *layers.Feature) []byte {
	self := s.itemURL(r, c.layer, f.ID)
	members := appendJSON([]byte(`"links":`), []link{
		{Href: self, Rel: "self", Type: typeGeoJSON, Title: "This feature"},
		{Href: self + "?f=json", Rel: "alternate", Type: typeGeoJSON, Title: "This feature as GeoJSON"},
		{Href: s.base(r) + "/ogc/collections/" + string(c.layer.ID), Rel: "collection", Type: typeJSON, Title: title(c.layer, language(r))},
	})
	b = geojson.AppendFeature(b, c.layer, f, geojson.EncodeOptions{Members: members})
	return append(b, '\n')
}

// appendJSON marshals v without HTML escaping.
func appendJSON(b []byte, v any) []byte {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // only values of this package come here
	}
	return append(b, bytes.TrimRight(buf.Bytes(), "\n")...)
}
