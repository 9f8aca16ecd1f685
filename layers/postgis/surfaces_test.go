package postgis_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/pgtest"
	"twind/layers"
	"twind/layers/postgis"
	"twind/spatial"
)

// faces is surfaces of one roof at a height.
func faces(t *testing.T, z float64) layers.Surfaces {
	t.Helper()
	s, err := layers.NewSurfaces(spatial.Geometry{
		Type: spatial.MultiPolygon, XY: []float64{4, 52, 4.5, 52, 4.5, 52.5, 4, 52}, Z: []float64{z, z, z, z}, Ends: []int32{4}, Parts: []int32{1},
	}, []layers.SurfaceClass{layers.RoofSurface})
	require.NoError(t, err)
	return s
}

func openDSN(t *testing.T, dsn string) *postgis.Store {
	t.Helper()
	s, err := postgis.Open(t.Context(), dsn, postgis.Options{})
	require.NoError(t, err)
	return s
}

func surfacesByID(t *testing.T, s layers.Store) map[string]layers.Surfaces {
	t.Helper()
	out := map[string]layers.Surfaces{}
	require.NoError(t, s.Scan(t.Context(), "houses", layers.Query{}, func(f *layers.Feature) error {
		out[f.ID] = append(layers.Surfaces(nil), f.Surfaces...)
		return nil
	}))
	return out
}

// Edits of other clients keep the surfaces in line, and PostGIS reads them.
func TestClientsKeepSurfacesInLine(t *testing.T) {
	dsn := pgtest.DSN(t)
	s := openDSN(t, dsn)
	defer func() { require.NoError(t, s.Close()) }()
	require.NoError(t, s.CreateLayer(t.Context(), layers.Layer{ID: "houses", Kind: layers.KindBuilding, CRS: 4326, MaxZoom: 16, Schema: []layers.Property{{Name: "n", Type: layers.Integer}}}))
	_, err := s.Update(t.Context(), func(tx layers.Tx) error {
		for i, id := range []string{"a", "b", "c", "d"} {
			f := &layers.Feature{ID: id, Geometry: spatial.NewPoint(4, 52), Properties: []layers.Value{layers.IntValue(int64(i))}, Surfaces: faces(t, float64(i))}
			if err := tx.Insert(t.Context(), "houses", f); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, "POLYGON Z ((4 52 2,4.5 52 2,4.5 52.5 2,4 52 2))", ask[string](t, dsn, "SELECT ST_AsText(ST_GeometryN(ST_GeomFromWKB(surfaces), 1)) FROM twind._surfaces WHERE feature = 'c'"))
	execute(t, dsn, "UPDATE twind.houses SET n = 9 WHERE id = 'a'")
	execute(t, dsn, "UPDATE twind.houses SET geom = ST_Translate(geom, 0.1, 0) WHERE id = 'b'")
	execute(t, dsn, "DELETE FROM twind.houses WHERE id = 'c'")
	execute(t, dsn, "UPDATE twind.houses SET id = 'e' WHERE id = 'd'")
	require.Equal(t, map[string]layers.Surfaces{"a": faces(t, 0), "b": nil, "e": nil}, surfacesByID(t, s))
	execute(t, dsn, "INSERT INTO twind._surfaces VALUES ('houses', 'nobody', 'R', '')")
	var faults []string
	require.NoError(t, s.Check(t.Context(), func(fault string) error { faults = append(faults, fault); return nil }))
	require.Equal(t, []string{`layer houses: 1 rows of "twind"._surfaces belong to no feature; delete them`}, faults)
	execute(t, dsn, "TRUNCATE twind.houses")
	require.Zero(t, ask[int64](t, dsn, "SELECT count(*) FROM twind._surfaces"))
}

// A schema of format 1 becomes one of this format when it is opened.
func TestUpgradeFromFormat1(t *testing.T) {
	dsn := pgtest.DSN(t)
	s := openDSN(t, dsn)
	identity := s.Identity()
	require.NoError(t, s.CreateLayer(t.Context(), layers.Layer{ID: "houses", Kind: layers.KindBuilding, CRS: 4326, MaxZoom: 16, Schema: []layers.Property{}}))
	require.NoError(t, s.Close())
	execute(t, dsn, "DROP TABLE twind._surfaces")
	execute(t, dsn, "CREATE OR REPLACE FUNCTION twind._commit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'") // that of an older format
	execute(t, dsn, "UPDATE twind._store SET format = 1")

	s = openDSN(t, dsn)
	defer func() { require.NoError(t, s.Close()) }()
	require.Equal(t, identity, s.Identity())
	_, err := s.Update(t.Context(), func(tx layers.Tx) error {
		return tx.Insert(t.Context(), "houses", &layers.Feature{ID: "a", Geometry: spatial.NewPoint(4, 52), Surfaces: faces(t, 1)})
	})
	require.NoError(t, err)
	require.Equal(t, map[string]layers.Surfaces{"a": faces(t, 1)}, surfacesByID(t, s))
	require.Equal(t, int32(3), ask[int32](t, dsn, "SELECT format FROM twind._store"))
	require.NoError(t, s.Check(t.Context(), func(fault string) error { t.Error(fault); return nil }))
}
