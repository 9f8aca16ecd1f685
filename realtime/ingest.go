package realtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxRefusals is how many refusals an answer lists.
const maxRefusals = 1000

// batchSize is how many items of a request are read before they are applied.
const batchSize = 512

// ingestAnswer is the body of every answer to a readable request.
type ingestAnswer struct {
	Type         string    `json:"type,omitempty"` // of RFC 9457, when nothing was taken
	Title        string    `json:"title,omitempty"`
	Status       int       `json:"status,omitempty"`
	Detail       string    `json:"detail,omitempty"`
	Accepted     int       `json:"accepted"`
	Refused      []Refusal `json:"refused"`                // the first maxRefusals
	RefusedTotal int       `json:"refusedTotal,omitempty"` // when there are more
}

// ingestor is how a kind of items is taken from a request.
type ingestor struct {
	noun      string
	origins   []string
	maxBody   int64
	journal   Journal // nil: nothing is recorded
	malformed func()
	// batch begins a request: read appends the next item to the batch, and apply
	// applies the batch and empties it.
	batch func() (read func(*Reader) (int, error), apply func(context.Context) (Result, error))
}

// itemBatch is the batch of an ingestor of items that need no memory of their own:
// decode reads one and tells its id, take takes a batch.
func itemBatch[T any](decode func([]byte, *T) (id string, err error), take func(context.Context, []T) (Result, error)) func() (read func(*Reader) (int, error), apply func(context.Context) (Result, error)) {
	return func() (read func(*Reader) (int, error), apply func(context.Context) (Result, error)) {
		batch := make([]T, 0, batchSize)
		read = func(r *Reader) (int, error) {
			var x T
			i, err := r.next(func(b []byte) (string, error) { return decode(b, &x) })
			if err == nil {
				batch = append(batch, x)
			}
			return i, err
		}
		apply = func(ctx context.Context) (Result, error) {
			result, err := take(ctx, batch)
			batch = batch[:0]
			return result, err
		}
		return read, apply
	}
}

// ServeHTTP takes one request; PositionsHandler lists the answers.
func (in *ingestor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		problem(w, http.StatusMethodNotAllowed, in.noun+"s are sent with POST")
		return
	}
	if err := checkOrigin(r, in.origins); err != nil {
		problem(w, http.StatusForbidden, err.Error())
		return
	}
	lines, err := contentType(r.Header.Get("Content-Type"))
	if err != nil {
		problem(w, http.StatusUnsupportedMediaType, err.Error())
		return
	}
	if r.ContentLength > in.maxBody {
		problem(w, http.StatusRequestEntityTooLarge, in.tooLarge(in.maxBody))
		return
	}
	if in.journal != nil {
		if err := in.journal.Ready(); err != nil { // before anything is applied that could not be confirmed
			w.Header().Set("Retry-After", "5")
			problem(w, http.StatusServiceUnavailable, err.Error()+"; nothing was taken, send it again")
			return
		}
	}
	reader := NewReader(http.MaxBytesReader(w, r.Body, in.maxBody), lines)
	reader.noun = in.noun
	run := ingestion{in: in, reader: reader, batchIndex: make([]int, 0, batchSize), outcomes: map[Outcome]int{}}
	a := run.all(r.Context())
	if a.Refused == nil {
		a.Refused = []Refusal{}
	}
	if a.Status == 0 {
		writeJSON(w, http.StatusAccepted, "application/json", a)
		return
	}
	if a.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	a.Type, a.Title = "about:blank", http.StatusText(a.Status)
	writeJSON(w, a.Status, "application/problem+json", a)
}

func (in *ingestor) tooLarge(limit int64) string {
	return fmt.Sprintf("the body exceeds %d MiB; send the %ss in several requests", limit>>20, in.noun)
}

// ingestion is one request that is being taken.
type ingestion struct {
	in         *ingestor
	reader     *Reader
	apply      func(context.Context) (Result, error)
	batchIndex []int // in the request, of each item of the batch
	answer     ingestAnswer
	outcomes   map[Outcome]int
	refused    int
	unrecorded error
}

// all reads and applies every item and waits until what was accepted is on disk.
func (g *ingestion) all(ctx context.Context) ingestAnswer {
	read, apply := g.in.batch()
	g.apply = apply
	fatal := g.read(ctx, read)
	if len(g.batchIndex) > 0 {
		if err := g.flush(ctx); fatal == nil {
			fatal = err
		}
	}
	if g.in.journal != nil && g.unrecorded == nil {
		// Also when nothing was accepted: a position that was sent again because it
		// could not be confirmed is a duplicate now, and may be taken for recorded.
		g.unrecorded = g.in.journal.Flush(ctx)
	}
	g.conclude(fatal)
	return g.answer
}

func (g *ingestion) read(ctx context.Context, read func(*Reader) (int, error)) error {
	for {
		i, err := read(g.reader)
		var item *ItemError
		switch {
		case err == nil:
			if g.batchIndex = append(g.batchIndex, i); len(g.batchIndex) < batchSize {
				continue
			}
			if err := g.flush(ctx); err != nil {
				return err
			}
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &item):
			if err := g.flush(ctx); err != nil { // keep the refusals in order
				return err
			}
			g.in.malformed()
			g.refuse(Refusal{Index: i, ID: truncate(item.ID), Reason: item.Err.Error(), Outcome: Invalid})
		default:
			var large *http.MaxBytesError
			if !errors.As(err, &large) {
				g.in.malformed() // from here on nothing can be read
			}
			return err
		}
	}
}

func (g *ingestion) flush(ctx context.Context) error {
	if len(g.batchIndex) == 0 {
		return nil
	}
	result, err := g.apply(ctx)
	g.answer.Accepted += result.Accepted
	if result.JournalError != nil {
		g.unrecorded = result.JournalError
	}
	for _, f := range result.Refused {
		f.Index = g.batchIndex[f.Index]
		g.refuse(f)
	}
	g.batchIndex = g.batchIndex[:0]
	return err
}

func (g *ingestion) refuse(f Refusal) {
	g.outcomes[f.Outcome]++
	if g.refused++; len(g.answer.Refused) < maxRefusals {
		g.answer.Refused = append(g.answer.Refused, f)
	}
}

// conclude finds the status of the answer.
func (g *ingestion) conclude(fatal error) {
	a, total := &g.answer, g.refused
	if total > len(a.Refused) {
		a.RefusedTotal = total
	}
	var tooBig *http.MaxBytesError
	switch {
	case g.unrecorded != nil:
		a.Status, a.Detail = http.StatusServiceUnavailable, fmt.Sprintf("%v; nothing of this request counts as recorded, send it again", g.unrecorded)
		a.Accepted = 0
	case errors.As(fatal, &tooBig):
		a.Status, a.Detail = http.StatusRequestEntityTooLarge, g.in.tooLarge(tooBig.Limit)
	case fatal != nil:
		a.Status, a.Detail = http.StatusBadRequest, fmt.Sprintf("%v; %d %ss before it were taken", fatal, a.Accepted, g.in.noun)
	case a.Accepted == 0 && total == 0:
		a.Status, a.Detail = http.StatusBadRequest, fmt.Sprintf("the body holds no %s", g.in.noun)
	case a.Accepted == 0 && g.outcomes[UnknownLayer] == total:
		a.Status, a.Detail = http.StatusNotFound, a.Refused[0].Reason
	case a.Accepted == 0 && g.outcomes[Invalid]+g.outcomes[UnknownLayer]+g.outcomes[Future] == total:
		a.Status, a.Detail = http.StatusBadRequest, a.Refused[0].Reason
	}
}
