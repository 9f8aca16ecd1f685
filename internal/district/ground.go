package district

// Ground is the height of the ground in metres at a position in degrees near the
// district: what its records call ground_elevation, to the millimetre.
func (d *District) Ground(lon, lat float64) float64 {
	return d.plan.ground(d.plan.at(lon, lat))
}

// Box is the district's rectangle before the warp, in degrees, with a margin in
// metres around it.
func (d *District) Box(margin float64) (west, south, east, north float64) {
	pl := d.plan
	w, h := pl.o.Width/2+margin, pl.o.Height/2+margin
	west, south = pl.degrees(-w, -h)
	east, north = pl.degrees(w, h)
	return west, south, east, north
}

// at is the inverse of lonLat, to less than a millimetre.
func (p *plane) at(lon, lat float64) point {
	x, y := (lon-p.lon)*p.mLon, (lat-p.lat)*p.mLat
	at := point{x, y}
	for range 12 { // each step leaves a twentieth
		wx, wy := p.xy(at)
		at.u += x - wx
		at.v += y - wy
	}
	return at
}
