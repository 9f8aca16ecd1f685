package snapshot

// sampleProbes is how many dead features in a row a sample is looked for beyond.
const sampleProbes = 64

// Sample calls yield with one vertex, in world units, of each of at most n + 1
// features that are alive: evenly along the Hilbert curve in a base, so that there
// are as many of them in a place as there are features, and in order of arrival in
// edits. It looks at a number of features that does not grow with the segment, and
// may find none where nearly all are dead.
func (v *SegmentView) Sample(n int, yield func(x, y uint32)) {
	located := v.N
	if v.dynamic == nil {
		located = v.packed.Len()
	}
	step := (located + n) / (n + 1)
	for first := 0; first < located; first += step {
		for i := first; i < min(first+step, first+sampleProbes, located); i++ {
			if lo, hi := v.Vertices(i); lo < hi && v.Alive(i) {
				middle := lo + (hi-lo)/2
				yield(v.World[2*middle], v.World[2*middle+1])
				break
			}
		}
	}
}
