package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"twind/exporters"
	"twind/internal/config"
	"twind/internal/outfile"
	"twind/layers"
	"twind/layers/geopackage"
)

type exportCommand struct {
	Layer         []string `arg:"" help:"Layer to write; PMTiles takes several."`
	Format        string   `help:"gpkg, geojson, geojsonseq, csv, pmtiles or 3dtiles (a folder); told by the file's name when not given." placeholder:"FORMAT"`
	Output        string   `required:"" help:"File to write, gzipped when it ends in .gz, or - for standard output; for 3dtiles a new folder." placeholder:"PATH"`
	Store         string   `help:"geopackage:PATH or postgres://user@host/database." placeholder:"STORE"`
	Config        string   `help:"Configuration file." placeholder:"twind.yaml"`
	Geometry      string   `help:"Geometry in CSV: wkt, lonlat or none; lonlat for points and wkt for others when not given." enum:",wkt,lonlat,none" default:"" placeholder:"HOW"`
	BOM           bool     `name:"bom" help:"Begin CSV with a byte order mark, so that Excel reads Chinese."`
	GuardFormulas bool     `help:"Put an apostrophe before CSV texts that a spreadsheet would run."`
	MinZoom       *uint8   `help:"First zoom in PMTiles; the layers' when not given." placeholder:"Z"`
	MaxZoom       *uint8   `help:"Last zoom in PMTiles; the layers' when not given." placeholder:"Z"`
	BBox          boxFlag  `name:"bbox" help:"Only tiles that meet west,south,east,north in degrees, in PMTiles." placeholder:"W,S,E,N"`
}

// Run writes one layer, or the tiles of several, from one state of the store.
func (c *exportCommand) Run(p *program) error {
	var ids []layers.ID
	for _, name := range c.Layer {
		id, err := parseLayer(name)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	format, err := c.format()
	if err != nil {
		return usageError{err}
	}
	conf, err := (&serveCommand{Store: c.Store, Config: c.Config}).config()
	if err != nil {
		return err
	}
	if err := checkOutput(c.reads(conf, format), c.Config, "--output", c.Output); err != nil {
		return err
	}
	store, err := openStore(p.ctx, conf, false, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer store.Close()
	for _, id := range ids {
		l, err := store.Layer(p.ctx, id)
		if err != nil {
			return err
		}
		if l.Live != nil {
			return layers.Errorf(layers.ErrInvalid, "layer %s is live and not stored; GET /ogc/collections/%s/items of a running server gives its present state", id, id)
		}
	}
	switch format {
	case exporters.PMTiles:
		return c.exportTiles(p, ids, conf, store)
	case formatSolids:
		return c.exportSolids(p, ids[0], conf, store)
	}
	return c.exportFeatures(p, ids[0], format, store)
}

// reads is the configuration without what may be replaced: an archive of finished
// tiles is made anew under its name, and a server goes over to it.
func (c *exportCommand) reads(conf config.Config, format exporters.Format) config.Config {
	if format == exporters.PMTiles {
		conf.Archives = nil
	}
	return conf
}

// format is the one that is asked for, with flags that fit it.
func (c *exportCommand) format() (exporters.Format, error) {
	if outfile.IsStandard(c.Output) {
		if c.Format == "" {
			return "", layers.Errorf(layers.ErrInvalid, "standard output tells no format; say --format geojson, geojsonseq or csv")
		}
		c.Output = outfile.Standard
	}
	if c.Format == formatSolids {
		if c.Output == outfile.Standard {
			return formatSolids, layers.Errorf(layers.ErrInvalid, "%s is a folder of files; name a new folder with --output", formatSolids)
		}
		return formatSolids, c.check(formatSolids)
	}
	format, err := exporters.ParseFormat(c.Format, c.Output)
	if err != nil {
		return format, err
	}
	if format == exporters.PMTiles || format == exporters.GeoPackage {
		if _, err := exporters.Target(c.Output, format); err != nil {
			return format, err
		}
	}
	return format, c.check(format)
}

// check refuses flags that the format has no use for.
func (c *exportCommand) check(format exporters.Format) error {
	if format == exporters.PMTiles {
		if strings.HasSuffix(strings.ToLower(c.Output), ".gz") {
			return layers.Errorf(layers.ErrInvalid, "%s: tiles are gzipped one by one; leave .gz off", c.Output)
		}
		return nil
	}
	if len(c.Layer) > 1 {
		return layers.Errorf(layers.ErrInvalid, "%s holds one layer, and %d are given; export them one by one", format, len(c.Layer))
	}
	if c.MinZoom != nil || c.MaxZoom != nil || c.BBox != "" {
		return layers.Errorf(layers.ErrInvalid, "--min-zoom, --max-zoom and --bbox choose tiles; they go with --format pmtiles")
	}
	return nil
}

// exportFeatures writes one layer.
func (c *exportCommand) exportFeatures(p *program, id layers.ID, format exporters.Format, store layers.Store) error {
	l, err := store.Layer(p.ctx, id)
	if err != nil {
		return err
	}
	stats, err := store.Stats(p.ctx, id)
	if err != nil {
		return err
	}
	bar := newProgress(p)
	scan := func(ctx context.Context, yield func(*layers.Feature) error) error {
		return store.Scan(ctx, id, layers.Query{}, yield)
	}
	o := exporters.Options{
		Format: format, Geometry: exporters.Geometry(c.Geometry), BOM: c.BOM, GuardFormulas: c.GuardFormulas,
		OpenContainer: func(ctx context.Context, path string) (exporters.Container, error) {
			return geopackage.Open(ctx, path, geopackage.Options{Create: true})
		},
		Progress: func(n int64) { bar.set("writing "+string(id), n, stats.Count) },
	}
	if c.Output == outfile.Standard {
		n, err := exporters.Write(p.ctx, p.out, &l, scan, o)
		bar.done()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.errOut, "%d features of layer %s\n", n, id)
		return err
	}
	result, err := exporters.Export(p.ctx, c.Output, &l, scan, o)
	bar.done()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "%d features of layer %s, %d bytes, in %s\n", result.Features, id, result.Bytes, c.Output)
	return err
}
