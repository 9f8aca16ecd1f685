package geopackage_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/geopackage"
	"twind/spatial"
)

// roof is surfaces of one face at a height.
func roof(t *testing.T, z float64) layers.Surfaces {
	t.Helper()
	s, err := layers.NewSurfaces(spatial.Geometry{
		Type: spatial.MultiPolygon, XY: []float64{4, 52, 4.5, 52, 4.5, 52.5, 4, 52}, Z: []float64{z, z, z, z}, Ends: []int32{4}, Parts: []int32{1},
	}, []layers.SurfaceClass{layers.RoofSurface})
	require.NoError(t, err)
	return s
}

// roofed gives surfaces to the first n poles, roof(i) to the i-th.
func roofed(t *testing.T, s layers.Store, n int) {
	t.Helper()
	_, err := s.Update(t.Context(), func(tx layers.Tx) error {
		for i := range n {
			f, err := tx.Get(t.Context(), "poles", fmt.Sprint("lamp-", i))
			if err != nil {
				return err
			}
			f.Surfaces = roof(t, float64(i))
			if err := tx.Replace(t.Context(), "poles", f); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, err)
}

func TestGDALReadsSurfaces(t *testing.T) {
	s, path := gdalFile(t)
	poles(t, s, 3)
	roofed(t, s, 2)
	list := gdal(t, "ogrinfo", "-ro", "-q", path)
	require.Contains(t, list, "twind_surfaces_poles (None)")
	out := gdal(t, "ogrinfo", "-ro", "-al", path, "twind_surfaces_poles")
	require.Contains(t, out, "Feature Count: 2\n")
	require.Contains(t, out, "classes (String) = R\n")
	// The surfaces are WKB that SpatiaLite's functions understand beside the features.
	out = gdal(t, "ogrinfo", "-ro", "-q", path, "-dialect", "SQLite", "-sql", "SELECT p.id, AsText(ST_GeomFromWKB(s.surfaces)) AS w FROM poles p JOIN twind_surfaces_poles s ON s.fid = p.fid WHERE p.id = 'lamp-1'")
	require.Contains(t, out, "MULTIPOLYGON Z(((4 52 1, 4.5 52 1, 4.5 52.5 1, 4 52 1)))")
	healthy(t, s)
}

func TestGDALEditsKeepSurfacesInLine(t *testing.T) {
	s, path := gdalFile(t)
	poles(t, s, 5)
	roofed(t, s, 4)
	before := headOf(t, s)
	gdal(t, "ogrinfo", "-q", path, "-sql", `UPDATE poles SET "高度" = 99 WHERE id = 'lamp-0'`)
	gdal(t, "ogrinfo", "-q", path, "-sql", `UPDATE poles SET geom = (SELECT geom FROM poles WHERE id = 'lamp-4') WHERE id = 'lamp-1'`)
	gdal(t, "ogrinfo", "-q", path, "-sql", `DELETE FROM poles WHERE id = 'lamp-2'`)
	changes(t, s, before, has(layers.Deleted, "poles"))
	got := all(t, s, "poles", layers.Query{})
	require.Equal(t, roof(t, 0), got["lamp-0"].Surfaces, "an attribute")
	require.Nil(t, got["lamp-1"].Surfaces, "another place")
	require.NotContains(t, got, "lamp-2")
	require.Equal(t, roof(t, 3), got["lamp-3"].Surfaces)
	require.Contains(t, gdal(t, "ogrinfo", "-ro", "-so", path, "twind_surfaces_poles"), "Feature Count: 2\n")
	healthy(t, s)
}

// A layer whose table was renamed keeps its surfaces; one that was written anew has
// lost them, for its keys may be others'; a table of surfaces that is gone harms nobody.
func TestGDALRenamesAndDropsSurfaces(t *testing.T) {
	s, path := gdalFile(t)
	poles(t, s, 3)
	roofed(t, s, 2)
	before := headOf(t, s)
	gdal(t, "ogrinfo", "-q", path, "-sql", "ALTER TABLE poles RENAME TO lamps")
	changes(t, s, before, has(layers.Reloaded, "poles"))
	require.Equal(t, roof(t, 1), all(t, s, "poles", layers.Query{})["lamp-1"].Surfaces)
	healthy(t, s)

	before = headOf(t, s)
	gdal(t, "ogrinfo", "-q", path, "-sql", "DROP TABLE twind_surfaces_lamps")
	changes(t, s, before, has(layers.Reloaded, "poles"))
	require.Nil(t, all(t, s, "poles", layers.Query{})["lamp-1"].Surfaces)
	roofed(t, s, 3)
	require.Equal(t, roof(t, 2), all(t, s, "poles", layers.Query{})["lamp-2"].Surfaces)
	healthy(t, s)

	before = headOf(t, s)
	gdal(t, "ogr2ogr", "-f", "GPKG", "-update", "-overwrite", "-nln", "lamps", path, geoJSON(t, point(1, 2, "新", 3)))
	changes(t, s, before, has(layers.Reloaded, "poles"))
	for _, f := range all(t, s, "poles", layers.Query{}) {
		require.Nil(t, f.Surfaces)
	}
	healthy(t, s)
}

// A load that makes a new table beside the layer's keeps the surfaces there are.
func TestMergedLoadKeepsSurfaces(t *testing.T) {
	path := t.TempDir() + "/city.gpkg"
	s, err := geopackage.Open(t.Context(), path, geopackage.Options{Create: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	poles(t, s, 20)
	roofed(t, s, 20)
	s.SmallSteps()
	_, err = s.Load(t.Context(), "poles", layers.Upsert, func(yield func(*layers.Feature, error) bool) {
		for i := range 12 {
			f := &layers.Feature{ID: fmt.Sprintf("lamp-%d", i+15), Geometry: spatial.NewPoint(float64(i+15), 1), Properties: []layers.Value{layers.StringValue("新"), layers.FloatValue(1)}}
			if i >= 2 {
				f.Surfaces = roof(t, 100)
			}
			if i == 6 { // the rows so far are staged
				roofed(t, s, 1)
			}
			if !yield(f, nil) {
				return
			}
		}
	})
	require.NoError(t, err)
	got := all(t, s, "poles", layers.Query{})
	require.Len(t, got, 27)
	for i := range 27 {
		want := roof(t, 100)
		if i < 17 {
			want = roof(t, float64(i))
		}
		require.Equal(t, want, got[fmt.Sprint("lamp-", i)].Surfaces, i)
	}
	healthy(t, s)
}

// What other programs have spoilt is not drawn, and named.
func TestCheckNamesSpoiltSurfaces(t *testing.T) {
	s, path := gdalFile(t)
	poles(t, s, 3)
	roofed(t, s, 2)
	healthy(t, s)
	gdal(t, "ogrinfo", "-q", path, "-sql", "UPDATE twind_surfaces_poles SET classes = 'XY' WHERE fid = (SELECT fid FROM poles WHERE id = 'lamp-1')")
	gdal(t, "ogrinfo", "-q", path, "-sql", "INSERT INTO twind_surfaces_poles (fid, classes, surfaces) VALUES (99, 'R', x'00')")
	require.Nil(t, all(t, s, "poles", layers.Query{})["lamp-1"].Surfaces)
	var faults []string
	require.NoError(t, s.Check(t.Context(), func(fault string) error { faults = append(faults, fault); return nil }))
	require.Equal(t, []string{
		"layer poles, feature lamp-1: the faces of its body in twind_surfaces_poles cannot be read",
		"layer poles: 1 rows of twind_surfaces_poles belong to no feature; delete them",
	}, faults)
}
