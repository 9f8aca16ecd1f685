package main

import (
	"path/filepath"

	"twind/internal/config"
	"twind/realtime/sensorthings"
)

// openSensorThings opens the entities in the data folder, or beside the
// snapshots. Like the history, they cannot be made again.
func openSensorThings(c config.Config) (*sensorthings.Store, error) {
	dir := c.Data
	if dir == "" {
		dir = filepath.Dir(dataDir(c))
	}
	return sensorthings.Open(sensorthings.Options{Dir: filepath.Join(dir, "sensorthings")})
}
