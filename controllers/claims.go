package controllers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
)

// claimIndex finds objects by what they claim.
const claimIndex = "status.claim"

// claim is what an object says is its own: one hook, or one App's webhook, on one server. It stands in the status, never in
// a spec alone, so that nobody can block a hook that their credentials do not open.
type claim struct {
	kind   string
	server string
	id     int64
}

func (c claim) String() string { return fmt.Sprintf("%s#%d", c.server, c.id) }

// claimOf an object; only what it manages and has written to.
func claimOf(k kind, obj Webhook) (claim, bool) {
	s, id := obj.CommonStatus(), *obj.StatusID()
	ok := id != 0 && s.Applied != nil && obj.CommonSpec().ManagementPolicy == v1alpha1.Manage
	return claim{k.name, s.Server, id}, ok
}

// claims knows who owns which hook. Those in status are read from the cache; those being made, which the cache may not show
// yet, are remembered for a while.
type claims struct {
	reader client.Reader
	recent *expirable.LRU[claim, types.UID]
}

// Bounds of what is remembered of claims being made.
const (
	recentClaims = 1_000
	claimLag     = 10 * time.Second
)

func newClaims(reader client.Reader) *claims {
	return &claims{reader: reader, recent: expirable.NewLRU[claim, types.UID](recentClaims, nil, claimLag)}
}

// reserve a hook for an object that made it, or is about to take it over; false when it is another one's.
func (c *claims) reserve(obj *object, wanted claim) bool {
	if c.isReserved(obj, wanted) {
		return false
	}
	c.recent.Add(wanted, obj.GetUID())
	return true
}

// release gives up what an object that is gone had reserved.
func (c *claims) release(uid types.UID) {
	for _, reserved := range c.recent.Keys() {
		if holder, held := c.recent.Peek(reserved); held && holder == uid {
			c.recent.Remove(reserved)
		}
	}
}

// isReserved reports whether a hook is reserved for another object.
func (c *claims) isReserved(obj *object, wanted claim) bool {
	holder, held := c.recent.Peek(wanted)
	return held && holder != obj.GetUID()
}

// owner returns the object other than obj that owns a hook and comes before it: the older one, then the one with the
// lower UID. It is nil when obj owns the hook or may claim it.
func (c *claims) owner(ctx context.Context, obj *object, wanted claim) (Webhook, error) {
	others, err := c.others(ctx, obj, wanted)
	if err != nil {
		return nil, err
	}
	own, claimed := claimOf(obj.kind, obj.Webhook)
	claimed = claimed && own == wanted // A claim to another hook, one that is gone perhaps, says nothing here.
	for _, other := range others {
		if !claimed || before(other, obj.Webhook) {
			return other, nil
		}
	}
	return nil, nil
}

// of says what another object has to do with a hook.
func (c *claims) of(ctx context.Context, obj *object, wanted claim) (hook.Claim, error) {
	owner, err := c.owner(ctx, obj, wanted)
	switch {
	case owner != nil:
		return hook.Claimed, nil
	case c.isReserved(obj, wanted):
		return hook.Reserved, err
	}
	return hook.Unclaimed, err
}

// others with the same claim.
func (c *claims) others(ctx context.Context, obj *object, wanted claim) ([]Webhook, error) {
	claiming, err := obj.kind.list(ctx, c.reader, client.MatchingFields{claimIndex: wanted.String()})
	return slices.DeleteFunc(claiming, func(other Webhook) bool { return other.GetUID() == obj.GetUID() }), err
}

// before orders objects that claim the same hook.
func before(a, b Webhook) bool {
	at, bt := a.GetCreationTimestamp(), b.GetCreationTimestamp()
	return cmp.Or(at.Compare(bt.Time), cmp.Compare(a.GetUID(), b.GetUID())) < 0
}
