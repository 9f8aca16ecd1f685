package history

import "github.com/prometheus/client_golang/prometheus"

// metrics are the log's counters, twind_history_…
type metrics struct {
	rows, dropped, bytes, commits, failures, torn, sealed, deleted prometheus.Counter
	sync                                                           prometheus.Histogram
}

func newMetrics(r prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "twind_history_" + name, Help: help})
	}
	m := &metrics{
		rows:     counter("rows_total", "Rows on disk: positions, observations, events."),
		dropped:  counter("rows_dropped_total", "Rows not recorded because the disk did not take them."),
		bytes:    counter("journal_bytes_total", "Bytes written to journals."),
		commits:  counter("commits_total", "Commits: one write and fsync for all who wait."),
		failures: counter("failures_total", "Commits that failed and were tried again."),
		torn:     counter("torn_bytes_total", "Bytes cut off journals that a crash tore."),
		sealed:   counter("segments_sealed_total", "Segments made."),
		deleted:  counter("segments_deleted_total", "Segments deleted by retention."),
		sync: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "twind_history_commit_seconds", Help: "Duration of one commit, fsync included.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}}),
	}
	if r != nil {
		r.MustRegister(m.rows, m.dropped, m.bytes, m.commits, m.failures, m.torn, m.sealed, m.deleted, m.sync)
	}
	return m
}
