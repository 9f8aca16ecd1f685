package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"twind/layers"
	"twind/spatial/tile"
)

// problem is the body of every error, after RFC 9457.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

// statusError is an error with a status of its own, for what the kinds of
// package layers do not say.
type statusError struct {
	status int
	detail string
	header http.Header
}

func (e *statusError) Error() string { return e.detail }

func fail(status int, detail string) error { return &statusError{status: status, detail: detail} }

// statuses maps the kinds of error to HTTP. The order matters where one error is of two kinds.
var statuses = []struct {
	kind   error
	status int
}{
	{tile.ErrRange, http.StatusBadRequest},
	{layers.ErrNotFound, http.StatusNotFound},
	{layers.ErrExists, http.StatusConflict},
	{layers.ErrConflict, http.StatusPreconditionFailed},
	{layers.ErrReadOnly, http.StatusForbidden},
	{layers.ErrUnsupported, http.StatusNotImplemented},
	{layers.ErrUnavailable, http.StatusServiceUnavailable},
	{layers.ErrInvalid, http.StatusBadRequest},
}

// handler answers a request or fails; handle turns the failure into a problem.
type handler func(w http.ResponseWriter, r *http.Request) error

func (s *Server) handle(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	}
}

// fail writes err as problem+json. What the user did is told in full; what the
// server suffered is logged and told in one sentence.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // the client left
	}
	status, detail := http.StatusInternalServerError, "The server failed to answer; its log says why."
	var se *statusError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &se):
		status, detail = se.status, se.detail
		for k, v := range se.header {
			w.Header()[k] = v
		}
	case errors.As(err, &tooLarge):
		status, detail = http.StatusRequestEntityTooLarge, tooLargeDetail(tooLarge.Limit)
	default:
		for _, k := range statuses {
			if errors.Is(err, k.kind) {
				status, detail = k.status, err.Error()
				break
			}
		}
	}
	level := slog.LevelDebug
	if status >= 500 {
		level = slog.LevelError
	}
	s.o.Log.Log(r.Context(), level, "request failed", "method", r.Method, "path", r.URL.Path, "status", status, "error", err)
	h := w.Header()
	h.Del("ETag")
	h.Del("Content-Encoding")
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	b, _ := json.Marshal(problem{"about:blank", http.StatusText(status), status, detail})
	_, _ = w.Write(b)
}

func tooLargeDetail(limit int64) string {
	b, _ := json.Marshal(limit)
	return "The body is larger than " + string(b) + " bytes; send it in smaller parts, or use twind import."
}
