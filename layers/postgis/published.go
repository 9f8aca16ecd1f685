package postgis

import (
	"context"

	"twind/layers"
	"twind/spatial"
)

type published struct {
	source source
	name   string
	srid   int
}

func (p *Published) validate() error                                                { return nil }
func (p *published) keys(ids []string) []string                                     { return ids }
func mercator(e spatial.Envelope) spatial.Envelope                                  { return e }
func (p *published) admit(*layers.Feature) bool                                     { return true }
func (s *Store) publish(ctx context.Context) error                                  { return nil }
func (s *Store) checkPublished(ctx context.Context, yield func(string) error) error { return nil }

type localLog struct{}

func (l *localLog) head() layers.Revision                                    { return 0 }
func (l *localLog) changes(layers.Revision, func(layers.Record) error) error { return nil }
