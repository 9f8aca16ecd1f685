package history

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// load finds the files of earlier runs.
func (l *Log) load() error {
	numbers, err := list(filepath.Join(l.o.Dir, journalDir), journalExt)
	if err != nil {
		return unusable(l.o.Dir, err)
	}
	journals := map[uint64]bool{}
	for _, n := range numbers {
		j, err := l.readJournal(n)
		if err != nil {
			return err
		}
		journals[n] = true
		l.journals = append(l.journals, j)
		for i := range j.blocks {
			if b := &j.blocks[i]; b.kind == KindEvent {
				l.nextSeq = max(l.nextSeq, b.first+uint64(b.rows))
			}
		}
	}
	entries, err := os.ReadDir(l.o.Dir)
	if err != nil {
		return unusable(l.o.Dir, err)
	}
	for _, e := range entries {
		if !e.IsDir() || !validStream(e.Name()) || e.Name() == journalDir {
			continue
		}
		if err := l.loadStream(e.Name(), journals); err != nil {
			return unusable(l.o.Dir, err)
		}
	}
	return nil
}

// loadStream finds the segments of a stream. Those whose journal is still there
// were not finished, and are made again from it.
func (l *Log) loadStream(stream string, journals map[uint64]bool) error {
	numbers, err := list(filepath.Join(l.o.Dir, stream), segmentExt)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		path := l.segmentPath(stream, n)
		if journals[n] {
			if err := os.Remove(path); err != nil {
				return err
			}
			continue
		}
		s, err := l.openSegment(stream, n)
		if err != nil {
			l.o.Log.Error("a segment of the history cannot be read and is put aside", "file", path, "cause", err)
			if err := os.Rename(path, path+".damaged"); err != nil {
				return err
			}
			continue
		}
		l.segments[stream] = append(l.segments[stream], s)
		l.nextSeq = max(l.nextSeq, s.lastEvent+1)
	}
	return nil
}

// list reads the numbers of the files in a folder, ascending, and removes
// unfinished ones.
func list(dir, ext string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []uint64
	for _, e := range entries {
		if n, ok := numberOf(e.Name(), ext); ok {
			out = append(out, n)
		} else if strings.HasSuffix(e.Name(), ext+".tmp") {
			_ = os.Remove(filepath.Join(dir, e.Name())) // it is made again or not needed
		}
	}
	slices.Sort(out)
	return out, nil
}

// nextJournal is a number above all that are in use. Nothing else runs yet.
func (l *Log) nextJournal() uint64 {
	last := uint64(0)
	for _, j := range l.journals {
		last = max(last, j.number)
	}
	for _, list := range l.segments {
		for _, s := range list {
			last = max(last, s.number)
		}
	}
	return last + 1
}

// retentionEvery is how often old segments are looked for.
const retentionEvery = time.Minute

// sealer is the goroutine that turns ended journals into segments and deletes
// old ones.
func (l *Log) sealer() {
	tick := time.NewTicker(retentionEvery)
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-l.seal:
		case <-tick.C:
		}
		for {
			j := l.ended()
			if j == nil {
				break
			}
			if err := l.sealJournal(j); err != nil {
				l.o.Log.Error("a journal of the history could not be sealed; it is tried again", "file", j.path, "cause", err)
				break
			}
			select {
			case <-l.stop:
				return
			default:
			}
		}
		l.retain()
	}
}

// ended is the oldest journal that is not being written.
func (l *Log) ended() *journal {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, j := range l.journals {
		if j.ended {
			return j
		}
	}
	return nil
}

// sealJournal puts a journal's rows into one segment for each stream, shows
// them instead of the journal, and deletes that once nobody reads it.
func (l *Log) sealJournal(j *journal) error {
	made, err := l.makeSegments(j)
	if err != nil {
		return err
	}
	l.mu.Lock()
	for _, s := range made {
		l.segments[s.stream] = append(l.segments[s.stream], s)
	}
	l.journals = slices.DeleteFunc(slices.Clone(l.journals), func(o *journal) bool { return o == j })
	j.sealed = true
	idle := j.users == 0
	l.mu.Unlock()
	l.metrics.sealed.Add(float64(len(made)))
	if idle {
		l.discard(j)
	}
	return nil
}

func (l *Log) discard(j *journal) {
	if err := os.Remove(j.path); err != nil {
		l.o.Log.Error("a sealed journal cannot be removed", "file", j.path, "cause", err)
	}
}

func (l *Log) makeSegments(j *journal) (made []*segment, err error) {
	f, err := os.Open(j.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	writers := map[string]*segmentWriter{}
	defer func() {
		if err != nil {
			for _, sw := range writers {
				sw.abandon()
			}
		}
	}()
	var t table
	buf := blockBuffers.Get().(*[]byte)
	defer blockBuffers.Put(buf)
	for i := range j.blocks {
		ref := &j.blocks[i]
		b, err := readFull(f, ref.offset, ref.size, buf)
		if err != nil {
			return nil, err
		}
		if _, err := decode(b, &t, nil); err != nil { // it was whole when it was written
			l.o.Log.Error("a block of the history is damaged and left out", "file", j.path, "offset", ref.offset, "rows", ref.rows)
			continue
		}
		sw := writers[ref.stream]
		if sw == nil {
			if sw, err = l.newSegment(ref.stream, j.number); err != nil {
				return nil, err
			}
			writers[ref.stream] = sw
		}
		if err := sw.add(&t); err != nil {
			return nil, err
		}
	}
	for _, sw := range writers {
		s, err := sw.finish()
		if err != nil {
			return nil, err
		}
		made = append(made, s)
	}
	return made, syncDir(l.o.Dir)
}

// retain deletes the segments that are older or more than they may be.
func (l *Log) retain() {
	now := l.o.Now()
	l.mu.Lock()
	var gone []*segment
	total := int64(0)
	for stream, list := range l.segments {
		keep := l.retention(stream)
		bytes := int64(0)
		for _, s := range list {
			bytes += s.bytes
		}
		n := 0
		for n < len(list)-l.kept(stream) {
			s := list[n]
			old := keep.Age > 0 && s.received.max < now.Add(-keep.Age).UnixMilli()
			if !old && (keep.Bytes <= 0 || bytes <= keep.Bytes) {
				break
			}
			bytes -= s.bytes
			n++
		}
		gone = append(gone, list[:n]...)
		l.segments[stream] = slices.Clone(list[n:])
		total += bytes
	}
	for total > l.o.MaxBytes {
		stream := l.oldest()
		if stream == "" {
			break
		}
		s := l.segments[stream][0]
		l.segments[stream] = slices.Clone(l.segments[stream][1:])
		gone = append(gone, s)
		total -= s.bytes
	}
	for _, s := range gone {
		if lost, ok := l.lost[s.stream]; !ok || lost < s.received.max {
			l.lost[s.stream] = s.received.max
		}
	}
	l.mu.Unlock()
	for _, s := range gone {
		if err := os.Remove(s.path); err != nil && !os.IsNotExist(err) {
			l.o.Log.Error("an old segment of the history cannot be removed", "file", s.path, "cause", err)
		}
		l.metrics.deleted.Inc()
	}
}

// kept is how many of the newest segments of a stream are not deleted, whatever
// its retention says: of events those that are needed, and the last one, which
// tells where their numbers go on. Caller holds mu.
func (l *Log) kept(stream string) int {
	list := l.segments[stream]
	if stream != EventsStream || len(list) == 0 {
		return 0
	}
	n := 0
	for n < len(list) && list[len(list)-1-n].lastEvent >= l.neededEvent {
		n++
	}
	return max(n, 1)
}

// KeepEventsFrom says that no event from a number on may be deleted, whatever the
// retention says: open cases and alarms are not forgotten. Without it, and with
// Options.HoldEvents until it is first called, none respectively all are kept.
func (l *Log) KeepEventsFrom(sequence uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.neededEvent = sequence
}

// oldest is the stream with the oldest segment of all that may go; "" without any. Caller holds mu.
func (l *Log) oldest() string {
	best, found := "", false
	for stream, list := range l.segments {
		if len(list) > l.kept(stream) && (!found || list[0].received.max < l.segments[best][0].received.max) {
			best, found = stream, true
		}
	}
	return best
}

func (l *Log) retention(stream string) Retention {
	for id, r := range l.o.Retention {
		if string(id) == stream {
			return r
		}
	}
	return l.o.Default
}
