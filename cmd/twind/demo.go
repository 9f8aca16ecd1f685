package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"twind/internal/config"
	"twind/internal/demo"
	"twind/internal/server"
	"twind/layers"
)

type demoCommand struct {
	Addr    string `default:"127.0.0.1:8080" help:"Address to listen on." placeholder:"HOST:PORT"`
	Data    string `default:"data" help:"Folder of the demo city." placeholder:"DIR"`
	Store   string `help:"geopackage:PATH or postgres://user@host/database; a GeoPackage in the data folder by default." placeholder:"STORE"`
	MQTT    string `name:"mqtt" default:"127.0.0.1:1883" help:"Address of the MQTT broker; a free port where it is busy." placeholder:"HOST:PORT"`
	JT808   string `name:"jt808" default:"127.0.0.1:8808" help:"Address for vehicle terminals of JT/T 808; a free port where it is busy." placeholder:"HOST:PORT"`
	Verbose bool   `short:"v" help:"Log each failed request."`
}

func (c *demoCommand) Run(p *program) error {
	log := newLog(p, c.Verbose, slog.LevelWarn)
	conf := config.Config{Addr: c.Addr, Store: c.Store, Data: filepath.Join(c.Data, "snapshots"), Title: demo.Title, Bookmarks: demo.Bookmarks}
	if conf.Store == "" {
		conf.Store = "geopackage:" + filepath.Join(c.Data, "demo.gpkg")
	}
	conf.History.Dir = filepath.Join(c.Data, "history")
	conf.History.Default.Age = config.Age(7 * 24 * time.Hour)
	conf.History.MaxBytes = 4 << 30
	conf.MQTT.Listen, conf.JT808.Listen = freePort(p, c.MQTT), freePort(p, c.JT808)
	conf.JT808.Accept = "any"
	conf.EnsureDefaults()
	if err := conf.Validate(); err != nil {
		return usageError{err}
	}
	// A busy port or an unwritable folder is said before the city is made.
	ln, err := listen(p.ctx, conf.Addr, "--addr")
	if err != nil {
		return err
	}
	ln.Close()
	if err := writable(c.Data); err != nil {
		return err
	}
	if conf.Rasters, err = demoGrounds(c.Data); err != nil {
		return err
	}
	store, err := openStore(p.ctx, conf, true, log)
	if err != nil {
		return err
	}
	defer store.Close()
	bar := newProgress(p)
	err = demo.Load(p.ctx, store, func(l layers.ID, done, total int64) { bar.set("making "+string(l), done, total) })
	bar.done()
	if err != nil {
		return err
	}
	return serve(p, conf, store, log, serving{
		groups: demoGroups(),
		feeds: func(ctx context.Context, live demo.Live) error {
			return demo.RunFeeds(ctx, live, log)
		},
		started: func(url string, conf config.Config) { welcome(p.out, url, conf, store) },
	})
}

// freePort is the address itself, or where its port is busy another port of the
// same host, of which it tells.
func freePort(p *program, addr string) string {
	ln, err := listen(p.ctx, addr, "")
	if err == nil {
		ln.Close()
		return addr
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr // Validate says what is wrong with it
	}
	if ln, err = listen(p.ctx, net.JoinHostPort(host, "0"), ""); err != nil {
		return addr
	}
	defer ln.Close()
	fmt.Fprintf(p.errOut, "%s is busy, %s is used instead\n", addr, ln.Addr())
	return ln.Addr().String()
}

func demoGroups() []server.Group {
	var out []server.Group
	for _, g := range demo.Groups {
		out = append(out, server.Group(g))
	}
	return out
}

var welcomeText = template.Must(template.New("").Parse(`
twind shows its demo city on  {{.URL}}

Five things to try, each a line to copy:

  1. A vehicle of your own on Broadway, seen at once on the map; change lon and lat and send it again:
     curl -X POST {{.URL}}/live/positions -H 'Content-Type: application/json' -d '{"layer":"vehicles","id":"mine","time":"'$(date -u +%FT%TZ)'","lon":-73.9857,"lat":40.7577,"course":210,"speed":0}'

  2. Make {{.Building.Name}} 600 m high and watch it grow:
     curl -X PATCH {{.URL}}/ogc/collections/buildings/items/{{.Building.ID}} -H 'Content-Type: application/merge-patch+json' -d '{"properties":{"height":600}}'

  3. The same vehicle by MQTT, if mosquitto_pub is there; JT/T 808 terminals connect to {{.JT808}}:
     mosquitto_pub -h {{.MQTTHost}} -p {{.MQTTPort}} -q 1 -t twind/vehicles/mine -m '{"id":"mine","time":"'$(date -u +%FT%TZ)'","lon":-73.9830,"lat":40.7561}'

  4. Water rises in a manhole of Kamloops: an alarm on every open map; send it again with 0.2 and it is over:
     curl -X POST {{.URL}}/live/observations -H 'Content-Type: application/json' -d '{"layer":"manholes","id":"DMH3206","property":"water_level","time":"'$(date -u +%FT%TZ)'","result":2.1}'

  5. Read a layer with GDAL, or open it in QGIS:
     {{.Open}}

Ctrl+C ends it.
`))

func welcome(w io.Writer, url string, conf config.Config, store layers.Store) {
	open := "ogrinfo -so OAPIF:" + url + "/ogc storm"
	if path, err := geopackagePath(conf.Store); err == nil && !isPostgres(conf.Store) {
		if abs, err := filepath.Abs(path); err == nil {
			if wd, err := os.Getwd(); err == nil && strings.HasPrefix(abs, wd+string(filepath.Separator)) {
				abs = strings.TrimPrefix(abs, wd+string(filepath.Separator))
			}
			path = abs
		}
		open += "      # or: qgis " + path
	}
	host, port, _ := net.SplitHostPort(conf.MQTT.Listen)
	if err := welcomeText.Execute(w, map[string]any{"URL": url, "Building": demo.Landmark(), "Open": open, "JT808": conf.JT808.Listen, "MQTTHost": host, "MQTTPort": port}); err != nil {
		fmt.Fprintln(w, url)
	}
}
