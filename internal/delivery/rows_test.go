package delivery_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/github-webhooks/github-webhook-operator/internal/delivery"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// after is noon and so long.
func after(d time.Duration) time.Time { return noon.Add(d) }

// failed is the first delivery of an event, of that many seconds after noon, which the receiver answered with 500.
func failed(id int64, guid string, seconds float64) github.Delivery {
	return github.Delivery{
		ID: id, GUID: guid, DeliveredAt: after(time.Duration(seconds * float64(time.Second))), Event: "push",
		Status: "Invalid HTTP Response: 500", StatusCode: 500,
	}
}

// again makes a redelivery of a row.
func again(d github.Delivery) github.Delivery {
	d.Redelivery = true
	return d
}

// arrived makes a row one that the receiver took.
func arrived(d github.Delivery) github.Delivery {
	d.Status, d.StatusCode = "OK", 200
	return d
}

// throttled makes a row one that GitHub held back.
func throttled(d github.Delivery) github.Delivery {
	at := d.DeliveredAt
	d.ThrottledAt = &at
	return d
}

// rowsOf are deliveries as plans keep them.
func rowsOf(deliveries ...github.Delivery) []delivery.Row { return delivery.Rows(deliveries) }

// named makes a row one of another event.
func named(d github.Delivery, event string) github.Delivery {
	d.Event = event
	return d
}

// guid is a GUID as GitHub writes it.
func guid(n int) string { return fmt.Sprintf("%08x-242f-11e5-81e1-c7b6966d2516", n) }

// dice fall in the same way for the same seed.
func dice(seed uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // A failure must be repeatable.
}
