package geopackage

import (
	"context"

	"twind/internal/sqlite"
	"twind/layers"
)

// Check (first form) looks for damage of the file.
func (s *Store) Check(ctx context.Context, yield func(fault string) error) error {
	return s.explain(s.db.Read(ctx, func(c *sqlite.Conn) error {
		return c.Query(func(r *sqlite.Stmt) error {
			if text := r.ColumnText(0); text != "ok" {
				return yield(text)
			}
			return nil
		}, "PRAGMA integrity_check")
	}))
}

func (s *Store) compactLater(layers.Revision) {}
