package jt808

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	frames      *prometheus.CounterVec // by what became of them
	positions   *prometheus.CounterVec
	connections prometheus.Gauge
	refused     prometheus.Counter
}

func newMetrics(r prometheus.Registerer) metrics {
	m := metrics{
		frames:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "twind_jt808_frames_total", Help: "Frames of terminals by what became of them."}, []string{"outcome"}),
		positions:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "twind_jt808_positions_total", Help: "Positions of terminals by what became of them."}, []string{"outcome"}),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{Name: "twind_jt808_connections", Help: "Terminals connected."}),
		refused:     prometheus.NewCounter(prometheus.CounterOpts{Name: "twind_jt808_connections_refused_total", Help: "Connections beyond the limit."}),
	}
	if r != nil {
		r.MustRegister(m.frames, m.positions, m.connections, m.refused)
	}
	return m
}
