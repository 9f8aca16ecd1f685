// Package geodesic measures on the WGS 84 spheroid, in metres, between positions
// in degrees of longitude and latitude.
//
// It defines the distance from a position to a geometry as PostGIS does for its
// type geography, so that answers can be compared:
//
//  1. Edges are great-circle arcs on the sphere whose latitude and longitude are
//     the geodetic ones; a polygon's inside is bounded by such arcs.
//  2. The nearest position of the geometry is the one nearest on that sphere;
//     inside a polygon the distance is 0.
//  3. The distance is the length of the geodesic on the spheroid to that position,
//     rounded to 10⁻⁸ m.
//
// The spheroid's geodesics are solved after "Algorithms for geodesics", Journal
// of Geodesy 87 (2013) 43–55, doi:10.1007/s00190-012-0578-z, with series to the
// sixth order: errors are below 15 nm.
//
// ECEF and Local carry positions to the earth-centred frame and to tangent frames
// of it, for solids.
package geodesic
