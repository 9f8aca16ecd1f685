package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
)

// notAllowed is the answer to a method that an address does not have: which it
// has is in Allow (RFC 9110 §15.5.6).
func notAllowed(routes chi.Routes, r *http.Request) error {
	own, all := allowed(routes, r)
	if len(own) == 0 {
		own = all
	}
	list := strings.Join(own, ", ")
	return &statusError{status: http.StatusMethodNotAllowed, detail: r.Method + " is not possible here; possible are " + list + ".", header: http.Header{"Allow": {list}}}
}

// allowed are the methods of an address, without and with those that every address
// has, for the viewer's files.
func allowed(routes chi.Routes, r *http.Request) (own, all []string) {
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.Path
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions} {
		c := chi.NewRouteContext()
		if !routes.Match(c, method, path) {
			continue
		}
		if all = append(all, method); c.RoutePattern() != "/*" {
			own = append(own, method)
		}
	}
	return own, all
}

// fileOr answers with a file of the viewer; where there is none, it tells an address
// that has other methods from one that has nothing.
func (s *Server) fileOr(routes chi.Routes) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := s.viewerFile(w, r)
		var status *statusError
		if errors.As(err, &status) && status.status == http.StatusNotFound {
			if own, _ := allowed(routes, r); len(own) > 0 {
				return notAllowed(routes, r)
			}
		}
		return err
	}
}

// otherMethod answers to a method that an address does not have; OPTIONS is told
// which it has.
func (s *Server) otherMethod(routes chi.Routes) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.Method != http.MethodOptions {
			return notAllowed(routes, r)
		}
		own, all := allowed(routes, r)
		if len(own) == 0 {
			if own = all; !s.hasViewerFile(r) {
				return nothingHere()
			}
		}
		w.Header().Set("Allow", strings.Join(append(own, http.MethodOptions), ", "))
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
}
