package main

import (
	"fmt"

	"twind/layers"
	"twind/realtime/replay"
)

type replayCommand struct {
	Files []string `arg:"" name:"file" help:"Recorded positions and readings: NDJSON, a JSON array or CSV, gzipped or not."`
	To    string   `required:"" help:"The server: http://host:port, or a broker of MQTT 5: mqtt://[user:password@]host[:port][/topic]." placeholder:"URL"`
	Speed float64  `default:"1" help:"1 is as recorded, 10 ten times as fast." placeholder:"N"`
	Loop  bool     `help:"Begin again at the end."`
	Layer string   `help:"Layer of records that name none." placeholder:"ID"`
	Token string   `help:"Token that lets one write; by MQTT sent as the password." env:"TWIND_TOKEN" placeholder:"TOKEN"`
}

func (c *replayCommand) Run(p *program) error {
	var id layers.ID
	if c.Layer != "" {
		var err error
		if id, err = parseLayer(c.Layer); err != nil {
			return err
		}
	}
	if !(c.Speed > 0 && c.Speed <= 10000) {
		return usageError{fmt.Errorf("speed %g: expected more than 0 and at most 10000", c.Speed)}
	}
	stats, err := replay.Run(p.ctx, replay.Options{
		Files: c.Files, To: c.To, Speed: c.Speed, Loop: c.Loop, Layer: id, Token: c.Token,
		Progress: func(s replay.Stats) {
			fmt.Fprintf(p.errOut, "sent %d of %d, %d accepted\n", s.Sent, s.Read, s.Accepted)
		},
	})
	fmt.Fprintf(p.out, "%d records read, %d sent, %d accepted, %d refused\n", stats.Read, stats.Sent, stats.Accepted, stats.Refused)
	if stats.Reason != "" {
		fmt.Fprintf(p.out, "  last refusal: %s\n", stats.Reason)
	}
	return err
}
