package delivery

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/github-webhooks/github-webhook-operator/internal/redact"
)

// ErrRequest is wrapped by the errors of ParseRequest.
var ErrRequest = errors.New(`the annotation takes "failed", a delivery's guid or its id, each with an optional "@" and any text that makes it distinct`)

// failedDeliveries is the value that asks for all failed deliveries.
const failedDeliveries = "failed"

// maxValue bounds what an error quotes of a value, in characters.
const maxValue = 80

var (
	guidPattern = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	idPattern   = regexp.MustCompile(`^\d+$`)
)

// Request is what a user asks to be delivered again: exactly one of its fields is set.
type Request struct {
	// Failed asks for all events of which no delivery arrived.
	Failed bool
	// GUID of an event, in lower case as GitHub writes it.
	GUID string
	// ID of a delivery.
	ID int64
}

// ParseRequest reads the value of the annotation github-webhooks.dev/redeliver. What follows an "@" only tells one request
// from the next. Errors wrap ErrRequest.
func ParseRequest(value string) (Request, error) {
	what, _, _ := strings.Cut(value, "@")
	what = strings.ToLower(strings.TrimSpace(what))
	switch {
	case what == failedDeliveries:
		return Request{Failed: true}, nil
	case guidPattern.MatchString(what):
		return Request{GUID: what}, nil
	case idPattern.MatchString(what):
		if id, err := strconv.ParseInt(what, 10, 64); err == nil && id > 0 {
			return Request{ID: id}, nil
		}
	}
	return Request{}, fmt.Errorf("%q asks for no delivery: %w", redact.Clean(value, maxValue), ErrRequest)
}

// String is the request as users write it.
func (r Request) String() string {
	switch {
	case r.Failed:
		return failedDeliveries
	case r.GUID != "":
		return r.GUID
	default:
		return strconv.FormatInt(r.ID, 10)
	}
}

// Select finds what is asked for, the oldest event first: failed events except those that GitHub throttles, or exactly
// the event or delivery named, whether it failed or not. It is empty when rows have none such.
func (r Request) Select(rows []Row) []Due {
	var all []Due
	for _, e := range events(rows) {
		switch {
		case r.Failed:
			if !e.arrived() && !e.throttled() {
				all = append(all, e.due())
			}
		case r.GUID != "":
			if strings.EqualFold(e.guid, r.GUID) {
				all = append(all, e.due())
			}
		default:
			for _, row := range e.rows {
				if row.ID == r.ID {
					due := e.due()
					due.ID, due.Event, due.Action = row.ID, row.Event, row.Action
					all = append(all, due)
				}
			}
		}
	}
	return all
}

// Choice is what a request has GitHub asked for.
type Choice struct {
	// Due are the deliveries to ask for, the oldest event first.
	Due []Due
	// AskedLately and RefusedLately count those that are left out, because GitHub was asked for them in the last minutes:
	// a request goes on after a crash without repeating itself.
	AskedLately, RefusedLately int
}

// Choose finds what is asked for among rows, but for what requested says that GitHub was asked for within RequestTimeout.
func (r Request) Choose(rows []Row, requested []Requested, now time.Time) Choice {
	var choice Choice
	lately := map[string]Requested{}
	for _, asked := range requested {
		if now.Sub(asked.At) < RequestTimeout && !lately[asked.GUID].At.After(asked.At) {
			lately[asked.GUID] = asked
		}
	}
	for _, due := range r.Select(rows) {
		asked, is := lately[due.GUID]
		switch {
		case is && asked.Refused:
			choice.RefusedLately++
		case is:
			choice.AskedLately++
		default:
			choice.Due = append(choice.Due, due)
		}
	}
	return choice
}
