package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/hack/launch"
)

// operator is the operator's real binary, run as a Pod of the installed Deployment would run it: with its arguments, its
// environment and the token of its ServiceAccount, and with nothing more but the way to the API server.
type operator struct {
	*launch.Process
	namespace string
	account   string
	metrics   string
	log       *lockedBuffer
}

// runInstalled starts the operator that is installed in a namespace, with more in its environment, and waits until it is ready.
func runInstalled(t *testing.T, namespace string, environment ...string) *operator {
	t.Helper()
	return runRendered(t, namespace, decode(t, helm(t, "get", "manifest", releaseName, "--namespace="+namespace)), environment...)
}

// runRendered does so with the operator of manifests that are applied.
func runRendered(t *testing.T, namespace string, objects []*unstructured.Unstructured, environment ...string) *operator {
	t.Helper()
	g := NewWithT(t)
	o := &operator{namespace: namespace, log: &lockedBuffer{}}
	var args []string
	var health string
	for _, arg := range arguments(t, objects) {
		args = append(args, strings.ReplaceAll(arg, "$(POD_NAMESPACE)", namespace))
		health = addressIn(health, arg, "--health-probe-bind-address=")
		o.metrics = addressIn(o.metrics, arg, "--metrics-bind-address=")
	}
	for _, u := range objects {
		if u.GetKind() == "Deployment" {
			o.account, _, _ = unstructured.NestedString(u.Object, "spec", "template", "spec", "serviceAccountName")
		}
	}
	for path, dir := range mounts(t, objects, namespace) {
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], path, dir)
		}
	}
	var err error
	o.Process, err = launch.Start(launch.Options{
		Path: binary, Args: args, Log: o.log, Probes: health,
		Env: slices.Concat(podEnvironment(t, objects, namespace), environment, []string{"KUBECONFIG=" + tokenKubeconfig(t, namespace, o.account)}),
	})
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(o.stop)
	g.Eventually(o.get).WithArguments(t.Context(), "http://"+o.Probes+"/readyz", "").WithTimeout(patience).
		Should(HavePrefix("200"), func() string { return "the operator said:\n" + o.log.String() })
	return o
}

// mounts are the Secrets that the container mounts, by the path there, as folders here.
func mounts(t *testing.T, objects []*unstructured.Unstructured, namespace string) map[string]string {
	t.Helper()
	g := NewWithT(t)
	secrets := map[string]string{}
	for _, u := range objects {
		volumes, _, err := unstructured.NestedSlice(u.Object, "spec", "template", "spec", "volumes")
		g.Expect(err).NotTo(HaveOccurred())
		for _, v := range volumes {
			name, _, _ := unstructured.NestedString(v.(map[string]any), "secret", "secretName")
			secrets[fmt.Sprint(v.(map[string]any)["name"])] = name
		}
	}
	dirs := map[string]string{}
	mounted, _, err := unstructured.NestedSlice(container(t, objects), "volumeMounts")
	g.Expect(err).NotTo(HaveOccurred())
	for _, m := range mounted {
		mount := m.(map[string]any)
		var content corev1.Secret
		key := client.ObjectKey{Namespace: namespace, Name: secrets[fmt.Sprint(mount["name"])]}
		g.Expect(k8s.Get(t.Context(), key, &content)).To(Succeed())
		dir := t.TempDir()
		for name, data := range content.Data {
			g.Expect(os.WriteFile(filepath.Join(dir, name), data, 0o600)).To(Succeed())
		}
		dirs[fmt.Sprint(mount["mountPath"])] = dir
	}
	return dirs
}

func addressIn(known, arg, flag string) string {
	if address, ok := strings.CutPrefix(arg, flag); ok {
		return "127.0.0.1" + address
	}
	return known
}

// podEnvironment is the container's, with the downward API played.
func podEnvironment(t *testing.T, objects []*unstructured.Unstructured, namespace string) []string {
	t.Helper()
	fields := map[string]string{"metadata.name": "operator-0", "metadata.namespace": namespace, "metadata.uid": "6c3f0f04-0000-4000-8000-000000000000"}
	variables, _, err := unstructured.NestedSlice(container(t, objects), "env")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	var environment []string
	for _, v := range variables {
		variable := v.(map[string]any)
		path, _, _ := unstructured.NestedString(variable, "valueFrom", "fieldRef", "fieldPath")
		environment = append(environment, fmt.Sprintf("%s=%s", variable["name"], fields[path]))
	}
	return environment
}

// tokenKubeconfig leads to the API server with a token of a ServiceAccount.
func tokenKubeconfig(t *testing.T, namespace, account string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	NewWithT(t).Expect(clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"test": {Server: config.Host, CertificateAuthorityData: config.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"test": {Token: token(t, namespace, account)}},
		Contexts:       map[string]*clientcmdapi.Context{"test": {Cluster: "test", AuthInfo: "test"}},
		CurrentContext: "test",
	}, path)).To(Succeed())
	return path
}

// token asks the API server for one, as the kubelet does.
func token(t *testing.T, namespace, account string) string {
	t.Helper()
	request := &authenticationv1.TokenRequest{}
	owner := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: account}}
	NewWithT(t).Expect(k8s.SubResource("token").Create(t.Context(), owner, request)).To(Succeed())
	return request.Status.Token
}

// get is the status and the body of an answer, or the error.
func (o *operator) get(ctx context.Context, url, bearer string) string {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err.Error()
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	// The operator signs its own certificate.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true} //nolint:gosec // as said
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return response.Status + "\n" + string(body)
}

// stop asks the process to end, as the kubelet does, and waits for it.
func (o *operator) stop() {
	_ = o.Terminate()
	<-o.Exited()
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // local and immediate
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// lockedBuffer is written by a process and read by a test.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// secret creates or replaces a Secret.
func secret(t *testing.T, namespace, name string, data map[string]string) {
	t.Helper()
	g := NewWithT(t)
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, StringData: data}
	g.Expect(client.IgnoreNotFound(k8s.Delete(t.Context(), s.DeepCopy()))).To(Succeed())
	g.Expect(k8s.Create(t.Context(), s)).To(Succeed())
}
