package snapshot

// rowSet is an immutable set of row numbers: pages of bits, shared between the
// versions that a writer makes. The zero value is empty.
type rowSet struct {
	pages []*rowPage
	n     int
}

const (
	pageBits  = 12
	pageWords = 1 << pageBits / 64
)

type rowPage [pageWords]uint64

func (s *rowSet) has(i uint32) bool {
	p := int(i >> pageBits)
	if p >= len(s.pages) || s.pages[p] == nil {
		return false
	}
	return s.pages[p][i>>6%pageWords]>>(i&63)&1 != 0
}

// count is the number of rows in the set.
func (s *rowSet) count() int { return s.n }

// rowSetWriter makes the next version of a set. It copies a page once between
// two versions, and is owned by the writer.
type rowSetWriter struct {
	set   rowSet
	owned map[int]bool // pages that no version shares
	fresh bool         // set.pages is not shared
}

func (w *rowSetWriter) add(i uint32) {
	if w.set.has(i) {
		return
	}
	p := int(i >> pageBits)
	if !w.fresh {
		w.set.pages = append(make([]*rowPage, 0, len(w.set.pages)+1), w.set.pages...)
		w.fresh = true
	}
	for len(w.set.pages) <= p {
		w.set.pages = append(w.set.pages, nil)
	}
	if !w.owned[p] {
		c := new(rowPage)
		if old := w.set.pages[p]; old != nil {
			*c = *old
		}
		w.set.pages[p] = c
		if w.owned == nil {
			w.owned = make(map[int]bool)
		}
		w.owned[p] = true
	}
	w.set.pages[p][i>>6%pageWords] |= 1 << (i & 63)
	w.set.n++
}

// version is the set as it is now; later additions do not change it.
func (w *rowSetWriter) version() rowSet {
	clear(w.owned)
	w.fresh = false
	return w.set
}
