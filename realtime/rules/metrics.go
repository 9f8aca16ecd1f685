package rules

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	rules    prometheus.Gauge
	outcomes *prometheus.CounterVec // outcome
	deferred prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		rules:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "twind_rules", Help: "Rules there are."}),
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "twind_rules_outcomes_total", Help: "Outcomes of rules."}, []string{"outcome"}),
		deferred: prometheus.NewCounter(prometheus.CounterOpts{Name: "twind_rules_deferred_total", Help: "Outcomes that found no room and have to be found again, because the disk is slow."}),
	}
	if r != nil {
		r.MustRegister(m.rules, m.outcomes, m.deferred)
	}
	return m
}
