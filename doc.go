// Package twind is a digital-twin spatial engine and tile, 3D and live map
// server for cities. This package holds no code; it is the map of the house:
//
//	files ─ importers ─┐                                   ┌─ tiles/mvt      vector tiles
//	edits ─ OGC API ───┼─▶ layers.Store ─▶ layers/snapshot ┼─ layers/geojson features
//	QGIS  ─ GeoPackage ┘      (truth)        (R-tree)      └─ internal/server HTTP
//	HTTP · MQTT ─ realtime (hub) ─ realtime/wire frames ─▶ viewers (WebSocket)
//
//	cmd/twind        the program: flags, wiring, run, close
//	spatial          geometry without files or goroutines; crs, tile, index, wkb below it
//	layers           what a city contains, and the contract of a store
//	layers/…         geopackage, postgis (stores), snapshot (index), storetest, geojson
//	tiles            the tile cache; mvt encodes, style draws, tiles3d and gltf make solids
//	realtime         latest state of what moves; wire is the protocol
//	importers        files to features: plan, read, report; geojson, shapefile below it
//	internal         HTTP server, demo city, configuration, test harness
//	web/viewer       the TypeScript viewer, embedded in the binary
package twind
