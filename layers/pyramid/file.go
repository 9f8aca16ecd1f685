package pyramid

import (
	"errors"
	"os"

	"twind/layers"
)

// Levels are written under a temporary name and take their name when they are
// whole.
const tempPrefix = ".levels-"

// create begins a layer's file.
func (c *Catalog) create(layers.ID) (*store, error) { return c.temporary() }

// discard gives up a file.
func (s *store) discard() error {
	_ = os.Remove(s.file.Name())
	return s.file.Close()
}

func (c *Catalog) open(layers.ID, *spec, View) *Pyramid { return nil }

func (c *Catalog) save(layers.ID, *Pyramid, *store) {}

func (c *Catalog) compact(layers.ID, *state, *Pyramid) error { return errors.New("not yet") }
