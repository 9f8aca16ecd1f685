package sensing

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"twind/layers"
	"twind/realtime/rules"
)

// Owner is who the generated operator says to be.
const Owner = "Demo desk 演示台"

// Desk is where alarms are seen to; *rules.Alarms is one.
type Desk interface {
	List(state, class string, limit int, admit func(*rules.Alarm) bool) (list []rules.Alarm, matched int)
	Acknowledge(ctx context.Context, id, owner, note string) (rules.Alarm, error)
	Close(ctx context.Context, id, owner, note string) (rules.Alarm, error)
}

// How the generated operator works.
const (
	atHand   = 1000             // alarms looked at in one go
	patience = 30 * time.Minute // with alarms that a person took, or that do not end
)

// Attend is one look of the generated operator at the demo's alarms: it
// acknowledges those that have been there for a while and closes those that are
// over, so that they do not pile up. What a person acknowledged is left to them
// for half an hour. It returns the first failure of the desk.
func Attend(ctx context.Context, desk Desk, now time.Time) error {
	open, _ := desk.List("open", "", atHand, func(a *rules.Alarm) bool { return ours(a) })
	var failed error
	for i := range open {
		a := &open[i]
		var err error
		switch decide(a, now) {
		case rules.Acknowledged:
			_, err = desk.Acknowledge(ctx, a.ID, Owner, "已通知养护单位。Crew informed.")
		case rules.Closed:
			_, err = desk.Close(ctx, a.ID, Owner, "已恢复正常。Back to normal.")
		}
		// Somebody else may have been faster.
		if err != nil && !errors.Is(err, layers.ErrConflict) && !errors.Is(err, layers.ErrNotFound) && failed == nil {
			failed = err
		}
	}
	return failed
}

// ours tells whether a rule of the demo raised an alarm.
func ours(a *rules.Alarm) bool {
	var e rules.Evidence
	return json.Unmarshal(a.Evidence, &e) == nil && strings.HasPrefix(e.Rule, RulePrefix)
}

// decide is the state that an alarm should have; "": the one it has.
func decide(a *rules.Alarm, now time.Time) string {
	age := now.Sub(time.UnixMilli(a.Time))
	share := chance(0, forSteps, hash(a.ID), 0)
	after := func(low, high float64) bool { return age.Seconds() > between(share, low, high) }
	switch {
	case age > patience:
		return rules.Closed
	case a.State == rules.New && a.Owner != "" && a.Owner != Owner:
		return "" // it was somebody else's before it was so again
	case a.State == rules.New && after(25, 80):
		return rules.Acknowledged
	case a.State != rules.Acknowledged || a.Owner != Owner:
		return ""
	case !a.Active && after(200, 420), a.Class == "speeding" && after(150, 300):
		return rules.Closed
	}
	return ""
}
