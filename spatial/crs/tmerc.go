package crs

import "math"

// transverseMercator is Krüger's series of 1912 to the order n⁶, in the form of
// Karney, "Transverse Mercator with an accuracy of a few nanometers", J. Geodesy
// 85 (2011), eq. 7–36: exact to nanometres within 35° of the meridian.
type transverseMercator struct {
	lon0, k0 float64
	e        float64 // first eccentricity
	a        float64 // k0 times the rectifying radius, metres
	m0       float64 // northing of the latitude of origin, metres
	alpha    [7]float64
	beta     [7]float64
}

func newTransverseMercator(el Ellipsoid, lat0, lon0, k0 float64) *transverseMercator {
	f := el.flattening()
	n := f / (2 - f)
	n2 := n * n
	n3, n4, n5, n6 := n2*n, n2*n2, n2*n2*n, n2*n2*n2
	t := &transverseMercator{lon0: lon0, k0: k0, e: math.Sqrt(el.e2())}
	t.a = k0 * el.SemiMajor / (1 + n) * (1 + n2/4 + n4/64 + n6/256)
	t.alpha = [7]float64{0,
		n/2 - 2*n2/3 + 5*n3/16 + 41*n4/180 - 127*n5/288 + 7891*n6/37800,
		13*n2/48 - 3*n3/5 + 557*n4/1440 + 281*n5/630 - 1983433*n6/1935360,
		61*n3/240 - 103*n4/140 + 15061*n5/26880 + 167603*n6/181440,
		49561*n4/161280 - 179*n5/168 + 6601661*n6/7257600,
		34729*n5/80640 - 3418889*n6/1995840,
		212378941 * n6 / 319334400,
	}
	t.beta = [7]float64{0,
		n/2 - 2*n2/3 + 37*n3/96 - n4/360 - 81*n5/512 + 96199*n6/604800,
		n2/48 + n3/15 - 437*n4/1440 + 46*n5/105 - 1118711*n6/3870720,
		17*n3/480 - 37*n4/840 - 209*n5/4480 + 5569*n6/90720,
		4397*n4/161280 - 11*n5/504 - 830251*n6/7257600,
		4583*n5/161280 - 108847*n6/3991680,
		20648693 * n6 / 638668800,
	}
	if lat0 != 0 {
		_, t.m0 = t.forward(lon0, lat0)
	}
	return t
}

// clenshaw sums c[1]·sin 2ζ + … + c[6]·sin 12ζ for the complex ζ = u + iv.
func clenshaw(c *[7]float64, u, v float64) (re, im float64) {
	s, k := math.Sincos(2 * u)
	ev := math.Exp(2 * v)
	ch, sh := (ev+1/ev)/2, (ev-1/ev)/2
	if math.Abs(v) < 1e-3 { // the difference above loses digits
		sh = math.Sinh(2 * v)
	}
	// 2·cos 2ζ
	pr, pi := 2*k*ch, -2*s*sh
	var b1r, b1i, b2r, b2i float64
	for j := 6; j >= 1; j-- {
		r := pr*b1r - pi*b1i - b2r + c[j]
		i := pr*b1i + pi*b1r - b2i
		b2r, b2i, b1r, b1i = b1r, b1i, r, i
	}
	// times sin 2ζ
	sr, si := s*ch, k*sh
	return b1r*sr - b1i*si, b1r*si + b1i*sr
}

func (t *transverseMercator) forward(lon, lat float64) (x, y float64) {
	dl := wrap(lon - t.lon0)
	if math.Abs(dl) > 80*degree || math.Abs(lat) > math.Pi/2 {
		return math.NaN(), math.NaN()
	}
	taup := conformal(math.Tan(lat), t.e)
	s, c := math.Sincos(dl)
	xi := math.Atan2(taup, c)
	eta := math.Asinh(s / math.Hypot(taup, c))
	re, im := clenshaw(&t.alpha, xi, eta)
	return t.a * (eta + im), t.a*(xi+re) - t.m0
}

func (t *transverseMercator) inverse(x, y float64) (lon, lat float64) {
	xi, eta := (y+t.m0)/t.a, x/t.a
	if !(math.Abs(eta) <= 1.5 && math.Abs(xi) <= math.Pi/2) {
		return math.NaN(), math.NaN()
	}
	re, im := clenshaw(&t.beta, xi, eta)
	xi, eta = xi-re, eta-im
	s, c := math.Sincos(xi)
	sh := math.Sinh(eta)
	taup := s / math.Hypot(sh, c)
	return wrap(math.Atan2(sh, c) + t.lon0), math.Atan(geodetic(taup, t.e))
}
