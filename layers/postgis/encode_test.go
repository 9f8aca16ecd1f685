package postgis

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/ewkb"

	"twind/layers"
	"twind/layers/storetest"
	"twind/spatial"
	"twind/spatial/wkb"
)

// TestEWKBAgreesWithGoGeom writes every kind of geometry and has go-geom read it,
// and the other way round.
func TestEWKBAgreesWithGoGeom(t *testing.T) {
	for name, g := range storetest.Geometries() {
		if g.IsNull() {
			continue
		}
		t.Run(name, func(t *testing.T) {
			b := appendEWKB([]byte("before"), g, 4490)
			require.Equal(t, "before", string(b[:6]))
			// go-geom knows EWKB's flag for heights, not ISO's thousands, which
			// PostGIS reads as well.
			got, err := ewkb.Unmarshal(flagged(b[6:]))
			require.NoError(t, err)
			require.Equal(t, 4490, got.SRID())
			back, err := ewkb.Marshal(got, binary.LittleEndian)
			require.NoError(t, err)
			again, srid, err := wkb.Unmarshal(back)
			require.NoError(t, err)
			require.Equal(t, uint32(4490), srid)
			require.True(t, storetest.SameGeometry(g, again), "want %v\ngot %v", g, again)
			if p, ok := got.(*geom.Point); ok && !g.IsEmpty() {
				require.Equal(t, g.XY, []float64{p.X(), p.Y()})
			}
		})
	}
}

// flagged turns the type codes of ISO WKB with heights into those of EWKB.
func flagged(b []byte) []byte {
	b = bytes.Clone(b)
	var walk func(at int) int
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	walk = func(at int) int {
		code := u32(at + 1)
		size := 16
		if code&0xffff > 1000 {
			binary.LittleEndian.PutUint32(b[at+1:], code-1000|0x80000000)
			size = 24
		}
		typ := spatial.Type(code & 0xffff % 1000)
		if at += 5; code&ewkbSRID != 0 {
			at += 4
		}
		switch typ {
		case spatial.Point:
			return at + size
		case spatial.LineString:
			return at + 4 + int(u32(at))*size
		}
		n := int(u32(at))
		at += 4
		for range n {
			if typ == spatial.Polygon {
				at += 4 + int(u32(at))*size
			} else {
				at = walk(at)
			}
		}
		return at
	}
	walk(0)
	return b
}

func FuzzEWKB(f *testing.F) {
	for _, g := range storetest.Geometries() {
		if !g.IsNull() {
			f.Add(appendEWKB(nil, g, 4326))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		g, _, err := wkb.Unmarshal(b)
		if err != nil || g.Check() != nil {
			return
		}
		again, srid, err := wkb.Unmarshal(appendEWKB(nil, g, 4326))
		require.NoError(t, err)
		require.Equal(t, uint32(4326), srid)
		require.Equal(t, g.NumVertices(), again.NumVertices())
	})
}

func TestDates(t *testing.T) {
	for _, s := range []string{"0001-01-01", "1582-10-10", "1999-12-31", "2000-01-01", "2026-11-21", "9999-12-31"} {
		b, err := appendField(nil, layers.Date, layers.TextValue(layers.Date, s))
		require.NoError(t, err)
		require.Equal(t, layers.TextValue(layers.Date, s), decodeValue(layers.Date, b[4:]))
	}
	for _, s := range []string{"", "0000-01-01", "2026-02-30", "2026-1-1", "10000-01-01", "2026-11-21T00:00:00Z", "infinity"} {
		_, err := appendField(nil, layers.Date, layers.TextValue(layers.Date, s))
		require.ErrorIs(t, err, layers.ErrInvalid, s)
	}
	for _, days := range []int32{math.MaxInt32, math.MinInt32, math.MaxInt32 - 1, math.MinInt32 + 1, 5_000_000} {
		require.True(t, decodeValue(layers.Date, binary.BigEndian.AppendUint32(nil, uint32(days))).IsNull())
	}
}

func TestColumnNames(t *testing.T) {
	schema := []layers.Property{{Name: "id"}, {Name: "ID"}, {Name: "geom"}, {Name: "xmin"}, {Name: "a"}, {Name: "id_2"}, {Name: string(bytes.Repeat([]byte("长"), 85))}, {Name: string(bytes.Repeat([]byte("长"), 84))}}
	names := columnNames(schema[:7], nil)
	require.Equal(t, []string{"id_2", "ID", "geom_2", "xmin_2", "a", "id_2_2"}, names[:6])
	all := columnNames(schema, names)
	require.Equal(t, names, all[:7])
	seen := map[string]bool{}
	for _, n := range all {
		require.False(t, seen[n])
		seen[n] = true
		require.LessOrEqual(t, len(n), maxIdentifier)
		require.NoError(t, checkIdentifier("column", n))
	}
}

func TestPublishedNames(t *testing.T) {
	for in, want := range map[string][]string{
		"public.parcels":     {"public", "parcels"},
		`gis."a.b"`:          {"gis", "a.b"},
		`"g""is"."表 一"`:      {`g"is`, "表 一"},
		"gis.Upper":          {"gis", "Upper"},
		"gis.*":              {"gis", "*", "pattern"},
		"*.roads_*":          {"*", "roads_*", "pattern"},
		`gis."*"`:            {"gis", "*"},
		"parcels":            nil,
		"a.b.c":              nil,
		`gis."x`:             nil,
		`gis."x"y`:           nil,
		"":                   nil,
		".x":                 nil,
		"x.":                 nil,
		`"".x`:               nil,
		"gis.roads\" DROP":   {"gis", `roads" DROP`},
		"gis.'; DROP TABLE;": {"gis", "'; DROP TABLE;"},
	} {
		schema, table, pattern, err := (&Published{Table: in}).names()
		if want == nil {
			require.ErrorIs(t, err, layers.ErrInvalid, in)
			continue
		}
		require.NoError(t, err, in)
		require.Equal(t, want[:2], []string{schema, table}, in)
		require.Equal(t, len(want) == 3, pattern, in)
	}
	require.Equal(t, layers.ID("roads_2026_a"), layerID("Roads 2026 – Ä a"))
	require.Equal(t, layers.ID("table-"), layerID("道路")[:6])
	require.NotEqual(t, layerID("道路"), layerID("道"))
	_, err := layers.ParseID(string(layerID(string(bytes.Repeat([]byte("x"), 63)))))
	require.NoError(t, err)
	require.True(t, glob("a*(b").MatchString("axx(b"))
	require.False(t, glob("a*(b").MatchString("axx(b)"))
}

func FuzzPublishedNames(f *testing.F) {
	for _, s := range []string{"public.parcels", `gis."a""b.c"`, "gis.*", `"`, `"".""`, "a.b.c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		schema, table, _, err := (&Published{Table: s}).names()
		if err != nil {
			require.ErrorIs(t, err, layers.ErrInvalid)
			return
		}
		// Quoted, they mean the same.
		a, b, pattern, err := (&Published{Table: quote(schema) + "." + quote(table)}).names()
		require.NoError(t, err)
		require.False(t, pattern)
		require.Equal(t, []string{schema, table}, []string{a, b})
	})
}

func TestMercatorIsAroundTheDegrees(t *testing.T) {
	e := mercator(spatial.Envelope{MinX: -74, MinY: 40, MaxX: 113, MaxY: 41})
	// EPSG:3857 of −74, 40 and 113, 41 by PROJ 9.1: cs2cs EPSG:4326 EPSG:3857
	require.InDelta(t, -8237642.32, e.MinX, 0.2)
	require.InDelta(t, 4865942.28, e.MinY, 0.2)
	require.InDelta(t, 12579102.46, e.MaxX, 0.2)
	require.InDelta(t, 5012341.66, e.MaxY, 0.2)
	world := mercator(spatial.Envelope{MinX: -180, MinY: -90, MaxX: 180, MaxY: 90})
	require.Less(t, world.MinY, -1e8)
	require.Greater(t, world.MaxY, 1e8)
}
