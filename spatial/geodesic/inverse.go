package geodesic

import "math"

// The WGS 84 spheroid (EPSG:7030). CGCS2000's differs by 0.1 mm in the polar radius.
const (
	SemiMajor  = 6378137.0          // metres
	Flattening = 1 / 298.257223563  // (a−b)/a
	semiMinor  = SemiMajor * aspect // metres
	aspect     = 1 - Flattening     // b/a
	ecc2       = Flattening * (2 - Flattening)
	ecc2Second = ecc2 / (aspect * aspect) // e′²
	third      = Flattening / (2 - Flattening)
)

const (
	epsilon = 1.0 / (1 << 52)
	tiny    = 1.4916681462400413e-154 // √ of the smallest normal number
	degree  = math.Pi / 180
)

var (
	rootEpsilon = math.Sqrt(epsilon)
	shortLine   = 0.1 * rootEpsilon / math.Sqrt(math.Max(0.001, Flattening)*math.Min(1, 1-Flattening/2)/2)
)

// Distance is the length in metres of the shortest path on the spheroid between
// two positions in degrees, at all distances, antipodes included. Longitudes may
// exceed ±180. It is NaN where a coordinate is.
func Distance(lon1, lat1, lon2, lat2 float64) float64 {
	if lon1 != lon1 || lat1 != lat1 || lon2 != lon2 || lat2 != lat2 {
		return math.NaN()
	}
	lam12 := math.Abs(math.Remainder(lon2-lon1, 360))
	if math.Abs(lat1) < math.Abs(lat2) {
		lat1, lat2 = lat2, lat1
	}
	if lat1 > 0 {
		lat1, lat2 = -lat1, -lat2
	}
	// Now lat1 ≤ 0 and lat1 ≤ lat2 ≤ −lat1.
	slam12, clam12 := sincosDegrees(lam12)
	lam12 *= degree

	var p pair
	p.sbet1, p.cbet1 = reduced(lat1)
	p.sbet2, p.cbet2 = reduced(lat2)
	// Make symmetric cases exactly so.
	if p.cbet1 < -p.sbet1 {
		if p.cbet2 == p.cbet1 {
			p.sbet2 = math.Copysign(p.sbet1, p.sbet2)
		}
	} else if math.Abs(p.sbet2) == -p.sbet1 {
		p.cbet2 = p.cbet1
	}
	p.dn1 = math.Sqrt(1 + ecc2Second*p.sbet1*p.sbet1)
	p.dn2 = math.Sqrt(1 + ecc2Second*p.sbet2*p.sbet2)

	if lat1 == -90 || slam12 == 0 {
		// Along a meridian, if that is the shortest path.
		ssig1, csig1 := p.sbet1, clam12*p.cbet1
		ssig2, csig2 := p.sbet2, p.cbet2
		sig12 := math.Atan2(math.Max(0, csig1*ssig2-ssig1*csig2), csig1*csig2+ssig1*ssig2)
		s, m := lengths(third, sig12, ssig1, csig1, p.dn1, ssig2, csig2, p.dn2)
		if sig12 < 1 || m >= 0 {
			if sig12 < 3*tiny {
				return 0
			}
			return s * semiMinor
		}
	}
	if p.sbet1 == 0 && lam12 <= math.Pi*aspect {
		return SemiMajor * lam12 // along the equator
	}
	return p.general(lam12, slam12, clam12)
}

// pair is two positions by the sine and cosine of their reduced latitudes β, the
// first the farther from the equator and in the south; dn is √(1+e′²sin²β).
type pair struct {
	sbet1, cbet1, dn1 float64
	sbet2, cbet2, dn2 float64
}

// general solves for the azimuth α₁ at the first position by Newton's method,
// bracketed by bisection (§§ 4 and 5 of the paper).
func (p *pair) general(lam12, slam12, clam12 float64) float64 {
	salp1, calp1, sig12, dnm := p.start(lam12, slam12, clam12)
	if sig12 >= 0 {
		return sig12 * semiMinor * dnm
	}
	const newton, limit = 20, 20 + 53 + 10
	loS, loC, hiS, hiC := tiny, 1.0, tiny, -1.0
	exact, narrow := false, false
	var t trial
	for i := 0; i < limit; i++ {
		v, slope := p.longitude(salp1, calp1, slam12, clam12, i < newton, &t)
		tolerance := epsilon
		if exact {
			tolerance *= 8
		}
		if narrow || !(math.Abs(v) >= tolerance) {
			break
		}
		if v > 0 && (i > newton || calp1/salp1 > hiC/hiS) {
			hiS, hiC = salp1, calp1
		} else if v < 0 && (i > newton || calp1/salp1 < loC/loS) {
			loS, loC = salp1, calp1
		}
		if i < newton && slope > 0 {
			step := -v / slope
			s, c := math.Sincos(step)
			if next := salp1*c + calp1*s; next > 0 && math.Abs(step) < math.Pi {
				calp1 = calp1*c - salp1*s
				salp1 = next
				salp1, calp1 = normalize(salp1, calp1)
				exact = math.Abs(v) <= 16*epsilon
				continue
			}
		}
		salp1, calp1 = normalize((loS+hiS)/2, (loC+hiC)/2)
		exact = false
		narrow = math.Abs(loS-salp1)+(loC-calp1) < epsilon*rootEpsilon || math.Abs(salp1-hiS)+(calp1-hiC) < epsilon*rootEpsilon
	}
	s, _ := lengths(t.eps, t.sig12, t.ssig1, t.csig1, p.dn1, t.ssig2, t.csig2, p.dn2)
	return s * semiMinor
}

// start guesses α₁. For very short lines it returns the arc σ₁₂ and the scale to
// apply to it, else −1.
func (p *pair) start(lam12, slam12, clam12 float64) (salp1, calp1, sig12, dnm float64) {
	sbet12 := p.sbet2*p.cbet1 - p.cbet2*p.sbet1
	cbet12 := p.cbet2*p.cbet1 + p.sbet2*p.sbet1
	sbet12a := p.sbet2*p.cbet1 + p.cbet2*p.sbet1
	short := cbet12 >= 0 && sbet12 < 0.5 && p.cbet2*lam12 < 0.5
	somg12, comg12 := slam12, clam12
	if short {
		m := (p.sbet1 + p.sbet2) * (p.sbet1 + p.sbet2)
		m /= m + (p.cbet1+p.cbet2)*(p.cbet1+p.cbet2)
		dnm = math.Sqrt(1 + ecc2Second*m)
		somg12, comg12 = math.Sincos(lam12 / (aspect * dnm))
	}
	salp1 = p.cbet2 * somg12
	if comg12 >= 0 {
		calp1 = sbet12 + p.cbet2*p.sbet1*somg12*somg12/(1+comg12)
	} else {
		calp1 = sbet12a - p.cbet2*p.sbet1*somg12*somg12/(1-comg12)
	}
	ssig12 := math.Hypot(salp1, calp1)
	csig12 := p.sbet1*p.sbet2 + p.cbet1*p.cbet2*comg12
	switch {
	case short && ssig12 < shortLine:
		return salp1, calp1, math.Atan2(ssig12, csig12), dnm
	case csig12 >= 0 || ssig12 >= 6*third*math.Pi*p.cbet1*p.cbet1:
	default:
		// Nearly antipodal: solve the astroid problem (§ 5).
		lam12x := math.Atan2(-slam12, -clam12)
		k2 := p.sbet1 * p.sbet1 * ecc2Second
		eps := k2 / (2*(1+math.Sqrt(1+k2)) + k2)
		lamScale := Flattening * p.cbet1 * a3(eps) * math.Pi
		x, y := lam12x/lamScale, sbet12a/(lamScale*p.cbet1)
		if y > -200*epsilon && x > -1-1000*rootEpsilon {
			salp1 = math.Min(1, -x)
			calp1 = -math.Sqrt(1 - salp1*salp1)
		} else {
			k := astroid(x, y)
			somg12, comg12 = math.Sincos(lamScale * (-x * k / (1 + k)))
			comg12 = -comg12
			salp1 = p.cbet2 * somg12
			calp1 = sbet12a - p.cbet2*p.sbet1*somg12*somg12/(1-comg12)
		}
	}
	if salp1 > 0 {
		salp1, calp1 = normalize(salp1, calp1)
	} else {
		salp1, calp1 = 1, 0
	}
	return salp1, calp1, -1, 0
}

// trial is the geodesic that leaves the first position at the tried azimuth, by
// the arcs σ on the auxiliary sphere.
type trial struct {
	sig12, ssig1, csig1, ssig2, csig2, eps float64
}

// longitude is by how much the geodesic of azimuth α₁ misses the second
// position's longitude, and the derivative of that by α₁.
func (p *pair) longitude(salp1, calp1, slam12, clam12 float64, derive bool, t *trial) (miss, slope float64) {
	if p.sbet1 == 0 && calp1 == 0 {
		calp1 = -tiny
	}
	salp0 := salp1 * p.cbet1
	calp0 := math.Hypot(calp1, salp1*p.sbet1)
	somg1, comg1 := salp0*p.sbet1, calp1*p.cbet1
	t.ssig1, t.csig1 = normalize(p.sbet1, comg1)
	calp2 := math.Abs(calp1)
	if p.cbet2 != p.cbet1 || math.Abs(p.sbet2) != -p.sbet1 {
		d := (p.sbet1 - p.sbet2) * (p.sbet1 + p.sbet2)
		if p.cbet1 < -p.sbet1 {
			d = (p.cbet2 - p.cbet1) * (p.cbet1 + p.cbet2)
		}
		calp2 = math.Sqrt(calp1*p.cbet1*(calp1*p.cbet1)+d) / p.cbet2
	}
	somg2, comg2 := salp0*p.sbet2, calp2*p.cbet2
	t.ssig2, t.csig2 = normalize(p.sbet2, comg2)
	t.sig12 = math.Atan2(math.Max(0, t.csig1*t.ssig2-t.ssig1*t.csig2), t.csig1*t.csig2+t.ssig1*t.ssig2)
	somg12 := math.Max(0, comg1*somg2-somg1*comg2)
	comg12 := comg1*comg2 + somg1*somg2
	eta := math.Atan2(somg12*clam12-comg12*slam12, comg12*clam12+somg12*slam12)

	k2 := calp0 * calp0 * ecc2Second
	t.eps = k2 / (2*(1+math.Sqrt(1+k2)) + k2)
	var c [6]float64
	c3(t.eps, &c)
	b3 := sines(c[1:], t.ssig2, t.csig2) - sines(c[1:], t.ssig1, t.csig1)
	miss = eta - Flattening*a3(t.eps)*salp0*(t.sig12+b3)
	if derive {
		if calp2 == 0 {
			return miss, -2 * aspect * p.dn1 / p.sbet1
		}
		_, m := lengths(t.eps, t.sig12, t.ssig1, t.csig1, p.dn1, t.ssig2, t.csig2, p.dn2)
		slope = m * aspect / (calp2 * p.cbet2)
	}
	return miss, slope
}

// lengths is the distance s₁₂ and the reduced length m₁₂, both over b.
func lengths(eps, sig12, ssig1, csig1, dn1, ssig2, csig2, dn2 float64) (s, m float64) {
	var c [7]float64
	a1 := a1Minus1(eps)
	c1(eps, &c)
	b1 := sines(c[1:], ssig2, csig2) - sines(c[1:], ssig1, csig1)
	a2 := a2Minus1(eps)
	c2(eps, &c)
	b2 := sines(c[1:], ssig2, csig2) - sines(c[1:], ssig1, csig1)
	j12 := (a1-a2)*sig12 + ((1+a1)*b1 - (1+a2)*b2)
	return (1 + a1) * (sig12 + b1), dn2*(csig1*ssig2) - dn1*(ssig1*csig2) - csig1*csig2*j12
}

// astroid solves κ⁴ + 2κ³ − (x²+y²−1)κ² − 2y²κ − y² = 0 for its positive root
// (eq. 55).
func astroid(x, y float64) float64 {
	p, q := x*x, y*y
	r := (p + q - 1) / 6
	if q == 0 && r <= 0 {
		return 0
	}
	s := p * q / 4
	r2 := r * r
	r3 := r * r2
	disc := s * (s + 2*r3)
	u := r
	if disc >= 0 {
		t3 := s + r3
		t := math.Cbrt(t3 + math.Copysign(math.Sqrt(disc), t3))
		u += t
		if t != 0 {
			u += r2 / t
		}
	} else {
		u += 2 * r * math.Cos(math.Atan2(math.Sqrt(-disc), -(s+r3))/3)
	}
	v := math.Sqrt(u*u + q)
	uv := u + v
	if u < 0 {
		uv = q / (v - u)
	}
	w := (uv - q) / (2 * v)
	return uv / (math.Sqrt(uv+w*w) + w)
}

func normalize(s, c float64) (float64, float64) {
	h := math.Hypot(s, c)
	return s / h, c / h
}

// reduced is the sine and cosine of the reduced latitude of a latitude in degrees.
func reduced(lat float64) (s, c float64) {
	s, c = sincosDegrees(lat)
	s, c = normalize(aspect*s, c)
	return s, math.Max(tiny, c)
}

// sincosDegrees is exact for multiples of 90°.
func sincosDegrees(d float64) (s, c float64) {
	q := math.Round(d / 90)
	s, c = math.Sincos((d - 90*q) * degree)
	switch int64(q) & 3 {
	case 1:
		s, c = c, -s
	case 2:
		s, c = -s, -c
	case 3:
		s, c = -c, s
	}
	return s + 0, c + 0
}
