package geopackage

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/sqlite"
)

// SmallSteps makes every load take many steps and the way of large ones: a new
// table beside the layer's.
func (s *Store) SmallSteps() {
	s.limits = limits{batchRows: 2, batchBytes: 1 << 10, stepRows: 2, dropRows: 3, mergeRows: 0, logRows: 100_000, indexRows: 3}
}

// Script runs SQL on a file as another program with the ST_ functions would.
func Script(t *testing.T, path, sql string) {
	t.Helper()
	db, err := sqlite.Open(sqlite.Options{Path: path, OnConnect: registerST})
	require.NoError(t, err)
	require.NoError(t, db.Exclusive(t.Context(), func(c *sqlite.Conn) error { return c.Script(sql) }))
	require.NoError(t, db.Close())
}
