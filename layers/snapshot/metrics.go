package snapshot

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the catalog's: twind_snapshot_*. A nil *metrics counts nothing.
type metrics struct {
	registerer prometheus.Registerer
	collectors []prometheus.Collector
	builds     *prometheus.HistogramVec
}

var (
	featuresDesc = prometheus.NewDesc("twind_snapshot_features", "Features of the layer's current view.", []string{"layer"}, nil)
	editsDesc    = prometheus.NewDesc("twind_snapshot_edit_rows", "Rows of the layer's edits since its base.", []string{"layer"}, nil)
	bytesDesc    = prometheus.NewDesc("twind_snapshot_base_bytes", "Size of the layer's mapped base.", []string{"layer"}, nil)
	revisionDesc = prometheus.NewDesc("twind_snapshot_revision", "Revision of the layer's current view.", []string{"layer"}, nil)
)

// newMetrics registers the metrics; nil without a registerer.
func newMetrics(r prometheus.Registerer, c *Catalog) (*metrics, error) {
	if r == nil {
		return nil, nil
	}
	m := &metrics{registerer: r, builds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "twind_snapshot_build_seconds", Help: "Time to build a base, by what it was made of.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 9),
	}, []string{"from"})}
	for _, collector := range []prometheus.Collector{m.builds, &viewCollector{c}} {
		if err := r.Register(collector); err != nil {
			m.unregister()
			return nil, err
		}
		m.collectors = append(m.collectors, collector)
	}
	return m, nil
}

func (m *metrics) built(reload bool, d time.Duration) {
	if m == nil {
		return
	}
	from := "view"
	if reload {
		from = "store"
	}
	m.builds.WithLabelValues(from).Observe(d.Seconds())
}

func (m *metrics) unregister() {
	for _, c := range m.collectors {
		m.registerer.Unregister(c)
	}
}

// viewCollector reads the current views when it is asked.
type viewCollector struct{ c *Catalog }

func (v *viewCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- featuresDesc
	ch <- editsDesc
	ch <- bytesDesc
	ch <- revisionDesc
}

func (v *viewCollector) Collect(ch chan<- prometheus.Metric) {
	for id, s := range *v.c.byID.Load() {
		view := s.current()
		if view == nil {
			continue
		}
		gauge := func(d *prometheus.Desc, n int64) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), string(id))
		}
		gauge(featuresDesc, int64(view.Len()))
		gauge(editsDesc, int64(view.segments[1].N))
		gauge(bytesDesc, view.base.size)
		gauge(revisionDesc, int64(view.revision))
		view.Release()
	}
}
