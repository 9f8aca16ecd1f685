package geopackage

// SmallSteps makes every load take many steps and the way of large ones: a new
// table beside the layer's.
func (s *Store) SmallSteps() {
	s.limits = limits{batchRows: 2, batchBytes: 1 << 10, stepRows: 2, dropRows: 3, mergeRows: 0, logRows: 100_000, indexRows: 3}
}
