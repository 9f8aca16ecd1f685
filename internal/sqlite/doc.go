// Package sqlite is twind's one door to SQLite (github.com/ncruces/go-sqlite3,
// native API, no cgo): a file in WAL mode with one writer and a few readers.
//
//	DB ─ Write ─▶ the one writer connection      BEGIN IMMEDIATE … COMMIT
//	   └ Read ──▶ one of N reader connections    BEGIN … ROLLBACK, query only
//
// Readers see the state of the moment their transaction first reads and never
// wait for the writer. Every connection has the R-tree module, foreign keys and
// whatever Options.OnConnect registers. Statements are prepared once for each
// connection. A context that ends interrupts the running statement.
//
// Locks are OFD locks: other opens of the same file in this process (a copy, a
// backup) do not drop them.
package sqlite
