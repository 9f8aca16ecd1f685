// Package crs knows coordinate reference systems: their EPSG codes, their
// well-known text, and the way from their coordinates to degrees and back.
//
//	"EPSG:4547" ─Parse──┐
//	a .prj file ─FromWKT┼─▶ *CRS ─▶ Transform{From, To}.Apply(xy)
//	coordinates ─Guess──┘
//
// Axis order: in twind x is always the easting or longitude and y the northing
// or latitude, as in GeoJSON, Shapefile and WKB files, whatever order the
// authority gives (EPSG lists the Gauss–Krüger systems as northing, easting and
// 4326 and 4490 as latitude, longitude; Chinese surveyors call the northing X).
//
// Units: degrees for geographic systems, the system's own unit (CRS.Unit, in
// metres) for projected ones. Heights pass through unchanged.
//
// Datums: WGS 84, CGCS2000, NAD83, ETRS89 and their like differ by less than two
// metres and are treated as one; nothing is shifted between them. Xian 1980,
// Beijing 1954 and NAD27 differ by some ten to two hundred metres and need local
// parameters which no public table gives: their coordinates are unprojected on
// their own ellipsoid and left unshifted, and CRS.Unshifted says so. Amersfoort
// (Netherlands) and CH1903+ (Switzerland) are shifted by the parameters of the
// EPSG dataset, good to 1 m; the Dutch correction grid is not used.
//
// Projections (transverse Mercator, Lambert conformal conic with one or two
// parallels, Albers equal area, Mercator, the Dutch oblique stereographic and the
// Swiss oblique Mercator) agree with PROJ within 0.1 mm.
// Everything in the package is safe for concurrent use.
package crs
