package gtfsrt

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"twind/layers"
	"twind/realtime"
)

// PollOptions of Poll.
type PollOptions struct {
	URL    string              // http or https address of a feed; must be set
	Header map[string]string   // sent with each request, such as a key of the agency
	Every  time.Duration       // between two requests; default 30 s, at least 1 s
	Feed   func(f *Feed) error // takes each feed that is newer than the one before; must be set
	Client *http.Client        // default: one with a timeout of 20 s
	Log    *slog.Logger        // default: discards
}

// EnsureDefaults replaces zero values by the defaults.
func (o *PollOptions) EnsureDefaults() {
	if o.Every <= 0 {
		o.Every = 30 * time.Second
	}
	o.Every = max(o.Every, time.Second)
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 20 * time.Second}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Poll asks for a feed again and again until ctx ends, then returns nil. A server
// that fails or sends nonsense is asked again after the same time; feeds that are
// not newer are left out. It fails with layers.ErrInvalid for options that cannot be.
func Poll(ctx context.Context, o PollOptions) error {
	o.EnsureDefaults()
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || o.Feed == nil {
		return layers.Errorf(layers.ErrInvalid, "GTFS-realtime feed %q: expected an http or https address", o.URL)
	}
	p := poller{o: o}
	tick := time.NewTicker(o.Every)
	defer tick.Stop()
	for {
		if err := p.once(ctx); err != nil && ctx.Err() == nil {
			o.Log.Warn("a GTFS-realtime feed cannot be read; trying again", "feed", u.Host+u.Path, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// poller remembers what a feed's server said last.
type poller struct {
	o              PollOptions
	etag, modified string
	last           time.Time
}

func (p *poller) once(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.o.URL, nil)
	if err != nil {
		return err
	}
	for name, value := range p.o.Header {
		req.Header.Set(name, value)
	}
	if p.etag != "" {
		req.Header.Set("If-None-Match", p.etag)
	}
	if p.modified != "" {
		req.Header.Set("If-Modified-Since", p.modified)
	}
	resp, err := p.o.Client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotModified {
		return nil
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s", resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxBytes+1))
	if err != nil {
		return err
	}
	feed, err := Decode(body)
	if err != nil {
		return err
	}
	p.etag, p.modified = resp.Header.Get("ETag"), resp.Header.Get("Last-Modified")
	if !feed.Time.After(p.last) {
		return nil
	}
	p.last = feed.Time
	return p.o.Feed(feed)
}

// Positions are the vehicles of a feed that say where they are, as positions of a
// live layer. Vehicles without an id go by their trip's.
func (f *Feed) Positions(layer layers.ID) (list []realtime.Position) {
	for i := range f.Vehicles {
		v := &f.Vehicles[i]
		id := v.ID
		for _, other := range []string{v.Trip.ID, v.Entity} {
			if id == "" {
				id = other
			}
		}
		if !v.HasPosition || id == "" {
			continue
		}
		at := v.Time
		if at.IsZero() || at.Unix() == 0 {
			at = f.Time
		}
		p := realtime.NewPosition(layer, id, at, v.Lon, v.Lat)
		p.Course, p.Speed = v.Bearing, v.Speed
		p.Properties = v.properties()
		list = append(list, p)
	}
	return list
}

// properties are what a vehicle says besides where it is.
func (v *Vehicle) properties() []byte {
	b, _ := json.Marshal(struct { // which cannot fail
		Route  string `json:"route,omitempty"`
		Trip   string `json:"trip,omitempty"`
		Label  string `json:"label,omitempty"`
		Stop   string `json:"stop,omitempty"`
		Status string `json:"status"`
	}{v.Trip.Route, v.Trip.ID, v.Label, v.Stop, v.Status.String()})
	return b
}
