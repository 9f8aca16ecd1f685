package server

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"twind/layers"
)

// SetPolicies gives readers rights; call it before the first request.
func (s *Server) SetPolicies(p func(*http.Request, layers.ID) layers.Policy) { s.policies = p }

// SetLayersPerTile makes tiles of more than n layers of several renderings.
func (s *Server) SetLayersPerTile(n int) { s.perTile = n }

// SetPatience is how long one write to a client may take, and how slowly it may read.
func (s *Server) SetPatience(atLeast time.Duration, perSecond int) {
	s.patience = patience{atLeast, perSecond}
}

// TakeAllRoom keeps the room of large answers until release, and lets others wait
// so long.
func (s *Server) TakeAllRoom(wait time.Duration) (release func()) {
	s.largeWait = wait
	if !s.making.free.TryAcquire(largeAnswers) {
		panic("the room is not free")
	}
	return func() { s.making.free.Release(largeAnswers) }
}

// SetRoomToSend bounds the bytes of large answers on their way.
func (s *Server) SetRoomToSend(bytes int64) { s.sending = newRoom(bytes, s.metrics, "sent") }

// Routes lists the addresses of the router by method, as chi writes them.
func (s *Server) Routes() map[string][]string {
	out := map[string][]string{}
	_ = chi.Walk(s.routes(), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		out[route] = append(out[route], method)
		return nil
	})
	return out
}
