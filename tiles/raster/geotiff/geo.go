package geotiff

import (
	"encoding/xml"
	"math"
	"strconv"
	"strings"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/crs"
)

// Affine places pixels: x = A[0] + col·A[1] + row·A[2], y = A[3] + col·A[4] +
// row·A[5], where (0, 0) is the outer corner of the first pixel and (0.5, 0.5)
// its middle; GDAL's geotransform.
type Affine [6]float64

// Apply is the position of (col, row).
func (a Affine) Apply(col, row float64) (x, y float64) {
	return a[0] + col*a[1] + row*a[2], a[3] + col*a[4] + row*a[5]
}

// Invert is the way from positions to pixels; ok is false for one that has none.
func (a Affine) Invert() (inverse Affine, ok bool) {
	det := a[1]*a[5] - a[2]*a[4]
	if det == 0 || math.IsNaN(det) || math.IsInf(det, 0) {
		return Affine{}, false
	}
	b := Affine{1: a[5] / det, 2: -a[2] / det, 4: -a[4] / det, 5: a[1] / det}
	b[0] = -(a[0]*b[1] + a[3]*b[2])
	b[3] = -(a[0]*b[4] + a[3]*b[5])
	for _, v := range b {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return Affine{}, false
		}
	}
	return b, true
}

// Georeference says where an image lies.
type Georeference struct {
	CRS       *crs.CRS
	Transform Affine
	Inverse   Affine
	// VerticalCode is the EPSG code of the vertical system, 0 where the file
	// names none.
	VerticalCode int
	// VerticalUnit is the length in metres of the file's unit of height; 1 where
	// the file names none.
	VerticalUnit float64
}

// The GeoKeys that are read.
const (
	keyModelType     = 1024
	keyRasterType    = 1025
	keyGeographic    = 2048
	keyProjected     = 3072
	keyVertical      = 4096
	keyVerticalUnits = 4099

	userDefined = 32767
)

// Georeference says where the full image lies. It fails with layers.ErrInvalid
// where the file does not say, and with layers.ErrUnsupported for a coordinate
// system that twind does not know.
func (f *File) Georeference() (Georeference, error) { return f.geo, named(f.name, f.geoErr) }

func (s *structure) georeference(d directory) (g Georeference, err error) {
	g.VerticalUnit = 1
	keys, err := s.geoKeys(d)
	if err != nil {
		return g, err
	}
	if g.Transform, err = s.transform(d); err != nil {
		return g, err
	}
	if keys[keyRasterType] == 2 { // PixelIsPoint: what is tied is the middle of a pixel
		g.Transform[0], g.Transform[3] = g.Transform.Apply(-0.5, -0.5)
	}
	var ok bool
	if g.Inverse, ok = g.Transform.Invert(); !ok {
		return g, layers.Errorf(layers.ErrInvalid, "the TIFF's pixels have no size on the ground; give it a place with gdal_translate -a_ullr")
	}
	g.CRS, err = systemOf(keys)
	if v := keys[keyVertical]; v != userDefined {
		g.VerticalCode = v
	}
	if u, ok := heightUnits[keys[keyVerticalUnits]]; ok {
		g.VerticalUnit = u
	} else if u, ok := heightUnits[g.VerticalCode]; ok {
		g.VerticalUnit = u
	}
	return g, err
}

// heightUnits are the lengths in metres of EPSG's units of measure and of the units
// of its vertical systems, where these are no metres.
var heightUnits = map[int]float64{
	9002: 0.3048, 9003: 1200.0 / 3937, // foot, US survey foot
	5702: 1200.0 / 3937, 6360: 1200.0 / 3937, 8228: 0.3048, // NGVD29, NAVD88 (ftUS), NAVD88 (ft)
}

func systemOf(keys map[int]int) (*crs.CRS, error) {
	var code int
	switch keys[keyModelType] {
	case 1:
		code = keys[keyProjected]
	case 2:
		code = keys[keyGeographic]
	case 3:
		return nil, unsupported("the TIFF has geocentric coordinates; bring it to a known system with gdalwarp -t_srs EPSG:4326")
	default:
		return nil, layers.Errorf(layers.ErrInvalid, "the TIFF does not say its coordinate system; give it one with gdal_edit.py -a_srs EPSG:… or gdal_translate -a_srs EPSG:…")
	}
	if code == 0 || code == userDefined {
		return nil, unsupported("the TIFF has a projection of its own, without an EPSG code; bring it to a known system with gdalwarp -t_srs EPSG:3857")
	}
	c, err := crs.ByCode(code)
	if err != nil {
		return nil, unsupported("the TIFF is in EPSG:%d, which twind does not know; bring it to a known system with gdalwarp -t_srs EPSG:3857", code)
	}
	return c, nil
}

// geoKeys are the keys of one whole number.
func (s *structure) geoKeys(d directory) (map[int]int, error) {
	v, err := s.uints(d, tagGeoKeys, 1<<16)
	if err != nil {
		return nil, err
	}
	keys := map[int]int{}
	for i := 4; i+3 < len(v); i += 4 {
		if v[i+1] == 0 && v[i+2] == 1 {
			keys[int(v[i])] = int(v[i+3])
		}
	}
	return keys, nil
}

func (s *structure) transform(d directory) (a Affine, err error) {
	matrix, err := s.doubles(d, tagTransformation, 16)
	if err != nil {
		return a, err
	}
	scale, err := s.doubles(d, tagPixelScale, 16)
	if err != nil {
		return a, err
	}
	ties, err := s.doubles(d, tagTiepoint, 6<<12)
	if err != nil {
		return a, err
	}
	switch {
	case len(scale) >= 2 && len(ties) >= 6:
		sx, sy := scale[0], -scale[1]
		a = Affine{ties[3] - ties[0]*sx, sx, 0, ties[4] - ties[1]*sy, 0, sy}
	case len(matrix) >= 8:
		a = Affine{matrix[3], matrix[0], matrix[1], matrix[7], matrix[4], matrix[5]}
	case len(ties) > 6:
		return a, unsupported("the TIFF is placed by control points; straighten it with gdalwarp -t_srs EPSG:3857")
	default:
		return a, layers.Errorf(layers.ErrInvalid, "the TIFF does not say where it lies; give it a place with gdal_translate -a_srs EPSG:… -a_ullr WEST NORTH EAST SOUTH")
	}
	for _, v := range a {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return a, corrupt("the TIFF's place is not finite")
		}
	}
	return a, nil
}

// Bounds is the box of the image in degrees of longitude and latitude; it is
// computed from points along the border, so that curved edges are inside.
func (f *File) Bounds() (spatial.Envelope, error) {
	g, err := f.Georeference()
	if err != nil {
		return spatial.EmptyEnvelope(), err
	}
	e := spatial.EmptyEnvelope()
	w, h := float64(f.levels[0].Width), float64(f.levels[0].Height)
	to, _ := crs.ByCode(4326)
	degrees := crs.Transform{From: g.CRS, To: to}
	const steps = 32
	for i := range steps + 1 {
		t := float64(i) / steps
		for _, p := range [][2]float64{{t * w, 0}, {t * w, h}, {0, t * h}, {w, t * h}} {
			x, y := g.Transform.Apply(p[0], p[1])
			if g.CRS.IsGeographic() { // half a pixel beyond a pole or the antimeridian is common
				x, y = max(-180, min(180, x)), max(-90, min(90, y))
			}
			xy := []float64{x, y}
			if err := degrees.Apply(xy); err != nil {
				return e, named(f.name, layers.Errorf(layers.ErrInvalid, "the TIFF lies outside its coordinate system %v; give it the right one with gdal_translate -a_srs EPSG:…", g.CRS))
			}
			e = e.Add(xy[0], xy[1])
		}
	}
	return e, nil
}

// noData reads GDAL_NODATA.
func (s *structure) noData(d directory, t SampleType) (v float64, ok bool, err error) {
	text, err := s.text(d, tagGDALNoData)
	text = strings.TrimSpace(text)
	if err != nil || text == "" {
		return 0, false, err
	}
	v, perr := strconv.ParseFloat(text, 64)
	if perr != nil && !math.IsInf(v, 0) {
		return 0, false, nil //nolint:nilerr // GDAL ignores what is no number, too
	}
	if t == Float32 {
		v = float64(float32(v))
	}
	return v, true, nil
}

// scaling is what GDAL's metadata say of a band: value = sample·Scale + Offset.
type scaling struct{ scale, offset float64 }

// scalings reads the metadata; what is no XML is ignored.
func (s *structure) scalings(d directory, m *Image) (list []scaling, unit string, err error) {
	text, err := s.text(d, tagGDALMetadata)
	if err != nil || text == "" {
		return nil, "", err
	}
	var doc struct {
		Items []struct {
			Sample int    `xml:"sample,attr"`
			Role   string `xml:"role,attr"`
			Text   string `xml:",chardata"`
		} `xml:"Item"`
	}
	if xml.Unmarshal([]byte(text), &doc) != nil {
		return nil, "", nil
	}
	for _, it := range doc.Items {
		v, err := strconv.ParseFloat(strings.TrimSpace(it.Text), 64)
		if it.Role == "unittype" && it.Sample == 0 {
			unit = strings.TrimSpace(it.Text)
		}
		if err != nil || it.Sample < 0 || it.Sample >= m.Bands || it.Role != "scale" && it.Role != "offset" {
			continue
		}
		for len(list) <= it.Sample {
			list = append(list, scaling{1, 0})
		}
		if it.Role == "scale" {
			list[it.Sample].scale = v
		} else {
			list[it.Sample].offset = v
		}
	}
	return list, unit, nil
}

// verticalScale is the scale of a file whose heights have a vertical system: there
// the third members of pixel scale and tie point place the samples.
func (s *structure) verticalScale(d directory) ([]scaling, error) {
	keys, err := s.geoKeys(d)
	if err != nil || keys[keyVertical] == 0 {
		return nil, err
	}
	scale, err := s.doubles(d, tagPixelScale, 16)
	if err != nil {
		return nil, err
	}
	ties, err := s.doubles(d, tagTiepoint, 6<<12)
	if err != nil || len(scale) < 3 || len(ties) != 6 || scale[2] == 0 || math.IsNaN(scale[2]) || math.IsInf(scale[2], 0) {
		return nil, err
	}
	return []scaling{{scale[2], ties[5] - ties[2]*scale[2]}}, nil
}

// unitOfText is the length in metres of GDAL's names of units.
func unitOfText(unit string) float64 {
	switch strings.ToLower(unit) {
	case "ft", "foot", "feet":
		return 0.3048
	case "us-ft", "us survey foot", "us_survey_foot", "ftus":
		return 1200.0 / 3937
	}
	return 1
}
