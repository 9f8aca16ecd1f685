package server

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"twind/layers"
	"twind/tiles/style"
)

// style serves city-light.json and city-dark.json (all layers), and
// {layer}.json (light) and {layer}-dark.json (one layer).
func (s *Server) style(w http.ResponseWriter, r *http.Request) error {
	if _, err := readParams(r, "token"); err != nil {
		return err
	}
	name, ok := strings.CutSuffix(chi.URLParam(r, "file"), ".json")
	if !ok {
		return fail(404, "Styles end in .json: /styles/city-light.json.")
	}
	theme := style.Light
	var list []layers.Layer
	switch name {
	case "city-light", "city-dark":
		if name == "city-dark" {
			theme = style.Dark
		}
		for _, l := range s.layers(r) {
			if l.Live == nil {
				list = append(list, l)
			}
		}
	default:
		c, err := s.openLayer(r, name)
		if err != nil && strings.HasSuffix(name, "-dark") {
			theme = style.Dark
			c, err = s.openLayer(r, strings.TrimSuffix(name, "-dark"))
		}
		if err != nil {
			return layers.Errorf(layers.ErrNotFound, "there is no style %q; city-light, city-dark and {layer} are", cut(name, 80))
		}
		list = append(list, *c.layer)
		c.release()
	}
	base := s.base(r)
	query := ""
	if r.URL.RawQuery != "" {
		query = "?" + r.URL.RawQuery
	}
	var bases []style.Base
	if strings.HasPrefix(name, "city-") {
		bases = s.bases(base, query)
	}
	doc, faults, err := style.Style(list, theme, style.Links{
		TileJSON: func(id layers.ID) string { return base + "/tiles/" + string(id) + ".json" + query },
		Sprite:   base + "/sprites/" + spriteName + query,
		Bases:    bases,
	})
	if err != nil {
		return err
	}
	for _, fault := range faults {
		s.o.Log.Warn("a layer's own style is not used", "error", fault)
	}
	return s.bytes(w, r, typeJSON, doc)
}
