package main

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// apiProxy stands between the operator and the API server, counts the requests by verb and resource, and passes them on
// with the operator's rights. It speaks HTTP/2 over TLS, as an API server does, so that the operator's memory and CPU are
// those that it has in a cluster.
type apiProxy struct {
	server *httptest.Server
	counter
}

// newAPIProxy passes requests on to where config leads.
func newAPIProxy(config *rest.Config) (*apiProxy, error) {
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, err
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		return nil, err
	}
	p := &apiProxy{}
	forward := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1, // Watches are streams.
		ErrorLog:      log.New(io.Discard, "", 0),
	}
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name := apiRequestName(r.Method, r.URL); name != "" {
			p.add(name)
		}
		forward.ServeHTTP(w, r)
	}))
	p.server.EnableHTTP2 = true
	p.server.Config.ErrorLog = forward.ErrorLog
	p.server.StartTLS()
	return p, nil
}

func (p *apiProxy) close() error {
	p.server.CloseClientConnections()
	p.server.Close()
	return nil
}

// kubeconfig leads to the proxy. It holds no login: the proxy has one.
func (p *apiProxy) kubeconfig() ([]byte, error) {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
	config := clientcmdapi.NewConfig()
	config.Clusters["bench"] = &clientcmdapi.Cluster{Server: p.server.URL, CertificateAuthorityData: ca}
	config.Contexts["bench"] = &clientcmdapi.Context{Cluster: "bench"}
	config.CurrentContext = "bench"
	return clientcmd.Write(*config)
}

// verbs of requests about one object, by method.
var verbs = map[string]string{
	http.MethodGet: "get", http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete",
}

// apiRequestName is verb and resource, as in "patch repositorywebhooks/status". It is empty for what has nothing to do
// with objects: the leader's Lease, which is renewed for ever, and discovery.
func apiRequestName(method string, address *url.URL) string {
	segments := strings.Split(strings.Trim(address.Path, "/"), "/")
	switch {
	case segments[0] == "api" && len(segments) > 2:
		segments = segments[2:]
	case segments[0] == "apis" && len(segments) > 3:
		segments = segments[3:]
	default:
		return ""
	}
	if segments[0] == "namespaces" && len(segments) > 2 {
		segments = segments[2:]
	}
	resource, verb := segments[0], verbs[method]
	switch {
	case resource == "leases":
		return ""
	case len(segments) > 2:
		resource += "/" + segments[2]
	case len(segments) == 1 && method == http.MethodGet && address.Query().Get("watch") != "":
		verb = "watch"
	case len(segments) == 1 && method == http.MethodGet:
		verb = "list"
	}
	return verb + " " + resource
}

// apiRead tells whether a request of this name only reads.
func apiRead(name string) bool {
	verb, _, _ := strings.Cut(name, " ")
	return slices.Contains([]string{"get", "list", "watch"}, verb)
}

// apiWrite is the contrary.
func apiWrite(name string) bool { return !apiRead(name) }
