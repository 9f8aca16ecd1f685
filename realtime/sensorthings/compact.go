package sensorthings

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// compactSlack is how many bytes the log may have beyond twice what is live.
const compactSlack = 16 << 20

// compactExt ends the name of a log that is being written anew.
const compactExt = ".new"

// wasteful tells whether most of the log is past.
func (s *Store) wasteful() bool {
	size := s.log.size()
	if size <= s.compactSlack {
		return false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var live int64
	for k := range s.tables {
		for _, e := range s.tables[k].rows {
			live += 160 // names, links, checksum
			for _, v := range e.values {
				live += int64(len(v))
			}
		}
	}
	return size > 2*live+s.compactSlack
}

// Compact writes the log anew with what is live. Readers go on meanwhile, and
// writers but for the time in which the entities are written to the page cache.
// The new log takes the old one's place when it is whole and on disk: a crash
// leaves one or the other. It returns the bytes of both.
func (s *Store) Compact() (before, after int64, err error) {
	s.compacting.Lock()
	defer s.compacting.Unlock()
	l := s.log
	before = l.size()
	path := l.path + compactExt
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return before, 0, err
	}
	done := false
	defer func() {
		if !done {
			err = errors.Join(err, f.Close(), os.Remove(path))
		}
	}()
	if err := lock(f, path); err != nil {
		return before, 0, err
	}
	mark, err := s.dump(f)
	if err != nil {
		return before, 0, err
	}
	if err := f.Sync(); err != nil { // the long one, while writers go on
		return before, 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if done, err = l.replace(f, mark); err != nil {
		return before, 0, err
	}
	return before, l.size(), nil
}

// dump writes all entities, and returns up to where the log has gone into them.
func (s *Store) dump(f *os.File) (mark int64, err error) {
	w := bufio.NewWriterSize(f, 1<<20)
	s.mu.RLock()
	defer s.mu.RUnlock()
	var buf []byte
	// Those first that others point to.
	for _, k := range []kind{locations, sensors, observedProperties, featuresOfInterest, things, historicalLocations, datastreams, observations} {
		t := &s.tables[k]
		for _, id := range t.ids {
			buf = appendLine(buf[:0], func(b []byte) []byte { return t.rows[id].append(b) })
			if _, err := w.Write(buf); err != nil {
				return 0, err
			}
		}
		if t.last == 0 || t.rows[t.last] != nil {
			continue
		}
		buf = appendLine(buf[:0], func(b []byte) []byte { // ids are not given twice
			return strconv.AppendInt(append(b, `{"set":"`+k.String()+`","gone":true,"id":`...), t.last, 10)
		})
		if _, err := w.Write(buf); err != nil {
			return 0, err
		}
	}
	return s.log.end(), w.Flush()
}

// appendLine writes a line of the log with one record, whose closing brace it
// adds.
func appendLine(dst []byte, record func([]byte) []byte) []byte {
	dst = append(dst, "00000000 ["...)
	dst = append(record(dst), "}]"...)
	copy(dst, fmt.Sprintf("%08x", crc32.ChecksumIEEE(dst[crcBytes:])))
	return append(dst, '\n')
}

// append writes the entity's record but for its closing brace; it is what
// json.Marshal makes of record().
func (e *entity) append(b []byte) []byte {
	d := &definitions[e.kind]
	b = strconv.AppendInt(append(b, `{"set":"`+d.set+`","id":`...), e.id, 10)
	b = append(b, `,"values":{`...)
	n := 0
	for i, v := range e.values {
		if v == nil {
			continue
		}
		if n++; n > 1 {
			b = append(b, ',')
		}
		b = append(append(append(append(b, '"'), d.members[i].name...), `":`...), v...)
	}
	b = append(b, `},"links":{`...)
	n = 0
	for i, rel := range d.relations {
		if !rel.owner {
			continue
		}
		if n++; n > 1 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), rel.name...), `":[`...)
		for j, id := range e.links[i] {
			if j > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, id, 10)
		}
		b = append(b, ']')
	}
	b = append(b, '}')
	if e.made > 0 {
		b = strconv.AppendInt(append(b, `,"made":`...), e.made, 10)
	}
	if e.received > 0 {
		b = strconv.AppendInt(append(b, `,"at":`...), e.received, 10)
	}
	return b
}

// size is how many bytes the file has.
func (l *logFile) size() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.written - l.base
}

// end is where the log ends, as append counts.
func (l *logFile) end() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.written
}

// replace puts a file in the log's place that has everything up to mark; what was
// written since is copied. Nobody appends meanwhile. renamed says that the file
// is the log, also where an error follows.
func (l *logFile) replace(f *os.File, mark int64) (renamed bool, err error) {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return false, l.broken
	}
	if _, err := io.Copy(f, io.NewSectionReader(l.f, mark-l.base, l.written-mark)); err != nil {
		return false, err
	}
	if err := f.Sync(); err != nil {
		return false, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return false, err
	}
	path := l.path
	if err := os.Rename(f.Name(), path); err != nil {
		return false, err
	}
	old := l.f
	l.f, l.base, l.synced = f, l.written-size, l.written
	return true, errors.Join(syncFolder(filepath.Dir(path)), old.Close())
}
