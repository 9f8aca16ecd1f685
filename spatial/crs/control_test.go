package crs_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial/crs"
)

// metres is how far two positions in degrees lie apart.
func metres(a, b []float64) float64 {
	return math.Hypot(math.Remainder(a[0]-b[0], 360)*math.Cos(a[1]*math.Pi/180), a[1]-b[1]) * 111_320
}

func dms(d, m, s float64) float64 { return d + m/60 + s/3600 }

// TestGuidanceNoteStereographic is the example of EPSG guidance note 7-2 for
// method 9809: a projection alone, without the datum's shift.
func TestGuidanceNoteStereographic(t *testing.T) {
	xy := []float64{6, 53}
	require.NoError(t, crs.Transform{From: must(t, 4289), To: must(t, 28992)}.Apply(xy))
	require.InDelta(t, 196105.283, xy[0], 0.001)
	require.InDelta(t, 557057.739, xy[1], 0.001)
	require.NoError(t, crs.Transform{From: must(t, 28992), To: must(t, 4289)}.Apply(xy))
	require.Less(t, metres(xy, []float64{6, 53}), 1e-4)
}

// controlPoints are published positions: degrees in ETRS89, metres.
var controlPoints = []struct {
	name     string
	code     int
	lon, lat float64
	x, y     float64
}{
	// The test points of RDNAPTRANS 2018, published by Kadaster and NSGI.
	{"Texel", 28992, 4.824761912, 53.160753042, 117380.12, 575040.34},
	{"Noord-Groningen", 28992, 6.776726674, 53.419482050, 247380.56, 604580.78},
	{"Amersfoort", 28992, 5.387203657, 52.155172897, 155000, 463000},
	{"Zeeuws-Vlaanderen", 28992, 3.397588595, 51.368607152, 16460.91, 377380.23},
	{"Zuid-Limburg", 28992, 5.773795548, 50.792584916, 182260.45, 311480.67},
	{"Maasvlakte", 28992, 4.072887101, 51.947393898, 64640.89, 440700.0101},
	// swisstopo, "Approximate formulas for the transformation between Swiss
	// projection coordinates and WGS84", its example.
	{"Ticino", 2056, dms(8, 43, 49.79), dms(46, 2, 38.87), 2700000, 1100000},
	// The old observatory of Berne, origin of the projection.
	{"Berne", 2056, dms(7, 26, 19.077), dms(46, 57, 3.898), 2600000, 1200000},
}

// TestControlPoints holds the shifts to published points, both ways.
func TestControlPoints(t *testing.T) {
	degrees := must(t, 4326)
	for _, p := range controlPoints {
		c := must(t, p.code)
		require.Zero(t, c.Unshifted())
		xy := []float64{p.x, p.y}
		require.NoError(t, crs.Transform{From: c, To: degrees}.Apply(xy))
		off := metres(xy, []float64{p.lon, p.lat})
		require.Less(t, off, 0.5, "%s: %v", p.name, xy)
		xy = []float64{p.lon, p.lat}
		require.NoError(t, crs.Transform{From: degrees, To: c}.Apply(xy))
		require.Less(t, math.Hypot(xy[0]-p.x, xy[1]-p.y), 0.5, "%s: %v", p.name, xy)
		t.Logf("%s: %.3f m", p.name, off)
	}
}

// TestShiftsOfPROJ compares positions with those that PROJ 9.1.1 gives by the same
// parameters (cs2cs EPSG:28992 EPSG:4326, EPSG:2056 EPSG:4326).
func TestShiftsOfPROJ(t *testing.T) {
	for _, p := range []struct {
		code           int
		x, y, lon, lat float64
	}{
		{28992, 85000, 447500, 4.3675812121, 52.0114425896},
		{28992, 155000, 463000, 5.3872035084, 52.1551723012},
		{2056, 2684572.43, 1246323.059, 8.5581924249, 47.3623259416},
		{2056, 2600000, 1200000, 7.4386324209, 46.9510827719},
	} {
		xy := []float64{p.x, p.y}
		require.NoError(t, crs.Transform{From: must(t, p.code), To: must(t, 4326)}.Apply(xy))
		require.Less(t, metres(xy, []float64{p.lon, p.lat}), 1e-4, "%v", p)
	}
}

// TestShiftedRoundTrips goes there and back over both countries.
func TestShiftedRoundTrips(t *testing.T) {
	degrees := must(t, 4326)
	for _, a := range []struct {
		code                   int
		minX, minY, maxX, maxY float64
	}{{28992, 10_000, 300_000, 280_000, 620_000}, {2056, 2_485_000, 1_075_000, 2_834_000, 1_296_000}} {
		c := must(t, a.code)
		for i := range 21 {
			for j := range 21 {
				x, y := a.minX+(a.maxX-a.minX)*float64(i)/20, a.minY+(a.maxY-a.minY)*float64(j)/20
				xy := []float64{x, y}
				require.NoError(t, crs.Transform{From: c, To: degrees}.Apply(xy))
				lonlat := []float64{xy[0], xy[1]}
				require.NoError(t, crs.Transform{From: degrees, To: c}.Apply(xy))
				require.Less(t, math.Hypot(xy[0]-x, xy[1]-y), 1e-4)
				require.NoError(t, crs.Transform{From: c, To: degrees}.Apply(xy))
				require.Less(t, metres(xy, lonlat), 1e-4)
			}
		}
	}
}

func TestObliqueOutside(t *testing.T) {
	for _, code := range []int{28992, 2056} {
		for _, far := range [][]float64{{-170, -40}, {5, 91}, {110, 20}} {
			require.ErrorIs(t, crs.Transform{From: must(t, 4326), To: must(t, code)}.Apply(far), crs.ErrOutside)
		}
		for _, far := range [][]float64{{1e9, 0}, {0, -1e9}, {math.NaN(), 0}} {
			require.ErrorIs(t, crs.Transform{From: must(t, code), To: must(t, 4326)}.Apply(far), crs.ErrOutside, "%v", far)
		}
	}
}

// TestObliqueNames reads what files of both countries name, and refuses what only
// resembles it.
func TestObliqueNames(t *testing.T) {
	for name, code := range map[string]int{"https://www.opengis.net/def/crs/EPSG/0/7415": 28992, "EPSG:28992": 28992, "urn:ogc:def:crs:EPSG::2056": 2056} {
		c, err := crs.Parse(name)
		require.NoError(t, err)
		require.Equal(t, code, c.Code)
	}
	base := `GEOGCS["GCS",DATUM["NAME",SPHEROID["Bessel_1841",6377397.155,299.1528128]],PRIMEM["Greenwich",0],UNIT["Degree",0.0174532925199433]]`
	text := func(datum, azimuth string) string {
		return `PROJCS["x",` + string([]byte(base[:20])) + datum + base[24:] + `,PROJECTION["Hotine_Oblique_Mercator_Azimuth_Center"],PARAMETER["False_Easting",2600000],PARAMETER["False_Northing",1200000],PARAMETER["Scale_Factor",1]` + azimuth + `,PARAMETER["Longitude_Of_Center",7.43958333333333],PARAMETER["Latitude_Of_Center",46.9524055555556],UNIT["Meter",1]]`
	}
	c, err := crs.FromWKT(text("D_CH1903+", `,PARAMETER["Azimuth",90]`))
	require.NoError(t, err)
	require.Equal(t, 2056, c.Code)
	c, err = crs.FromWKT(text("D_CH1903", `,PARAMETER["Azimuth",90]`))
	require.NoError(t, err)
	require.Zero(t, c.Code)
	require.NotZero(t, c.Unshifted(), "CH1903 is another datum")
	_, err = crs.FromWKT(text("D_CH1903+", `,PARAMETER["Azimuth",53.3]`))
	require.ErrorContains(t, err, "only the oblique Mercator with 90°")
	_, err = crs.FromWKT(text("D_CH1903+", ""))
	require.ErrorContains(t, err, "names no azimuth")
}
