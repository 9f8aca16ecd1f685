package server

import (
	"net/http"
	"time"
)

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
	w.expect(len(b))
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
