package server

import (
	"context"
	"net/http"
	"time"
)

// piece is how much of an answer is given to a client at a time, each with a
// deadline of its own: a slow client is found out after the first pieces, however
// long the answer is.
const piece = 64 << 10

// largeAnswers bounds the bytes of large answers that are made or on their way at
// a time. Who asks for more waits, and is told to come again after Server.largeWait.
const (
	largeAnswers     = 256 << 20
	defaultLargeWait = 10 * time.Second
)

// reserve takes room for an answer of about so many bytes, until release. It
// fails with status 503 when others keep all the room.
func (s *Server) reserve(r *http.Request, bytes int) (release func(), err error) {
	n := min(int64(bytes), largeAnswers)
	ctx, cancel := context.WithTimeout(r.Context(), s.largeWait)
	defer cancel()
	if err := s.large.Acquire(ctx, n); err != nil {
		if r.Context().Err() != nil {
			return nil, r.Context().Err() // the client left
		}
		return nil, &statusError{status: http.StatusServiceUnavailable,
			detail: "Too many large answers are on their way; ask for fewer features at a time with limit=, or again later.",
			header: http.Header{"Retry-After": {"10"}}}
	}
	return func() { s.large.Release(n) }, nil
}

// patience is how long one write to a client may take: atLeast, and longer for
// more bytes than perSecond. A client that reads more slowly is dropped, so that it
// holds neither memory nor a connection for longer.
type patience struct {
	atLeast   time.Duration
	perSecond int // bytes
}

func defaultPatience() patience { return patience{30 * time.Second, 4 << 10} }

// answerWriter remembers the status and gives each write its deadline; it unwraps
// so that WebSocket and flushing work.
type answerWriter struct {
	http.ResponseWriter
	status   int
	patience patience
}

// expect lets the client take so many bytes from now on. The deadline of an
// earlier answer on the same connection would else be this one's.
func (w *answerWriter) expect(bytes int) {
	d := w.patience.atLeast + time.Duration(bytes/w.patience.perSecond)*time.Second
	if c, ok := w.ResponseWriter.(interface{ SetWriteDeadline(time.Time) error }); ok { // recorders of tests have none
		_ = c.SetWriteDeadline(time.Now().Add(d))
	}
}

// WriteHeader implements http.ResponseWriter. Once a status is sent, as when a
// client is dropped in the middle of an answer, others are ignored.
func (w *answerWriter) WriteHeader(code int) {
	if w.status >= http.StatusOK {
		return
	}
	w.status = code
	w.expect(0)
	w.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (w *answerWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n := 0
	for {
		part := b[n:min(len(b), n+piece)]
		w.expect(len(part))
		m, err := w.ResponseWriter.Write(part)
		n += m
		if err != nil || n == len(b) {
			return n, err
		}
	}
}

// Unwrap is for http.ResponseController.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
