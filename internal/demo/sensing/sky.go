package sensing

import "math"

// A rain may begin in every stretch of rainEvery seconds.
const rainEvery = 2 * 3600

// sky is the rain over a region. It keeps the runoff of the last minute asked for.
type sky struct {
	seed, region uint64
	minute       int64
	of           float64
}

// rain is how hard it rains at a moment, mm/h; s since 1970.
func (k *sky) rain(at float64) float64 {
	block := math.Floor(at / rainEvery)
	hard := 0.0
	for b := block - 1; b <= block; b++ { // a rain can reach into the next stretch
		draw := func(i uint64) float64 { return chance(k.seed, forRain, k.region<<48^uint64(int64(b)), i) }
		if draw(0) > 0.3 {
			continue
		}
		begin := (b + 0.8*draw(1)) * rainEvery
		long := between(draw(2), 20, 75) * 60
		u := (at - begin) / long
		if u > 0 && u < 1 { // it comes faster than it goes
			hard += between(draw(3), 4, 26) * min(u/0.3, (1-u)/0.7)
		}
	}
	return hard
}

// runoff is what runs in the sewers of the rain of the last hour, as mm/h.
func (k *sky) runoff(at int64) float64 {
	minute := at / 60_000
	if minute == k.minute {
		return k.of
	}
	sum, weights := 0.0, 0.0
	for back := 0.0; back < 60; back += 4 {
		w := (back + 4) * math.Exp(-back/12) // it arrives after a while, and trails off
		sum += w * k.rain(float64(minute*60)-back*60)
		weights += w
	}
	k.minute, k.of = minute, sum/weights
	return k.of
}
