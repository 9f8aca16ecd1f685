package cases

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"twind/realtime"
)

// Bounds of the watch over deadlines.
const (
	overdueEvery = time.Second
	overdueBatch = 1024 // cases that are found overdue at once; the others a moment later
)

// keepEvery is how often the log is told which events are needed.
const keepEvery = 30

// Keeper is a log that deletes old events; *history.Log is one.
type Keeper interface {
	// KeepEventsFrom says that no event from a number on may be deleted.
	KeepEventsFrom(sequence uint64)
}

// Run tells the log, if it is a Keeper, which events are needed, so that what is
// open is not forgotten, and watches the deadlines until ctx ends: a case whose deadline passes gets a
// version of its own that says so, within a second, also when it passed while the
// server was down. It returns nil.
func (r *Register) Run(ctx context.Context) error {
	t := time.NewTicker(overdueEvery)
	defer t.Stop()
	keeper, _ := r.o.Log.(Keeper)
	for n := 0; ; n++ {
		if keeper != nil && n%keepEvery == 0 {
			keeper.KeepEventsFrom(r.Needed())
		}
		if err := r.CheckDeadlines(ctx); err != nil && ctx.Err() == nil {
			r.o.Logger.Error("overdue events wait for the disk", "cause", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// CheckDeadlines makes a version of each case whose deadline has passed since its
// last. It fails with layers.ErrUnavailable; then nothing is lost, and the next
// call finds them again.
func (r *Register) CheckDeadlines(ctx context.Context) error {
	for {
		n, err := r.checkDeadlines(ctx)
		if err != nil || n < overdueBatch {
			return err
		}
	}
}

func (r *Register) checkDeadlines(ctx context.Context) (int, error) {
	r.writing.Lock()
	defer r.writing.Unlock()
	now := r.o.Now()
	var late []*version
	r.mu.RLock()
	for _, x := range r.byID {
		v := x.current
		if d := &v.details; !d.Overdue && !d.Due.IsZero() && now.After(d.Due) && len(late) < overdueBatch {
			late = append(late, v)
		}
	}
	r.mu.RUnlock()
	slices.SortFunc(late, func(a, b *version) int { return a.details.Due.Compare(b.details.Due) })
	events := make([]realtime.Event, len(late))
	for i, v := range late {
		d := v.details
		d.Judge(v.State, now)
		d.Note = ""
		e := v.Event
		e.Sequence, e.Received = 0, now.UnixMilli()
		e.Data, _ = json.Marshal(&d) // never fails
		events[i] = e
	}
	return len(late), r.append(ctx, events)
}
