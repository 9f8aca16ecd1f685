package geopackage

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"twind/internal/sqlite"
)

// staleAfter is when a staging table counts as abandoned although a process of
// its number runs, or its process cannot be seen (another host or container).
const staleAfter = time.Hour

// thisProcess is a random name of this process: in a container, the process that
// takes the place of one that died often has its number.
var thisProcess = sync.OnceValue(newToken)

// createStaging makes a table that belongs to this process until it is
// published or discarded. Its name is entered in twind_staging in the same
// transaction, so that it is found again if the process dies.
func createStaging(c *sqlite.Conn, t *table) error {
	if err := enterStaging(c, t.name); err != nil {
		return err
	}
	if err := c.Script(t.createSQL(t.name)); err != nil {
		return err
	}
	return c.Script("CREATE VIRTUAL TABLE " + q(t.rtreeName()) + " USING rtree(id, minx, maxx, miny, maxy)")
}

func enterStaging(c *sqlite.Conn, name string) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return c.Exec(`INSERT OR REPLACE INTO twind_staging (table_name, host, pid, process, heartbeat) VALUES (?, ?, ?, ?, `+nowMillis+`)`, name, host, os.Getpid(), thisProcess())
}

// heartbeat says that the load is still under way.
func heartbeat(c *sqlite.Conn, name string) error {
	return c.Exec(`UPDATE twind_staging SET heartbeat = `+nowMillis+` WHERE table_name = ?`, name)
}

// discard removes tables of twind_staging, also when ctx has ended. A table that
// is not there is passed over.
func (s *Store) discard(ctx context.Context, names ...string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	var errs []error
	for _, name := range names {
		err := s.shortly(ctx)(func(c *sqlite.Conn) (bool, error) {
			n, err := c.Int(`SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?`, name)
			if err != nil {
				return false, err
			}
			if n > 0 { // big tables go in steps: each transaction stays short
				if more, err := removeRows(c, name, s.limits.dropRows); err != nil || more {
					return false, err
				}
			}
			if has, err := exists(c, surfacesOf(name)); err != nil {
				return false, err
			} else if has { // a row of surfaces takes the room of many others
				if more, err := removeRows(c, surfacesOf(name), max(1, s.limits.dropRows/40)); err != nil || more {
					return false, err
				}
			}
			if err := c.Script("DROP TABLE IF EXISTS " + q("rtree_"+name+"_geom") + "; DROP TABLE IF EXISTS " + q(surfacesOf(name)) + "; DROP TABLE IF EXISTS " + q(name)); err != nil {
				return false, err
			}
			return true, c.Exec(`DELETE FROM twind_staging WHERE table_name = ?`, name)
		})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// removeRows removes at most limit rows of a table and tells whether there may be
// more.
func removeRows(c *sqlite.Conn, name string, limit int64) (more bool, err error) {
	err = c.Exec("DELETE FROM " + q(name) + " WHERE fid IN (SELECT fid FROM " + q(name) + " ORDER BY fid LIMIT " + itoa(limit) + ")")
	return c.Changed() == limit, err
}

// discardAbandoned removes what processes that died have left.
func (s *Store) discardAbandoned(ctx context.Context) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	var names []string
	err = s.db.Read(ctx, func(c *sqlite.Conn) error {
		return c.Query(func(r *sqlite.Stmt) error {
			old := time.Since(time.UnixMilli(r.ColumnInt64(3))) > staleAfter
			here, pid := r.ColumnText(1) == host, int(r.ColumnInt64(2))
			dead := here && (pid == os.Getpid() && r.ColumnText(4) != thisProcess() || !processRuns(pid))
			if old || dead {
				names = append(names, r.ColumnText(0))
			}
			return nil
		}, `SELECT table_name, host, pid, heartbeat, process FROM twind_staging`)
	})
	if err != nil || len(names) == 0 {
		return err
	}
	s.log.Info("removing what interrupted loads have left", "tables", len(names))
	return s.discard(ctx, names...)
}

// processRuns tells whether a process of this host has the number.
func processRuns(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer p.Release()
	err = p.Signal(syscall.Signal(0))
	return err == nil || errors.Is(err, os.ErrPermission)
}
