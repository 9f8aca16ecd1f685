// Package pyramid makes the generalised levels of layers: what tiles show below
// the zoom from which they carry every feature.
//
//	View ── features by cell of the lowest level ──▶ cells of zoom FullZoom−1
//	                                                   │ four children each
//	                                                   ▼
//	                                                 cells of FullZoom−2 … MinZoom
//
// A cell is a tile of one zoom and holds the features whose box has its middle in
// it, each feature in one cell of a level: polygons simplified so that shared
// borders stay shared, small ones merged to squares of their area; lines ranked,
// joined by name and class, and simplified; points clustered with counts. Every
// cell is bounded. A tile shows the cells whose content meets its box.
//
// A cell follows from its features, or from its four children, and from nothing
// else: a pyramid that was brought up to date cell by cell is equal to one made
// anew. Cells lie in a file; those in use are kept in a bounded cache.
package pyramid
