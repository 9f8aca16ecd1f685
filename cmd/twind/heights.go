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

// setHeights gives the layers what the configuration says of their heights.
func setHeights(ctx context.Context, conf config.Config, store layers.Store, log *slog.Logger) error {
	for _, id := range slices.Sorted(maps.Keys(conf.Heights)) {
		want := conf.Heights[id]
		if want == nil {
			continue
		}
		l, err := store.Layer(ctx, id)
		switch {
		case errors.Is(err, layers.ErrNotFound):
			log.Warn("the configuration says the heights of a layer that is not there yet; start again when it is", "layer", id)
			continue
		case err != nil:
			return err
		case l.ReadOnly:
			return layers.Errorf(layers.ErrInvalid, "heights of layer %s: it is published in place, and its description cannot be changed", id)
		}
		was := l
		l.Heights = &want.Heights
		if want.VerticalDatum != "" {
			l.VerticalDatum = want.VerticalDatum
		}
		if reflect.DeepEqual(l, was) {
			continue
		}
		if err := store.UpdateLayer(ctx, l); err != nil {
			return err
		}
		log.Info("the heights of a layer stand otherwise now", "layer", id)
	}
	return nil
}
