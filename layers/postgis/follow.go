package postgis

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"twind/layers"
)

// How published tables are followed:
//
//	triggers: true    the table's own triggers log each feature, as for twind's tables
//	otherwise         every PollEvery the counters of pg_stat (rows inserted, updated,
//	                  deleted, per table) and the tables' file numbers are compared with
//	                  those seen last; a difference is logged as Reloaded
//	reload: 10m       logged as Reloaded every ten minutes, whatever the counters say
//
// The server writes a client's counters at the end of a transaction, but at most
// once a second, and what it held back ten seconds later: a lone edit is seen
// within a second, the last of many quick ones within twelve.
//
// Where the store may write, these revisions are of its own sequence and log, and
// all its processes share them: who sees a difference first moves the fingerprint
// in _published and logs it. A read-only store has a log of its own in memory.

// statsSQL lists what the fingerprint of a table is made of. After a crash the
// counters begin anew; that moves the time of the last reset.
const statsSQL = `SELECT o, coalesce(pg_relation_filenode(o), 0)::bigint, pg_stat_get_tuples_inserted(o), pg_stat_get_tuples_updated(o), pg_stat_get_tuples_deleted(o),
	coalesce((SELECT (extract(epoch FROM stats_reset) * 1000000)::bigint FROM pg_stat_bgwriter), 0) + coalesce((SELECT (extract(epoch FROM stats_reset) * 1000000)::bigint FROM pg_stat_database WHERE datname = current_database()), 0)
	FROM unnest($1::oid[]) o`

// fingerprints reads those of all published layers.
func (s *Store) fingerprints(ctx context.Context) (map[layers.ID]string, error) {
	var oids []uint32
	for _, p := range s.published {
		oids = append(oids, p.relied...)
	}
	of := map[uint32]string{}
	err := s.read(ctx, "look for changes of published tables", func(ctx context.Context, _ *bool) error {
		rows, err := s.pool.Query(ctx, statsSQL, oids)
		if err != nil {
			return err
		}
		var oid uint32
		var n [5]int64
		_, err = pgx.ForEachRow(rows, []any{&oid, &n[0], &n[1], &n[2], &n[3], &n[4]}, func() error {
			of[oid] = fmt.Sprintf("%d:%d", oid, n)
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	out := map[layers.ID]string{}
	for id, p := range s.published {
		var b strings.Builder
		for _, oid := range p.relied {
			b.WriteString(of[oid])
		}
		out[id] = b.String()
	}
	return out, nil
}

// adopt makes sure that no layer of twind's own has the id, and puts the triggers
// on the table that are asked for, or takes them off.
func (s *Store) adopt(ctx context.Context, p *published) error {
	p.config = p.hash()
	if s.readOnly {
		if p.entry.Triggers {
			return p.fault(layers.ErrReadOnly, "triggers: the database user %s may not write to schema %s, which they need", s.user, s.schema)
		}
		return nil
	}
	var taken bool
	id := p.source.layer.ID
	if err := s.pool.QueryRow(ctx, s.sql("SELECT EXISTS (SELECT FROM {s}._layers WHERE id = $1)"), string(id)).Scan(&taken); err != nil {
		return err
	}
	if taken {
		return p.fault(layers.ErrExists, "there is a layer %s in the store already: publish it under another id with layer:", id)
	}
	return s.setTriggers(ctx, p)
}

// setTriggers adds or removes the triggers of a published table.
func (s *Store) setTriggers(ctx context.Context, p *published) error {
	id := p.source.layer.ID
	h := fnv.New32a()
	fmt.Fprint(h, s.schema, "\x00", id)
	prefix := fmt.Sprintf("_twind_%08x", h.Sum32())
	key := strings.ReplaceAll(p.source.id, "t."+quote(p.source.columns[0]), quote(p.source.columns[0]))
	var there, right int
	err := s.pool.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE tgenabled <> 'D' AND encode(tgargs, 'escape') = $4) FROM pg_trigger WHERE tgrelid = $1 AND tgfoid = to_regproc($2) AND starts_with(tgname, $3)`,
		p.oid, s.sql("{s}._record"), prefix, string(id)+`\000`+escapeBytes(key)+`\000`).Scan(&there, &right)
	if err != nil {
		return err
	}
	if p.entry.Triggers && p.kind != 'r' && p.kind != 'p' {
		return p.fault(layers.ErrInvalid, "triggers: only tables can have them: leave it out for a view")
	}
	var sql string
	switch {
	case p.entry.Triggers && right < 4:
		sql = s.recordingSQL(p.source.relation, prefix, id, key)
	case !p.entry.Triggers && there > 0:
		for _, event := range []string{"insert", "update", "delete", "truncate"} {
			sql += "DROP TRIGGER IF EXISTS " + quote(prefix+"_"+event) + " ON " + p.source.relation + ";\n"
		}
	default:
		return nil
	}
	err = s.busy(ctx, "set the triggers of "+p.name, "", patience, func(tx pgx.Tx) error { return script(ctx, tx, sql) })
	switch {
	case err == nil:
		p.anew = true
		s.log.Info("set the triggers of a published table", "table", p.name, "triggers", p.entry.Triggers)
	case errors.Is(err, layers.ErrReadOnly) && p.entry.Triggers:
		return p.fault(layers.ErrReadOnly, "triggers: the database user %s may not add them: GRANT TRIGGER ON %s TO %s, or leave triggers: out", s.user, p.source.relation, s.user)
	case errors.Is(err, layers.ErrReadOnly):
		s.log.Warn("old triggers stay on a published table", "table", p.name, "error", err)
		return nil
	}
	return err
}

// escapeBytes is text as encode(…, 'escape') prints it.
func escapeBytes(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c == '\\':
			b.WriteString(`\\`)
		case c == 0 || c >= 0x80:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// follow logs what changed while nobody looked, and begins to look.
func (s *Store) follow(ctx context.Context) error {
	now, err := s.fingerprints(ctx)
	if err != nil {
		return err
	}
	if s.readOnly {
		s.local = newLocalLog()
		h := fnv.New128a()
		for _, id := range slices.Sorted(maps.Keys(now)) {
			s.local.add(id, layers.LayerCreated)
			fmt.Fprint(h, id, "\x00", s.published[id].config, "\x00", now[id], "\x00")
		}
		// What was read at the first revisions of these tables may be read again from disk.
		s.identity += fmt.Sprintf("-%x", h.Sum(nil))
	}
	for id, p := range s.published {
		p.own, p.reloaded = now[id], time.Now()
		if s.readOnly {
			continue
		}
		if err := s.recall(ctx, p); err != nil {
			return err
		}
		p.source.revision = s.publishedRevision(p)
	}
	s.every(s.options.PollEvery, s.compare)
	return nil
}

// recall compares a published layer with what the store knows of it.
func (s *Store) recall(ctx context.Context, p *published) error {
	id := p.source.layer.ID
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var config, fingerprint string
		err := tx.QueryRow(ctx, s.sql("SELECT config, fingerprint FROM {s}._published WHERE layer = $1 FOR UPDATE"), string(id)).Scan(&config, &fingerprint)
		ops := []layers.ChangeOp{layers.LayerUpdated, layers.Reloaded}
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			ops = []layers.ChangeOp{layers.LayerCreated, layers.Reloaded}
		case err != nil:
			return err
		case config == p.config && !p.anew && (fingerprint == p.own || p.entry.Triggers):
			return nil
		case config == p.config:
			ops = ops[1:]
		}
		if _, err := tx.Exec(ctx, s.sql("INSERT INTO {s}._published VALUES ($1, $2, $3) ON CONFLICT (layer) DO UPDATE SET config = excluded.config, fingerprint = excluded.fingerprint"), string(id), p.config, p.own); err != nil {
			return err
		}
		for _, op := range ops {
			if err := s.note(ctx, tx, id, op); err != nil {
				return err
			}
		}
		return nil
	})
}

// publishedRevision is the SQL of a feature's revision: that of its last line in
// the log, if its table has triggers, or of the layer's last Reloaded.
func (s *Store) publishedRevision(p *published) string {
	base := s.sql("(SELECT revision FROM {s}._bases WHERE layer = %s)", literal(string(p.source.layer.ID)))
	if p.entry.Triggers {
		p.source.join = s.sql(" LEFT JOIN (SELECT feature, max(revision) AS revision FROM {s}._changes WHERE layer = %s AND feature IS NOT NULL GROUP BY feature) log ON log.feature = %s",
			literal(string(p.source.layer.ID)), p.source.id)
		return "greatest(log.revision, " + base + ", 0)"
	}
	return "greatest(" + base + ", 0)"
}

// compare is one round of the follower.
func (s *Store) compare(ctx context.Context) {
	now, err := s.fingerprints(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.log.Warn("cannot look for changes of published tables", "error", err)
		}
		return
	}
	for id, p := range s.published {
		since := time.Since(p.reloaded)
		due := p.entry.Reload > 0 && since >= p.entry.Reload
		changed := now[id] != p.own && !p.entry.Triggers
		// A table that changes all the time is read a fifth of the time.
		if !due && (!changed || since < 4*time.Duration(p.scanned.Load())) {
			continue
		}
		if err := s.reload(ctx, p, now[id], due); err != nil {
			if ctx.Err() == nil {
				s.log.Warn("cannot log a change of a published table", "table", p.name, "error", s.wrap(err, "log the change"))
			}
			continue
		}
		p.own, p.reloaded = now[id], time.Now()
	}
}

// reload logs that a published layer may have changed, unless another process of
// the store has logged the same.
func (s *Store) reload(ctx context.Context, p *published, now string, due bool) error {
	id := p.source.layer.ID
	if s.readOnly {
		s.local.add(id, layers.Reloaded)
		s.watch.signal()
		return nil
	}
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var config, fingerprint string
		err := tx.QueryRow(ctx, s.sql("SELECT config, fingerprint FROM {s}._published WHERE layer = $1 FOR UPDATE"), string(id)).Scan(&config, &fingerprint)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if config == p.config {
			if fingerprint == now && !due {
				return nil
			}
			if _, err := tx.Exec(ctx, s.sql("UPDATE {s}._published SET fingerprint = $2 WHERE layer = $1"), string(id), now); err != nil {
				return err
			}
		}
		return s.note(ctx, tx, id, layers.Reloaded)
	})
}

// checkPublished tests that the published tables are as they were found, and
// reads every row of them.
func (s *Store) checkPublished(ctx context.Context, yield func(string) error) error {
	all, err := s.relations(ctx)
	if err != nil {
		return s.wrap(err, "check the published tables")
	}
	for _, id := range slices.Sorted(maps.Keys(s.published)) {
		p := s.published[id]
		i := slices.IndexFunc(all, func(r relation) bool { return r.OID == p.oid })
		if i < 0 {
			if err := yield(fmt.Sprintf("published table %s is gone: restart twind, or mend the configuration", p.name)); err != nil {
				return err
			}
			continue
		}
		now, err := s.inspect(ctx, p.entry, all[i])
		if err != nil && isDead(err) {
			return s.wrap(err, "check the published tables")
		}
		fault := ""
		if err != nil {
			fault = err.Error()
		} else if now.hash() != p.config {
			fault = fmt.Sprintf("published table %s has other columns than when twind started: restart twind", p.name)
		}
		if fault != "" {
			if err := yield(fault); err != nil {
				return err
			}
			continue
		}
		var stop error
		err = s.scan(ctx, &p.source, layers.Query{}, func(*layers.Feature) error { return stop }, func(id string, err error) {
			if stop == nil {
				stop = yield(fmt.Sprintf("published table %s, row %q is left out: %v", p.name, id, err))
			}
		})
		if stop != nil {
			return stop
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// localLog is the change log of a read-only store, for the life of the process.
type localLog struct {
	mu      sync.Mutex // guards the rest
	records []layers.Record
	bases   map[layers.ID]layers.Revision
}

// maxLocalLog bounds the records that are kept; who asks for older ones reads all again.
const maxLocalLog = 10_000

func newLocalLog() *localLog { return &localLog{bases: map[layers.ID]layers.Revision{}} }

func (l *localLog) add(id layers.ID, op layers.ChangeOp) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var last layers.Revision
	if n := len(l.records); n > 0 {
		last = l.records[n-1].Revision
	}
	if len(l.records) >= maxLocalLog {
		l.records = slices.Delete(l.records, 0, maxLocalLog/2)
	}
	l.records = append(l.records, layers.Record{Revision: last + 1, Layer: id, Op: op, Time: time.Now().UTC()})
	l.bases[id] = last + 1
}

func (l *localLog) head() layers.Revision {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.records); n > 0 {
		return l.records[n-1].Revision
	}
	return 0
}

func (l *localLog) base(id layers.ID) layers.Revision {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bases[id]
}

func (l *localLog) changes(after layers.Revision, yield func(layers.Record) error) error {
	l.mu.Lock()
	records := slices.Clone(l.records)
	l.mu.Unlock()
	var first, last layers.Revision
	if n := len(records); n > 0 {
		first, last = records[0].Revision-1, records[n-1].Revision
	}
	if after < first || after > last {
		return layers.Errorf(layers.ErrNotFound, "the change log reaches from revision %d to %d, not back to %d: read the layers again", first, last, after)
	}
	for _, r := range records {
		if r.Revision > after {
			if err := yield(r); err != nil {
				return err
			}
		}
	}
	return nil
}
