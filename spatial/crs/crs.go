package crs

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Method is a way of projecting.
type Method uint8

// The methods; Geographic is none.
const (
	Geographic Method = iota
	TransverseMercator
	LambertConformalConic1
	LambertConformalConic2
	AlbersEqualArea
	Mercator
	WebMercator
	ObliqueStereographic
	SwissObliqueMercator
	gcj02 // geographic with the offset of GCJ-02
	bd09  // and of BD-09
)

var methodNames = [...]string{"geographic", "transverse Mercator", "Lambert conformal conic (1SP)", "Lambert conformal conic (2SP)", "Albers equal area", "Mercator", "Web Mercator", "oblique stereographic", "Swiss oblique Mercator", "GCJ-02", "BD-09"}

// String is the method's name.
func (m Method) String() string {
	if int(m) < len(methodNames) {
		return methodNames[m]
	}
	return "unknown"
}

// Datum is a datum in the coarse sense that matters here: whether its degrees
// may be used as those of WGS 84.
type Datum struct {
	Name      string
	Ellipsoid Ellipsoid
	Unshifted float64 // metres by which its degrees may differ from WGS 84's; up to 2 counts as the same
	Shift     Helmert // to WGS 84; none for most
}

// The datums of the table.
var (
	DatumWGS84      = Datum{"WGS 84", WGS84, 0, Helmert{}}
	DatumCGCS2000   = Datum{"CGCS2000", GRS80, 1, Helmert{}}
	DatumNAD83      = Datum{"NAD83", GRS80, 2, Helmert{}}
	DatumCSRS       = Datum{"NAD83(CSRS)", GRS80, 2, Helmert{}}
	DatumETRS89     = Datum{"ETRS89", GRS80, 1, Helmert{}}
	DatumXian80     = Datum{"Xian 1980", IAG1975, 150, Helmert{}}
	DatumBeijing54  = Datum{"Beijing 1954", Krassowsky1940, 200, Helmert{}}
	DatumNewBJ      = Datum{"New Beijing", Krassowsky1940, 200, Helmert{}}
	DatumNAD27      = Datum{"NAD27", Clarke1866, 200, Helmert{}}
	DatumAmersfoort = Datum{"Amersfoort", Bessel1841, 1, shiftAmersfoort}
	DatumCH1903Plus = Datum{"CH1903+", Bessel1841, 1, shiftCH1903Plus}
)

// Parameters of a projection. Angles are degrees, lengths metres.
type Parameters struct {
	Lat0, Lon0   float64 // of natural or false origin
	Lat1, Lat2   float64 // standard parallels of the conic methods
	K0           float64 // scale at the natural origin
	FalseEasting float64
	FalseNorth   float64
}

// CRS is a coordinate reference system. It is immutable and safe for concurrent
// use.
type CRS struct {
	Code       int    // EPSG code, 0 when the system has none that twind knows
	Name       string // as its authority or file gives it
	Datum      Datum
	Method     Method
	Parameters Parameters
	Unit       float64 // of x and y: metres for a projected system, 1 for degrees
	UnitName   string  // "degree", "metre", "US survey foot", …
	Meridian   float64 // prime meridian, degrees east of Greenwich; 0 nearly always
	proj       projection
}

// ErrUnknown is wrapped when a name, code or text is none that twind can use.
var ErrUnknown = errors.New("crs: unknown coordinate system")

// ErrOutside is wrapped when coordinates have no place in their system.
var ErrOutside = errors.New("crs: outside the system")

// IsGeographic tells whether the coordinates are degrees.
func (c *CRS) IsGeographic() bool {
	return c.Method == Geographic || c.Method == gcj02 || c.Method == bd09
}

// Unshifted is the number of metres by which degrees made from this system may
// lie off WGS 84, because its datum needs local parameters; 0 where it is within
// two metres.
func (c *CRS) Unshifted() float64 {
	if c.Datum.Unshifted <= 2 {
		return 0
	}
	return c.Datum.Unshifted
}

// String is "EPSG:4547 (CGCS2000 / 3-degree Gauss-Kruger CM 114E)".
func (c *CRS) String() string {
	if c.Code != 0 {
		return fmt.Sprintf("EPSG:%d (%s)", c.Code, c.Name)
	}
	return c.Name
}

// URI is the OGC name of a system with an EPSG code, else "".
func (c *CRS) URI() string {
	if c.Code == 0 {
		return ""
	}
	return "http://www.opengis.net/def/crs/EPSG/0/" + strconv.Itoa(c.Code)
}

// prepare makes the projection from the parameters.
func (c *CRS) prepare() (*CRS, error) {
	p, el := c.Parameters, c.Datum.Ellipsoid
	for _, v := range []float64{p.Lat0, p.Lon0, p.Lat1, p.Lat2, p.K0, p.FalseEasting, p.FalseNorth, c.Unit, c.Meridian, el.SemiMajor, el.InverseFlattening} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%w: %s has a parameter that is not finite", ErrUnknown, c.Name)
		}
	}
	if !(el.SemiMajor > 1e6 && el.SemiMajor < 1e8) || el.InverseFlattening < 0 || el.InverseFlattening != 0 && el.InverseFlattening < 100 {
		return nil, fmt.Errorf("%w: %s has an ellipsoid of a = %g m, 1/f = %g", ErrUnknown, c.Name, el.SemiMajor, el.InverseFlattening)
	}
	if math.Abs(p.Lat0) > 90 || math.Abs(p.Lat1) > 90 || math.Abs(p.Lat2) > 90 || math.Abs(p.Lon0) > 360 || math.Abs(c.Meridian) > 180 {
		return nil, fmt.Errorf("%w: %s has an origin beyond ±90° or ±360°", ErrUnknown, c.Name)
	}
	if !c.IsGeographic() && !(c.Unit > 0) || c.Method != Geographic && c.Method < gcj02 && !(p.K0 > 0) {
		return nil, fmt.Errorf("%w: %s has a unit of %g m and a scale of %g", ErrUnknown, c.Name, c.Unit, p.K0)
	}
	ok := true
	switch c.Method {
	case TransverseMercator:
		c.proj = newTransverseMercator(el, p.Lat0*degree, p.Lon0*degree, p.K0)
	case LambertConformalConic1:
		c.proj, ok = newLambertConic(el, p.Lat0*degree, p.Lon0*degree, p.Lat0*degree, p.Lat0*degree, p.K0)
	case LambertConformalConic2:
		c.proj, ok = newLambertConic(el, p.Lat0*degree, p.Lon0*degree, p.Lat1*degree, p.Lat2*degree, p.K0)
	case AlbersEqualArea:
		c.proj, ok = newAlbers(el, p.Lat0*degree, p.Lon0*degree, p.Lat1*degree, p.Lat2*degree)
	case Mercator:
		k := p.K0
		if p.Lat1 != 0 {
			k *= parallel(p.Lat1*degree, math.Sqrt(el.e2()))
		}
		c.proj = &mercator{lon0: p.Lon0 * degree, e: math.Sqrt(el.e2()), a: el.SemiMajor * k}
	case ObliqueStereographic:
		c.proj = &obliqueStereographic{newGaussSphere(el, p.Lat0*degree, p.Lon0*degree, p.K0)}
	case SwissObliqueMercator:
		c.proj = &swissObliqueMercator{newGaussSphere(el, p.Lat0*degree, p.Lon0*degree, p.K0)}
	case WebMercator:
		c.proj = &mercator{lon0: p.Lon0 * degree, a: el.SemiMajor}
	}
	if !ok {
		return nil, fmt.Errorf("%w: %s has standard parallels that make no cone", ErrUnknown, c.Name)
	}
	return c, nil
}

// Parse reads what people and files call a system: "EPSG:4547", "4547",
// "urn:ogc:def:crs:EPSG::4547", "http://www.opengis.net/def/crs/EPSG/0/4547",
// "CRS84", "GCJ-02", "BD-09", or well-known text. It fails with ErrUnknown.
func Parse(s string) (*CRS, error) {
	s = strings.TrimSpace(s)
	if strings.ContainsAny(s, "[(") {
		return FromWKT(s)
	}
	u := strings.ToUpper(s)
	switch strings.NewReplacer("-", "", "_", "", " ", "").Replace(u) {
	case "CRS84", "OGC:CRS84", "URN:OGC:DEF:CRS:OGC:1.3:CRS84", "URN:OGC:DEF:CRS:OGC::CRS84", "HTTP://WWW.OPENGIS.NET/DEF/CRS/OGC/1.3/CRS84", "HTTPS://WWW.OPENGIS.NET/DEF/CRS/OGC/1.3/CRS84", "HTTP://WWW.OPENGIS.NET/DEF/CRS/OGC/0/CRS84H", "URN:OGC:DEF:CRS:OGC::CRS84H", "WGS84":
		return ByCode(4326)
	case "CGCS2000":
		return ByCode(4490)
	case "GCJ02":
		return &CRS{Name: "GCJ-02", Datum: DatumWGS84, Method: gcj02, Unit: 1, UnitName: "degree"}, nil
	case "BD09", "BD09LL":
		return &CRS{Name: "BD-09", Datum: DatumWGS84, Method: bd09, Unit: 1, UnitName: "degree"}, nil
	}
	digits := u
	for _, prefix := range []string{"EPSG:", "URN:OGC:DEF:CRS:EPSG:", "URN:X-OGC:DEF:CRS:EPSG:", "HTTP://WWW.OPENGIS.NET/DEF/CRS/EPSG/", "HTTPS://WWW.OPENGIS.NET/DEF/CRS/EPSG/", "HTTP://WWW.OPENGIS.NET/GML/SRS/EPSG.XML#"} {
		if rest, ok := strings.CutPrefix(u, prefix); ok {
			digits = rest
			if i := strings.LastIndexAny(rest, ":/"); i >= 0 { // past the version
				digits = rest[i+1:]
			}
			break
		}
	}
	code, err := strconv.Atoi(digits)
	if err != nil || code <= 0 {
		if len(s) > 60 {
			s = s[:60] + "…"
		}
		return nil, fmt.Errorf("%w: %q; write it as EPSG:4547, CRS84, GCJ-02, BD-09, or give the text of a .prj file", ErrUnknown, s)
	}
	return ByCode(code)
}

// Transform takes coordinates from one system to another by way of degrees of
// WGS 84. Datums are shifted where their shift is known (Datum.Shift); for the
// others see CRS.Unshifted.
type Transform struct{ From, To *CRS }

// noise is how far beyond ±180° and ±90° degrees may lie (0.1 mm) and still be
// taken for the border itself: programs leave such rounding at the antimeridian.
const noise = 1e-9

// border takes rounding noise off; ok is false for what lies beyond.
func border(lon, lat float64) (float64, float64, bool) {
	if math.Abs(lon) > 180 && math.Abs(lon) <= 180+noise {
		lon = math.Copysign(180, lon)
	}
	if math.Abs(lat) > 90 && math.Abs(lat) <= 90+noise {
		lat = math.Copysign(90, lat)
	}
	return lon, lat, math.Abs(lon) <= 180 && math.Abs(lat) <= 90
}

// Apply transforms xy, two ordinates a vertex, in place. Degrees that lie beyond
// their range by rounding noise (0.1 mm) become the border. It fails with
// ErrOutside, naming the first position that has no place in one of the systems;
// xy is then half done.
func (t Transform) Apply(xy []float64) error {
	if t.From == nil || t.To == nil {
		return fmt.Errorf("%w: none was given", ErrUnknown)
	}
	if t.identity() {
		for i := 0; i+1 < len(xy); i += 2 {
			lon, lat, ok := border(xy[i], xy[i+1])
			if !ok {
				return outside(t.From, xy[i], xy[i+1])
			}
			xy[i], xy[i+1] = lon, lat
		}
		return nil
	}
	for i := 0; i+1 < len(xy); i += 2 {
		lon, lat, ok := border(t.From.toDegrees(xy[i], xy[i+1]))
		if !ok {
			return outside(t.From, xy[i], xy[i+1])
		}
		x, y := t.To.fromDegrees(lon, lat)
		if math.IsNaN(x+y) || math.IsInf(x+y, 0) {
			return outside(t.To, lon, lat)
		}
		xy[i], xy[i+1] = x, y
	}
	return nil
}

func (t Transform) identity() bool {
	return t.From.Method == Geographic && t.To.Method == Geographic && t.From.Unit == 1 && t.To.Unit == 1 && t.From.Meridian == 0 && t.To.Meridian == 0 && t.From.Datum.Shift == t.To.Datum.Shift
}

func outside(c *CRS, x, y float64) error {
	return fmt.Errorf("%w: position %s %s has no place in %v", ErrOutside, strconv.FormatFloat(x, 'f', -1, 64), strconv.FormatFloat(y, 'f', -1, 64), c)
}

// toDegrees is longitude and latitude of a position, east of Greenwich, on WGS 84
// where the datum's shift is known.
func (c *CRS) toDegrees(x, y float64) (lon, lat float64) {
	switch c.Method {
	case Geographic:
		lon, lat = x*c.Unit, y*c.Unit
	case gcj02:
		return GCJ02ToWGS84(x, y)
	case bd09:
		return BD09ToWGS84(x, y)
	default:
		lon, lat = c.proj.inverse(x*c.Unit-c.Parameters.FalseEasting, y*c.Unit-c.Parameters.FalseNorth)
		lon, lat = lon/degree, lat/degree
	}
	if c.Meridian != 0 {
		lon = wrapDegrees(lon + c.Meridian)
	}
	if c.Datum.Shift != (Helmert{}) {
		return c.Datum.toWGS84(lon, lat)
	}
	return lon, lat
}

func (c *CRS) fromDegrees(lon, lat float64) (x, y float64) {
	if c.Datum.Shift != (Helmert{}) {
		lon, lat = c.Datum.fromWGS84(lon, lat)
	}
	if c.Meridian != 0 {
		lon = wrapDegrees(lon - c.Meridian)
	}
	switch c.Method {
	case Geographic:
		return lon / c.Unit, lat / c.Unit
	case gcj02:
		return WGS84ToGCJ02(lon, lat)
	case bd09:
		return WGS84ToBD09(lon, lat)
	}
	x, y = c.proj.forward(lon*degree, lat*degree)
	return (x + c.Parameters.FalseEasting) / c.Unit, (y + c.Parameters.FalseNorth) / c.Unit
}

func wrapDegrees(lon float64) float64 {
	if lon >= -180 && lon <= 180 {
		return lon
	}
	return math.Remainder(lon, 360)
}
