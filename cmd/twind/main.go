// Command twind is a digital-twin spatial engine and map server for cities:
// one binary that stores, indexes, serves and shows a city with what moves in it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // time zones where the machine has none

	"github.com/alecthomas/kong"

	"twind/layers"
)

// version is set by the linker.
var version = "dev"

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

type commands struct {
	Demo    demoCommand    `cmd:"" help:"Serve the demo city with live feeds running."`
	Serve   serveCommand   `cmd:"" help:"Serve a city."`
	Import  importCommand  `cmd:"" help:"Read files into a layer."`
	Export  exportCommand  `cmd:"" help:"Write a layer to a file."`
	Layers  layersCommand  `cmd:"" help:"List the layers of a store."`
	Drop    dropCommand    `cmd:"" help:"Remove a layer with its features."`
	Replay  replayCommand  `cmd:"" help:"Send recorded positions as a live feed."`
	Check   checkCommand   `cmd:"" help:"Verify store, snapshot, geometries and history; one line a fault."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// program is what every command writes to.
type program struct {
	ctx         context.Context
	out, errOut io.Writer
}

// usageError makes a failure exit with 2.
type usageError struct{ error }

// run is the whole program but for os.Exit; tests call it too.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	var c commands
	exited := -1
	k, err := kong.New(&c, kong.Name("twind"),
		kong.Description("twind stores a city, indexes it, and serves it as vector tiles, features and live positions."),
		kong.Writers(out, errOut), kong.Exit(func(code int) { exited = code }),
		kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(errOut, "twind:", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	kc, err := k.Parse(args)
	if exited >= 0 {
		return exited // help was asked for
	}
	if err != nil {
		fmt.Fprintf(errOut, "twind: %s; twind --help lists commands and flags\n", oneLine(err))
		return exitUsage
	}
	err = kc.Run(&program{ctx, out, errOut})
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		fmt.Fprintf(errOut, "twind %s: %s\n", kc.Command(), oneLine(err))
		return exitUsage
	}
	name, _, _ := strings.Cut(kc.Command(), " ")
	if ctx.Err() != nil { // serve and demo end by being stopped; what has an end of its own was cut short
		fmt.Fprintf(errOut, "twind %s: interrupted before its end; run it again\n", name)
		return exitFailed
	}
	fmt.Fprintf(errOut, "twind %s: %s\n", name, oneLine(err))
	return exitFailed
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

type versionCommand struct{}

func (versionCommand) Run(p *program) error {
	_, err := fmt.Fprintln(p.out, "twind", version)
	return err
}

// parseLayer checks a layer id given on the command line.
func parseLayer(s string) (layers.ID, error) {
	id, err := layers.ParseID(s)
	if err != nil {
		return "", usageError{err}
	}
	return id, nil
}
