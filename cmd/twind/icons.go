package main

import (
	"log/slog"
	"os"

	"twind/layers"
	"twind/tiles/sprite"
)

// icons is the built-in icons and those of a folder, "" for none; icons that
// cannot be drawn are named in the log and left out.
func icons(dir string, log *slog.Logger) (*sprite.Set, error) {
	var own []sprite.Icon
	if dir != "" {
		var err error
		if _, err := os.Stat(dir); err != nil {
			return nil, layers.Errorf(layers.ErrInvalid, "icons: folder %s cannot be read; name an existing one", dir)
		}
		if own, err = sprite.Read(os.DirFS(dir)); err != nil {
			return nil, layers.Errorf(layers.ErrInvalid, "icons: %s cannot be read: %w", dir, err)
		}
		if len(own) == 0 {
			log.Warn("the folder of icons holds no .svg file", "folder", dir)
		}
	}
	set, faults := sprite.New(sprite.Builtin(), own)
	for _, fault := range faults {
		log.Warn("an icon is left out", "error", fault)
	}
	return set, nil
}
