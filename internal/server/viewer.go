package server

import (
	"bytes"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"twind/internal/config"
	"twind/layers"
	"twind/tiles/style"
)

// contentSecurityPolicy lets the viewer's pages load from this server only.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
	"connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// viewerFile serves the built viewer. Files under assets/ carry a hash of their
// content in their names and never change.
func (s *Server) viewerFile(w http.ResponseWriter, r *http.Request) error {
	name := viewerName(r)
	b, err := fs.ReadFile(s.o.Viewer, name)
	if err != nil {
		var pe *fs.PathError
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) || errors.As(err, &pe) {
			return nothingHere()
		}
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if strings.HasPrefix(name, "assets/") {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	mt := mime.TypeByExtension(path.Ext(name))
	switch path.Ext(name) {
	case ".js", ".mjs":
		mt = "text/javascript; charset=utf-8"
	case ".html":
		mt = "text/html; charset=utf-8"
	case ".css":
		mt = "text/css; charset=utf-8"
	case ".woff2":
		mt = "font/woff2"
	case "":
		mt = http.DetectContentType(b)
	}
	if strings.HasPrefix(name, "assets/") {
		h.Set("Content-Type", mt)
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(b))
		return nil
	}
	return s.bytes(w, r, mt, b)
}

// viewerName is the viewer's file that a request is for.
func viewerName(r *http.Request) string {
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if name == "" || name == "." {
		return "index.html"
	}
	return name
}

// hasViewerFile tells whether a request is for a file of the viewer.
func (s *Server) hasViewerFile(r *http.Request) bool {
	info, err := fs.Stat(s.o.Viewer, viewerName(r))
	return err == nil && !info.IsDir()
}

func nothingHere() error {
	return fail(404, "Nothing is at this address; / is the viewer, /ogc the API.")
}

// viewerLayer is what the viewer is told of one layer.
type viewerLayer struct {
	ID           layers.ID         `json:"id"`
	Title        layers.Text       `json:"title"`
	Kind         layers.Kind       `json:"kind"`
	GeometryType string            `json:"geometryType"`
	Count        int64             `json:"count"`
	BBox         *[4]float64       `json:"bbox"`
	MinZoom      uint8             `json:"minZoom"`
	MaxZoom      uint8             `json:"maxZoom"`
	Provenance   layers.Provenance `json:"provenance"`
	Owner        string            `json:"owner,omitempty"`
	Attribution  string            `json:"attribution,omitempty"`
	Live         bool              `json:"live"`
	ReadOnly     bool              `json:"readOnly"`
	Label        string            `json:"label,omitempty"`
	Group        string            `json:"group,omitempty"`
	Schema       []layers.Property `json:"schema"`
	Legend       []style.Entry     `json:"legend"`
	TileJSON     string            `json:"tilejson,omitempty"`
	Tileset      string            `json:"tileset,omitempty"` // 3D Tiles, where the layer has a 3D form
	Items        string            `json:"items"`
}

func (s *Server) viewerConfig(w http.ResponseWriter, r *http.Request) error {
	if _, err := readParams(r); err != nil {
		return err
	}
	base := s.base(r)
	group := map[layers.ID]string{}
	for _, g := range s.o.Groups {
		for _, id := range g.Layers {
			group[id] = g.ID
		}
	}
	list := []viewerLayer{}
	for _, l := range s.layers(r) {
		c, err := s.openLayer(r, string(l.ID))
		if err != nil {
			if isNotFound(err) {
				continue
			}
			return err
		}
		v := viewerLayer{
			ID: l.ID, Title: l.Title, Kind: l.Kind, GeometryType: l.GeometryType.String(), Count: c.count(),
			MinZoom: l.MinZoom, MaxZoom: l.MaxZoom, Provenance: l.Provenance, Owner: l.Owner, Attribution: l.Attribution,
			Live: c.live(), ReadOnly: !c.writable() && !c.live(), Label: l.Label, Group: group[l.ID], Schema: l.Schema,
			Legend: style.Legend(c.layer), Items: base + "/ogc/collections/" + string(l.ID) + "/items",
		}
		if e := c.extent(); !e.IsEmpty() {
			v.BBox = &[4]float64{e.MinX, e.MinY, e.MaxX, e.MaxY}
		}
		if !v.Live {
			v.Tileset = s.solidsOf(base, c.layer)
			v.TileJSON = base + "/tiles/" + string(l.ID) + ".json"
		}
		list = append(list, v)
		c.release()
	}
	bookmarks := s.o.Bookmarks
	if bookmarks == nil {
		bookmarks = []config.Bookmark{}
	}
	groups := s.o.Groups
	if groups == nil {
		groups = []Group{}
	}
	return s.json(w, r, typeJSON, map[string]any{
		"title":     s.o.Title,
		"version":   s.o.Version,
		"live":      s.liveURL(r),
		"bookmarks": bookmarks,
		"groups":    groups,
		"styles":    map[string]string{"light": base + "/styles/city-light.json", "dark": base + "/styles/city-dark.json"},
		"layers":    list,
		"bases":     s.viewerBases(base),
	})
}
