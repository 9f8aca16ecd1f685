package importers

import (
	"path/filepath"
	"strings"
)

// hint says how a file of a format that is not read becomes one that is, by the
// ending of its name.
func hint(path string) string {
	name := shellName(path)
	const geojson = "ogr2ogr -f GeoJSON -t_srs EPSG:4326 out.geojson "
	switch strings.ToLower(filepath.Ext(path)) {
	case ".dxf", ".dgn":
		return "make GeoJSON of it, with the coordinate system that it was drawn in: ogr2ogr -f GeoJSON -s_srs EPSG:4547 -t_srs EPSG:4326 out.geojson " + name
	case ".dwg":
		return "save it as DXF, then: ogr2ogr -f GeoJSON -s_srs EPSG:4547 -t_srs EPSG:4326 out.geojson IN.dxf"
	case ".csv", ".tsv", ".txt":
		return "make GeoJSON of it, with the names of its columns of longitude and latitude: ogr2ogr -f GeoJSON -oo X_POSSIBLE_NAMES=lon -oo Y_POSSIBLE_NAMES=lat -oo AUTODETECT_TYPE=YES -a_srs EPSG:4326 out.geojson " + name
	case ".xlsx", ".xls", ".ods":
		return "save its sheet as CSV in UTF-8, then, with the names of its columns: ogr2ogr -f GeoJSON -oo X_POSSIBLE_NAMES=lon -oo Y_POSSIBLE_NAMES=lat -oo AUTODETECT_TYPE=YES -a_srs EPSG:4326 out.geojson IN.csv"
	case ".gpkg", ".gdb", ".sqlite":
		return "make GeoJSON of one of its layers, which ogrinfo lists: " + geojson + name + " LAYER"
	case ".kml", ".kmz", ".gml", ".xml", ".gpx", ".tab", ".mif", ".fgb", ".parquet":
		return "make GeoJSON of it: " + geojson + name
	case ".tif", ".tiff":
		return "name it under rasters: of the configuration"
	case ".pmtiles", ".mbtiles":
		return "name it under archives: of the configuration"
	case ".rar", ".7z", ".tar", ".tgz":
		return "unpack it and name the files in it"
	}
	return "GDAL makes GeoJSON of most others: " + geojson + name
}

// shellName is a path as a shell takes it.
func shellName(path string) string {
	for _, r := range path {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/+,:@%", r) && r < 0x80 {
			return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
		}
	}
	return path
}
