package controllers

import (
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// Bounds of the events.k8s.io/v1 API, and of what users want to see.
const (
	maxNote    = 1024
	maxAction  = 128
	eventQuiet = 10 * time.Minute
	eventsKept = 10_000
)

// Events tells users what was done, through the events.k8s.io API. The same event is sent at most once in 10 minutes.
type Events struct {
	recorder events.EventRecorder
	scheme   *runtime.Scheme
	sent     *expirable.LRU[sentEvent, struct{}]
}

type sentEvent struct {
	object       types.UID
	reason, note string
}

// NewEvents makes a helper that sends through recorder.
func NewEvents(recorder events.EventRecorder, scheme *runtime.Scheme) *Events {
	return &Events{recorder: recorder, scheme: scheme, sent: expirable.NewLRU[sentEvent, struct{}](eventsKept, nil, eventQuiet)}
}

// Normal tells what went well. The action is fields or a guid, and the time in base 36: it keeps events apart that the API
// would else count as one series, whose key ignores the note and which hides all but its first two.
func (e *Events) Normal(obj client.Object, reason, action, note string) {
	e.send(obj, corev1.EventTypeNormal, reason, action, note)
}

// Warning tells what a person may have to look at.
func (e *Events) Warning(obj client.Object, reason, action, note string) {
	e.send(obj, corev1.EventTypeWarning, reason, action, note)
}

func (e *Events) send(obj client.Object, eventType, reason, action, note string) {
	key := sentEvent{obj.GetUID(), reason, note}
	if e.sent.Contains(key) {
		return
	}
	e.sent.Add(key, struct{}{})
	if action == "" {
		action = reason
	}
	at := " " + strconv.FormatInt(time.Now().UnixNano(), 36)
	action = truncate(action, maxAction-len(at)) + at
	e.recorder.Eventf(e.reference(obj), nil, eventType, reason, action, "%s", truncate(note, maxNote))
}

// reference leaves out the resourceVersion, which would make every event a series of its own.
func (e *Events) reference(obj client.Object) *corev1.ObjectReference {
	ref := &corev1.ObjectReference{Namespace: obj.GetNamespace(), Name: obj.GetName(), UID: obj.GetUID()}
	if gvk, err := apiutil.GVKForObject(obj, e.scheme); err == nil {
		ref.APIVersion, ref.Kind = gvk.ToAPIVersionAndKind()
	}
	return ref
}

// truncate cuts a text at a character's end to at most n bytes.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	const ellipsis = "…"
	return strings.ToValidUTF8(s[:n-len(ellipsis)], "") + ellipsis
}
