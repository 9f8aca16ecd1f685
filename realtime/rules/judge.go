package rules

import "twind/realtime"

// Level judges a reading, for realtime.ReadingsLaneOptions: alarm while a
// threshold that raises alarms is crossed, or an open alarm about it is active;
// warning while a quiet threshold is crossed, or an alarm about it is still open
// though the reading is back.
func (r *Rules) Level(o *realtime.Observation) realtime.Level {
	level := r.alarms.level(o.Datastream)
	if level == realtime.LevelAlarm {
		return level
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return max(level, r.readings.level(o))
}

// level is that of the open alarms about a datastream.
func (a *Alarms) level(datastream string) realtime.Level {
	a.mu.RLock()
	defer a.mu.RUnlock()
	level := realtime.LevelNormal
	for _, x := range a.about[datastream] {
		level = max(level, realtime.LevelWarning)
		if x.Active {
			return realtime.LevelAlarm
		}
	}
	return level
}

// level is that of the thresholds on a reading. Caller holds Rules.mu.
func (r *readings) level(o *realtime.Observation) realtime.Level {
	found := realtime.LevelNormal
	if len(r.byStream)+len(r.byProperty) == 0 {
		return found
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, list := range [...][]*level{r.byStream[o.Datastream], r.byProperty[observed{o.Layer, o.Property}]} {
		for _, l := range list {
			s := l.states[o.Datastream]
			switch {
			case s == nil || !s.raised:
			case l.rule.Quiet:
				found = max(found, realtime.LevelWarning)
			default:
				return realtime.LevelAlarm
			}
		}
	}
	return found
}
