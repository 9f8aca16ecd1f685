package main

import (
	"fmt"
	"log/slog"

	"twind/importers"
	"twind/internal/config"
	"twind/layers"
	"twind/layers/snapshot"
	"twind/realtime/history"
)

type checkCommand struct {
	Store  string `help:"geopackage:PATH or postgres://user@host/database." placeholder:"STORE"`
	Config string `help:"Configuration file." placeholder:"twind.yaml"`
	Data   string `help:"Folder of the snapshots." placeholder:"DIR"`
}

// Run verifies the store, the snapshot against the store, every geometry, and the
// checksums of the history, which is only read; it prints one line a fault and fails when there is any.
func (c *checkCommand) Run(p *program) error {
	conf, err := (&serveCommand{Store: c.Store, Config: c.Config, Data: c.Data}).config()
	if err != nil {
		return err
	}
	store, err := openStore(p.ctx, conf, false, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer store.Close()
	faults := 0
	report := func(fault string) error {
		faults++
		_, err := fmt.Fprintln(p.out, fault)
		return err
	}
	if err := store.Check(p.ctx, report); err != nil {
		return err
	}
	counted, err := checkSnapshot(p, conf, store, report)
	if err != nil {
		return err
	}
	recorded, err := history.Verify(p.ctx, historyDir(conf), report)
	if err != nil {
		return err
	}
	if faults > 0 {
		return layers.Errorf(layers.ErrCorrupt, "%s in %s of %s%s; the lines above name them", count(int64(faults), "fault"), count(counted, "feature"), displayStore(conf.Store), ofHistory(recorded))
	}
	fmt.Fprintf(p.out, "no fault in %s of %s%s\n", count(counted, "feature"), displayStore(conf.Store), ofHistory(recorded))
	return nil
}

// ofHistory says what was read of the history; nothing where there is none.
func ofHistory(v history.Verified) string {
	if v.Files == 0 {
		return ""
	}
	return fmt.Sprintf(" and %s of its history", count(v.Rows, "row"))
}

// count is a number of things as it is said.
func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// checkSnapshot compares the snapshot with the store and looks at each geometry.
// A server may be running on the same folder: bases are only read, and replaced
// by rename.
func checkSnapshot(p *program, conf config.Config, store layers.Store, report func(string) error) (int64, error) {
	bar := newProgress(p)
	defer bar.done()
	catalog, err := snapshot.Open(p.ctx, store, snapshot.Options{
		Dir: snapshotDir(conf, store), Progress: func(l layers.ID, done, total int64) { bar.set("indexing "+string(l), done, total) },
	})
	if err != nil {
		return 0, err
	}
	defer catalog.Close()
	if err := catalog.Check(p.ctx, report); err != nil {
		return 0, err
	}
	var counted int64
	for _, l := range catalog.Layers() {
		if l.Live != nil {
			continue
		}
		view, err := catalog.View(l.ID)
		if err != nil {
			return counted, err
		}
		total := int64(view.Len())
		err = view.Scan(p.ctx, layers.Query{}, func(f *layers.Feature) error {
			counted++
			bar.set("checking "+string(l.ID), counted, total)
			if reason, bad := importers.Invalid(f.Geometry); bad {
				return report(fmt.Sprintf("layer %s, feature %q: %s", l.ID, f.ID, reason))
			}
			return nil
		})
		view.Release()
		if err != nil {
			return counted, err
		}
	}
	return counted, nil
}

// displayStore hides a password.
func displayStore(store string) string {
	if isPostgres(store) {
		return "the PostgreSQL store"
	}
	return store
}
