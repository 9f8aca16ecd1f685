package webhooks

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"twind/layers"
	"twind/realtime/durable"
)

// Files in Options.Dir.
const (
	hooksFile     = "webhooks.json"
	positionsFile = "positions.json"
)

// maxFile bounds what is read of a file, in bytes.
const maxFile = MaxHooks * (MaxHookBytes + 4<<10)

// load reads the hooks and how far they have come.
func (h *Hooks) load() error {
	if err := os.MkdirAll(h.o.Dir, 0o755); err != nil {
		return layers.Errorf(layers.ErrUnavailable, "folder %s of the webhooks cannot be made: %w", h.o.Dir, err)
	}
	var list []json.RawMessage
	if err := h.read(hooksFile, &list); err != nil {
		return err
	}
	positions := map[string]progress{}
	if err := h.read(positionsFile, &positions); err != nil {
		return err
	}
	last := h.o.Log.LastEvent()
	for _, raw := range list {
		var named struct {
			ID string `json:"id"`
		}
		_ = json.Unmarshal(raw, &named) // Parse tells what is wrong
		parsed, err := Parse(named.ID, raw)
		if err != nil {
			return layers.Errorf(layers.ErrCorrupt, "the webhooks in %s cannot be read (%w); mend the file, or remove it to begin without webhooks", filepath.Join(h.o.Dir, hooksFile), err)
		}
		x := &hook{Hook: *parsed, wake: make(chan struct{}, 1)}
		known, ok := positions[x.ID]
		if !ok || known.Position > last { // a new log, whose numbers began anew
			known.Position = last
		}
		x.progress = known
		h.hooks[x.ID] = x
	}
	return nil
}

// read reads a file of JSON; one that there is not changes nothing.
func (h *Hooks) read(name string, to any) error {
	path := filepath.Join(h.o.Dir, name)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && info.Size() > maxFile {
		return layers.Errorf(layers.ErrCorrupt, "file %s of the webhooks has %d bytes, too many", path, info.Size())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return layers.Errorf(layers.ErrUnavailable, "file %s of the webhooks cannot be read: %w", path, err)
	}
	if err := json.Unmarshal(b, to); err != nil {
		return layers.Errorf(layers.ErrCorrupt, "file %s of the webhooks cannot be read (%w); mend or remove it", path, err)
	}
	return nil
}

// save writes the hooks with their secrets, for their owner only.
func (h *Hooks) save(hooks map[string]*hook) error {
	list := make([]Hook, 0, len(hooks))
	for _, x := range hooks {
		list = append(list, x.Hook)
	}
	return h.write(hooksFile, list)
}

// savePositions writes how far the hooks have come, if that is news.
func (h *Hooks) savePositions() error {
	h.mu.Lock()
	dirty := h.dirty
	h.dirty = false
	positions := make(map[string]progress, len(h.hooks))
	for id, x := range h.hooks {
		positions[id] = x.progress
	}
	h.mu.Unlock()
	if !dirty {
		return nil
	}
	err := h.write(positionsFile, positions)
	if err != nil {
		h.mu.Lock()
		h.dirty = true
		h.mu.Unlock()
	}
	return err
}

func (h *Hooks) write(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	path := filepath.Join(h.o.Dir, name)
	if err == nil {
		err = durable.Replace(path, append(b, '\n'))
	}
	if err != nil {
		return layers.Errorf(layers.ErrUnavailable, "file %s of the webhooks cannot be written: %w", path, err)
	}
	return nil
}
