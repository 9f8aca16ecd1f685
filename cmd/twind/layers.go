package main

import (
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"

	"twind/layers"
	"twind/realtime"
)

type layersCommand struct {
	Store  string `help:"geopackage:PATH or postgres://user@host/database." placeholder:"STORE"`
	Config string `help:"Configuration file." placeholder:"twind.yaml"`
}

// Run lists the layers of a store: id, kind, features, geometry and title.
func (c *layersCommand) Run(p *program) error {
	conf, err := (&serveCommand{Store: c.Store, Config: c.Config}).config()
	if err != nil {
		return err
	}
	store, err := openStore(p.ctx, conf, false, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer store.Close()
	list, err := store.Layers(p.ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "LAYER\tKIND\tFEATURES\tGEOMETRY\tTITLE")
	for _, l := range list {
		features := "live"
		if l.Live == nil {
			stats, err := store.Stats(p.ctx, l.ID)
			if err != nil {
				return err
			}
			features = fmt.Sprint(stats.Count)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", l.ID, l.Kind, features, geometryOf(&l), bothTitles(l.Title))
	}
	return w.Flush()
}

func geometryOf(l *layers.Layer) string {
	name := l.GeometryType.String()
	if l.HasZ {
		name += " Z"
	}
	return name
}

func bothTitles(t layers.Text) string {
	if t.ZH != "" && t.EN != "" && t.ZH != t.EN {
		return t.EN + " / " + t.ZH
	}
	return t.In("en")
}

type dropCommand struct {
	Layer  string `arg:"" help:"Layer to remove, with its features."`
	Store  string `help:"geopackage:PATH or postgres://user@host/database." placeholder:"STORE"`
	Config string `help:"Configuration file." placeholder:"twind.yaml"`
	DryRun bool   `help:"Say what would be removed; remove nothing."`
}

// Run removes a layer. A server that runs on the store notices, as with imports.
func (c *dropCommand) Run(p *program) error {
	id, err := parseLayer(c.Layer)
	if err != nil {
		return err
	}
	conf, err := (&serveCommand{Store: c.Store, Config: c.Config}).config()
	if err != nil {
		return err
	}
	for _, l := range conf.Live {
		if l.ID == id {
			return usageError{layers.Errorf(layers.ErrInvalid, "layer %s is made by live: of %s; take it out there first", id, c.Config)}
		}
	}
	if !isPostgres(conf.Store) && !c.DryRun { // nothing may be made, nor adopted, for a layer that is not there
		if err := c.find(p, conf.Store, id); err != nil {
			return err
		}
	}
	store, err := openStore(p.ctx, conf, !c.DryRun, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer store.Close()
	l, err := store.Layer(p.ctx, id)
	if err != nil {
		return err
	}
	if l.ReadOnly {
		return layers.Errorf(layers.ErrReadOnly, "layer %s is published in place from somebody else's table; take it out of published: in the configuration", id)
	}
	what := contentOf(p, store, &l)
	if c.DryRun {
		_, err = fmt.Fprintf(p.out, "layer %s (%s) would be removed from %s, %s\n", id, bothTitles(l.Title), displayStore(conf.Store), what)
		return err
	}
	if err := store.DropLayer(p.ctx, id); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "layer %s (%s) was removed from %s, %s\n", id, bothTitles(l.Title), displayStore(conf.Store), what)
	return err
}

// find looks for the layer in a file that is only read.
func (c *dropCommand) find(p *program, store string, id layers.ID) error {
	return (&dropCommand{Layer: string(id), Store: store, DryRun: true}).Run(&program{ctx: p.ctx, out: io.Discard, errOut: p.errOut})
}

// contentOf says what goes with a layer. One that has lost its table has no count.
func contentOf(p *program, store layers.Store, l *layers.Layer) string {
	if l.Live != nil {
		return "a live layer: its history stays"
	}
	stats, err := store.Stats(p.ctx, l.ID)
	if err != nil {
		return "whose features cannot be read any more"
	}
	return "with " + count(stats.Count, "feature")
}

// titles are the flags that name a layer for people.
type titles struct {
	Title   string `help:"Title of the layer, in both languages." placeholder:"TEXT"`
	TitleEN string `name:"title-en" help:"Title of the layer in English." placeholder:"TEXT"`
	TitleZH string `name:"title-zh" help:"Title of the layer in Chinese." placeholder:"TEXT"`
}

// check refuses titles that a person cannot read.
func (t *titles) check() error {
	for _, f := range []struct{ flag, text string }{{"--title", t.Title}, {"--title-en", t.TitleEN}, {"--title-zh", t.TitleZH}} {
		if f.text == "" {
			continue
		}
		if err := realtime.CheckName(f.flag, f.text); err != nil {
			return usageError{err}
		}
		if len(f.text) > layers.MaxNameBytes {
			return usageError{layers.Errorf(layers.ErrInvalid, "%s has %d bytes; at most %d are possible", f.flag, len(f.text), layers.MaxNameBytes)}
		}
	}
	return nil
}

// change is the title that the flags make of one; what they do not name stays.
// It is nil where no flag is given.
func (t *titles) change(was layers.Text) *layers.Text {
	if *t == (titles{}) {
		return nil
	}
	if t.Title != "" {
		was = layers.Text{EN: t.Title, ZH: t.Title}
	}
	if t.TitleEN != "" {
		was.EN = t.TitleEN
	}
	if t.TitleZH != "" {
		was.ZH = t.TitleZH
	}
	return &was
}
