package main

import (
	"log/slog"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"twind/internal/config"
	"twind/layers"
	"twind/layers/snapshot"
	"twind/realtime"
	"twind/realtime/history"
)

// openHistory opens the log of what was live; both are nil where the
// configuration turns it off.
func openHistory(c config.Config, log *slog.Logger, metrics prometheus.Registerer) (*history.Log, realtime.Journal, error) {
	h := c.History
	if h.Off {
		return nil, nil, nil
	}
	o := history.Options{
		Dir: historyDir(c), Default: retention(h.Default), Retention: map[layers.ID]history.Retention{},
		MaxBytes: int64(h.MaxBytes), HoldEvents: true, Log: log, Registerer: metrics,
	}
	for id, r := range h.Retention {
		o.Retention[id] = retention(r)
	}
	l, err := history.Open(o)
	if err != nil {
		return nil, nil, err
	}
	return l, l, nil
}

func retention(r config.Retention) history.Retention {
	return history.Retention{Age: time.Duration(r.Age), Bytes: int64(r.Bytes)}
}

// historyDir is where the history is kept: as configured, or with the rest.
func historyDir(c config.Config) string {
	if c.History.Dir != "" {
		return c.History.Dir
	}
	return filepath.Join(stateDir(c), "history")
}

// newObservatory takes readings of objects whose layers there are.
func newObservatory(catalog *snapshot.Catalog, journal realtime.Journal, log *slog.Logger) *realtime.Observatory {
	ob, err := realtime.NewObservatory(realtime.ObservatoryOptions{
		Journal: journal,
		CheckLayer: func(id layers.ID) error {
			v, err := catalog.View(id)
			if err == nil {
				v.Release()
			}
			return err
		},
	})
	if err != nil {
		log.Error("readings of the last day could not be restored", "cause", err)
	}
	return ob
}
