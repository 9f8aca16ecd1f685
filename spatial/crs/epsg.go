package crs

import "fmt"

// Lengths of feet in metres.
const (
	usFoot = 1200.0 / 3937
	foot   = 0.3048
)

var metreName, usFootName, footName = "metre", "US survey foot", "foot"

func geographic(code int, name string, d Datum) *CRS {
	return &CRS{Code: code, Name: name, Datum: d, Unit: 1, UnitName: "degree"}
}

func tm(code int, name string, d Datum, lon0, k0, fe, fn float64) *CRS {
	return &CRS{Code: code, Name: name, Datum: d, Method: TransverseMercator, Unit: 1, UnitName: metreName,
		Parameters: Parameters{Lon0: lon0, K0: k0, FalseEasting: fe, FalseNorth: fn}}
}

// run is a run of EPSG codes that one rule describes.
type run struct {
	first, last int
	make        func(code, i int) *CRS // i counts from first
}

func zones6(d Datum, first int, name string) run { // 6° zones 13 to 23, prefixed
	return run{first, first + 10, func(code, i int) *CRS {
		zone := 13 + i
		return tm(code, fmt.Sprintf("%s / Gauss-Kruger zone %d", name, zone), d, float64(6*zone-3), 1, float64(zone)*1e6+5e5, 0)
	}}
}

func meridians6(d Datum, first int, name string) run { // 6° by meridian, 75E to 135E
	return run{first, first + 10, func(code, i int) *CRS {
		lon := 75 + 6*i
		return tm(code, fmt.Sprintf("%s / Gauss-Kruger CM %dE", name, lon), d, float64(lon), 1, 5e5, 0)
	}}
}

func zones3(d Datum, first, last, zone0 int, name string) run { // 3° zones, prefixed
	return run{first, last, func(code, i int) *CRS {
		zone := zone0 + i
		return tm(code, fmt.Sprintf("%s / 3-degree Gauss-Kruger zone %d", name, zone), d, float64(3*zone), 1, float64(zone)*1e6+5e5, 0)
	}}
}

func meridians3(d Datum, first, last, lon0 int, name string) run { // 3° by meridian
	return run{first, last, func(code, i int) *CRS {
		lon := lon0 + 3*i
		return tm(code, fmt.Sprintf("%s / 3-degree Gauss-Kruger CM %dE", name, lon), d, float64(lon), 1, 5e5, 0)
	}}
}

func utm(d Datum, first, last, zone0 int, south bool, name string) run {
	return run{first, last, func(code, i int) *CRS {
		zone := zone0 + i
		letter, fn := "N", 0.0
		if south {
			letter, fn = "S", 1e7
		}
		return tm(code, fmt.Sprintf("%s / UTM zone %d%s", name, zone, letter), d, float64(6*zone-183), 0.9996, 5e5, fn)
	}}
}

// The runs of the EPSG dataset (v10.076) that one rule describes. Codes that are
// deprecated there are left out, except where files still carry them. The order
// is the order of preference when parameters fit several.
var runs = []run{
	meridians3(DatumCGCS2000, 4534, 4554, 75, "CGCS2000"),
	zones3(DatumCGCS2000, 4513, 4533, 25, "CGCS2000"),
	zones6(DatumCGCS2000, 4491, "CGCS2000"),
	meridians6(DatumCGCS2000, 4502, "CGCS2000"),
	meridians3(DatumXian80, 2370, 2390, 75, "Xian 1980"),
	zones3(DatumXian80, 2349, 2369, 25, "Xian 1980"),
	zones6(DatumXian80, 2327, "Xian 1980"),
	meridians6(DatumXian80, 2338, "Xian 1980"),
	meridians3(DatumBeijing54, 2422, 2442, 75, "Beijing 1954"),
	zones3(DatumBeijing54, 2401, 2421, 25, "Beijing 1954"),
	zones6(DatumBeijing54, 21413, "Beijing 1954"),
	meridians6(DatumBeijing54, 21453, "Beijing 1954"),
	meridians3(DatumNewBJ, 4782, 4800, 75, "New Beijing"),
	meridians3(DatumNewBJ, 4812, 4812, 132, "New Beijing"),
	meridians3(DatumNewBJ, 4822, 4822, 135, "New Beijing"),
	zones3(DatumNewBJ, 4652, 4656, 25, "New Beijing"),
	zones3(DatumNewBJ, 4766, 4781, 30, "New Beijing"),
	zones6(DatumNewBJ, 4568, "New Beijing"),
	meridians6(DatumNewBJ, 4579, "New Beijing"),
	utm(DatumWGS84, 32601, 32660, 1, false, "WGS 84"),
	utm(DatumWGS84, 32701, 32760, 1, true, "WGS 84"),
	utm(DatumNAD83, 26901, 26923, 1, false, "NAD83"),
	utm(DatumCSRS, 2955, 2957, 11, false, "NAD83(CSRS)"),
	utm(DatumCSRS, 2958, 2962, 17, false, "NAD83(CSRS)"),
	utm(DatumCSRS, 3154, 3157, 7, false, "NAD83(CSRS)"),
	utm(DatumCSRS, 3158, 3160, 14, false, "NAD83(CSRS)"),
	utm(DatumCSRS, 3761, 3761, 22, false, "NAD83(CSRS)"),
	utm(DatumETRS89, 25828, 25838, 28, false, "ETRS89"),
	utm(DatumNAD27, 26701, 26722, 1, false, "NAD27"),
}

// lcc makes a Lambert system of two parallels; fe and fn in metres.
func lcc(code int, name string, d Datum, lat0, lon0, lat1, lat2, fe, fn, unit float64, unitName string) *CRS {
	return &CRS{Code: code, Name: name, Datum: d, Method: LambertConformalConic2, Unit: unit, UnitName: unitName,
		Parameters: Parameters{Lat0: lat0, Lon0: lon0, Lat1: lat1, Lat2: lat2, K0: 1, FalseEasting: fe, FalseNorth: fn}}
}

// single lists the systems outside the runs.
var single = []*CRS{
	geographic(4326, "WGS 84", DatumWGS84),
	geographic(4979, "WGS 84 (3D)", DatumWGS84),
	geographic(4490, "China Geodetic Coordinate System 2000", DatumCGCS2000),
	geographic(4480, "China Geodetic Coordinate System 2000 (3D)", DatumCGCS2000),
	geographic(4269, "NAD83", DatumNAD83),
	geographic(4617, "NAD83(CSRS)", DatumCSRS),
	geographic(4258, "ETRS89", DatumETRS89),
	geographic(4610, "Xian 1980", DatumXian80),
	geographic(4214, "Beijing 1954", DatumBeijing54),
	geographic(4555, "New Beijing", DatumNewBJ),
	geographic(4267, "NAD27", DatumNAD27),
	geographic(4289, "Amersfoort", DatumAmersfoort),
	geographic(4150, "CH1903+", DatumCH1903Plus),
	{Code: 28992, Name: "Amersfoort / RD New", Datum: DatumAmersfoort, Method: ObliqueStereographic, Unit: 1, UnitName: metreName,
		Parameters: Parameters{Lat0: 52 + 9.0/60 + 22.178/3600, Lon0: 5 + 23.0/60 + 15.5/3600, K0: 0.9999079, FalseEasting: 155000, FalseNorth: 463000}},
	{Code: 2056, Name: "CH1903+ / LV95", Datum: DatumCH1903Plus, Method: SwissObliqueMercator, Unit: 1, UnitName: metreName,
		Parameters: Parameters{Lat0: 46 + 57.0/60 + 8.66/3600, Lon0: 7 + 26.0/60 + 22.5/3600, K0: 1, FalseEasting: 2600000, FalseNorth: 1200000}},
	{Code: 3857, Name: "WGS 84 / Pseudo-Mercator", Datum: DatumWGS84, Method: WebMercator, Unit: 1, UnitName: metreName, Parameters: Parameters{K0: 1}},
	{Code: 3395, Name: "WGS 84 / World Mercator", Datum: DatumWGS84, Method: Mercator, Unit: 1, UnitName: metreName, Parameters: Parameters{K0: 1}},
	lcc(2263, "NAD83 / New York Long Island (ftUS)", DatumNAD83, 40+10.0/60, -74, 41+2.0/60, 40+40.0/60, 984250*usFoot, 0, usFoot, usFootName),
	lcc(32118, "NAD83 / New York Long Island", DatumNAD83, 40+10.0/60, -74, 41+2.0/60, 40+40.0/60, 300000, 0, 1, metreName),
	lcc(26986, "NAD83 / Massachusetts Mainland", DatumNAD83, 41, -71.5, 42+41.0/60, 41+43.0/60, 200000, 750000, 1, metreName),
	lcc(2249, "NAD83 / Massachusetts Mainland (ftUS)", DatumNAD83, 41, -71.5, 42+41.0/60, 41+43.0/60, 656166.667*usFoot, 750000, usFoot, usFootName),
	lcc(3347, "NAD83 / Statistics Canada Lambert", DatumNAD83, 63.390675, -91-52.0/60, 49, 77, 6200000, 3000000, 1, metreName),
	lcc(2154, "RGF93 v1 / Lambert-93", DatumETRS89, 46.5, 3, 49, 44, 700000, 6600000, 1, metreName),
	lcc(3034, "ETRS89-extended / LCC Europe", DatumETRS89, 52, 10, 35, 65, 4000000, 2800000, 1, metreName),
	{Code: 3005, Name: "NAD83 / BC Albers", Datum: DatumNAD83, Method: AlbersEqualArea, Unit: 1, UnitName: metreName,
		Parameters: Parameters{Lat0: 45, Lon0: -126, Lat1: 50, Lat2: 58.5, K0: 1, FalseEasting: 1e6}},
	{Code: 5070, Name: "NAD83 / Conus Albers", Datum: DatumNAD83, Method: AlbersEqualArea, Unit: 1, UnitName: metreName,
		Parameters: Parameters{Lat0: 23, Lon0: -96, Lat1: 29.5, Lat2: 45.5, K0: 1}},
}

// aliases are codes under which files carry a system of the table; 7415 is 28992
// with heights above NAP.
var aliases = map[int]int{7415: 28992, 900913: 3857, 3785: 3857, 102100: 3857, 102113: 3857}

// describe is the system of a code without its projection made ready.
func describe(code int) *CRS {
	if to, ok := aliases[code]; ok {
		code = to
	}
	for _, r := range runs {
		if code >= r.first && code <= r.last {
			return r.make(code, code-r.first)
		}
	}
	for _, c := range single {
		if c.Code == code {
			copied := *c
			return &copied
		}
	}
	return nil
}

// ByCode is the system of an EPSG code; ErrUnknown names what to do where the
// code is none of the table.
func ByCode(code int) (*CRS, error) {
	if c := describe(code); c != nil {
		return c.prepare()
	}
	if code == 4479 || code == 4978 {
		return nil, fmt.Errorf("%w: EPSG:%d is geocentric (X, Y, Z from the Earth's centre); convert the data to longitude and latitude or to a projected system first", ErrUnknown, code)
	}
	return nil, fmt.Errorf("%w: EPSG:%d is not in twind's table (CGCS2000, Xian 1980, Beijing 1954, UTM and some others); give the well-known text of the system, as in a .prj file, instead", ErrUnknown, code)
}

// Codes lists the EPSG codes of the table, in no promised order.
func Codes() []int {
	var out []int
	for _, r := range runs {
		for c := r.first; c <= r.last; c++ {
			out = append(out, c)
		}
	}
	for _, c := range single {
		out = append(out, c.Code)
	}
	return out
}
