package sensing

import "math"

// What a chance is for; each is independent of the others.
const (
	forSites uint64 = iota + 1
	forTraits
	forNoise
	forRain
	forIncidents
	forSilence
	forCases
	forSteps
)

// mix spreads a number over all 64 bits (the finisher of SplitMix64).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// draw is a number for a purpose and two counters, the same for the same seed.
func draw(seed, purpose, a, b uint64) uint64 {
	x := mix(seed + purpose*0x9e3779b97f4a7c15)
	x = mix(x ^ a*0xd1342543de82ef95)
	return mix(x ^ b*0xaf251af3b0f025b5)
}

// chance is such a number from 0 up to 1.
func chance(seed, purpose, a, b uint64) float64 {
	return float64(draw(seed, purpose, a, b)>>11) / (1 << 53)
}

// between is a share of the way from low to high.
func between(share, low, high float64) float64 { return low + share*(high-low) }

// hash is FNV-1a of a text.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// noise wanders smoothly between −1 and 1, with a new direction every step seconds.
func noise(seed, stream uint64, t, step float64) float64 {
	at := t / step
	k := math.Floor(at)
	u := at - k
	u = u * u * (3 - 2*u)
	a := chance(seed, forNoise, stream, uint64(int64(k)))
	b := chance(seed, forNoise, stream, uint64(int64(k)+1))
	return 2*(a+(b-a)*u) - 1
}

// hump is 1 at a centre of the day and falls to 0 around it; hours, 0 to 24.
func hump(hour, centre, width float64) float64 {
	d := math.Abs(hour - centre)
	d = min(d, 24-d) / width
	return math.Exp(-d * d)
}
