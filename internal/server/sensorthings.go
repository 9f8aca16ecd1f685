package server

import (
	"context"
	"net/http"

	"github.com/go-chi/chi/v5"

	"twind/realtime"
	"twind/realtime/sensorthings"
)

// sensorThingsPath is the root of SensorThings 1.1.
const sensorThingsPath = "/sensorthings/v1.1"

// routeSensorThings lets everybody read, and write who may write.
func (s *Server) routeSensorThings(r chi.Router) {
	things := s.sensorThings()
	for _, path := range []string{sensorThingsPath, sensorThingsPath + "/*"} {
		r.Method(http.MethodGet, path, s.handle(things))
		r.Method(http.MethodHead, path, s.handle(things))
		for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodDelete} {
			r.Method(method, path, s.handle(s.mayWrite(things)))
		}
	}
}

func (s *Server) sensorThings() handler {
	if s.o.SensorThings == nil {
		return func(http.ResponseWriter, *http.Request) error {
			return fail(http.StatusNotImplemented, "This server has no SensorThings.")
		}
	}
	h := http.StripPrefix(sensorThingsPath, sensorthings.Handler(s.o.SensorThings, sensorthings.HandlerOptions{
		Base:    func(r *http.Request) string { return s.base(r) + sensorThingsPath },
		Observe: s.observe,
		Log:     s.o.Log,
	}))
	return func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

// observe gives readings to the Observatory, which may believe them less than
// the client that posted them: their clock may be ahead, their object unknown.
func (s *Server) observe(ctx context.Context, readings []realtime.Observation) {
	if s.o.Observatory == nil {
		return
	}
	result, err := s.o.Observatory.Apply(ctx, readings)
	if err != nil {
		return // the client has gone
	}
	for _, r := range result.Refused {
		s.o.Log.Debug("an observation of SensorThings is not shown live", "datastream", r.ID, "reason", r.Reason)
	}
}
