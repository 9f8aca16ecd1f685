// Package geopackage keeps a city in one GeoPackage file (OGC 12-128r17, 1.3):
// a layers.Store that QGIS and GDAL open, and may edit, while twind runs.
//
//	gpkg_contents, gpkg_geometry_columns, …   as the standard says
//	<layer>          fid │ geom │ id │ one column a property
//	rtree_<layer>_geom                        the standard's R-tree index
//	twind_meta       identity, schema version, counters
//	twind_layers     the layers' descriptions (JSON), tables and columns
//	twind_changes    seq │ layer │ fid │ id │ op │ time      the change log
//	twind_staging    tables of loads under way, and whose they are
//
// The change log is written by triggers in plain SQL, so that edits of other
// programs are in it too. seq is the store's revision, the time in
// microseconds where that is greater than one more than the last, so that copies
// changed apart count apart: a feature's revision is
// that of its last line in the log, or that of its layer's last load if it has
// no line since. Programs that replace a table (ogr2ogr -overwrite) take the
// triggers with it; that is noticed, the triggers are put back and a Reloaded
// line says that the layer must be read again. Feature tables in degrees that
// twind does not know are adopted as layers, keyed by their integer key; with
// Options.Untouched a file of another program is only read, and stays as it is.
//
// Loads write to staging tables in short transactions and are published by
// renaming. A process killed at any time leaves the layer before or after the
// load; what it left in staging is removed at the next open.
package geopackage
