package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sort"

	"twind/importers"
	"twind/importers/cityjson"
	"twind/importers/geojson"
	"twind/importers/shapefile"
	"twind/internal/config"
	"twind/internal/outfile"
	"twind/layers"
)

type importCommand struct {
	Files        []string `arg:"" name:"file" help:"Files to read: GeoJSON (plain, sequence, gzipped), Shapefile (.shp, .zip), CityJSON (plain, sequence, gzipped)."`
	Layer        string   `required:"" help:"Layer to write into; made when it is not there." placeholder:"ID"`
	Store        string   `help:"geopackage:PATH or postgres://user@host/database." placeholder:"STORE"`
	Config       string   `help:"Configuration file." placeholder:"twind.yaml"`
	Titles       titles   `embed:""`
	Kind         string   `help:"What the features are: building, pipe, node, part, cell, street, …; guessed when not given." placeholder:"KIND"`
	CRS          string   `name:"crs" help:"Coordinate system of the files, such as EPSG:4547; read from the files when not given." placeholder:"EPSG:…"`
	Encoding     string   `help:"Encoding of the texts, such as GB18030; found out when not given." placeholder:"NAME"`
	Key          string   `help:"Property that identifies a feature, so that a second import updates instead of adding." placeholder:"FIELD"`
	Mode         string   `help:"append, replace or upsert; chosen by what there is when not given." enum:",append,replace,upsert" default:"" placeholder:"MODE"`
	GeometryOnly bool     `help:"Read a shapefile whose .dbf is missing."`
	Strict       bool     `help:"Write nothing when one record is refused."`
	DryRun       bool     `help:"Read, check and report; write nothing."`
	Report       string   `help:"Write the report as JSON, to a file or to standard output (-)." placeholder:"FILE.json"`
}

func (c *importCommand) Run(p *program) error {
	id, err := parseLayer(c.Layer)
	if err != nil {
		return err
	}
	plan := importers.Plan{
		Files: c.Files, Layer: id, Kind: layers.Kind(c.Kind), CRS: c.CRS, Encoding: c.Encoding, Key: c.Key,
		Mode: importers.Mode(c.Mode), DryRun: c.DryRun, Strict: c.Strict, GeometryOnly: c.GeometryOnly, Report: c.Report,
	}
	if err := plan.Validate(); err != nil {
		return usageError{err}
	}
	if err := c.Titles.check(); err != nil {
		return err
	}
	conf, err := (&serveCommand{Store: c.Store, Config: c.Config}).config()
	if err != nil {
		return err
	}
	if err := c.checkReport(conf, &plan); err != nil {
		return err
	}
	for _, f := range c.Files {
		if _, err := os.Stat(f); err != nil { // before a store is made
			return layers.Errorf(layers.ErrInvalid, "%s cannot be read (%v); name an existing file", f, errors.Unwrap(err))
		}
	}
	if c.DryRun && !isPostgres(conf.Store) {
		if path, err := geopackagePath(conf.Store); err != nil {
			return err
		} else if err := checkName(path); err != nil {
			return err
		} else if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			dir, err := os.MkdirTemp("", "twind-dry-run-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			conf.Store = "geopackage:" + filepath.Join(dir, "empty.gpkg") // there is no store to compare with
		}
	}
	discard := discardIfNew(conf)
	store, err := openStore(p.ctx, conf, true, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	stored := false
	defer func() {
		_ = store.Close() // what was written is on disk
		if !stored {
			discard()
		}
	}()
	var title layers.Text
	if l, err := store.Layer(p.ctx, id); err == nil {
		title = l.Title
	}
	plan.Title = c.Titles.change(title)
	bar := newProgress(p)
	plan.Progress = func(g importers.Progress) { bar.set(g.Stage, g.Done, g.Total) }
	report, err := importers.Run(p.ctx, store, plan, formats...)
	bar.done()
	if report != nil {
		stored = report.Inserted+report.Updated+report.Unchanged > 0
		if outfile.IsStandard(c.Report) {
			return errors.Join(err, report.Write(p.out))
		}
		printReport(p, report)
	}
	return err
}

// formats are those that can be imported.
var formats = []importers.Format{cityjson.Format{}, geojson.Format{}, shapefile.Format{}}

// checkReport refuses a report that would take the place of what is read or kept;
// one for standard output is written by the command itself.
func (c *importCommand) checkReport(conf config.Config, plan *importers.Plan) error {
	if outfile.IsStandard(c.Report) {
		plan.Report = ""
		return nil
	}
	if err := plan.CheckReport(formats...); err != nil {
		return usageError{err}
	}
	return checkOutput(conf, c.Config, "--report", c.Report)
}

// discardIfNew removes a GeoPackage that was not there before.
func discardIfNew(c config.Config) func() {
	path, err := geopackagePath(c.Store)
	if isPostgres(c.Store) || err != nil {
		return func() {}
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return func() {}
	}
	return func() {
		for _, ext := range []string{"", "-wal", "-shm", "-journal"} {
			_ = os.Remove(path + ext) // most are not there
		}
	}
}

// printReport tells what was read, written and refused, and why.
func printReport(p *program, r *importers.Report) {
	for _, f := range r.Files {
		fmt.Fprintf(p.out, "%s: %s, %d records, %s (%s)", f.Path, f.Format, f.Read, f.CRS, f.CRSMethod)
		if f.Encoding != "" {
			fmt.Fprintf(p.out, ", %s (%s)", f.Encoding, f.EncodingMethod)
		}
		fmt.Fprintln(p.out)
	}
	if r.DryRun {
		fmt.Fprintf(p.out, "layer %s: %d read, %d fit to be written, %d refused\n", r.Layer, r.Read, r.Accepted, r.Refused)
	} else {
		fmt.Fprintf(p.out, "layer %s: %d read, %d written, %d refused (%d inserted, %d updated, %d unchanged)\n",
			r.Layer, r.Read, r.Inserted+r.Updated+r.Unchanged, r.Refused, r.Inserted, r.Updated, r.Unchanged)
	}
	if n := r.Geometry.Surfaces; n > 0 {
		fmt.Fprintf(p.out, "  with roofs and walls of their own: %d\n", n)
	}
	for _, c := range r.Refusals {
		fmt.Fprintf(p.out, "  refused, %s: %d", c.Code, c.Count)
		if len(c.Samples) > 0 {
			fmt.Fprintf(p.out, ", first: %s", c.Samples[0].Reason)
		}
		fmt.Fprintln(p.out)
	}
	for _, f := range r.Geometry.Faults {
		fmt.Fprintf(p.out, "  kept although not valid, %s: %d", f.Fault, f.Count)
		if len(f.Samples) > 0 {
			fmt.Fprintf(p.out, ", first %s: %s", f.Samples[0].Place, f.Samples[0].Detail)
		}
		fmt.Fprintln(p.out)
	}
	sort.Strings(r.Warnings)
	for _, w := range r.Warnings {
		fmt.Fprintf(p.out, "  note: %s\n", w)
	}
	if r.Rejects != "" {
		fmt.Fprintf(p.out, "  refused records are in %s\n", r.Rejects)
	}
}
