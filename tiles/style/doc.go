// Package style draws layers: complete MapLibre styles (specification version 8)
// made from the layers' kinds, and the legends that go with them.
//
//	layers.Layer ── kind, geometry, ClassBy, Label, schema ──▶ style layers ─┐
//	             └─ Style (its own) ─────────────────────────────────────────┤
//	                       ground ◀─ blocks ◀─ streets ◀─ … ◀─ labels  (drawing order)
//
// A style asks for nothing from elsewhere: no glyphs (MapLibre draws text with
// the fonts of Font, which the viewer provides), the icons of package sprite, one
// vector source a layer with the layer's id. Every style layer is named {layer} or {layer}-{part}
// and carries the layer's id in metadata, under "twind:layer".
package style

// Font is the CSS font family that labels are set in; the viewer provides it by
// @font-face with the system's fonts as fallback.
const Font = "Twind Sans"
