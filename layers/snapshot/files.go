package snapshot

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"twind/layers"
)

// Base files are written under a temporary name and used from there at once; they
// take their name when they are safe on disk and still the layer's base. They are
// replaced by renaming and never truncated, for they are mapped.
const tempPrefix = ".building-"

// abandoned tells a temporary file that its process left behind.
func abandoned(path string) bool {
	info, err := os.Stat(path)
	return err == nil && time.Since(info.ModTime()) > time.Hour
}

// writeBase writes a base file and maps it.
func (c *Catalog) writeBase(b *build, builder *baseBuilder, meta *baseMeta, past *touched) (*base, error) {
	if err := b.ctx.Err(); err != nil {
		return nil, err
	}
	meta.Identity, meta.Last = c.identity, b.mark
	meta.Generation = strings.ToLower(rand.Text()[:10])
	file, err := os.CreateTemp(c.dir, tempPrefix+"*")
	var made *base
	if err == nil {
		if err = builder.write(file, meta, past); err == nil {
			made, err = mapBase(file)
		}
		if err == nil {
			made.pending = file
			return made, nil
		}
		_ = file.Close()
		_ = os.Remove(file.Name())
	}
	if errors.Is(err, layers.ErrCorrupt) || errors.Is(err, layers.ErrUnsupported) {
		return nil, err
	}
	return nil, layers.Errorf(layers.ErrUnavailable, "the snapshot of layer %s cannot be written to %s: %w; make room there or choose another folder", builder.layer.ID, c.dir, err)
}

// abandon gives up a base that did not become a layer's.
func (b *base) abandon() {
	if b.pending != nil {
		_ = b.pending.Close()
		_ = os.Remove(b.pending.Name())
		b.pending = nil
	}
	b.release()
}

// keepLater gives the file of a layer's base its name in the background. mu is held.
func (c *Catalog) keepLater(s *layerState, b *base) {
	file := b.pending
	if file == nil {
		return
	}
	b.pending = nil
	c.wg.Add(1)
	go func() {
		defer c.wg.Done()
		err := errors.Join(file.Sync(), file.Close())
		c.mu.Lock()
		current := !s.dropped && s.content != nil && s.content.base == b
		if err == nil && current {
			err = os.Rename(file.Name(), c.path(s.id))
		}
		c.mu.Unlock()
		if err == nil && current {
			err = syncDir(c.dir)
		} else {
			_ = os.Remove(file.Name())
		}
		if err != nil {
			c.log.Warn("a snapshot file is not kept; the layer will be read again at the next start", "layer", s.id, "error", err)
		}
	}()
}

func (c *Catalog) removeFile(id layers.ID) {
	if err := os.Remove(c.path(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		c.log.Warn("a snapshot file cannot be removed", "layer", id, "error", err)
	}
}

// syncDir makes a renaming durable.
func syncDir(path string) error {
	d, err := os.Open(filepath.Clean(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
