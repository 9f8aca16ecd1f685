package tiles

import "twind/layers"

// Descriptions hashes layers' descriptions for keys, each once as long as it is
// the same object. The zero value is ready and safe for concurrent use.
type Descriptions = descriptions

// Hash is that of a layer's description.
func (d *descriptions) Hash(l *layers.Layer) [16]byte { return d.hash(l) }
