// Package geotiff reads georeferenced TIFF and BigTIFF files at random, a block
// at a time, without other libraries.
//
//	header ─▶ IFD ─▶ IFD ─▶ …          a directory describes one image
//	           │      └ reduced-resolution images and masks
//	           ├ tile or strip offsets ─▶ block: decompress, undo predictor,
//	           │                           little-endian samples ─▶ cache
//	           └ GeoKeys, ModelPixelScale, ModelTiepoint ─▶ CRS, Transform
//
// It reads tiles and strips, both byte orders, chunky and planar samples,
// integers of 8 to 64 bits and floats of 32 and 64, masks of 1 bit; compression
// none, LZW, Deflate, PackBits, Zstandard and JPEG; predictors 2 and 3. What it
// does not read it refuses with one sentence that says what to do about it.
//
// No length, count or offset of a file is believed before it was compared with
// the file's size and with the limits of this package; no input makes it panic.
//
// Sources: TIFF 6.0; Adobe Photoshop TIFF technical notes 1 to 3 (Deflate,
// predictor 3); BigTIFF; OGC GeoTIFF 1.1 (19-008r4); the metadata tags of GDAL.
package geotiff
