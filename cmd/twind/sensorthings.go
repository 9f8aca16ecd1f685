package main

import (
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"twind/internal/config"
	"twind/realtime"
	"twind/realtime/sensorthings"
)

// openSensorThings opens the entities. Like the history, they cannot be made again.
func openSensorThings(c config.Config) (*sensorthings.Store, error) {
	k := c.SensorThings
	return sensorthings.Open(sensorthings.Options{
		Dir: filepath.Join(stateDir(c), "sensorthings"), Keep: sensorthings.Retention{Age: time.Duration(k.Age), Count: k.Count}, MaxObservations: k.MaxObservations,
	})
}

// sensorThingsTopics is SensorThings over MQTT.
func sensorThingsTopics(c config.Config, store *sensorthings.Store, observatory *realtime.Observatory, log *slog.Logger) *sensorthings.Topics {
	base := c.PublicURL
	if base == "" {
		base = "http://" + c.Addr
	}
	return sensorthings.NewTopics(store, sensorthings.TopicOptions{
		Base:    strings.TrimRight(base, "/") + "/sensorthings/v1.1",
		Observe: sensorthings.Observe(observatory, log), Log: log,
	})
}
