package importers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/crs"
)

// Run imports what the plan says into the store. The report is returned in every
// case, with an error beside it when nothing was stored, or when some records
// were refused and the others stored (the sentence tells which). Errors are of
// the kinds of package layers.
func Run(ctx context.Context, store layers.Store, plan Plan, formats ...Format) (*Report, error) {
	r := &run{ctx: ctx, store: store, plan: plan, report: &Report{Layer: plan.Layer, DryRun: plan.DryRun, Started: time.Now(), Files: []FileReport{}, Properties: []PropertyReport{}}}
	err := plan.Validate()
	if e := plan.CheckReport(formats...); e != nil {
		return r.report, e // nothing may be written, the report least of all
	}
	if err == nil {
		err = r.do(formats)
	}
	r.report.Seconds = time.Since(r.report.Started).Seconds()
	if err != nil {
		r.report.Error = err.Error()
	}
	if plan.Report != "" {
		// A report tells of a run that was cancelled too.
		saving, cancel := withoutCancel(ctx)
		defer cancel()
		if e := r.report.save(saving, plan.Report); err == nil {
			err = e
		}
	}
	return r.report, err
}

// run is the state of one Run; one goroutine uses it.
type run struct {
	ctx    context.Context
	store  layers.Store
	plan   Plan
	report *Report

	sets     []dataSet
	existing *layers.Layer // the layer as it stood; nil for a new one
	count    int64         // of its features
	layer    layers.Layer  // as it will be
	key      string        // property that identifies; "" is the records' own id
	columns  columns
	rejects  rejects
	refusals map[string]*RefusalCount
	faults   map[string]*FaultCount
	extent   spatial.Envelope
	withID   int64 // accepted records that have an id
	seeds    [2]maphash.Seed
	ids      map[[2]uint64]struct{}
	total    int64 // bytes of all files
	before   int64 // bytes of the files that are done
	told     time.Time
	scratch  []float64
}

// dataSet is one source of the plan with what the check found about it.
type dataSet struct {
	path   string
	format Format
	size   int64
	from   *crs.CRS
	cols   []int // column of each field, −1 for one that is left out
	again  bool  // it is a rejects file
	read   int64
	report int  // its FileReport
	multi  bool // its format does not tell single geometries from multi ones
}

func (r *run) do(formats []Format) error {
	if err := r.gather(formats); err != nil {
		return err
	}
	if err := r.find(); err != nil {
		return err
	}
	r.rejects.paths = r.plan.rejectsPaths()
	r.refusals, r.faults = map[string]*RefusalCount{}, map[string]*FaultCount{}
	r.extent = spatial.EmptyEnvelope()
	r.seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}
	r.ids = make(map[[2]uint64]struct{})
	var err error
	for i := range r.sets {
		if err = r.check(&r.sets[i]); err != nil {
			break
		}
		r.before += r.sets[i].size
	}
	if e := r.rejects.close(); e != nil {
		r.warn("the refused records could not be kept in %s: %v", r.rejects.path, e)
	} else if r.rejects.file != nil {
		r.report.Rejects = r.rejects.path
		defer func() {
			if e := r.rejects.publish(); e != nil {
				r.warn("the refused records could not be kept in %s: %v", r.rejects.path, e)
			}
		}()
	}
	r.summarise()
	if err != nil {
		return err
	}
	if r.report.Read == 0 {
		return layers.Errorf(layers.ErrInvalid, "%s: no features to import", r.names())
	}
	if r.report.Accepted == 0 || r.plan.Strict && r.report.Refused > 0 {
		return r.refused("nothing was written")
	}
	if err := r.decide(); err != nil {
		return err
	}
	if r.plan.DryRun {
		if r.report.Refused > 0 {
			return r.refused(fmt.Sprintf("the other %d could be written", r.report.Accepted))
		}
		return nil
	}
	if err := r.load(); err != nil {
		return err
	}
	if r.report.Refused > 0 {
		return r.refused(fmt.Sprintf("the other %d are in layer %s", r.report.Accepted, r.layer.ID))
	}
	return nil
}

func (r *run) names() string {
	var out []string
	for _, s := range r.sets {
		out = append(out, filepath.Base(s.path))
	}
	if len(out) > 3 {
		out = append(out[:3], "…")
	}
	return strings.Join(out, ", ")
}

func (r *run) warn(format string, args ...any) {
	w := fmt.Sprintf(format, args...)
	for _, have := range r.report.Warnings {
		if have == w {
			return
		}
	}
	if len(r.report.Warnings) < 100 {
		r.report.Warnings = append(r.report.Warnings, w)
	}
}

// refused is the error of a run that refused records: the first reason and what
// became of the rest.
func (r *run) refused(rest string) error {
	first := Refusal{}
	for _, c := range r.refusals {
		for _, s := range c.Samples {
			if first.Reason == "" || s.File == first.File && s.Row < first.Row {
				first = s
			}
		}
	}
	where := ""
	if r.report.Rejects != "" {
		where = "; refused ones are kept in " + r.report.Rejects
	}
	return layers.Errorf(layers.ErrInvalid, "%d of %d features were refused (%s: %s); %s%s", r.report.Refused, r.report.Read, filepath.Base(first.File), first.Reason, rest, where)
}

// gather finds the format of each file and leaves out those that only accompany
// another.
func (r *run) gather(formats []Format) error {
	seen := map[string]bool{}
	for _, path := range r.plan.Files {
		path = mainFile(path, formats)
		if seen[filepath.Clean(path)] {
			continue
		}
		seen[filepath.Clean(path)] = true
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return layers.Errorf(layers.ErrNotFound, "%s: there is no such file", path)
		case err != nil:
			return layers.Errorf(layers.ErrUnavailable, "%s cannot be read: %w", path, err)
		case info.IsDir() && strings.EqualFold(filepath.Ext(path), ".gdb"):
			return layers.Errorf(layers.ErrUnsupported, "%s is of no format that can be imported; %s", path, hint(path))
		case info.IsDir():
			return layers.Errorf(layers.ErrInvalid, "%s is a folder; name the files in it", path)
		case info.Size() == 0:
			return layers.Errorf(layers.ErrInvalid, "%s is empty", path)
		}
		head, err := readHead(path)
		if err != nil {
			return layers.Errorf(layers.ErrUnavailable, "%s cannot be read: %w", path, err)
		}
		set := dataSet{path: path, size: info.Size()}
		var names []string
		for _, f := range formats {
			names = append(names, f.Name())
			if set.format == nil && f.Match(path, head) {
				set.format = f
			}
		}
		if set.format == nil {
			return layers.Errorf(layers.ErrUnsupported, "%s is of no format that can be imported (%s); %s", path, strings.Join(names, ", "), hint(path))
		}
		r.total += set.size
		r.sets = append(r.sets, set)
	}
	return nil
}

func readHead(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, 4096)
	n, err := io.ReadFull(f, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return b[:n], err
}

// find looks for the layer.
func (r *run) find() error {
	l, err := r.store.Layer(r.ctx, r.plan.Layer)
	switch {
	case errors.Is(err, layers.ErrNotFound):
		r.key = r.plan.Key
		return nil
	case err != nil:
		return err
	case l.ReadOnly:
		return layers.Errorf(layers.ErrReadOnly, "layer %s is read-only: it is published from somebody else's table", l.ID)
	case l.Live != nil:
		return layers.Errorf(layers.ErrInvalid, "layer %s is a live layer; send positions to /live/positions or use twind replay", l.ID)
	}
	if r.plan.Kind != "" && r.plan.Kind != l.Kind {
		return layers.Errorf(layers.ErrInvalid, "layer %s is of kind %s, not %s; leave --kind out or choose another layer", l.ID, l.Kind, r.plan.Kind)
	}
	stats, err := r.store.Stats(r.ctx, l.ID)
	if err != nil {
		return err
	}
	r.existing, r.count = &l, stats.Count
	r.key = r.plan.Key
	if r.key == "" {
		r.key = l.Key
	}
	return nil
}

// open opens a data set, with the charset of its texts or "" to find it.
func (r *run) open(s *dataSet, encoding string, reuse bool) (Source, error) {
	kind := r.plan.Kind
	if kind == "" && r.existing != nil {
		kind = r.existing.Kind
	}
	return s.format.Open(r.ctx, s.path, OpenOptions{Encoding: encoding, Kind: kind, GeometryOnly: r.plan.GeometryOnly, Reuse: reuse})
}

// system decides the coordinate system of a source.
func (r *run) system(info *Info, path string) (c *crs.CRS, method, evidence string, err error) {
	if r.plan.CRS != "" {
		if c, err = crs.Parse(r.plan.CRS); err != nil {
			return nil, "", "", layers.Errorf(layers.ErrInvalid, "%w", err)
		}
		if info.CRS != nil && (info.CRS.Code != c.Code || info.CRS.Name != c.Name) {
			evidence = fmt.Sprintf("the file itself says %v", info.CRS)
			r.warn("%s: its coordinates are read as %v, as the plan says, although the file says %v", filepath.Base(path), c, info.CRS)
		}
		return c, "given", evidence, nil
	}
	if info.CRS != nil {
		return info.CRS, "file", info.CRSEvidence, nil
	}
	if info.CRSEvidence != "" {
		return nil, "", "", layers.Errorf(layers.ErrInvalid, "%s: its coordinate system cannot be used (%s); name it with --crs, such as --crs EPSG:4547", filepath.Base(path), info.CRSEvidence)
	}
	if info.DefaultCRS != nil {
		return info.DefaultCRS, "standard", "the format prescribes it where nothing else is named", nil
	}
	g := crs.GuessFromExtent(info.Extent)
	if g.CRS != nil && g.Confidence >= 0.8 && !g.Swapped {
		r.warn("%s names no coordinate system; %v is assumed: %s", filepath.Base(path), g.CRS, g.Evidence)
		return g.CRS, "assumed", g.Evidence, nil
	}
	hint := ""
	if g.CRS != nil {
		hint = fmt.Sprintf(", such as --crs EPSG:%d", g.CRS.Code)
		for _, a := range g.Alternatives {
			hint += fmt.Sprintf(" or EPSG:%d", a.Code)
		}
	}
	return nil, "", "", layers.Errorf(layers.ErrInvalid, "%s names no coordinate system: %s; name it with --crs%s", filepath.Base(path), g.Evidence, hint)
}

// check reads a data set to its end, refusing, counting and typing its records.
func (r *run) check(s *dataSet) error {
	src, err := r.open(s, r.plan.Encoding, true)
	if err != nil {
		return err
	}
	defer src.Close()
	info := src.Info()
	file := FileReport{Path: s.path, Format: info.Format}
	if s.from, file.CRSMethod, file.CRSEvidence, err = r.system(info, s.path); err != nil {
		return err
	}
	file.CRS, file.CRSCode, file.UnshiftedMetres = s.from.Name, s.from.Code, s.from.Unshifted()
	r.report.Files = append(r.report.Files, file)
	s.report = len(r.report.Files) - 1
	if info.Declared >= 0 && !r.hasKey(s, src.Fields()) { // such files name all properties before the records
		return r.noKey(s, src.Fields(), "it has")
	}
	raw, err := r.checkRecords(s, src)
	if e := r.describeFile(s, info); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	if file.CRSMethod != "given" && info.CRS != nil && info.CRS.String() != s.from.String() {
		return layers.Errorf(layers.ErrInvalid, "%s names its coordinate system, %v, only after its features; import it again with --crs %s", s.path, info.CRS, name(info.CRS))
	}
	if info.Declared >= 0 && info.Declared != s.read {
		r.warn("%s says that it holds %d records and holds %d", filepath.Base(s.path), info.Declared, s.read)
	}
	if file.UnshiftedMetres > 0 {
		r.warn("%s is in %v: its datum's shift is local and not known here, so positions may lie up to %.0f m off until the data are transformed with local parameters", filepath.Base(s.path), s.from, file.UnshiftedMetres)
	}
	if file.CRSMethod != "given" && s.from.IsGeographic() && (raw.MaxX > 400 || raw.MaxY > 400 || raw.MinX < -400 || raw.MinY < -400) {
		if g := crs.GuessFromExtent(raw); g.CRS != nil || g.Evidence != "" {
			r.warn("%s is read as %v, yet its coordinates are no degrees: %s; name the system with --crs", filepath.Base(s.path), s.from, g.Evidence)
		}
	}
	return nil
}

func name(c *crs.CRS) string {
	if c.Code != 0 {
		return "EPSG:" + strconv.Itoa(c.Code)
	}
	return c.Name
}

// checkRecords reads every record and returns the box of the coordinates as they
// stand in the file.
func (r *run) checkRecords(s *dataSet, src Source) (spatial.Envelope, error) {
	raw := spatial.EmptyEnvelope()
	tr, err := toDegrees(s.from)
	if err != nil {
		return raw, err
	}
	var rec Record
	for {
		refusal, err := r.next(src, &rec)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return raw, err
		}
		s.read++
		r.report.Read++
		r.progress("check", s, src, s.read)
		fields := src.Fields()
		r.mapFields(s, fields)
		if s.read == keyPatience && !r.hasKey(s, fields) {
			return raw, r.noKey(s, fields, fmt.Sprintf("its first %d features have", keyPatience))
		}
		if refusal == nil {
			raw = raw.Union(rec.Geometry.Envelope())
			refusal = r.judge(&rec, s, src, tr)
		}
		if refusal != nil {
			refusal.File = s.path
			r.refuse(refusal)
			degrees := rec.Geometry.Clone()
			if degrees.Check() != nil || r.project(&degrees, tr) != nil {
				degrees = spatial.Geometry{}
			}
			r.rejects.add(refusal, fields, rec.Values, rec.Geometry, degrees)
			continue
		}
		r.report.Accepted++
		if rec.ID != "" {
			r.withID++
		}
		for i, v := range rec.Values {
			if s.cols[i] >= 0 {
				r.columns.list[s.cols[i]].add(v)
			}
		}
	}
}

func toDegrees(from *crs.CRS) (crs.Transform, error) {
	to, err := crs.ByCode(4326)
	return crs.Transform{From: from, To: to}, err
}

// next reads a record; what is wrong with it alone is a refusal, everything else
// an error.
func (r *run) next(src Source, rec *Record) (*Refusal, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	err := src.Next(rec)
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return refusal, nil
	}
	return nil, err
}

// mapFields gives the source's new fields their columns.
func (r *run) mapFields(s *dataSet, fields []Field) {
	if len(s.cols) == len(fields) {
		return
	}
	s.again = s.again || isRejects(fields)
	for len(s.cols) < len(fields) {
		f := fields[len(s.cols)]
		if s.again && slices.Contains(rejectNames, f.Name) {
			s.cols = append(s.cols, -1)
			continue
		}
		s.cols = append(s.cols, r.columns.find(r.rename(f.Name), f.Type))
	}
}

func (r *run) rename(name string) string {
	if to, ok := r.plan.Rename[name]; ok {
		return to
	}
	return name
}

// admit sets the record's id, tests it against what can be stored and brings its
// geometry to degrees; what cannot be is refused, with the record as it was.
func (r *run) admit(rec *Record, s *dataSet, src Source, tr crs.Transform) *Refusal {
	refuse := func(code, format string, args ...any) *Refusal {
		place := src.Place(rec.Row)
		return &Refusal{Row: rec.Row, Place: place, Code: code, ID: rec.ID, Reason: place + ": " + fmt.Sprintf(format, args...)}
	}
	if s.again {
		if why := unmended(src.Fields(), rec); why != "" {
			return refuse(RefusedRecord, "%s", why)
		}
	}
	if r.key != "" {
		id, err := r.keyOf(rec, s, src.Fields())
		if err != "" {
			return refuse(RefusedKey, "%s", err)
		}
		rec.ID = id
	}
	if rec.ID != "" {
		if err := layers.CheckFeatureID(rec.ID); err != nil {
			return refuse(RefusedKey, "%v", err)
		}
	}
	if err := rec.Geometry.Check(); err != nil {
		return refuse(RefusedGeometry, "%v", errors.Unwrap(err))
	}
	if r.existing != nil {
		if !r.existing.Admits(rec.Geometry.Type) {
			return refuse(RefusedType, "a %v does not fit layer %s, which holds %v", rec.Geometry.Type, r.existing.ID, r.existing.GeometryType)
		}
		for i, v := range rec.Values {
			if s.cols[i] < 0 {
				continue
			}
			p := r.existing.PropertyIndex(r.columns.list[s.cols[i]].name)
			if p < 0 {
				continue
			}
			if _, ok := convert(v, r.existing.Schema[p].Type); !ok {
				return refuse(RefusedProperty, "property %s: %q is not of type %v, which layer %s asks for", r.existing.Schema[p].Name, clipText(v.String()), r.existing.Schema[p].Type, r.existing.ID)
			}
		}
	}
	var h [2]uint64
	if rec.ID != "" {
		h = [2]uint64{maphash.String(r.seeds[0], rec.ID), maphash.String(r.seeds[1], rec.ID)}
		if _, twice := r.ids[h]; twice {
			return refuse(RefusedDuplicate, "the identifier %q stands on an earlier record too", clipText(rec.ID))
		}
	}
	if rec.Surfaces != nil {
		if err := r.project(&rec.Surfaces.Geometry, tr); err != nil {
			return refuse(RefusedPosition, "%v", err)
		}
	}
	if err := r.project(&rec.Geometry, tr); err != nil {
		return refuse(RefusedPosition, "%v", err)
	}
	if rec.ID != "" {
		r.ids[h] = struct{}{}
	}
	return nil
}

// project brings a geometry to degrees in place; when it fails the geometry is as
// before.
func (r *run) project(g *spatial.Geometry, tr crs.Transform) error {
	if len(g.Members) > 0 {
		members := g.Clone().Members
		for i := range members {
			if err := r.project(&members[i], tr); err != nil {
				return err
			}
		}
		g.Members = members
		return nil
	}
	r.scratch = append(r.scratch[:0], g.XY...)
	if err := tr.Apply(g.XY); err != nil {
		copy(g.XY, r.scratch)
		return describe(err, tr.From)
	}
	return nil
}

// describe leaves the package's name out of an error of crs.
func describe(err error, from *crs.CRS) error {
	text := strings.TrimPrefix(err.Error(), crs.ErrOutside.Error()+": ")
	if from.IsGeographic() {
		text += " (longitude ±180, latitude ±90 degrees)"
	}
	return errors.New(text)
}

// keyOf is the record's identifier by the key property, or why there is none.
func (r *run) keyOf(rec *Record, s *dataSet, fields []Field) (id, fault string) {
	for i, v := range rec.Values {
		if s.cols[i] < 0 || r.columns.list[s.cols[i]].name != r.key {
			continue
		}
		if v.IsNull() {
			return "", fmt.Sprintf("the key %s has no value", r.key)
		}
		if n, ok := convert(v, layers.Integer); ok && v.Type() == layers.Number {
			v = n
		}
		return strings.TrimSpace(v.String()), ""
	}
	for _, f := range fields {
		if r.rename(f.Name) == r.key {
			return "", fmt.Sprintf("the key %s has no value", r.key)
		}
	}
	return "", fmt.Sprintf("there is no property %s, which is to be the key", r.key)
}

// keyPatience is after how many records a key that none of them has is a mistake.
const keyPatience = 1000

// hasKey tells whether a property is the key, or none need be.
func (r *run) hasKey(s *dataSet, fields []Field) bool {
	if r.key == "" || isRejects(fields) {
		return true
	}
	r.mapFields(s, fields)
	for i, f := range fields {
		if r.rename(f.Name) == r.key || s.cols[i] >= 0 && r.columns.list[s.cols[i]].name == r.key {
			return true
		}
	}
	return false
}

func (r *run) noKey(s *dataSet, fields []Field, has string) error {
	names := make([]string, 0, len(fields))
	for _, f := range fields[:min(len(fields), 20)] {
		names = append(names, f.Name)
	}
	if len(fields) > len(names) {
		names = append(names, "…")
	}
	return layers.Errorf(layers.ErrInvalid, "%s: there is no property %s, which is to be the key; %s %s", filepath.Base(s.path), r.key, has, strings.Join(names, ", "))
}

func (r *run) refuse(ref *Refusal) {
	r.report.Refused++
	c := r.refusals[ref.Code]
	if c == nil {
		c = &RefusalCount{Code: ref.Code}
		r.refusals[ref.Code] = c
	}
	c.Count++
	if len(c.Samples) < maxSamples {
		kept := *ref
		kept.Raw = nil
		kept.ID = strings.Clone(kept.ID)
		c.Samples = append(c.Samples, kept)
	}
}

func (r *run) fault(fault, near, place, id string) {
	c := r.faults[fault]
	if c == nil {
		c = &FaultCount{Fault: fault}
		r.faults[fault] = c
	}
	c.Count++
	if len(c.Samples) < maxSamples {
		c.Samples = append(c.Samples, FaultSample{Place: place, ID: strings.Clone(id), Detail: detail(near)})
	}
}

func detail(near string) string {
	if near == "" {
		return ""
	}
	return "near " + near
}

func (r *run) countGeometry(g *spatial.Geometry) {
	rep := &r.report.Geometry
	if g.IsEmpty() {
		rep.Without++
		if g.IsNull() {
			return
		}
	}
	if rep.Types == nil {
		rep.Types = map[string]int64{}
	}
	rep.Types[g.Type.String()]++
	rep.HasZ = rep.HasZ || g.HasZ()
	r.extent = r.extent.Union(g.Envelope())
}

// describeFile completes a data set's report once it has been read.
func (r *run) describeFile(s *dataSet, info *Info) error {
	f := &r.report.Files[s.report]
	s.multi = info.Multi
	f.Read = s.read
	f.Encoding, f.EncodingMethod, f.EncodingSamples = info.Encoding, info.EncodingMethod, info.EncodingSamples
	for _, w := range info.Warnings {
		r.warn("%s: %s", filepath.Base(s.path), w)
	}
	for _, path := range info.Files {
		sum, n, err := fingerprint(r.ctx, path)
		if err != nil {
			return layers.Errorf(layers.ErrUnavailable, "%s cannot be read: %w", path, err)
		}
		f.Parts = append(f.Parts, FilePart{path, n, sum})
	}
	return nil
}

// fingerprint is a file's SHA-256 and size.
func fingerprint(ctx context.Context, path string) (string, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	buf := make([]byte, 1<<20)
	total := int64(0)
	for {
		if err := ctx.Err(); err != nil {
			return "", 0, err
		}
		n, err := f.Read(buf)
		total += int64(n)
		h.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), total, nil
		}
		if err != nil {
			return "", 0, err
		}
	}
}

func (r *run) progress(stage string, s *dataSet, src Source, n int64) {
	if r.plan.Progress == nil || n%256 != 0 {
		return
	}
	now := time.Now()
	if now.Sub(r.told) < 100*time.Millisecond {
		return
	}
	r.told = now
	// A source may count what it has unpacked: its share of the file is what counts.
	done, total := src.Offset()
	if total > 0 {
		done = int64(float64(done) / float64(total) * float64(s.size))
	}
	r.plan.Progress(Progress{Stage: stage, Done: r.before + min(max(done, 0), s.size), Total: r.total, Records: n})
}

// summarise puts what the check counted into the report.
func (r *run) summarise() {
	rep := r.report
	for _, c := range r.refusals {
		rep.Refusals = append(rep.Refusals, *c)
	}
	sort.Slice(rep.Refusals, func(i, j int) bool {
		a, b := rep.Refusals[i], rep.Refusals[j]
		return a.Count > b.Count || a.Count == b.Count && a.Code < b.Code
	})
	for _, c := range r.faults {
		rep.Geometry.Faults = append(rep.Geometry.Faults, *c)
		r.warn("%d geometries have %s; they are stored as they are", c.Count, c.Fault)
	}
	sort.Slice(rep.Geometry.Faults, func(i, j int) bool {
		a, b := rep.Geometry.Faults[i], rep.Geometry.Faults[j]
		return a.Count > b.Count || a.Count == b.Count && a.Fault < b.Fault
	})
	sort.Strings(rep.Warnings)
	if e := r.extent; !e.IsEmpty() {
		rep.Geometry.Extent = []float64{e.MinX, e.MinY, e.MaxX, e.MaxY}
	}
	for _, c := range r.columns.list {
		rep.Properties = append(rep.Properties, c.report(c.valueType(), rep.Accepted))
	}
}

// geometryType is the type that admits every geometry met.
func (r *run) geometryType(multi bool) spatial.Type {
	t := spatial.Unknown
	for name := range r.report.Geometry.Types {
		g, _ := spatial.ParseType(name)
		switch {
		case t == spatial.Unknown || t == g:
			t = g
		case t.Single() == g.Single() && t != spatial.GeometryCollection && g != spatial.GeometryCollection:
			t = t.Single() + 3
		default:
			return spatial.Unknown
		}
	}
	if multi && (t == spatial.LineString || t == spatial.Polygon) {
		t += 3
	}
	return t
}

// judge is admit with what only the check does: looking for faults of geometries
// that are stored all the same, and counting.
func (r *run) judge(rec *Record, s *dataSet, src Source, tr crs.Transform) *Refusal {
	fault, near := "", ""
	if rec.Geometry.Check() == nil {
		fault, near = faultOf(rec.Geometry)
	}
	if refusal := r.admit(rec, s, src, tr); refusal != nil {
		return refusal
	}
	if fault != "" {
		r.fault(fault, near, src.Place(rec.Row), rec.ID)
	}
	r.countGeometry(&rec.Geometry)
	if rec.Surfaces == nil {
		return nil
	}
	if s, err := rec.Surfaces.encode(); err != nil {
		r.fault("the faces of its body cannot be kept: "+err.Error(), "", src.Place(rec.Row), rec.ID)
	} else if len(s) > 0 {
		r.report.Geometry.Surfaces++
	}
	return nil
}

// withoutCancel lets a clean-up go on for a while after a run was cancelled.
func withoutCancel(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
}
