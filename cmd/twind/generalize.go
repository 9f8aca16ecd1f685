package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"reflect"
	"slices"

	"twind/internal/config"
	"twind/layers"
)

// generalize gives the layers what the configuration says of their tiles from afar.
func generalize(ctx context.Context, conf config.Config, store layers.Store, log *slog.Logger) error {
	for _, id := range slices.Sorted(maps.Keys(conf.Generalization)) {
		l, err := store.Layer(ctx, id)
		switch {
		case errors.Is(err, layers.ErrNotFound):
			log.Warn("the configuration generalises a layer that is not there yet; start again when it is", "layer", id)
			continue
		case err != nil:
			return err
		case l.ReadOnly:
			return layers.Errorf(layers.ErrInvalid, "generalization of layer %s: it is published in place; say it under its entry of published", id)
		case reflect.DeepEqual(l.Generalization, conf.Generalization[id]):
			continue
		}
		l.Generalization = conf.Generalization[id]
		if err := store.UpdateLayer(ctx, l); err != nil {
			return err
		}
		log.Info("the tiles of a layer are generalised otherwise now", "layer", id)
	}
	return nil
}
