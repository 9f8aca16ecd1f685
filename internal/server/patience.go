package server

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"
)

// piece is how much of an answer is given to a client at a time, each with a
// deadline of its own: a slow client is found out after the first pieces, however
// long the answer is.
const piece = 64 << 10

// largeAnswers bounds the bytes of large answers that are made at a time, and apart
// from them of those on their way to clients, who may be slow. Who asks for more
// waits, and is told to come again after Server.largeWait.
const (
	largeAnswers     = 256 << 20
	defaultLargeWait = 10 * time.Second
)

// room is memory that answers share.
type room struct {
	size    int64
	free    *semaphore.Weighted
	taken   prometheus.Gauge
	refused prometheus.Counter
}

func newRoom(size int64, m *metrics, state string) *room {
	return &room{size, semaphore.NewWeighted(size), m.large.WithLabelValues(state), m.refused.WithLabelValues(state)}
}

// take takes room for an answer of so many bytes, until release; it waits for it. It
// fails with status 503 when others keep the room.
func (m *room) take(r *http.Request, bytes int, wait time.Duration) (release func(), err error) {
	n := min(int64(bytes), m.size)
	if !m.free.TryAcquire(n) {
		ctx, cancel := context.WithTimeout(r.Context(), wait)
		defer cancel()
		if err := m.free.Acquire(ctx, n); err != nil {
			if r.Context().Err() != nil {
				return nil, r.Context().Err() // the client left
			}
			m.refused.Inc()
			return nil, &statusError{status: http.StatusServiceUnavailable,
				detail: "Too many large answers are on their way; ask for fewer features at a time with limit=, or again later.",
				header: http.Header{"Retry-After": {"10"}}}
		}
	}
	m.taken.Add(float64(n))
	return func() {
		m.taken.Sub(float64(n))
		m.free.Release(n)
	}, nil
}

// send answers with a body that was made for this request alone. One that the
// system's buffers may not take at once needs room among those on their way; it
// waits for that if it keeps room among those that are made, which made gives back.
func (s *Server) send(w http.ResponseWriter, r *http.Request, b []byte, made func()) error {
	if r.Method == http.MethodHead {
		return nil
	}
	if len(b) > piece {
		var wait time.Duration
		if made != nil {
			wait = s.largeWait
		}
		release, err := s.sending.take(r, len(b), wait)
		if err != nil {
			w.Header().Del("Content-Length")
			return err
		}
		defer release()
	}
	if made != nil {
		made()
	}
	_, err := w.Write(b)
	return err
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
