package crs_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial"
	"twind/spatial/crs"
)

func readGzip(t *testing.T, name string) []byte {
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	b, err := io.ReadAll(z)
	require.NoError(t, err)
	return b
}

// comparePoints fails where a forward or inverse result is more than 0.1 mm off
// and returns the largest difference, in metres.
func comparePoints(t *testing.T, c *crs.CRS, lonlat, projected []float64) float64 {
	t.Helper()
	geographic := *c
	geographic.Method, geographic.Unit = crs.Geographic, 1
	got := append([]float64(nil), lonlat...)
	require.NoError(t, crs.Transform{From: &geographic, To: c}.Apply(got), "%v", c)
	back := append([]float64(nil), projected...)
	require.NoError(t, crs.Transform{From: c, To: &geographic}.Apply(back), "%v", c)
	worst := 0.0
	for i := 0; i < len(got); i += 2 {
		forward := math.Hypot(got[i]-projected[i], got[i+1]-projected[i+1]) * c.Unit
		inverse := math.Hypot(math.Remainder(back[i]-lonlat[i], 360)*math.Cos(lonlat[i+1]*math.Pi/180), back[i+1]-lonlat[i+1]) * 111_320
		require.Less(t, forward, 1e-4, "%v forward %v: %v, PROJ has %v", c, lonlat[i:i+2], got[i:i+2], projected[i:i+2])
		require.Less(t, inverse, 1e-4, "%v inverse %v: %v, PROJ has %v", c, projected[i:i+2], back[i:i+2], lonlat[i:i+2])
		worst = max(worst, forward, inverse)
	}
	return worst
}

// TestPROJsPoints compares every projected system of the table with positions
// that PROJ computed (testdata/README.md).
func TestPROJsPoints(t *testing.T) {
	type points struct{ lonlat, xy []float64 }
	byCode := map[int]*points{}
	lines := bufio.NewScanner(bytes.NewReader(readGzip(t, "testdata/points.csv.gz")))
	n := 0
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		var v [5]float64
		for i, s := range strings.Split(lines.Text(), ",") {
			var err error
			v[i], err = strconv.ParseFloat(s, 64)
			require.NoError(t, err)
		}
		p := byCode[int(v[0])]
		if p == nil {
			p = &points{}
			byCode[int(v[0])] = p
		}
		p.lonlat = append(p.lonlat, v[1], v[2])
		p.xy = append(p.xy, v[3], v[4])
		n++
	}
	require.Greater(t, n, 20_000)
	for _, code := range crs.Codes() {
		c, err := crs.ByCode(code)
		require.NoError(t, err)
		require.Equal(t, code, c.Code)
		if c.Method == crs.Geographic {
			continue
		}
		require.Contains(t, byCode, code)
		comparePoints(t, c, byCode[code].lonlat, byCode[code].xy)
	}
}

// TestWKTOfEverySystem reads each system of the table from the three forms of
// well-known text that GDAL writes, with its code in it and without.
func TestWKTOfEverySystem(t *testing.T) {
	lines := bufio.NewScanner(bytes.NewReader(readGzip(t, "testdata/wkt.txt.gz")))
	lines.Buffer(nil, 1<<20)
	n := 0
	for lines.Scan() {
		col := strings.SplitN(lines.Text(), "\t", 3)
		code, err := strconv.Atoi(col[0])
		require.NoError(t, err)
		got, err := crs.FromWKT(col[2])
		require.NoError(t, err, lines.Text())
		switch code {
		case 4979:
			code = 4326 // the height is none of a horizontal system's business
		case 4480:
			code = 4490
		}
		want, err := crs.ByCode(code)
		require.NoError(t, err)
		same := got.Code == code || got.Datum == want.Datum && got.Method == want.Method && got.Parameters == want.Parameters
		require.True(t, same, "%s of %d is read as %v", col[1], code, got)
		n++
	}
	require.GreaterOrEqual(t, n, 3*len(crs.Codes())-4)
}

func TestFromWKT(t *testing.T) {
	gk := `PROJCS["名称",GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",MERIDIAN],PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]`
	for name, c := range map[string]struct {
		wkt  string
		code int
	}{
		"3° by its parameters":        {strings.Replace(gk, "MERIDIAN", "114.0", 1), 4547},
		"a tie is 3° unless it says":  {strings.Replace(gk, "MERIDIAN", "117.0", 1), 4548},
		"and 6° when its name says":   {strings.Replace(strings.Replace(gk, "MERIDIAN", "117.0", 1), "名称", "CGCS2000_6_Degree_CM_117E", 1), 4509},
		"a meridian of one's own":     {strings.Replace(gk, "MERIDIAN", "112.5", 1), 0},
		"a code that does not fit":    {strings.Replace(strings.Replace(gk, "MERIDIAN", "111.0", 1), `UNIT["Meter",1.0]]`, `UNIT["Meter",1.0],AUTHORITY["EPSG","4547"]]`, 1), 4546},
		"round brackets":              {`GEOGCS("WGS 84",DATUM("WGS_1984",SPHEROID("WGS 84",6378137,298.257223563)),PRIMEM("Greenwich",0),UNIT("degree",0.0174532925199433))`, 4326},
		"byte order mark":             {"\ufeff" + `GEOGCS["x",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],UNIT["degree",0.0174532925199433]]`, 4326},
		"a compound system":           {`COMPD_CS["x",` + strings.Replace(gk, "MERIDIAN", "114.0", 1) + `,VERT_CS["Yellow Sea 1985",VERT_DATUM["Yellow Sea 1985",2005],UNIT["metre",1]]]`, 4547},
		"Esri's older Web Mercator":   {`PROJCS["WGS_1984_Web_Mercator",GEOGCS["GCS_WGS_1984_Major_Auxiliary_Sphere",DATUM["D_WGS_1984_Major_Auxiliary_Sphere",SPHEROID["WGS_1984_Major_Auxiliary_Sphere",6378137.0,0.0]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Mercator"],PARAMETER["False_Easting",0.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",0.0],PARAMETER["Standard_Parallel_1",0.0],UNIT["Meter",1.0]]`, 3857},
		"feet with ten digits":        {`PROJCS["NAD_1983_StatePlane_New_York_Long_Island_FIPS_3104_Feet",GEOGCS["GCS_North_American_1983",DATUM["D_North_American_1983",SPHEROID["GRS_1980",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Lambert_Conformal_Conic"],PARAMETER["False_Easting",984250.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",-74.0],PARAMETER["Standard_Parallel_1",40.66666666666666],PARAMETER["Standard_Parallel_2",41.03333333333333],PARAMETER["Latitude_Of_Origin",40.16666666666666],UNIT["Foot_US",0.3048006096]]`, 2263},
		"a projection in grads of 15": {`GEOGCS["NTF (Paris)",DATUM["NTF",SPHEROID["Clarke 1880 (IGN)",6378249.2,293.466021293627]],PRIMEM["Paris",2.5969213],UNIT["grad",0.01570796326794897]]`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := crs.FromWKT(c.wkt)
			require.NoError(t, err)
			require.Equal(t, c.code, got.Code, "%v", got)
		})
	}
	own, err := crs.FromWKT(strings.Replace(gk, "MERIDIAN", "112.5", 1))
	require.NoError(t, err)
	xy := []float64{500000, 3120000}
	require.NoError(t, crs.Transform{From: own, To: must(t, 4490)}.Apply(xy))
	require.InDelta(t, 112.5, xy[0], 1e-12)

	paris, err := crs.FromWKT(`GEOGCS["NTF (Paris)",DATUM["NTF",SPHEROID["Clarke 1880 (IGN)",6378249.2,293.466021293627]],PRIMEM["Paris",2.5969213],UNIT["grad",0.01570796326794897]]`)
	require.NoError(t, err)
	xy = []float64{0, 50}
	require.NoError(t, crs.Transform{From: paris, To: must(t, 4326)}.Apply(xy))
	require.InDelta(t, 2.33722917, xy[0], 1e-8)
	require.InDelta(t, 45, xy[1], 1e-12)
	require.Equal(t, 1000.0, paris.Unshifted())
}

func TestFromWKTRefuses(t *testing.T) {
	base := `GEOGCS["g",DATUM["d",SPHEROID["s",6378137,298.257223563]],UNIT["degree",0.0174532925199433]]`
	for wkt, want := range map[string]string{
		``:         "a keyword with a bracket",
		`PROJCS[`:  "well-known text ends where a value was expected",
		`PROJCS["`: "a text that ends with a quote",
		`PROJCS["a",GEOGCS["b"],PROJECTION["x"]]`:                                                `"a" names no ellipsoid`,
		`GEOGCS["b",DATUM["d",SPHEROID["s"]]]`:                                                   "no semi-major axis",
		`PROJCS["a",` + base + `]`:                                                               "names no projection method",
		`PROJCS["a",` + base + `,PROJECTION["Krovak"]]`:                                          `uses the projection "Krovak", which twind cannot compute`,
		`PROJCS["a",` + base + `,PROJECTION["Transverse_Mercator"],PARAMETER["rotation",3]]`:     `has the parameter "rotation"`,
		`PROJCS["a",` + base + `,PROJECTION["Albers"]]`:                                          "no two standard parallels",
		`PROJCS["a",` + base + `,PROJECTION["Transverse_Mercator"],PARAMETER["scale_factor",0]]`: "a scale of 0",
		`LOCAL_CS["ours",UNIT["metre",1]]`:                                                       "a local system",
		`GEOCCS["x"]`:                                                                            "geocentric",
		`VERT_CS["x"]`:                                                                           "begins with VERT_CS",
		`COMPD_CS["x"]`:                                                                          "no horizontal system",
		`GEOGCS["b",DATUM["d",SPHEROID["s",1,298.3]]]`:                                           "an ellipsoid of a = 1 m",
		base + `]`:                "nothing more",
		strings.Repeat("A[", 100): "nested deeper than 32",
		`A[` + strings.Repeat("B[1],", 5000) + `1]`: "more than 4096 elements",
		`A["` + strings.Repeat("x", 70_000) + `"]`:  "at most 65536 are read",
	} {
		_, err := crs.FromWKT(wkt)
		require.ErrorIs(t, err, crs.ErrUnknown, wkt)
		require.ErrorContains(t, err, want)
	}
}

func must(t *testing.T, code int) *crs.CRS {
	c, err := crs.ByCode(code)
	require.NoError(t, err)
	return c
}

func TestParse(t *testing.T) {
	for s, code := range map[string]int{
		"EPSG:4547": 4547, "epsg:4547": 4547, " 4547 ": 4547, "urn:ogc:def:crs:EPSG::2263": 2263, "urn:ogc:def:crs:EPSG:9.9.1:26910": 26910,
		"http://www.opengis.net/def/crs/EPSG/0/4490": 4490, "https://www.opengis.net/def/crs/EPSG/9.9.1/4490": 4490, "http://www.opengis.net/gml/srs/epsg.xml#4326": 4326,
		"CRS84": 4326, "OGC:CRS84": 4326, "urn:ogc:def:crs:OGC:1.3:CRS84": 4326, "http://www.opengis.net/def/crs/OGC/1.3/CRS84": 4326, "urn:ogc:def:crs:OGC::CRS84": 4326,
		"EPSG:900913": 3857, "CGCS2000": 4490, "wgs 84": 4326,
	} {
		c, err := crs.Parse(s)
		require.NoError(t, err, s)
		require.Equal(t, code, c.Code, s)
	}
	for s, want := range map[string]string{
		"": "write it as EPSG:4547", "EPSG:": "write it as EPSG:4547", "EPSG:-1": "write it as", "Paris": `"Paris"; write it as`,
		"EPSG:27700": "EPSG:27700 is not in twind's table", "EPSG:4479": "is geocentric", "EPSG:99999999999999999999": "write it as",
	} {
		_, err := crs.Parse(s)
		require.ErrorIs(t, err, crs.ErrUnknown, s)
		require.ErrorContains(t, err, want)
	}
	g, err := crs.Parse("gcj02")
	require.NoError(t, err)
	require.True(t, g.IsGeographic())
	require.Equal(t, "http://www.opengis.net/def/crs/EPSG/0/4547", must(t, 4547).URI())
	require.Equal(t, "EPSG:4547 (CGCS2000 / 3-degree Gauss-Kruger CM 114E)", must(t, 4547).String())
	require.Zero(t, must(t, 26910).Unshifted())
	require.Equal(t, 150.0, must(t, 2383).Unshifted())
}

func TestTransformRefuses(t *testing.T) {
	degrees := must(t, 4326)
	for name, c := range map[string]struct {
		tr crs.Transform
		xy []float64
	}{
		"degrees out of range": {crs.Transform{From: degrees, To: degrees}, []float64{1, 2, 400, 3}},
		"NaN":                  {crs.Transform{From: degrees, To: degrees}, []float64{math.NaN(), 3}},
		"NaN projected":        {crs.Transform{From: must(t, 4547), To: degrees}, []float64{5e5, math.NaN()}},
		"far from any zone":    {crs.Transform{From: must(t, 4547), To: degrees}, []float64{1e9, 3e6}},
		"prefix without zone":  {crs.Transform{From: must(t, 4547), To: degrees}, []float64{38500000, 3e6}},
		"the other hemisphere": {crs.Transform{From: degrees, To: must(t, 4547)}, []float64{-74, 40.7}},
		"infinite":             {crs.Transform{From: must(t, 3857), To: degrees}, []float64{0, math.Inf(1)}},
		"the pole in Mercator": {crs.Transform{From: degrees, To: must(t, 3857)}, []float64{0, 90}},
		"beyond the cone":      {crs.Transform{From: must(t, 3005), To: degrees}, []float64{0, 3e7}},
	} {
		require.ErrorIs(t, c.tr.Apply(c.xy), crs.ErrOutside, name)
	}
	xy := []float64{180.00000000000014, -90.0000000000001, -180, 90}
	require.NoError(t, crs.Transform{From: degrees, To: degrees}.Apply(xy))
	require.Equal(t, []float64{180, -90, -180, 90}, xy, "rounding noise is taken off")
	require.ErrorIs(t, crs.Transform{}.Apply([]float64{1, 2}), crs.ErrUnknown)
}

func TestChinaOffsets(t *testing.T) {
	// Known vectors of public implementations, latitude first.
	for _, v := range [][4]float64{
		{31.1774276, 121.5272106, 31.17530398364597, 121.531541859215},
		{22.543847, 113.912316, 22.540796131694766, 113.9171764808363},
		{39.911954, 116.377817, 39.91334545536069, 116.38404722455657},
	} {
		lon, lat := crs.WGS84ToGCJ02(v[1], v[0])
		require.InDelta(t, v[3], lon, 1e-9)
		require.InDelta(t, v[2], lat, 1e-9)
		lon, lat = crs.GCJ02ToWGS84(v[3], v[2])
		require.InDelta(t, v[1], lon, 1e-9)
		require.InDelta(t, v[0], lat, 1e-9)
	}
	// The known vector for BD-09 comes from an approximate inverse: put through the
	// forward offsets it is 10 m off. Ours is near it, and exact.
	lon, lat := crs.BD09ToWGS84(120.019809, 29.199786)
	require.InDelta(t, 120.00877901149691, lon, 1e-4)
	require.InDelta(t, 29.196131605295484, lat, 1e-4)
	lon, lat = crs.WGS84ToBD09(lon, lat)
	require.InDelta(t, 120.019809, lon, 1e-11)
	require.InDelta(t, 29.199786, lat, 1e-11)
	for lon := 73.5; lon < 136; lon += 1.37 {
		for lat := 2.5; lat < 54; lat += 1.13 {
			x, y := crs.GCJ02ToWGS84(crs.WGS84ToGCJ02(lon, lat))
			require.InDelta(t, lon, x, 1e-10)
			require.InDelta(t, lat, y, 1e-10)
			x, y = crs.BD09ToWGS84(crs.WGS84ToBD09(lon, lat))
			require.InDelta(t, lon, x, 1e-10)
			require.InDelta(t, lat, y, 1e-10)
		}
	}
	x, y := crs.WGS84ToGCJ02(-74, 40.7)
	require.Equal(t, [2]float64{-74, 40.7}, [2]float64{x, y}, "no offset outside China")

	gcj, err := crs.Parse("GCJ-02")
	require.NoError(t, err)
	xy := []float64{121.531541859215, 31.17530398364597}
	require.NoError(t, crs.Transform{From: gcj, To: must(t, 4326)}.Apply(xy))
	require.InDeltaSlice(t, []float64{121.5272106, 31.1774276}, xy, 1e-9)
}

func TestGuessFromExtent(t *testing.T) {
	for name, c := range map[string]struct {
		e          spatial.Envelope
		code       int
		confidence float64
		swapped    bool
	}{
		"degrees":             {spatial.Envelope{MinX: 112.9, MinY: 28.1, MaxX: 113.1, MaxY: 28.3}, 4326, 0.9, false},
		"latitude first":      {spatial.Envelope{MinX: 28.1, MinY: 112.9, MaxX: 28.3, MaxY: 113.1}, 4326, 0.6, true},
		"near zero":           {spatial.Envelope{MinX: 0, MinY: 0, MaxX: 1, MaxY: 1}, 4326, 0.3, false},
		"3° with prefix":      {spatial.Envelope{MinX: 38490000, MinY: 3.12e6, MaxX: 38510000, MaxY: 3.13e6}, 4526, 0.7, false},
		"6° with prefix":      {spatial.Envelope{MinX: 19690000, MinY: 3.12e6, MaxX: 19710000, MaxY: 3.13e6}, 4497, 0.5, false},
		"northing first":      {spatial.Envelope{MinX: 3.12e6, MinY: 38490000, MaxX: 3.13e6, MaxY: 38510000}, 4526, 0.5, true},
		"no prefix":           {spatial.Envelope{MinX: 490000, MinY: 3.12e6, MaxX: 510000, MaxY: 3.13e6}, 0, 0, false},
		"Web Mercator":        {spatial.Envelope{MinX: -8238000, MinY: 4969000, MaxX: -8230000, MaxY: 4990000}, 3857, 0.6, false},
		"none":                {spatial.EmptyEnvelope(), 0, 0, false},
		"beyond every system": {spatial.Envelope{MinX: 1e12, MinY: 1e12, MaxX: 2e12, MaxY: 2e12}, 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := crs.GuessFromExtent(c.e)
			require.NotEmpty(t, g.Evidence)
			require.Equal(t, c.confidence, g.Confidence, g.Evidence)
			require.Equal(t, c.swapped, g.Swapped)
			if c.code == 0 {
				require.Nil(t, g.CRS)
			} else {
				require.Equal(t, c.code, g.CRS.Code)
			}
		})
	}
	for zone := 25; zone <= 45; zone++ { // every code the guess can name is in the table
		x := float64(zone)*1e6 + 5e5
		require.Equal(t, 4513+zone-25, crs.GuessFromExtent(spatial.Envelope{MinX: x, MinY: 3e6, MaxX: x + 1, MaxY: 3e6}).CRS.Code)
	}
	for zone := 13; zone <= 23; zone++ {
		x := float64(zone)*1e6 + 5e5
		require.Equal(t, 4491+zone-13, crs.GuessFromExtent(spatial.Envelope{MinX: x, MinY: 3e6, MaxX: x + 1, MaxY: 3e6}).CRS.Code)
	}
}

func FuzzWKT(f *testing.F) {
	f.Add(`PROJCS["CGCS2000_3_Degree_GK_CM_114E",GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",500000.0],PARAMETER["Central_Meridian",114.0],UNIT["Meter",1.0]]`)
	f.Add(`PROJCRS["a",BASEGEOGCRS["b",DATUM["c",ELLIPSOID["d",6378137,298.3,LENGTHUNIT["metre",1]]]],CONVERSION["e",METHOD["Albers Equal Area"],PARAMETER["Latitude of 1st standard parallel",50,ANGLEUNIT["degree",0.0174532925199433]],PARAMETER["Latitude of 2nd standard parallel",58]],CS[Cartesian,2],AXIS["(E)",east,ORDER[1],LENGTHUNIT["metre",1]]]`)
	f.Add(`COMPD_CS["x",BOUNDCRS[SOURCECRS[GEOGCRS["y"]]]]`)
	degrees, _ := crs.ByCode(4326)
	f.Fuzz(func(t *testing.T, wkt string) {
		c, err := crs.FromWKT(wkt)
		if err != nil {
			require.ErrorIs(t, err, crs.ErrUnknown)
			return
		}
		xy := []float64{114.3, 30.5}
		if err := (crs.Transform{From: degrees, To: c}).Apply(xy); err != nil {
			require.ErrorIs(t, err, crs.ErrOutside)
			return
		}
		if err := (crs.Transform{From: c, To: degrees}).Apply(xy); err != nil {
			require.ErrorIs(t, err, crs.ErrOutside)
			return
		}
		require.LessOrEqual(t, math.Abs(xy[0]), 180.0)
		require.LessOrEqual(t, math.Abs(xy[1]), 90.0)
	})
}

func BenchmarkInverseTransverseMercator(b *testing.B) {
	from, _ := crs.ByCode(4547)
	to, _ := crs.ByCode(4490)
	t := crs.Transform{From: from, To: to}
	src := make([]float64, 2000)
	for i := 0; i < len(src); i += 2 {
		src[i], src[i+1] = 4e5+float64(i)*50, 3.1e6+float64(i)*20
	}
	xy := make([]float64, len(src))
	b.ReportAllocs()
	for b.Loop() {
		copy(xy, src)
		if err := t.Apply(xy); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "positions/s")
}
