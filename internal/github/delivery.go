package github

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxDelivery bounds what is read of the answer with one whole delivery, of which next to nothing is kept: GitHub's
// payloads have up to 25 MB, and the receiver's answer stands beside it.
const maxDelivery = 64 << 20

// Delivery is one attempt to deliver an event to a webhook. A redelivery is another Delivery with the same GUID.
type Delivery struct {
	// ID exceeds 2^53: JavaScript must not read it as a number.
	ID          int64     `json:"id"`
	GUID        string    `json:"guid"`
	DeliveredAt time.Time `json:"delivered_at"`
	Redelivery  bool      `json:"redelivery"`
	// Duration is in seconds.
	Duration float64 `json:"duration"`
	// Status is OK when the receiver took the delivery, and else GitHub's words for what went wrong.
	Status string `json:"status"`
	// StatusCode is the receiver's; 0 or 502 where nothing answered.
	StatusCode int    `json:"status_code"`
	Event      string `json:"event"`
	// Action is empty where the event has none.
	Action         string     `json:"action"`
	InstallationID *int64     `json:"installation_id"`
	RepositoryID   *int64     `json:"repository_id"`
	ThrottledAt    *time.Time `json:"throttled_at"`
	// URL is where it went. It can hold a receiver's token. Like Response it is not in lists.
	URL      string            `json:"url"`
	Response *DeliveryResponse `json:"response"`
}

func (d *Delivery) check() error {
	if d.ID <= 0 {
		return errors.New("id is missing")
	}
	return nil
}

// shorten cuts what GitHub would not send: lists are kept by the page. A guid that is too long is none.
func (d *Delivery) shorten() {
	d.Status, d.Event, d.Action = shortened(d.Status, maxMessage), shortened(d.Event, maxWord), shortened(d.Action, maxWord)
	if len(d.GUID) > maxWord {
		d.GUID = ""
	}
	d.URL, d.Response = "", nil
}

// shortened is the beginning of a text, which does not hold on to the rest.
func shortened(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.Clone(strings.ToValidUTF8(text[:limit], ""))
}

// DeliveryResponse is what the receiver answered, as far as it is read.
type DeliveryResponse struct {
	// Payload is the beginning of the body; nil where there was no answer, or none that is a text.
	Payload *string `json:"payload"`
}

// DeliveryQuery chooses deliveries. The zero value is GitHub's first page, the newest 30.
type DeliveryQuery struct {
	// PerPage is at most 100.
	PerPage int
	// Cursor is the Next of the page before.
	Cursor string
	// Status is success or failure, which GitHub takes for status codes from 400 to 599; older servers ignore it.
	Status string
}

// DeliveryPage is a page of deliveries, the newest first.
type DeliveryPage struct {
	Deliveries []Delivery
	// Next is the cursor of the next page; empty at the end. It is opaque.
	Next string
	// Skipped is how many deliveries of the page could not be read.
	Skipped int
}

// Deliveries reads one page of the hook's deliveries. GitHub keeps them for some days only.
func (h Hooks) Deliveries(ctx context.Context, id int64, query DeliveryQuery) (DeliveryPage, error) {
	c, err := h.below(http.MethodGet, id, "/deliveries")
	if err != nil {
		return DeliveryPage{}, err
	}
	// Pages further back hardly come again, and would take the place of those that do.
	c.query, c.polled = query.values(), query.Cursor == ""
	var deliveries list[Delivery, *Delivery]
	said, err := h.client.do(ctx, c, &deliveries)
	if err != nil {
		return DeliveryPage{}, err
	}
	for i := range deliveries.entries {
		deliveries.entries[i].shorten()
	}
	page := DeliveryPage{Deliveries: deliveries.entries, Skipped: deliveries.odd}
	next, err := nextLink(said.header, said.from)
	if err != nil {
		return DeliveryPage{}, c.fail(ErrNotGitHub, err.Error())
	}
	if next == nil {
		return page, nil
	}
	if page.Next = next.Query().Get("cursor"); page.Next == "" || page.Next == query.Cursor {
		return DeliveryPage{}, c.fail(ErrNotGitHub, malformed+": the next page of deliveries has no cursor of its own")
	}
	return page, nil
}

func (q DeliveryQuery) values() url.Values {
	values := url.Values{}
	if q.PerPage > 0 {
		values.Set("per_page", strconv.Itoa(q.PerPage))
	}
	if q.Cursor != "" {
		values.Set("cursor", q.Cursor)
	}
	if q.Status != "" {
		values.Set("status", q.Status)
	}
	return values
}

// Delivery reads one delivery with the beginning of the receiver's answer.
func (h Hooks) Delivery(ctx context.Context, id, deliveryID int64) (*Delivery, error) {
	c, err := h.delivery(http.MethodGet, id, deliveryID, "")
	if err != nil {
		return nil, err
	}
	c.maxBody, c.read = maxDelivery, readDelivery
	var answer Delivery
	if _, err := h.client.do(ctx, c, &answer); err != nil {
		return nil, err
	}
	return &answer, nil
}

// Redeliver asks for the delivery to be made again. GitHub does it later: a new Delivery shows in the list then.
func (h Hooks) Redeliver(ctx context.Context, id, deliveryID int64) error {
	c, err := h.delivery(http.MethodPost, id, deliveryID, "/attempts")
	if err != nil {
		return err
	}
	c.success, c.changes = http.StatusAccepted, false
	_, err = h.client.do(ctx, c, nil)
	return err
}

func (h Hooks) delivery(method string, id, deliveryID int64, below string) (call, error) {
	c, err := h.below(method, id, "/deliveries")
	if err != nil {
		return call{}, err
	}
	c.path += "/" + strconv.FormatInt(deliveryID, 10) + below
	c.route += "/{delivery_id}" + below
	return c, nil
}
