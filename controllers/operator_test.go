package controllers_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/github-webhooks/github-webhook-operator/hack/launch"
)

// operator is the operator's real binary, as a process of its own that reaches the API server through a proxy.
type operator struct {
	*launch.Process
	options operatorOptions
	api     *apiProxy
	metrics string
	logs    *logs
}

// operators are all that were started.
var operators []*operator

// operatorOptions are what a story may want otherwise.
type operatorOptions struct {
	args []string
	env  []string
	// binary is another one than the suite's; empty is the suite's.
	binary string
}

// sharedOperator serves every story that does not start one of its own.
func sharedOperator() operatorOptions {
	return operatorOptions{args: []string{"--watch-label-selector=" + ownLabel + "!=own", "--leader-elect=false"}}
}

// ownOperator serves one namespace only, whose objects the shared one leaves alone.
func ownOperator(namespace string, args ...string) operatorOptions {
	return operatorOptions{args: append([]string{"--watch-namespaces=" + namespace, "--leader-elect=false"}, args...)}
}

// startOperator starts the operator and waits until it is ready.
func startOperator(ctx context.Context, options operatorOptions) *operator {
	GinkgoHelper()
	o := &operator{options: options, api: newAPIProxy(), logs: &logs{}}
	operators = append(operators, o)
	o.start(ctx)
	return o
}

// start the process and wait until it is ready.
func (o *operator) start(ctx context.Context) {
	GinkgoHelper()
	o.launch()
	Eventually(ctx, o.ready).Should(BeTrue(), func() string { return "the operator did not become ready:\n" + o.logs.String() })
}

// launch starts the process.
func (o *operator) launch() {
	GinkgoHelper()
	o.metrics = freeAddress()
	o.startAgain(append([]string{
		"--kubeconfig=" + o.api.kubeconfig(),
		"--namespace=" + operatorNamespace,
		"--github-hosts=" + sim.URL(),
		"--metrics-bind-address=" + o.metrics,
		"--metrics-secure=false",
		"--zap-log-level=10", // The most verbose: the suite looks for secrets in all that was logged.
	}, o.options.args...)...)
}

// startAgain starts a process with these flags in the place of the one before.
func (o *operator) startAgain(args ...string) {
	GinkgoHelper()
	var err error
	o.Process, err = launch.Start(launch.Options{
		Path: cmp.Or(o.options.binary, binary), Args: args, Env: append(os.Environ(), o.options.env...), Log: o.logs,
	})
	Expect(err).NotTo(HaveOccurred())
}

func (o *operator) ready() bool {
	code, _ := o.readiness()
	return code == http.StatusOK
}

// readiness is what the kubelet is answered; 0 while the process does not listen yet.
func (o *operator) readiness() (code int, text string) {
	code, text, _ = o.Readiness(context.Background())
	return code, text
}

// scrape returns the metrics as Prometheus would see them.
func (o *operator) scrape() string {
	GinkgoHelper()
	response, err := http.Get("http://" + o.metrics + "/metrics") //nolint:noctx // As ready.
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	Expect(err).NotTo(HaveOccurred())
	return string(body)
}

// terminate is what Kubernetes does first.
func (o *operator) terminate() {
	_ = o.Terminate()
	<-o.Exited()
}

// kill is what a crash does.
func (o *operator) kill() { _ = o.Kill() }

// stop ends the operator, whatever state it is in, and its way to the API server.
func (o *operator) stop() {
	o.terminate()
	o.api.close()
}

func freeAddress() string {
	GinkgoHelper()
	address, err := launch.FreeAddress()
	Expect(err).NotTo(HaveOccurred())
	return address
}

// logs collects what the process prints.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// about are the lines that name a namespace.
func (l *logs) about(namespace string) string {
	var lines []string
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, namespace) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// kubeconfig is a file that leads through the proxy.
func (p *apiProxy) kubeconfig() string {
	GinkgoHelper()
	if p.config == "" {
		p.config = filepath.Join(GinkgoT().TempDir(), fmt.Sprintf("kubeconfig-%p", p))
		Expect(clientcmd.WriteToFile(clientcmdapi.Config{
			Clusters:       map[string]*clientcmdapi.Cluster{"test": {Server: p.server.URL}},
			AuthInfos:      map[string]*clientcmdapi.AuthInfo{"test": {}},
			Contexts:       map[string]*clientcmdapi.Context{"test": {Cluster: "test", AuthInfo: "test"}},
			CurrentContext: "test",
		}, p.config)).To(Succeed())
	}
	return p.config
}
