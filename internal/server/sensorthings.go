package server

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/go-chi/chi/v5"

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
	}
	for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodDelete} {
		r.Method(method, sensorThingsPath+"/*", s.handle(s.mayWrite(things)))
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
		Observe: sensorthings.Observe(s.o.Observatory, s.o.Log),
		MQTT:    s.mqttEndpoints,
		Log:     s.o.Log,
	}))
	return func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

// mqttEndpoints are where SensorThings is reached over MQTT, as the client
// reaches the server: as configured, else at the broker's port of this machine.
func (s *Server) mqttEndpoints(r *http.Request) []string {
	m := s.o.MQTT
	switch {
	case m.Listen == "":
		return nil
	case m.PublicURL != "":
		return []string{m.PublicURL}
	}
	host, port, err := net.SplitHostPort(m.Listen)
	if err != nil {
		return nil
	}
	if a, err := netip.ParseAddr(host); host == "" || err == nil && a.IsUnspecified() {
		_, host, _ = strings.Cut(s.base(r), "://")
		host, _, _ = strings.Cut(host, "/")
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
	}
	return []string{"mqtt://" + net.JoinHostPort(strings.Trim(host, "[]"), port)}
}
