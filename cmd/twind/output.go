package main

import (
	"path/filepath"
	"strings"

	"twind/internal/config"
	"twind/internal/outfile"
	"twind/layers"
)

// checkOutput refuses to write over what the program reads or keeps, by whatever
// name: the store, the configuration and its sources, the folders of snapshots and
// of what was live. It is called for every flag that names a file to be written.
func checkOutput(conf config.Config, configFile, flag, output string) error {
	if output == "" || outfile.IsStandard(output) {
		return nil
	}
	target, streams, err := outfile.Resolve(output)
	if err != nil {
		return usageError{layers.Errorf(layers.ErrInvalid, "%s cannot be written: %w; choose another file with %s", output, err, flag)}
	}
	if streams {
		return nil
	}
	refuse := func(what string) error {
		return usageError{layers.Errorf(layers.ErrInvalid, "%s %s; choose another file with %s", output, what, flag)}
	}
	for _, kept := range keptFiles(conf, configFile) {
		if outfile.Same(target, kept.path) {
			return refuse(kept.what)
		}
	}
	for _, dir := range keptFolders(conf) {
		if outfile.Within(target, dir) {
			return refuse("lies in " + dir + ", where twind keeps its own files")
		}
	}
	return nil
}

// kept is a file with what is said of who would write over it.
type kept struct{ path, what string }

func keptFiles(conf config.Config, configFile string) []kept {
	var list []kept
	if path, err := geopackagePath(conf.Store); err == nil && !isPostgres(conf.Store) {
		list = append(list, kept{path, "is the store itself"})
		for _, side := range []string{"-wal", "-shm", "-journal"} {
			list = append(list, kept{path + side, "belongs to the store"})
		}
	}
	if configFile != "" {
		list = append(list, kept{configFile, "is the configuration"})
	}
	for _, a := range conf.Archives {
		if !strings.Contains(a.Source, "://") {
			list = append(list, kept{a.Source, "is an archive of the configuration"})
		}
	}
	for _, r := range conf.Rasters {
		list = append(list, kept{r.Source, "is a raster of the configuration"})
	}
	return list
}

// keptFolders are those that hold nothing but the program's own files. A data
// folder that is configured, and "data", may hold others beside them.
func keptFolders(conf config.Config) []string {
	beside, state := filepath.Dir(historyDir(conf)), stateDir(conf)
	list := []string{
		historyDir(conf), filepath.Join(beside, "rules"), filepath.Join(beside, "webhooks"), filepath.Join(state, "sensorthings"),
	}
	if conf.Data == "" {
		list = append(list, dataDir(conf))
		if !isPostgres(conf.Store) {
			own, _ := stateDirs(conf)
			list = append(list, state, own)
		}
	}
	return list
}
