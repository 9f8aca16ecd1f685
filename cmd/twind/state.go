package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"twind/internal/config"
	"twind/internal/outfile"
	"twind/realtime/history"
)

// stateDir is the folder of what cannot be made again, in folders of their own:
// history, rules, webhooks, SensorThings. It is the data folder, or one beside
// the GeoPackage that has its name, so that two in one folder stay apart. Where
// only a link to the GeoPackage has such a folder, it is that one.
func stateDir(c config.Config) string {
	if c.Data != "" {
		return c.Data
	}
	own, links := stateDirs(c)
	switch {
	case own == "":
		return "data"
	case links != "" && !isFolder(own) && isFolder(links):
		return links
	}
	return own
}

// stateDirs are the folder beside the GeoPackage and, where the store is named by a
// link, the one beside the link, which earlier versions used; "" where there is none.
func stateDirs(c config.Config) (own, links string) {
	if isPostgres(c.Store) {
		return "", ""
	}
	file, err := geopackagePath(c.Store)
	if err != nil {
		return "", ""
	}
	given, err := givenPath(c.Store)
	if err != nil {
		return "", ""
	}
	own, links = liveFolder(file), liveFolder(given)
	if given == file || outfile.Same(own, links) {
		links = ""
	}
	return own, links
}

func liveFolder(store string) string {
	return strings.TrimSuffix(store, filepath.Ext(store)) + ".live"
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// gatherState brings what earlier versions kept beside a link to where it belongs,
// beside the GeoPackage, and says so. It stays where it is, and is used there, while
// another process has it or where it cannot be moved.
func gatherState(c config.Config, log *slog.Logger) {
	own, links := stateDirs(c)
	if c.Data != "" || links == "" || !isFolder(links) {
		return
	}
	if isFolder(own) {
		log.Warn("the store has a history of its own: that beside the link to it is not used; remove it when it is not needed", "used", own, "beside the link", links)
		return
	}
	if history.InUse(filepath.Join(links, "history")) {
		return // opening the history says it
	}
	if err := os.Rename(links, own); err != nil {
		log.Warn("the history beside the link to the store is used, and not known to who opens the store itself; end the server and move it", "from", links, "to", own, "cause", err)
		return
	}
	log.Info("the history beside the link to the store was moved to the store", "from", links, "to", own)
}
