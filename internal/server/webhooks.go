package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"twind/realtime/webhooks"
)

// withWebhooks wraps the handlers of webhooks. Also reading them needs the right
// to write: their addresses are nobody else's business.
func (s *Server) withWebhooks(h handler) handler {
	return s.mayWrite(needsHistory(s.o.Webhooks != nil, "webhooks", func(w http.ResponseWriter, r *http.Request) error {
		if _, err := readParams(r, "token"); err != nil {
			return err
		}
		return h(w, r)
	}))
}

// routeWebhooks adds /live/webhooks.
func (s *Server) routeWebhooks(r chi.Router, get func(chi.Router, string, handler)) {
	get(r, "/live/webhooks", s.withWebhooks(s.listWebhooks))
	get(r, "/live/webhooks/{id}", s.withWebhooks(s.webhook))
	r.Put("/live/webhooks/{id}", s.handle(s.withWebhooks(s.putWebhook)))
	r.Delete("/live/webhooks/{id}", s.handle(s.withWebhooks(s.deleteWebhook)))
	r.Post("/live/webhooks/{id}/replay", s.handle(s.withWebhooks(s.replayWebhook)))
}

// webhookAnswer is a webhook and how it goes.
type webhookAnswer struct {
	webhooks.Hook
	Status struct {
		State        string    `json:"state"` // ok, failing, dead, off
		Position     uint64    `json:"position"`
		Pending      uint64    `json:"pending"`
		FailingSince time.Time `json:"failingSince,omitzero"`
		Attempts     int       `json:"attempts,omitempty"`
		Failure      string    `json:"failure,omitempty"`
		Delivered    time.Time `json:"delivered,omitzero"`
		Missed       uint64    `json:"missed,omitempty"`
	} `json:"status"`
}

func answerWebhook(st webhooks.Status) webhookAnswer {
	a := webhookAnswer{Hook: st.Hook}
	x := &a.Status
	x.State, x.Position, x.Pending, x.FailingSince = st.State, st.Position, st.Pending, st.FailingSince
	x.Attempts, x.Failure, x.Delivered, x.Missed = st.Attempts, st.Failure, st.Delivered, st.Missed
	return a
}

func (s *Server) listWebhooks(w http.ResponseWriter, r *http.Request) error {
	list := []webhookAnswer{}
	for _, st := range s.o.Webhooks.List() {
		list = append(list, answerWebhook(st))
	}
	return s.json(w, r, typeJSON, map[string]any{"webhooks": list})
}

func (s *Server) webhook(w http.ResponseWriter, r *http.Request) error {
	st, err := s.o.Webhooks.Get(chi.URLParam(r, "id"))
	if err != nil {
		return err
	}
	return s.json(w, r, typeJSON, answerWebhook(st))
}

func (s *Server) putWebhook(w http.ResponseWriter, r *http.Request) error {
	b, err := readBody(w, r)
	if err != nil {
		return err
	}
	st, secret, created, err := s.o.Webhooks.Put(chi.URLParam(r, "id"), b)
	if err != nil {
		return err
	}
	st.Secret = secret // shown this once, where the server made it
	body, err := json.Marshal(answerWebhook(st))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", typeJSON)
	w.Header().Set("Cache-Control", "no-store")
	if created {
		w.Header().Set("Location", s.base(r)+"/live/webhooks/"+st.ID)
		w.WriteHeader(http.StatusCreated)
	}
	_, err = w.Write(append(body, '\n'))
	return err
}

func (s *Server) deleteWebhook(w http.ResponseWriter, r *http.Request) error {
	if err := s.o.Webhooks.Delete(chi.URLParam(r, "id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// replayWebhook takes {"after": N}.
func (s *Server) replayWebhook(w http.ResponseWriter, r *http.Request) error {
	b, err := readBody(w, r)
	if err != nil {
		return err
	}
	var ask struct {
		After *uint64 `json:"after"`
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if !json.Valid(b) || d.Decode(&ask) != nil || ask.After == nil {
		return fail(http.StatusBadRequest, `The body cannot be read; send {"after": N} and nothing else, the sequence of the last event that is not wanted again.`)
	}
	st, err := s.o.Webhooks.Replay(chi.URLParam(r, "id"), *ask.After)
	if err != nil {
		return err
	}
	return s.json(w, r, typeJSON, answerWebhook(st))
}
