package realtime

import "twind/layers"

// Watch calls fn with the positions of a layer that Apply accepted, in the order
// in which they were believed, once they are with the journal. It is called in
// the goroutines that call Apply, several at a time: fn must be quick and keep
// nothing of the slice but the properties. There is one watcher; nil is none.
func (h *Hub) Watch(fn func(layer layers.ID, rows []Believed)) {
	if fn == nil {
		h.watcher.Store(nil)
		return
	}
	h.watcher.Store(&fn)
}
