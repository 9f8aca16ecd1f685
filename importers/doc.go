// Package importers brings files into a store: one engine for every format.
//
//	Plan ─▶ open ─▶ check: every record is read, typed, reprojected, tested ─▶ decide layer and schema
//	                  │ refused records ─▶ rejects file                           │ dry run ends here
//	                  ▼                                                           ▼
//	               Report ◀──────────────── counts ◀──────────── load: read again, written in one publication
//
// A file is read twice, so that its schema, its faults and its end are known
// before the store is touched: a file that is cut off, or a plan that does not
// fit the layer, changes nothing. Nothing is repaired silently: what cannot be
// stored is refused with its place and reason and kept in the rejects file, what
// is doubtful is counted and named in the report.
//
// The formats are in the sub-packages; they implement Format and Source.
package importers
