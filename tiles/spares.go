package tiles

// spares keeps a few of what is costly to make, such as encoders with their
// working memory, for whoever needs one next. Unlike those of a sync.Pool they
// survive the garbage collector. It is safe for concurrent use.
type spares[T any] struct {
	free chan T
	make func() T
}

// newSpares keeps up to n; use is not bounded.
func newSpares[T any](n int, make_ func() T) spares[T] {
	return spares[T]{make(chan T, n), make_}
}

func (s *spares[T]) get() T {
	select {
	case v := <-s.free:
		return v
	default:
		return s.make()
	}
}

func (s *spares[T]) put(v T) {
	select {
	case s.free <- v:
	default:
	}
}
