package githubsim

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// Delivery is one attempt to deliver an event to a webhook, as GitHub logs it.
type Delivery struct {
	ID int64
	// GUID is the event's: all deliveries of one event share it, to whichever webhook and however often.
	GUID        string
	DeliveredAt time.Time
	Redelivery  bool
	Duration    time.Duration
	// Status is OK or what went wrong, in GitHub's words.
	Status string
	// StatusCode is the receiver's; where nothing answered 502, 504 or, for a certificate that was not accepted, 0.
	StatusCode int
	Event      string
	// Action is empty where the event has none.
	Action string
	// InstallationID and RepositoryID are 0 where the event has none.
	InstallationID, RepositoryID int64
	// ThrottledAt is zero where GitHub did not hold the delivery back.
	ThrottledAt time.Time
	URL         string
	Request     DeliveryRequest
	Response    DeliveryResponse
}

// DeliveryRequest is what was sent.
type DeliveryRequest struct {
	Headers map[string]string
	// Payload is the event as JSON, also where it was sent as a form.
	Payload json.RawMessage
}

// DeliveryResponse is what came back; Headers is nil where nothing did.
type DeliveryResponse struct {
	Headers map[string]string
	Payload string
}

// Deliveries lists a webhook's deliveries, newest first. An App's webhook has the ID 0.
func (s *Server) Deliveries(target Target, hookID int64) []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hookAt(target, hookID)
	if h == nil {
		return nil
	}
	deliveries := make([]Delivery, 0, len(h.deliveries))
	for _, d := range slices.Backward(h.deliveries) {
		deliveries = append(deliveries, *d)
	}
	return deliveries
}

// AddDelivery writes a delivery that was never made into a webhook's log, and returns it with what GitHub gives: its ID
// where it has none, and GUID, time, event and address likewise.
func (s *Server) AddDelivery(target Target, hookID int64, delivery Delivery) Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hookAt(target, hookID)
	if h == nil {
		return Delivery{}
	}
	s.ids.reserve(0, delivery.ID)
	setDefault(&delivery.GUID, newGUID())
	setDefault(&delivery.DeliveredAt, s.now())
	setDefault(&delivery.Event, "push")
	setDefault(&delivery.URL, h.Config.URL)
	setDefault(&delivery.Status, "OK")
	if delivery.Request.Payload == nil {
		delivery.Request.Payload = json.RawMessage(`{}`)
	}
	s.record(h, &delivery)
	return delivery
}

// record logs a delivery and lets the oldest go, by halves so that a full log costs no copy per delivery.
func (s *Server) record(h *hook, d *Delivery) {
	if d.ID == 0 {
		d.ID = s.ids.delivery()
	}
	if len(h.deliveries) >= 2*s.options.DeliveriesKept {
		h.deliveries = slices.Clone(h.deliveries[len(h.deliveries)-s.options.DeliveriesKept:])
	}
	i, _ := slices.BinarySearchFunc(h.deliveries, d.ID, byDeliveryID)
	h.deliveries = slices.Insert(h.deliveries, i, d)
}

func byDeliveryID(d *Delivery, id int64) int { return cmp.Compare(d.ID, id) }

// kept are the deliveries that GitHub still knows, oldest first.
func (s *Server) kept(h *hook) []*Delivery {
	newest := h.deliveries[max(0, len(h.deliveries)-s.options.DeliveriesKept):]
	oldest := s.now().Add(-s.options.DeliveryRetention)
	return slices.DeleteFunc(slices.Clone(newest), func(d *Delivery) bool { return d.DeliveredAt.Before(oldest) })
}

// deliveryItemBody is the schema hook-delivery-item.
type deliveryItemBody struct {
	ID             int64   `json:"id"`
	GUID           string  `json:"guid"`
	DeliveredAt    string  `json:"delivered_at"`
	Redelivery     bool    `json:"redelivery"`
	Duration       float64 `json:"duration"`
	Status         string  `json:"status"`
	StatusCode     int     `json:"status_code"`
	Event          string  `json:"event"`
	Action         *string `json:"action"`
	InstallationID *int64  `json:"installation_id"`
	RepositoryID   *int64  `json:"repository_id"`
	ThrottledAt    *string `json:"throttled_at"`
	URL            string  `json:"url"`
}

// deliveryBody is the schema hook-delivery.
type deliveryBody struct {
	deliveryItemBody
	Request  deliveryRequestBody  `json:"request"`
	Response deliveryResponseBody `json:"response"`
}

type deliveryRequestBody struct {
	Headers map[string]string `json:"headers"`
	Payload json.RawMessage   `json:"payload"`
}

type deliveryResponseBody struct {
	Headers map[string]string `json:"headers"`
	Payload *string           `json:"payload"`
}

// deliveryTime has milliseconds where there are any, as GitHub's may.
const deliveryTime = "2006-01-02T15:04:05.999Z07:00"

// item shows a delivery in a list, where GitHub leaves the address empty (observed in recordings).
func (d *Delivery) item() deliveryItemBody {
	return deliveryItemBody{
		ID: d.ID, GUID: d.GUID, DeliveredAt: d.DeliveredAt.UTC().Format(deliveryTime), Redelivery: d.Redelivery,
		Duration: float64(d.Duration.Milliseconds()) / 1000, Status: d.Status, StatusCode: d.StatusCode, Event: d.Event,
		Action: nullable(d.Action), InstallationID: nullable(d.InstallationID), RepositoryID: nullable(d.RepositoryID),
		ThrottledAt: nullableTime(d.ThrottledAt),
	}
}

func (d *Delivery) body() deliveryBody {
	body := deliveryBody{
		deliveryItemBody: d.item(),
		Request:          deliveryRequestBody{Headers: d.Request.Headers, Payload: d.Request.Payload},
		Response:         deliveryResponseBody{Headers: d.Response.Headers},
	}
	body.URL = d.URL
	if d.Response.Headers != nil {
		body.Response.Payload = &d.Response.Payload
	}
	return body
}

func nullable[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

func nullableTime(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return nullable(t.UTC().Format(deliveryTime))
}
