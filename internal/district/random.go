package district

import "math/rand/v2"

// What a stream of random numbers is for; each is independent of the others, so
// that a change in one part of the district leaves the rest as it was.
const (
	forPlan uint64 = iota + 1
	forNames
	forBlocks
	forBuildings
	forNetwork
	forParts
	forScale
)

// stream is the random numbers for one purpose at one place of the plan.
func stream(seed, purpose uint64, i, j int) *rand.Rand {
	h := purpose*0x9e3779b97f4a7c15 ^ uint64(uint32(i))<<32 ^ uint64(uint32(j))
	h ^= h >> 29
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 32
	return rand.New(rand.NewPCG(seed, h))
}

// pick chooses one of some by weights, which need not add up to 1.
func pick[T any](r *rand.Rand, values []T, weights []float64) T {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	x := r.Float64() * sum
	for i, w := range weights {
		if x -= w; x < 0 {
			return values[i]
		}
	}
	return values[len(values)-1]
}

// between is a random number from low to high.
func between(r *rand.Rand, low, high float64) float64 { return low + float64(r.Float64()*(high-low)) }
