package snapshot

import "sync/atomic"

// idTable finds features of a base by id. It is immutable.
type idTable struct{ slots []uint32 }

// idTableSize is the number of slots for n ids: a power of two, at most two thirds full.
func idTableSize(n int) int {
	size := 1
	for size*2 < n*3 || size <= n {
		size *= 2
	}
	return size
}

// find is the feature of the segment with this id; ok is false if there is none.
func (t idTable) find(s *Segment, id string) (feature int, ok bool) {
	mask := uint32(len(t.slots) - 1)
	slot := uint32(hashString(id)) & mask
	for range t.slots {
		k := t.slots[slot]
		if k == 0 {
			return 0, false
		}
		if string(s.ID(int(k-1))) == id {
			return int(k - 1), true
		}
		slot = (slot + 1) & mask
	}
	return 0, false
}

// rowTable finds rows of the edits by id, the newest first. Its one writer adds
// rows while readers search: heads are atomic, links are written before the head
// that leads to them. Rows that a reader's segment does not reach are passed over.
type rowTable struct {
	heads []atomic.Uint32 // by hash, a power of two: row + 1 of the newest
	next  []uint32        // by row: row + 1 of the one before
}

func newRowTable(rows int) *rowTable {
	size := 64
	for size < rows {
		size *= 2
	}
	return &rowTable{heads: make([]atomic.Uint32, size), next: make([]uint32, size)}
}

// add enters row i, the next one; it reports false when the table is full and a
// larger one must be made.
func (t *rowTable) add(id []byte, i int) bool {
	if i >= len(t.next) {
		return false
	}
	head := &t.heads[uint32(hashBytes(id))&uint32(len(t.heads)-1)]
	t.next[i] = head.Load()
	head.Store(uint32(i) + 1)
	return true
}

// find is the newest row of the segment with this id.
func (t *rowTable) find(s *Segment, id string) (row int, ok bool) {
	if t == nil {
		return 0, false
	}
	k := t.heads[uint32(hashString(id))&uint32(len(t.heads)-1)].Load()
	for k != 0 {
		if i := int(k - 1); i < s.N && string(s.ID(i)) == id {
			return i, true
		}
		k = t.next[k-1]
	}
	return 0, false
}
