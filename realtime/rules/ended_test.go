package rules_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/realtime"
	"twind/realtime/rules"
)

const highLevel = `{"kind":"threshold","layer":"manholes","source":"observations","property":"level"`

// TestAlarmsEndWithTheirRule changes, switches off and deletes rules that have raised
// alarms: nothing stays active that nobody evaluates.
func TestAlarmsEndWithTheirRule(t *testing.T) {
	low := `{"kind":"threshold","source":"positions","layer":"vehicles","property":"speed","below":1,"class":"slow"}`
	for name, over := range map[string]func(*place){
		"deleted": func(p *place) {
			require.NoError(t, p.rules.Delete("high"))
			require.NoError(t, p.rules.Delete("slow"))
		},
		"off": func(p *place) {
			p.put("high", highLevel+`,"above":2,"off":true}`)
			p.put("slow", low[:len(low)-1]+`,"off":true}`)
		},
		"about others": func(p *place) {
			p.put("high", highLevel+`,"above":2,"feature":"m2"}`)
			p.put("slow", `{"kind":"silence","layer":"vehicles","class":"slow"}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t, nil)
			p.put("high", highLevel+`,"above":2}`)
			p.put("slow", low)
			p.put("yard", `{"kind":"fence","layer":"vehicles",`+circle100+`}`)
			p.read("d1", 0, 3)
			p.drive("a", 0, 0, 0.5)
			_, err := p.rules.Alarms().Acknowledge(t.Context(), p.alarms("new")[2].ID, "Li", "seen")
			require.NoError(t, err)
			before := p.told()
			p.set(noon.Add(time.Minute))
			over(p)
			require.Equal(t, []string{"60 d1 clear", "60 a clear"}, p.told()[len(before):])
			for _, x := range p.alarms("open") {
				require.Equal(t, x.Class == "fence-enter", x.Active, x.Class)
				require.Equal(t, 1, x.Count)
			}
			list := p.alarms("acknowledged")
			require.Len(t, list, 1, "who saw to it still does")
			require.Equal(t, []string{"Li", "seen"}, []string{list[0].Owner, list[0].Note})
			require.Equal(t, realtime.LevelWarning, p.rules.Level(&realtime.Observation{Datastream: "d1", Layer: "manholes", Feature: "m1", Property: "level"}), "open, and not red any more")
			open := p.alarms("")
			told := p.told()
			p.restart()
			require.Equal(t, open, p.alarms(""))
			require.Equal(t, told, p.told(), "once is enough")
		})
	}
}

// TestAChangedLimitIsLookedAtAnew gives a rule another limit while it is raised.
func TestAChangedLimitIsLookedAtAnew(t *testing.T) {
	p := open(t, nil)
	p.put("high", highLevel+`,"above":2,"delay":10}`)
	p.read("d1", 0, 3)
	p.read("d1", 10, 3)
	require.Equal(t, []string{"10 d1 raise"}, p.told())
	p.put("high", highLevel+`,"above":2,"delay":10}`) // the same
	p.put("high", highLevel+`,"above":2.5,"delay":10,"severity":"minor"}`)
	p.read("d1", 20, 3)
	require.Equal(t, []string{"10 d1 raise"}, p.told(), "it is still so: nobody is called again")
	p.read("d1", 21, 2.2)
	p.read("d1", 30, 2.2)
	p.put("high", highLevel+`,"above":2.5,"delay":10,"severity":"minor"}`) // the same again: the delay goes on
	p.read("d1", 31, 2.2)
	require.Equal(t, []string{"31 d1 clear"}, p.told()[1:])
	p.read("d1", 40, 3)
	p.put("high", highLevel+`,"above":4,"delay":10}`) // the delay begins anew
	p.put("high", highLevel+`,"above":2.5,"delay":10}`)
	p.read("d1", 50, 3)
	require.Len(t, p.told(), 2)
	p.read("d1", 60, 3)
	require.Equal(t, []string{"60 d1 raise"}, p.told()[2:])
}

// TestRuleFileWithoutARule takes rules.json away between two runs.
func TestRuleFileWithoutARule(t *testing.T) {
	p := open(t, nil)
	p.put("high", highLevel+`,"above":2}`)
	for i := range 300 { // more than are written at once
		p.rules.Observations([]realtime.Observation{{Datastream: fmt.Sprint("d", i), Layer: "manholes", Feature: fmt.Sprint("m", i), Property: "level", Time: noon.UnixMilli() + int64(i)*10_000, Received: noon.UnixMilli(), Number: 3}})
		p.settle()
		p.set(noon.Add(time.Duration(i) * 10 * time.Second)) // no flood
	}
	require.Len(t, p.alarms("new"), 300)
	p.stop()
	require.NoError(t, os.Remove(filepath.Join(p.dir, "rules", "rules.json")))
	p.start()
	list := p.alarms("new")
	require.Len(t, list, 300)
	for i := range list {
		require.False(t, list[i].Active, list[i].Entity)
	}
	require.Len(t, p.events(), 600)
}

// TestARuleThatEndsWhileTheDiskIsSlow deletes a rule whose alarm is not on disk yet,
// and makes it again: the first alarm is over, the second is not.
func TestARuleThatEndsWhileTheDiskIsSlow(t *testing.T) {
	held := make(chan struct{})
	p := open(t, func(o *rules.Options) { o.Log, o.MaxPending = &slowLog{held: held}, 2 })
	p.set(noon.Add(time.Second))
	p.put("high", highLevel+`,"above":2}`)
	p.read("d1", 0, 3)
	require.NoError(t, p.rules.Delete("high"))
	p.put("high", highLevel+`,"above":2.5}`)
	p.read("d1", 1, 3) // finds no room: the end of the rule took it
	close(held)
	p.settle()
	p.read("d1", 2, 3)
	list := p.alarms("new")
	require.Len(t, list, 1)
	require.True(t, list[0].Active)
	require.Equal(t, 2, list[0].Count)
	require.Equal(t, []string{"0 d1 raise", "1 d1 clear", "2 d1 raise"}, p.told())
}
