package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"syscall"

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

// failure is an error as the client is told of it.
type failure struct {
	status int
	detail string
	header http.Header
}

// classify finds what to tell: what the user did in full, what the server suffered
// in one sentence.
func classify(err error) failure {
	var se *statusError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &se):
		return failure{se.status, se.detail, se.header}
	case errors.As(err, &tooLarge):
		return failure{http.StatusRequestEntityTooLarge, tooLargeDetail(tooLarge.Limit), nil}
	}
	for _, k := range statuses {
		if errors.Is(err, k.kind) {
			return failure{k.status, err.Error(), nil}
		}
	}
	return failure{http.StatusInternalServerError, "The server failed to answer; its log says why.", nil}
}

// gone tells whether a request failed because its client left.
func gone(r *http.Request, err error) bool {
	for _, left := range []error{syscall.EPIPE, syscall.ECONNRESET, os.ErrDeadlineExceeded, net.ErrClosed} {
		if errors.Is(err, left) {
			var op *net.OpError
			return errors.As(err, &op) && op.Op == "write"
		}
	}
	return errors.Is(err, context.Canceled) && r.Context().Err() != nil
}

func (s *Server) logFailure(r *http.Request, status int, err error) {
	level := slog.LevelDebug
	switch {
	case status == http.StatusServiceUnavailable: // busy, or told by who is not there
		level = slog.LevelWarn
	case status >= 500:
		level = slog.LevelError
	}
	s.o.Log.Log(r.Context(), level, "request failed", "method", r.Method, "path", r.URL.Path, "status", status, "error", err)
}

// fail writes err as problem+json, and logs it.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if gone(r, err) {
		return
	}
	f := classify(err)
	s.logFailure(r, f.status, err)
	for k, v := range f.header {
		w.Header()[k] = v
	}
	h := w.Header()
	h.Del("ETag")
	h.Del("Content-Encoding")
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(f.status)
	b, _ := json.Marshal(problem{"about:blank", http.StatusText(f.status), f.status, f.detail})
	_, _ = w.Write(b)
}

func tooLargeDetail(limit int64) string {
	b, _ := json.Marshal(limit)
	return "The body is larger than " + string(b) + " bytes; send it in smaller parts, or use twind import."
}
