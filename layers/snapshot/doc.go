// Package snapshot holds layers as readers see them: a packed base on disk, the
// edits since in memory, and a consistent view of both.
//
//	Store ── log ──▶ Catalog (one writer)
//	                   │ publishes
//	                   ▼
//	       View = base segment  │ mapped file, Hilbert order, packed R-tree, dead rows
//	              edits segment │ heap columns in order of arrival, dynamic R-tree, dead rows
//
// A view is immutable and is the layer's state at exactly one revision (where a
// store logs only that a layer changed, at one moment between two). Readers
// take the current one without a lock and release it; the file under it is
// unmapped when the last view that uses it is released. Nothing that a View
// hands out by value refers to mapped memory; the columns of a Segment do, and
// are valid until Release.
package snapshot
