package server

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
)

// notAllowed is the answer to a method that an address does not have: which it
// has is in Allow (RFC 9110 §15.5.6). What answers to every address, the viewer's
// files, counts only where nothing else does.
func notAllowed(routes chi.Routes, r *http.Request) error {
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.Path
	}
	var own, all []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions} {
		c := chi.NewRouteContext()
		if !routes.Match(c, method, path) {
			continue
		}
		if all = append(all, method); c.RoutePattern() != "/*" {
			own = append(own, method)
		}
	}
	if len(own) == 0 {
		own = all
	}
	allowed := strings.Join(own, ", ")
	return &statusError{status: http.StatusMethodNotAllowed, detail: r.Method + " is not possible here; possible are " + allowed + ".", header: http.Header{"Allow": {allowed}}}
}
