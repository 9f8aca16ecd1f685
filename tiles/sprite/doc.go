// Package sprite makes the sheets of icons that MapLibre styles name: one PNG and
// its index for each pixel ratio, rendered once from SVG.
//
//	icons/*.svg (built in) ─┐
//	a folder of the user ───┴─▶ Set ── Sheet(ratio) ──▶ PNG + index (sprite specification, MapLibre)
//
// An icon that is drawn only in black or currentColor becomes a signed distance
// field, so that a style gives it its colour and halo; any other keeps the
// colours that it was drawn in.
package sprite
