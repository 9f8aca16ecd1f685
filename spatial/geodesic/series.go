package geodesic

// The series of the paper to order 6, numbered as there.

// a1Minus1 is A₁−1 (eq. 17).
func a1Minus1(e float64) float64 {
	e2 := e * e
	return (e2*(e2*(e2+4)+64)/256 + e) / (1 - e)
}

// c1 fills C₁ⱼ (eq. 18).
func c1(e float64, c *[7]float64) {
	e2, d := e*e, e
	c[1] = d * ((6-e2)*e2 - 16) / 32
	d *= e
	c[2] = d * ((64-9*e2)*e2 - 128) / 2048
	d *= e
	c[3] = d * (9*e2 - 16) / 768
	d *= e
	c[4] = d * (3*e2 - 5) / 512
	d *= e
	c[5] = -7 * d / 1280
	d *= e
	c[6] = -7 * d / 2048
}

// a2Minus1 is A₂−1 (eq. 42).
func a2Minus1(e float64) float64 {
	e2 := e * e
	return (e2*(e2*(-11*e2-28)-192)/256 - e) / (1 + e)
}

// c2 fills C₂ⱼ (eq. 43).
func c2(e float64, c *[7]float64) {
	e2, d := e*e, e
	c[1] = d * ((e2+2)*e2 + 16) / 32
	d *= e
	c[2] = d * ((35*e2+64)*e2 + 384) / 2048
	d *= e
	c[3] = d * (15*e2 + 80) / 768
	d *= e
	c[4] = d * (7*e2 + 35) / 512
	d *= e
	c[5] = 63 * d / 1280
	d *= e
	c[6] = 77 * d / 2048
}

// a3 is A₃ (eq. 24).
func a3(e float64) float64 {
	const n = third
	return 1 + e*((n-1)/2+e*(((3*n-1)*n-2)/8+e*(((-n-3)*n-1)/16+e*((-2*n-3)/64+e*(-3.0/128)))))
}

// c3 fills C₃ⱼ (eq. 25).
func c3(e float64, c *[6]float64) {
	const n = third
	d := e
	c[1] = d * ((1-n)/4 + e*((1-n*n)/8+e*(((3-n)*n+3)/64+e*((2*n+5)/128+e*(3.0/128)))))
	d *= e
	c[2] = d * (((n-3)*n+2)/32 + e*(((-3*n-2)*n+3)/64+e*((n+3)/128+e*(5.0/256))))
	d *= e
	c[3] = d * (((5*n-9)*n+5)/192 + e*((9-10*n)/384+e*(7.0/512)))
	d *= e
	c[4] = d * ((7-14*n)/512 + e*(7.0/512))
	d *= e
	c[5] = d * 21.0 / 2560
}

// sines is Σ c[j−1] sin 2jσ, by Clenshaw's summation, of sin σ and cos σ.
func sines(c []float64, s, co float64) float64 {
	ar := 2 * (co - s) * (co + s) // 2 cos 2σ
	var y0, y1 float64
	for j := len(c) - 1; j >= 0; j-- {
		y0, y1 = ar*y0-y1+c[j], y0
	}
	return 2 * s * co * y0
}
