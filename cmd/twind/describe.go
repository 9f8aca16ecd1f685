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

// describeLayers gives the layers what the configuration says of them: how their tiles
// from afar are generalised, and where their heights stand.
func describeLayers(ctx context.Context, conf config.Config, store layers.Store, log *slog.Logger) error {
	for _, id := range slices.Sorted(maps.Keys(conf.Generalization)) {
		err := amend(ctx, store, log, id, "generalization", func(l *layers.Layer) { l.Generalization = conf.Generalization[id] })
		if err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(conf.Heights)) {
		want := conf.Heights[id]
		if want == nil {
			continue
		}
		err := amend(ctx, store, log, id, "heights", func(l *layers.Layer) {
			l.Heights = &want.Heights
			if want.VerticalDatum != "" {
				l.VerticalDatum = want.VerticalDatum
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// amend changes a layer's description as a key of the configuration says.
func amend(ctx context.Context, store layers.Store, log *slog.Logger, id layers.ID, key string, change func(*layers.Layer)) error {
	l, err := store.Layer(ctx, id)
	if errors.Is(err, layers.ErrNotFound) {
		log.Warn("the configuration describes a layer that is not there yet; start again when it is", "key", key, "layer", id)
		return nil
	}
	if err != nil {
		return err
	}
	was := l
	change(&l)
	if reflect.DeepEqual(l, was) {
		return nil
	}
	if l.ReadOnly {
		return layers.Errorf(layers.ErrInvalid, "%s of layer %s: it is published in place; what can be said of it stands under its entry of published", key, id)
	}
	if err := store.UpdateLayer(ctx, l); err != nil {
		return err
	}
	log.Info("the configuration describes a layer otherwise than before", "key", key, "layer", id)
	return nil
}
