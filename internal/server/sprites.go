package server

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"twind/layers"
)

// spriteName is the only sprite: the icons of all styles.
const spriteName = "city"

// sprite serves city.json, city.png and, for n pixels a CSS pixel, city@nx.json
// and city@nx.png, as MapLibre asks for them.
func (s *Server) sprite(w http.ResponseWriter, r *http.Request) error {
	if _, err := readParams(r, "token"); err != nil {
		return err
	}
	file := chi.URLParam(r, "file")
	name, image := strings.CutSuffix(file, ".png")
	index := false
	if !image {
		name, index = strings.CutSuffix(file, ".json")
	}
	ratio, ok := spriteRatio(name)
	if !ok || !image && !index {
		return layers.Errorf(layers.ErrNotFound, "there is no sprite file %q; %s.json, %[2]s.png, %[2]s@2x.json and %[2]s@2x.png are", cut(file, 80), spriteName)
	}
	sheet, err := s.o.Sprites.Sheet(ratio)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-cache")
	if image {
		return s.tagged(w, r, "image/png", `"`+sheet.Tag+`p"`, sheet.PNG)
	}
	return s.tagged(w, r, typeJSON, `"`+sheet.Tag+`i"`, sheet.Index)
}

// spriteRatio is the pixel ratio that a sprite's file name, without its ending,
// asks for.
func spriteRatio(name string) (int, bool) {
	rest, ok := strings.CutPrefix(name, spriteName)
	if !ok || rest == "" {
		return 1, ok
	}
	digits, ok := strings.CutPrefix(rest, "@")
	digits, ends := strings.CutSuffix(digits, "x")
	ratio, err := strconv.Atoi(digits)
	return ratio, ok && ends && err == nil && strconv.Itoa(ratio) == digits
}
