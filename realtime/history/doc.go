// Package history records what the hub believes, on disk, for restarts,
// questions about the past and replays.
//
//	Positions, Observations ─▶ tables in memory ─┐ one goroutine writes:
//	AppendEvents (waits) ──────────────────────▶ │ blocks ─▶ journal/N.log ─▶ fsync
//	Flush (waits) ◀──────────────────────────────┘ all who waited meanwhile are done
//
//	journal/N.log, 32 MiB or 15 minutes old
//	  └─ sealed: rows by layer, in runs of 65,536, each ordered by entity and time
//	       ─▶ LAYER/N.seg: blocks of 4,096 rows and an index of times, ids and cells
//	       ─▶ deleted whole when the layer's retention says so
//
// A journal is shared by all layers, so that one fsync serves every writer; a
// segment belongs to one layer, so that each has a retention of its own. Blocks
// are columns, compressed with zstd, each with a checksum; FORMAT.md describes
// every byte. Readers open files of their own and take no lock but to copy the
// list of files: they block nobody. A journal whose end was torn by a crash is
// cut after its last whole block; what Flush confirmed is before that.
package history
