package server

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	mu    sync.RWMutex // guards known
	known map[answerKind]answerMetrics

	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	panics   prometheus.Counter
	large    *prometheus.GaugeVec
	refused  *prometheus.CounterVec
}

// answerKind is what requests are counted by; answerMetrics are its counters.
type answerKind struct {
	method, route string
	status        int
}

type answerMetrics struct {
	requests prometheus.Counter
	seconds  prometheus.Observer
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		known:    map[answerKind]answerMetrics{},
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "twind_http_requests_total", Help: "HTTP requests answered."}, []string{"method", "route", "status"}),
		seconds:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "twind_http_request_seconds", Help: "Time to answer, seconds.", Buckets: prometheus.ExponentialBuckets(0.0001, 4, 9)}, []string{"route"}),
		panics:   prometheus.NewCounter(prometheus.CounterOpts{Name: "twind_http_panics_total", Help: "Requests that panicked."}),
	}
	m.large = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "twind_http_large_answer_bytes", Help: "Room that large answers take which are made or sent now, bytes."}, []string{"state"})
	m.refused = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "twind_http_large_answers_refused_total", Help: "Large answers refused with 503, for others took all the room."}, []string{"state"})
	r.MustRegister(m.requests, m.seconds, m.panics, m.large, m.refused)
	return m
}

func (m *metrics) observe(method, route string, status int, d time.Duration) {
	if route == "" {
		route = "none"
	}
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
	default:
		method = "other"
	}
	k := answerKind{method, route, status}
	m.mu.RLock()
	a, ok := m.known[k]
	m.mu.RUnlock()
	if !ok { // few: routes are patterns
		a = answerMetrics{m.requests.WithLabelValues(method, route, strconv.Itoa(status)), m.seconds.WithLabelValues(route)}
		m.mu.Lock()
		m.known[k] = a
		m.mu.Unlock()
	}
	a.requests.Inc()
	a.seconds.Observe(d.Seconds())
}
