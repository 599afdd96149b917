package controllers_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// spelling is a way to write a server's address, and what it means.
type spelling struct {
	githubURL string
	server    string
	apiRoot   string
}

// spellings are what people write; empty is no githubURL at all.
var spellings = []spelling{
	{"", "https://github.com", "api.github.com"},
	{"https://github.com", "https://github.com", "api.github.com"},
	{"https://github.com/", "https://github.com", "api.github.com"},
	{"https://api.github.com", "https://github.com", "api.github.com"},
	{"https://octocorp.ghe.com", "https://octocorp.ghe.com", "api.octocorp.ghe.com"},
	{"https://api.octocorp.ghe.com/", "https://octocorp.ghe.com", "api.octocorp.ghe.com"},
	{"https://ghe.example.com", "https://ghe.example.com", "ghe.example.com/api/v3"},
	{"https://ghe.example.com/", "https://ghe.example.com", "ghe.example.com/api/v3"},
	{"https://ghe.example.com/api/v3", "https://ghe.example.com", "ghe.example.com/api/v3"},
	{"https://GHE.example.com:443/api/v3/", "https://ghe.example.com", "ghe.example.com/api/v3"},
}

// credentialsFor a server, with the world's token.
func (w *world) credentialsFor(ctx context.Context, name, githubURL, ca string) {
	GinkgoHelper()
	data := map[string]string{"token": w.token}
	if githubURL != "" {
		data["githubURL"] = githubURL
	}
	if ca != "" {
		data["ca.crt"] = ca
	}
	w.secret(ctx, name, data)
}

// apiPath of the world's hooks on GitHub, below the API root.
func (w *world) apiPath() string {
	if strings.Contains(string(w.target), "/") {
		return "/repos/" + string(w.target) + "/hooks"
	}
	return "/orgs/" + string(w.target) + "/hooks"
}

var _ = storiesOf("A server", func(kind hookKind) {
	It("is reached by whatever address people know it: github.com, GHE.com, an Enterprise Server with a private CA", func(ctx SpecContext) {
		web, w := newInternet(), newWorld(ctx, kind)
		w.withOwnOperatorEnv(ctx, web.env(""), "--github-hosts=github.com,*.ghe.com,ghe.example.com")
		var hooks []*hook
		var wanted []string
		for i, s := range spellings {
			name := fmt.Sprintf("ci-%d", i)
			w.credentialsFor(ctx, name, s.githubURL, web.ca)
			hooks = append(hooks, w.hook(ctx, name, withCredentials(name)))
			wanted = append(wanted, "POST "+s.apiRoot+w.apiPath())
		}
		for i, h := range hooks {
			h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
			status := h.hookStatus(ctx)
			Expect(status.Server).To(Equal(spellings[i].server))
			Expect(status.SettingsURL).To(Equal(spellings[i].server + kind.settings(w.owner) + fmt.Sprint(status.HookID)))
		}
		Expect(web.gotWrites()).To(ConsistOf(wanted))
		Expect(web.asked()).To(Equal([]string{"api.github.com:443", "api.octocorp.ghe.com:443", "ghe.example.com:443"}))
	})

	It("whose certificate nobody vouches for gets no token, until its authority is under ca.crt", func(ctx SpecContext) {
		web, w := newInternet(), newWorld(ctx, kind)
		w.withOwnOperatorEnv(ctx, web.env(""), "--github-hosts=ghe.example.com")
		w.credentialsFor(ctx, "github", "https://ghe.example.com", "")
		h := w.hook(ctx, "ci")
		ready := h.waitFor(ctx, metav1.ConditionUnknown, v1alpha1.ReasonGitHubUnavailable)
		Expect(ready.Message).To(containAll([]string{"https://ghe.example.com", "certificate"}))
		Expect(web.got()).To(BeEmpty())

		w.credentialsFor(ctx, "github", "https://ghe.example.com", web.ca)
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})

	It("that is down is waited for: nobody asks github.com instead", func(ctx SpecContext) {
		web, w := newInternet(), newWorld(ctx, kind)
		w.withOwnOperatorEnv(ctx, web.env(""), "--github-hosts=github.com,ghe.example.com")
		web.setDown("ghe.example.com:443", true)
		w.credentialsFor(ctx, "github", "https://ghe.example.com", web.ca)
		w.credentialsFor(ctx, "mistyped", "https:/ghe.example.com", web.ca)
		h, mistyped := w.hook(ctx, "ci"), w.hook(ctx, "mistyped", withCredentials("mistyped"))
		ready := h.waitFor(ctx, metav1.ConditionUnknown, v1alpha1.ReasonGitHubUnavailable)
		Expect(ready.Message).To(containAll([]string{"https://ghe.example.com", "502 Bad Gateway"}))
		ready = mistyped.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonCredentialsInvalid)
		Expect(ready.Message).To(containAll([]string{"githubURL", "https://ghe.example.com"}))

		web.setDown("ghe.example.com:443", false)
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(web.asked()).To(Equal([]string{"ghe.example.com:443"}))
	})

	DescribeTable("that sends the operator to another host is not followed there, though it may talk to that one",
		func(ctx SpecContext, method string, status int) {
			web, w := newInternet(), newWorld(ctx, kind)
			w.withOwnOperatorEnv(ctx, web.env(""), "--github-hosts=ghe.example.com,moved.example.com,github.com")
			w.credentialsFor(ctx, "github", "https://ghe.example.com", web.ca)
			away := sim.AddFault(w.about(githubsim.Fault{
				Method: method, Status: status,
				Header: http.Header{"Location": {"https://moved.example.com/api/v3" + w.apiPath()}},
			}))
			DeferCleanup(away.Remove)
			h := w.hook(ctx, "ci")
			ready := h.waitFor(ctx, metav1.ConditionUnknown, v1alpha1.ReasonGitHubUnavailable)
			Expect(ready.Message).To(ContainSubstring("redirects to another host, which is never followed"))
			Expect(web.asked()).To(Equal([]string{"ghe.example.com:443"}))
			Expect(w.onGitHub()).To(BeEmpty())

			away.Remove()
			h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		},
		Entry("a read", http.MethodGet, http.StatusMovedPermanently),
		Entry("a write", http.MethodPost, http.StatusTemporaryRedirect),
	)
})

var _ = Describe("The page of a GitHub App's settings", func() {
	It("is named on github.com, GHE.com and an Enterprise Server", func(ctx SpecContext) {
		web, w := newInternet(), newWorld(ctx, apps)
		w.withOwnOperatorEnv(ctx, web.env(""), "--github-hosts=github.com,*.ghe.com,ghe.example.com")
		for i, server := range []string{"https://github.com", "https://octocorp.ghe.com", "https://ghe.example.com"} {
			name := fmt.Sprintf("ci-%d", i)
			w.secret(ctx, name, map[string]string{
				"appID": fmt.Sprint(w.app.ID), "privateKey": w.app.PrivateKey, "githubURL": server, "ca.crt": web.ca,
			})
			h := w.readyHook(ctx, name, withCredentials(name))
			Expect(h.get(ctx).CommonStatus().SettingsURL).To(Equal(server + "/organizations/" + w.owner + "/settings/apps/" + w.app.Slug))
		}
		Expect(web.asked()).To(Equal([]string{"api.github.com:443", "api.octocorp.ghe.com:443", "ghe.example.com:443"}))
	})
})

var _ = Describe("The flag --github-hosts", func() {
	It("is obeyed before any connection: ports, plain HTTP and wildcards must match", func(ctx SpecContext) {
		web, w := newInternet(), newWorld(ctx, repositories)
		named, other, plain := listen(), listen(), listen()
		w.withOwnOperatorEnv(ctx, web.env(""), "--github-hosts="+strings.Join([]string{
			"127.0.0.1", named.address, "http://" + plain.address, "ghe.example.com", "*.octocorp.example.com",
		}, ","))
		refused := []string{
			"https://" + other.address,
			"http://" + named.address,
			"https://" + plain.address,
			"http://ghe.example.com",
			"https://ghe.example.com:8443",
			"https://octocorp.example.com",
			"https://a.b.octocorp.example.com",
			"http://ghe.octocorp.example.com",
			"https://ghe.octocorp.example.com.example.org",
			"", // github.com, which this operator may not talk to.
		}
		for i, address := range refused {
			name := fmt.Sprintf("ci-%d", i)
			w.credentialsFor(ctx, name, address, web.ca)
			ready := w.hook(ctx, name, withCredentials(name)).waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonHostNotAllowed)
			Expect(ready.Message).To(containAll([]string{fmt.Sprintf("Secret %q", name), "--github-hosts"}))
		}
		Expect(web.asked()).To(BeEmpty())
		for _, l := range []*listener{named, other, plain} {
			Expect(l.accepted.Load()).To(BeZero())
		}
	})

	It("lets a server be reached over plain HTTP where an entry is written so, and no other way", func(ctx SpecContext) {
		w := newWorld(ctx, repositories)
		w.withOwnOperator(ctx, "--github-hosts="+strings.TrimPrefix(sim.URL(), "http://"))
		h := w.hook(ctx, "ci")
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonHostNotAllowed)
		Expect(ready.Message).To(ContainSubstring(fmt.Sprintf("add %q", sim.URL())))
		Expect(w.requests()).To(BeEmpty())
	})
})

var _ = Describe("A proxy in the operator's environment", func() {
	DescribeTable("is asked for every server but those that NO_PROXY names",
		func(ctx SpecContext, noProxy string, asked bool) {
			web, w := newInternet(), newWorld(ctx, repositories)
			address := fmt.Sprintf("%s:%d", anyAddress, web.port())
			w.withOwnOperatorEnv(ctx, web.env(noProxy), "--github-hosts="+address)
			w.credentialsFor(ctx, "github", "https://"+address, web.ca)
			w.readyHook(ctx, "ci")
			Expect(web.gotWrites()).To(Equal([]string{"POST " + address + "/api/v3" + w.apiPath()}))
			if asked {
				Expect(web.asked()).To(Equal([]string{address}))
				return
			}
			Expect(web.asked()).To(BeEmpty())
		},
		Entry("none", "", true),
		Entry("another one", "ghe.example.com", true),
		Entry("this one", "ghe.example.com,"+anyAddress, false),
	)
})

// port that the simulator has for TLS.
func (n *internet) port() int { return n.tls.Listener.Addr().(*net.TCPAddr).Port }

// listener counts those who connect.
type listener struct {
	address  string
	accepted atomic.Int64
}

func listen() *listener {
	GinkgoHelper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // Local and immediate.
	Expect(err).NotTo(HaveOccurred())
	l := &listener{address: tcp.Addr().String()}
	go func() {
		for {
			connection, err := tcp.Accept()
			if err != nil {
				return
			}
			l.accepted.Add(1)
			_ = connection.Close()
		}
	}()
	DeferCleanup(tcp.Close)
	return l
}
