package main

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
)

func synced(name string, at time.Time) webhook {
	w := &v1alpha1.RepositoryWebhook{ObjectMeta: metav1.ObjectMeta{Name: name}}
	w.Status.LastSyncTime = &metav1.Time{Time: at}
	return w
}

func TestTracker(t *testing.T) {
	g := NewWithT(t)
	begin := time.Unix(1_000, 0)
	tr := &tracker{objects: map[string]webhook{}}
	late := func(w webhook) string {
		if w == nil || !w.Status.LastSyncTime.After(begin) {
			return "is late"
		}
		return ""
	}
	tr.see(synced("a", begin))
	done := tr.want([]string{"a", "b"}, late)
	tr.see(synced("a", begin.Add(time.Second)))
	tr.see(synced("c", begin.Add(time.Second)))
	g.Expect(done).NotTo(BeClosed(), "b is not there")
	g.Expect(tr.stuck(time.Hour)).To(Succeed())
	g.Expect(tr.stuck(0)).To(MatchError("for 0s nothing changed for 1 objects, of which b is late"))

	tr.see(synced("a", begin))
	tr.see(synced("b", begin.Add(time.Second)))
	g.Expect(done).NotTo(BeClosed(), "a is late again")
	tr.see(synced("a", begin.Add(2*time.Second)))
	g.Expect(done).To(BeClosed())
	g.Expect(tr.stuck(0)).To(Succeed())

	g.Expect(tr.want([]string{"a", "b"}, late)).To(BeClosed(), "it is so already")
	done = tr.want([]string{"a"}, gone)
	g.Expect(done).NotTo(BeClosed())
	tr.lose("a")
	g.Expect(done).To(BeClosed())
}
