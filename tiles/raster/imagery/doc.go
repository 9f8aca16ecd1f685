// Package imagery serves tiles of a GeoTIFF of colours whose pixels lie on the
// grid of Web Mercator tiles, as gdal_translate makes it:
//
//	gdal_translate -of COG -co TILING_SCHEME=GoogleMapsCompatible IN.tif OUT.tif
//
//	tile z/x/y ─▶ level whose pixels are the zoom's ─▶ window ─▶ PNG or JPEG
//	         └──▶ block of a JPEG level, where it is the tile ─▶ as it lies in the file
//
// A file whose pixels lie on another grid is refused with the command that mends
// it: nothing is resampled but for the few zooms above the smallest level.
package imagery
