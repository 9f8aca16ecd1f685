// Package twind is a digital-twin spatial engine and tile, 3D and live map
// server for cities. This package holds no code; it is the map of the house:
//
//	files ─ importers ─┐                                   ┌─ tiles/mvt      vector tiles
//	edits ─ OGC API ───┼─▶ layers.Store ─▶ layers/snapshot ┼─ layers/geojson features
//	QGIS  ─ GeoPackage ┘      (truth)        (R-tree)      └─ internal/server HTTP
//	                                                       (and 3D Tiles: tiles/tiles3d)
//	HTTP · MQTT · JT/T 808 ─ realtime (hub) ─ realtime/wire frames ─▶ viewers (WebSocket)
//	                              └─ realtime/history (log) ─▶ tracks, replay, restart
//
//	cmd/twind        the program: flags, wiring, run, close
//	spatial          geometry without files or goroutines; crs, tile, index, wkb below it
//	layers           what a city contains, and the contract of a store
//	layers/…         geopackage, postgis (stores), snapshot (index), pyramid (low zooms), storetest, geojson, cql2
//	tiles            the tile cache; mvt encodes, style and sprite draw, tiles3d and gltf make
//	                 solids, pmtiles, mbtiles, archive and raster serve files of tiles and images
//	realtime         latest state of what moves; wire is the protocol, history the log,
//	                 mqtt, jt808, jt809 and gtfsrt are ways in, replay plays recordings
//	importers        files to features: plan, read, report; geojson, shapefile below it
//	internal         HTTP server, demo city, configuration, test harness
//	web/viewer       the TypeScript viewer, embedded in the binary
package twind
