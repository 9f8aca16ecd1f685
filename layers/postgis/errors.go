package postgis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"twind/layers"
)

// kinds are the SQLSTATEs, or their classes of two characters, that have a kind.
var kinds = map[string]error{
	"08":    layers.ErrUnavailable, // connection
	"22":    layers.ErrInvalid,     // data
	"23":    layers.ErrInvalid,     // constraint
	"23505": layers.ErrExists,
	"25006": layers.ErrReadOnly,
	"28":    layers.ErrUnavailable, // password
	"3D000": layers.ErrUnavailable,
	"40":    layers.ErrConflict, // deadlock, serialization
	"42501": layers.ErrReadOnly,
	"42P01": layers.ErrNotFound,
	"53":    layers.ErrUnavailable, // disk full, too many connections, out of memory
	"55P03": layers.ErrConflict,    // lock timeout
	"57":    layers.ErrUnavailable, // shutdown, cancelled by the administrator
	"58":    layers.ErrUnavailable, // input or output
	"XX001": layers.ErrCorrupt,
	"XX002": layers.ErrCorrupt,
}

// wrap gives an error of pgx its kind and a sentence with the server's address;
// what has a kind already, and the end of a context, pass.
func (s *Store) wrap(err error, what string) error {
	if err == nil {
		return nil
	}
	for _, k := range []error{layers.ErrNotFound, layers.ErrExists, layers.ErrConflict, layers.ErrInvalid, layers.ErrReadOnly, layers.ErrUnsupported, layers.ErrUnavailable, layers.ErrCorrupt, context.Canceled} {
		if errors.Is(err, k) {
			return err
		}
	}
	if s.ctx != nil && s.ctx.Err() != nil && isDead(err) {
		return layers.Errorf(layers.ErrUnavailable, "%s: the store is closed", what)
	}
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg):
		kind, ok := kinds[pg.Code]
		if !ok {
			kind, ok = kinds[pg.Code[:min(2, len(pg.Code))]]
		}
		text := pg.Message
		if pg.Code == "23505" && pg.Detail != "" || strings.HasPrefix(pg.Code, "23") && pg.Code != "23505" && pg.Detail != "" {
			text += ": " + pg.Detail
		}
		if pg.Hint != "" {
			text += " (" + pg.Hint + ")"
		}
		switch {
		case pg.Code == "3D000" || strings.HasPrefix(pg.Code, "28"):
			return layers.Errorf(kind, "PostgreSQL at %s refuses the connection: %s: mend the address in --store", s.address, text)
		case pg.Code == "42501":
			return layers.Errorf(kind, "%s: the database user %s may not: %s", what, s.user, text)
		case ok:
			return layers.Errorf(kind, "%s: PostgreSQL at %s: %s", what, s.address, text)
		}
		return fmt.Errorf("%s: PostgreSQL at %s: %s (%s): %w", what, s.address, text, pg.Code, err)
	case errors.Is(err, context.DeadlineExceeded) && !isDead(err):
		return err
	case isDead(err):
		return layers.Errorf(layers.ErrUnavailable, "%s: PostgreSQL at %s does not answer (%s): start it, or mend the address in --store", what, s.address, cause(err))
	}
	return fmt.Errorf("%s: PostgreSQL at %s: %w", what, s.address, err)
}

// cause is the innermost error's text: pgx's outer ones repeat user and database.
func cause(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	for {
		var inner error
		switch e := err.(type) { //nolint:errorlint // one layer at a time
		case interface{ Unwrap() error }:
			inner = e.Unwrap()
		case interface{ Unwrap() []error }:
			if all := e.Unwrap(); len(all) > 0 {
				inner = all[len(all)-1]
			}
		}
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// isDead tells whether the connection, not the statement, failed.
func isDead(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return strings.HasPrefix(pg.Code, "08") || pg.Code == "57P01" || pg.Code == "57P02" || pg.Code == "57P03"
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.As(err, &network) && !errors.Is(err, context.DeadlineExceeded) || pgconn.SafeToRetry(err) ||
		strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "closed pool")
}

// code is the SQLSTATE of an error, "" if it has none.
func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// stale tells whether a prepared statement no longer fits its tables, which
// changed under it; pgx then prepares it again.
func stale(err error) bool { return code(err) == "0A000" || code(err) == "26000" }

// read runs what may run twice: again, once, if the connection was dead before
// fn had handed anything on (fn then sets *begun).
func (s *Store) read(ctx context.Context, what string, fn func(ctx context.Context, begun *bool) error) error {
	begun := false
	err := fn(ctx, &begun)
	if err != nil && !begun && ctx.Err() == nil && (isDead(err) || stale(err)) {
		if isDead(err) { // with the server's restart the others died too
			s.pool.Reset()
		}
		err = fn(ctx, &begun)
	}
	return s.wrap(err, what)
}

// row reads one row of scalars.
func (s *Store) row(ctx context.Context, what, sql string, args []any, dst ...any) error {
	return s.read(ctx, what, func(ctx context.Context, _ *bool) error {
		return s.pool.QueryRow(ctx, sql, args...).Scan(dst...)
	})
}
