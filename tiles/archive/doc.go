// Package archive serves files of finished tiles, PMTiles or MBTiles, as layers.
//
//	file or URL ─ Open ─▶ opened state ─ Tile ─▶ bytes as stored, or unpacked
//	                  ▲         │
//	                  └─ Run ◀──┴─ replaced, failed
//
// What is served is always of one state of the file. A file that is replaced is
// opened anew; until the new one can be read the old one is served, as far as it
// is still there. A file that cannot be opened is no layer, and is tried again.
package archive
