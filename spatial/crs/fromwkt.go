package crs

import (
	"fmt"
	"math"
	"strings"
)

// FromWKT reads the well-known text of a system: the content of a .prj file, of
// a GeoPackage's srs table, of a PostGIS definition. The parameters decide, not
// the names: if they are those of a system of the table it is that one,
// otherwise a system of their own with Code 0 and the exact projection. Names
// only tell the datum and settle ties, such as between the 3° and the 6° zone of
// one meridian. Of a compound system the horizontal part is taken. It fails with
// ErrUnknown, saying what cannot be understood.
func FromWKT(wkt string) (*CRS, error) {
	root, err := parseWKT(wkt)
	if err != nil {
		return nil, err
	}
	for depth := 0; depth < 4; depth++ {
		switch root.keyword {
		case "COMPD_CS", "COMPOUNDCRS":
			root = root.child("PROJCS", "GEOGCS", "PROJCRS", "PROJECTEDCRS", "GEOGCRS", "GEOGRAPHICCRS", "GEODCRS", "GEODETICCRS", "BOUNDCRS")
		case "BOUNDCRS":
			root = root.child("SOURCECRS")
		case "SOURCECRS":
			if len(root.children) == 0 {
				root = nil
			} else {
				root = root.children[0]
			}
		}
		if root == nil {
			return nil, fmt.Errorf("%w: the well-known text has no horizontal system", ErrUnknown)
		}
	}
	c := &CRS{Name: root.name()}
	switch root.keyword {
	case "GEOGCS", "GEOGCRS", "GEOGRAPHICCRS", "GEODCRS", "GEODETICCRS":
		if _, err = c.readGeographic(root); err == nil && root.child("CS").name() == "Cartesian" {
			err = fmt.Errorf("%w: %q is geocentric", ErrUnknown, c.Name)
		}
	case "PROJCS", "PROJCRS", "PROJECTEDCRS":
		err = c.readProjected(root)
	case "LOCAL_CS", "ENGCRS", "ENGINEERINGCRS":
		err = fmt.Errorf("%w: %q is a local system without a place on the Earth; name the system it is in", ErrUnknown, c.Name)
	case "GEOCCS":
		err = fmt.Errorf("%w: %q is geocentric", ErrUnknown, c.Name)
	default:
		err = fmt.Errorf("%w: well-known text begins with %.20s, expected PROJCS, GEOGCS, PROJCRS or GEOGCRS", ErrUnknown, root.keyword)
	}
	if err != nil {
		return nil, err
	}
	if _, err = c.prepare(); err != nil {
		return nil, err
	}
	if known := c.match(root.epsg()); known != nil {
		return known, nil
	}
	return c, nil
}

// readGeographic sets datum and prime meridian and returns the angular unit in
// degrees.
func (c *CRS) readGeographic(g *node) (unit float64, err error) {
	unit = 1
	if u := angular(g); u != 0 {
		unit = u
	} else if axis := g.child("AXIS"); axis != nil && angular(axis) != 0 {
		unit = angular(axis)
	} else if cs := g.child("CS"); cs != nil && angular(cs) != 0 {
		unit = angular(cs)
	}
	datum := g.child("DATUM", "GEODETICDATUM", "TRF", "ENSEMBLE")
	el := datum.child("SPHEROID", "ELLIPSOID")
	if el == nil {
		return 0, fmt.Errorf("%w: %q names no ellipsoid", ErrUnknown, c.Name)
	}
	a, ok1 := el.number(1)
	rf, ok2 := el.number(2)
	if !ok1 || !ok2 {
		return 0, fmt.Errorf("%w: the ellipsoid %q has no semi-major axis and inverse flattening", ErrUnknown, el.name())
	}
	if l := el.child("LENGTHUNIT", "UNIT"); l != nil {
		if m, ok := l.number(1); ok && m > 0 {
			a *= m
		}
	}
	c.Datum = datumOf(datum.name(), g.name(), Ellipsoid{el.name(), a, rf})
	if pm := g.child("PRIMEM", "PRIMEMERIDIAN"); pm != nil {
		v, _ := pm.number(1)
		u := unit
		if own := angular(pm); own != 0 {
			u = own
		}
		c.Meridian = v * u
	}
	c.Unit, c.UnitName = unit, "degree"
	if math.Abs(unit-1) > 1e-9 {
		c.UnitName = "angular unit"
	} else {
		c.Unit = 1
	}
	return c.Unit, nil
}

// angular is the angular unit given in n, in degrees; 0 if none.
func angular(n *node) float64 {
	u := n.child("UNIT", "ANGLEUNIT")
	if v, ok := u.number(1); ok && v > 0 && v < 1.1 {
		d := v / degree
		if math.Abs(d-1) < 1e-6 { // written with nine digits or so
			return 1
		}
		return d
	}
	return 0
}

// linear is the linear unit given in n, in metres; 0 if none.
func linear(n *node) (metres float64, name string) {
	u := n.child("UNIT", "LENGTHUNIT")
	if v, ok := u.number(1); ok && v > 0 {
		switch {
		case math.Abs(v-1) < 1e-9:
			return 1, metreName
		case math.Abs(v-usFoot) < 1e-9: // and not 2 ppm off, as the international foot is
			return usFoot, usFootName
		case math.Abs(v-foot) < 1e-9:
			return foot, footName
		}
		return v, u.name()
	}
	return 0, ""
}

// datumNames maps what files call datums, in lower case without anything but
// letters and digits, to those of the table.
var datumNames = []struct {
	has   string
	datum Datum
}{
	{"china2000", DatumCGCS2000}, {"cgcs2000", DatumCGCS2000}, {"chinageodeticcoordinatesystem2000", DatumCGCS2000}, {"chinageodetic2000", DatumCGCS2000}, {"国家2000", DatumCGCS2000}, {"2000国家", DatumCGCS2000},
	{"xian80", DatumXian80}, {"xian1980", DatumXian80}, {"西安80", DatumXian80},
	{"newbeijing", DatumNewBJ}, {"beijing1954", DatumBeijing54}, {"beijing54", DatumBeijing54}, {"北京54", DatumBeijing54},
	{"wgs1984", DatumWGS84}, {"wgs84", DatumWGS84}, {"worldgeodeticsystem1984", DatumWGS84},
	{"csrs", DatumCSRS}, {"canadianspatialreferencesystem", DatumCSRS}, {"nad83", DatumNAD83}, {"northamericandatum1983", DatumNAD83}, {"northamerican1983", DatumNAD83},
	{"nad27", DatumNAD27}, {"northamericandatum1927", DatumNAD27}, {"northamerican1927", DatumNAD27},
	{"amersfoort", DatumAmersfoort}, {"ch1903plus", DatumCH1903Plus},
	{"etrs89", DatumETRS89}, {"etrs1989", DatumETRS89}, {"europeanterrestrialreferencesystem1989", DatumETRS89}, {"rgf93", DatumETRS89}, {"rgf1993", DatumETRS89}, {"reseaugeodesiquefrancais1993", DatumETRS89},
}

// datumOf names a datum by its own or its system's name where the ellipsoid
// agrees, then by the ellipsoid alone. A datum of another name on a geocentric
// ellipsoid is near WGS 84; any other needs a shift nobody gave.
func datumOf(name, system string, el Ellipsoid) Datum {
	for _, n := range []string{name, system} {
		key := squeeze(strings.ReplaceAll(n, "+", "plus")) // CH1903+ is not CH1903
		for _, d := range datumNames {
			if strings.Contains(key, d.has) && d.datum.Ellipsoid.same(el) {
				return d.datum
			}
		}
	}
	unshifted := 1000.0
	if math.Abs(el.SemiMajor-6378137) < 0.01 && math.Abs(el.InverseFlattening-298.2572) < 0.001 {
		unshifted = 2
	}
	if name == "" {
		name = "unknown"
	}
	return Datum{Name: name, Ellipsoid: el, Unshifted: unshifted}
}

// squeeze keeps letters and digits, in lower case.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r > 0x7f:
			return r
		}
		return -1
	}, s)
}

// methodOf maps the squeezed names of methods in WKT 1, Esri's WKT and WKT 2.
var methodOf = map[string]Method{
	"transversemercator": TransverseMercator, "gausskruger": TransverseMercator, "gaussschreibertransversemercator": TransverseMercator,
	"transversemercatorcomplex": TransverseMercator, "transversemercatorzonedgridsystem": 0,
	"lambertconformalconic2sp": LambertConformalConic2, "lambertconicconformal2sp": LambertConformalConic2,
	"lambertconformalconic1sp": LambertConformalConic1, "lambertconicconformal1sp": LambertConformalConic1,
	"lambertconformalconic": LambertConformalConic2, // Esri: one or two, told by the parameters
	"albers":                AlbersEqualArea, "albersconicequalarea": AlbersEqualArea, "albersequalarea": AlbersEqualArea,
	"mercator": Mercator, "mercator1sp": Mercator, "mercator2sp": Mercator, "mercatorvarianta": Mercator, "mercatorvariantb": Mercator,
	"obliquestereographic": ObliqueStereographic, "doublestereographic": ObliqueStereographic, "swissobliquemercator": SwissObliqueMercator, "swissobliquecylindrical": SwissObliqueMercator,
	// Hotine's is computed where it is the Swiss one: with an azimuth of 90°.
	"hotineobliquemercatorazimuthcenter": SwissObliqueMercator, "hotineobliquemercatorvariantb": SwissObliqueMercator, "obliquemercator": SwissObliqueMercator,
	"mercatorauxiliarysphere": WebMercator, "popularvisualisationpseudomercator": WebMercator,
}

func (c *CRS) readProjected(p *node) error {
	g := p.child("GEOGCS", "BASEGEOGCRS", "BASEGEODCRS", "GEOGCRS")
	if g == nil {
		return fmt.Errorf("%w: %q has no geographic base", ErrUnknown, c.Name)
	}
	angle, err := c.readGeographic(g)
	if err != nil {
		return err
	}
	params, method := p, p.child("PROJECTION")
	if conv := p.child("CONVERSION"); conv != nil { // WKT 2
		params, method = conv, conv.child("METHOD", "PROJECTION")
	}
	if method == nil {
		return fmt.Errorf("%w: %q names no projection method", ErrUnknown, c.Name)
	}
	m, ok := methodOf[squeeze(method.name())]
	if !ok || m == Geographic {
		return fmt.Errorf("%w: %q uses the projection %q, which twind cannot compute; convert the data to degrees first, for instance with ogr2ogr -t_srs EPSG:4326", ErrUnknown, c.Name, method.name())
	}
	c.Method = m
	if c.isWebMercator(p) {
		c.Method, c.Datum, c.Unit, c.UnitName, c.Parameters = WebMercator, DatumWGS84, 1, metreName, Parameters{K0: 1}
		return nil
	}
	unit, unitName := linear(p)
	if unit == 0 {
		if unit, unitName = linear(p.child("CS")); unit == 0 {
			unit, unitName = linear(p.child("AXIS"))
		}
	}
	if unit == 0 {
		unit, unitName = 1, metreName
	}
	c.Unit, c.UnitName = unit, unitName
	return c.readParameters(params, method.name(), angle, unit)
}

// isWebMercator recognises the two ways in which WKT 1 writes Web Mercator as a
// Mercator: with PROJ's string as an extension, or on Esri's auxiliary sphere.
func (c *CRS) isWebMercator(p *node) bool {
	if c.Method != Mercator {
		return false
	}
	if x := p.child("EXTENSION"); x != nil && len(x.values) > 1 && strings.Contains(x.values[1].text, "+a=6378137 +b=6378137") {
		return true
	}
	el := c.Datum.Ellipsoid
	return el.InverseFlattening == 0 && el.SemiMajor == 6378137
}

func (c *CRS) readParameters(n *node, method string, angle, unit float64) error {
	p := &c.Parameters
	p.K0 = 1
	var lat1, lat2, k0, azimuth bool
	for _, q := range n.children {
		if q.keyword != "PARAMETER" {
			continue
		}
		v, ok := q.number(1)
		if !ok {
			return fmt.Errorf("%w: parameter %q of %q has no number", ErrUnknown, q.name(), c.Name)
		}
		a, l := angle, unit
		if u := angular(q); u != 0 && q.child("ANGLEUNIT") != nil {
			a = u
		}
		if u, _ := linear(q); u != 0 && q.child("LENGTHUNIT") != nil {
			l = u
		}
		switch key := squeeze(q.name()); key {
		case "falseeasting", "eastingatfalseorigin", "eastingatprojectioncentre":
			p.FalseEasting = v * l
		case "falsenorthing", "northingatfalseorigin", "northingatprojectioncentre":
			p.FalseNorth = v * l
		case "centralmeridian", "longitudeofcenter", "longitudeoforigin", "longitudeofnaturalorigin", "longitudeoffalseorigin", "longitudeofcentre", "longitudeofprojectioncentre":
			p.Lon0 = v * a
		case "latitudeoforigin", "latitudeofcenter", "latitudeofnaturalorigin", "latitudeoffalseorigin", "latitudeofcentre", "latitudeofprojectioncentre", "centralparallel":
			p.Lat0 = v * a
		case "standardparallel1", "latitudeof1ststandardparallel":
			p.Lat1, lat1 = v*a, true
		case "standardparallel2", "latitudeof2ndstandardparallel":
			p.Lat2, lat2 = v*a, true
		case "scalefactor", "scalefactoratnaturalorigin", "scalefactoroninitialline", "scalefactoratprojectioncentre":
			p.K0, k0 = v, true
		case "azimuth", "azimuthofinitialline", "azimuthatprojectioncentre", "rectifiedgridangle", "anglefromrectifiedtoskewgrid":
			if c.Method != SwissObliqueMercator || math.Abs(v*a-90) > 1e-9 {
				return fmt.Errorf("%w: %q has a %s of %g°; only the oblique Mercator with 90° is known", ErrUnknown, c.Name, q.name(), v*a)
			}
			azimuth = true
		case "auxiliaryspheretype":
			if v != 0 {
				return fmt.Errorf("%w: %q uses Auxiliary_Sphere_Type %g; only 0 is known", ErrUnknown, c.Name, v)
			}
		default:
			if v != 0 {
				return fmt.Errorf("%w: %q has the parameter %q, which its method does not know", ErrUnknown, c.Name, q.name())
			}
		}
	}
	switch c.Method {
	case LambertConformalConic1, LambertConformalConic2:
		switch {
		case lat1 && !lat2: // one standard parallel; the origin may lie elsewhere
			p.Lat2 = p.Lat1
			c.Method = LambertConformalConic2
		case !lat1 && !lat2:
			c.Method = LambertConformalConic1
		default:
			c.Method = LambertConformalConic2
		}
		if c.Method == LambertConformalConic2 && k0 && p.K0 != 1 && p.Lat1 != p.Lat2 {
			return fmt.Errorf("%w: %q has two standard parallels and a scale of %g", ErrUnknown, c.Name, p.K0)
		}
	case SwissObliqueMercator:
		if !azimuth && squeeze(method) != "swissobliquemercator" && squeeze(method) != "swissobliquecylindrical" {
			return fmt.Errorf("%w: %q names no azimuth", ErrUnknown, c.Name)
		}
	case AlbersEqualArea:
		if !lat1 || !lat2 {
			return fmt.Errorf("%w: %q has no two standard parallels", ErrUnknown, c.Name)
		}
	}
	return nil
}

// match finds the system of the table that has c's parameters; code is that
// which the text claims, preferred among equals and believed only if it fits.
func (c *CRS) match(code int) *CRS {
	var best *CRS
	if code != 0 {
		if k := describe(code); k != nil && c.fits(k) {
			best = k
		}
	}
	six := strings.Contains(squeeze(c.Name), "6degree") || strings.Contains(c.Name, "6度") || strings.Contains(c.Name, "6°")
	if best == nil {
		for _, k := range Codes() {
			if d := describe(k); c.fits(d) {
				if best == nil || six && !strings.Contains(d.Name, "3-degree") && strings.Contains(best.Name, "3-degree") {
					best = d
				}
			}
		}
	}
	if best == nil {
		return nil
	}
	out, err := best.prepare()
	if err != nil {
		return nil
	}
	return out
}

// fits tells whether k has c's datum, method, parameters and unit, to the digits
// that files give.
func (c *CRS) fits(k *CRS) bool {
	if c.Datum.Name != k.Datum.Name || c.Method != k.Method || math.Abs(c.Unit-k.Unit) > 1e-9 || c.Meridian != k.Meridian {
		return false
	}
	near := func(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }
	p, q := c.Parameters, k.Parameters
	parallels := near(p.Lat1, q.Lat1, 1e-9) && near(p.Lat2, q.Lat2, 1e-9) || near(p.Lat1, q.Lat2, 1e-9) && near(p.Lat2, q.Lat1, 1e-9)
	return near(p.Lat0, q.Lat0, 1e-9) && near(p.Lon0, q.Lon0, 1e-9) && parallels &&
		near(p.K0, q.K0, 1e-9) && near(p.FalseEasting, q.FalseEasting, 1e-4) && near(p.FalseNorth, q.FalseNorth, 1e-4)
}
