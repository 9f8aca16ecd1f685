package sensorthings

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"twind/layers"
)

// record is the state of one entity after a change, or its end.
type record struct {
	Set    string                     `json:"set"`
	ID     int64                      `json:"id"`
	Gone   bool                       `json:"gone,omitempty"`
	Values map[string]json.RawMessage `json:"values,omitempty"`
	Links  map[string][]int64         `json:"links,omitempty"`
	Made   int64                      `json:"made,omitempty"`
	At     int64                      `json:"at,omitempty"` // of an Observation: when it was received, ms since 1970
	// Forgotten are Observations that retention dropped, ascending; nothing else
	// is then in the record but Set.
	Forgotten []int64 `json:"forgotten,omitempty"`
}

// logFile is lines of a CRC-32 in hexadecimal, a blank and the JSON array of one
// change's records. A line that a crash cut short is dropped with the change,
// which nobody was told of.
type logFile struct {
	path string
	f    *os.File // changed under both mutexes

	mu      sync.Mutex // guards what follows
	written int64      // bytes ever; those of the file are written − base
	base    int64
	broken  error

	syncing sync.Mutex // held during a sync; guards synced
	synced  int64
}

const crcBytes = 9 // with its blank

func openLog(path string, replay func([]record) error) (*logFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	end, err := int64(0), lock(f, path)
	if err == nil {
		err = unmoved(f, path)
	}
	if err == nil {
		end, err = readLog(f, path, replay)
	}
	if err == nil {
		err = f.Truncate(end)
	}
	if err == nil {
		if err = os.Remove(path + compactExt); errors.Is(err, fs.ErrNotExist) { // of a crash
			err = nil
		}
	}
	if err == nil {
		_, err = f.Seek(end, io.SeekStart)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &logFile{path: path, f: f, written: end, synced: end}, nil
}

// lock keeps other processes from the file until it is closed.
func lock(f *os.File, path string) error {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return layers.Errorf(layers.ErrUnavailable, "%s is in use by another server; stop it, or give this one another folder with --data", path)
	}
	return nil
}

// unmoved tells whether a locked file still has its name: another server may have
// put a new one in its place.
func unmoved(f *os.File, path string) error {
	mine, err := f.Stat()
	if err != nil {
		return err
	}
	there, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !os.SameFile(mine, there) {
		return layers.Errorf(layers.ErrUnavailable, "%s is in use by another server; stop it, or give this one another folder with --data", path)
	}
	return nil
}

// readLog gives each whole line and returns where the last one ends.
func readLog(f *os.File, path string, replay func([]record) error) (int64, error) {
	r := bufio.NewReaderSize(f, 1<<20)
	var end int64
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return end, nil // what is cut short is dropped
		}
		if err != nil {
			return 0, err
		}
		records, err := parseLine(line)
		if err != nil {
			if _, more := r.Peek(1); errors.Is(more, io.EOF) {
				return end, nil
			}
			return 0, layers.Errorf(layers.ErrInvalid, "line %d of %s is damaged (%v); restore the file from a backup", n, path, err)
		}
		if err := replay(records); err != nil {
			return 0, layers.Errorf(layers.ErrInvalid, "line %d of %s does not follow from those before (%v); restore the file from a backup", n, path, err)
		}
		end += int64(len(line))
	}
}

func parseLine(line []byte) (records []record, err error) {
	line = bytes.TrimSuffix(line, []byte("\n"))
	if len(line) < crcBytes {
		return nil, errors.New("too short")
	}
	if want := fmt.Sprintf("%08x ", crc32.ChecksumIEEE(line[crcBytes:])); want != string(line[:crcBytes]) {
		return nil, errors.New("the checksum differs")
	}
	return records, json.Unmarshal(line[crcBytes:], &records)
}

// append writes a change and returns where it ends, for sync. After an error
// nothing more is written.
func (l *logFile) append(records []record) (int64, error) {
	body, err := json.Marshal(records)
	if err != nil {
		return 0, err
	}
	line := fmt.Appendf(make([]byte, 0, len(body)+crcBytes+1), "%08x ", crc32.ChecksumIEEE(body))
	line = append(append(line, body...), '\n')
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return 0, l.broken
	}
	if _, err := l.f.Write(line); err != nil {
		l.broken = l.rewind(err)
		return 0, err
	}
	l.written += int64(len(line))
	return l.written, nil
}

// rewind takes back a line that was written in part; what it cannot take back
// ends the log.
func (l *logFile) rewind(cause error) error {
	if l.f.Truncate(l.written-l.base) != nil {
		return cause
	}
	if _, err := l.f.Seek(l.written-l.base, io.SeekStart); err != nil {
		return cause
	}
	return nil
}

// sync returns when the log is on disk up to an end that append gave; one sync
// serves all who wait.
func (l *logFile) sync(end int64) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if l.synced >= end {
		return nil
	}
	l.mu.Lock()
	upTo, broken := l.written, l.broken
	l.mu.Unlock()
	if broken != nil {
		return broken
	}
	if err := l.f.Sync(); err != nil {
		l.mu.Lock()
		l.broken = err // what the disk has is not known any more
		l.mu.Unlock()
		return err
	}
	l.synced = upTo
	return nil
}

func (l *logFile) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(l.broken, os.ErrClosed) {
		return nil
	}
	l.broken = os.ErrClosed
	return errors.Join(l.f.Sync(), l.f.Close())
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// replay applies the records of one change: first all entities, then the links
// between them.
func (s *Store) replay(records []record) error {
	for i := range records {
		if records[i].Forgotten != nil {
			slices.Sort(records[i].Forgotten) // as they were written
			s.forget(records[i].Forgotten)
			continue
		}
		if err := s.replayEntity(&records[i]); err != nil {
			return err
		}
	}
	for i := range records {
		if err := s.replayLinks(&records[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) replayEntity(r *record) error {
	k, ok := kindOf(r.Set)
	if !ok || r.ID <= 0 {
		return fmt.Errorf("set %q, id %d", r.Set, r.ID)
	}
	e := s.find(k, r.ID)
	if r.Gone {
		if e != nil {
			s.detach(e)
			s.drop(e)
		}
		s.tables[k].last = max(s.tables[k].last, r.ID)
		return nil
	}
	if e == nil {
		e = &entity{kind: k, id: r.ID}
		s.put(e)
	}
	e.values, e.made, e.received = make([]json.RawMessage, len(definitions[k].members)), r.Made, r.At
	if k == observations && r.At == 0 { // of a log from before times were written
		e.received = s.opened
	}
	for name, v := range r.Values {
		m := k.member(name)
		if m < 0 {
			return fmt.Errorf("%s has no member %q", k, name)
		}
		e.values[m] = v
	}
	return nil
}

func (s *Store) replayLinks(r *record) error {
	if r.Gone || r.Forgotten != nil {
		return nil
	}
	k, _ := kindOf(r.Set)
	e := s.find(k, r.ID)
	for i, rel := range definitions[k].relations {
		if !rel.owner {
			continue
		}
		for _, to := range s.targets(e, i) {
			s.part(e, i, to)
		}
		for _, id := range r.Links[rel.name] {
			to := s.find(rel.to, id)
			if to == nil {
				return fmt.Errorf("%s(%d) is missing", rel.to, id)
			}
			s.join(e, i, to)
		}
	}
	return nil
}

// detach removes all links of an entity.
func (s *Store) detach(e *entity) {
	for i := range definitions[e.kind].relations {
		for _, to := range s.targets(e, i) {
			s.part(e, i, to)
		}
	}
}

// record is the state of an entity for the log.
func (e *entity) record() record {
	d := &definitions[e.kind]
	r := record{Set: d.set, ID: e.id, Values: map[string]json.RawMessage{}, Links: map[string][]int64{}, Made: e.made, At: e.received}
	for i, v := range e.values {
		if v != nil {
			r.Values[d.members[i].name] = v
		}
	}
	for i, rel := range d.relations {
		if rel.owner {
			r.Links[rel.name] = e.links[i]
		}
	}
	return r
}
