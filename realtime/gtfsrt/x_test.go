package gtfsrt

import (
	"fmt"
	"testing"
)

func TestX(t *testing.T) {
	n := newYork(t)
	for name, rows := range placedRows(t) {
		feed := dump(t, name)
		b := n.Board(feed)
		for _, tr := range b.At(feed.Time, nil) {
			w, ok := rows[tr.Trip]
			if !ok {
				fmt.Println("extra", name, tr.Trip, tr.Status)
				continue
			}
			p, q := n.plane.metres(tr.Lon, tr.Lat), n.plane.metres(w.lon, w.lat)
			if distance(p, q) > 5 {
				s, _ := n.Stop(tr.Stop)
				r := n.plane.metres(s.Lon, s.Lat)
				fmt.Println(name, tr.Trip, tr.Status, tr.Stop, distance(p, q), "stop-file dist", distance(q, r))
			}
		}
	}
}
