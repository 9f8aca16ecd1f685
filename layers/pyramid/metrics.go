package pyramid

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics publishes what the catalog does.
type metrics struct {
	registerer prometheus.Registerer
	seconds    *prometheus.HistogramVec
	cells      *prometheus.CounterVec
	bytes      prometheus.GaugeFunc
}

func newMetrics(r prometheus.Registerer, c *Catalog) (*metrics, error) {
	m := &metrics{
		registerer: r,
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "twind_pyramid_seconds", Help: "Time to make the generalised levels of a layer whole, or to bring them up to date.",
			Buckets: []float64{.005, .02, .05, .1, .2, .5, 1, 5, 20, 60, 300}}, []string{"kind"}),
		cells: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "twind_pyramid_cells_total", Help: "Cells of generalised levels that were made."}, []string{"kind"}),
		bytes: prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "twind_pyramid_cache_bytes", Help: "Memory of generalised cells."}, func() float64 {
			c.cells.mu.Lock()
			defer c.cells.mu.Unlock()
			return float64(c.cells.bytes)
		}),
	}
	if r == nil {
		return m, nil
	}
	for _, p := range []prometheus.Collector{m.seconds, m.cells, m.bytes} {
		if err := r.Register(p); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) unregister() {
	if m.registerer == nil {
		return
	}
	for _, p := range []prometheus.Collector{m.seconds, m.cells, m.bytes} {
		m.registerer.Unregister(p)
	}
}

func (m *metrics) built(d time.Duration, cells int) {
	m.seconds.WithLabelValues("whole").Observe(d.Seconds())
	m.cells.WithLabelValues("whole").Add(float64(cells))
}

func (m *metrics) updated(d time.Duration, cells int) {
	m.seconds.WithLabelValues("update").Observe(d.Seconds())
	m.cells.WithLabelValues("update").Add(float64(cells))
}
