package main

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/internal/credentials"
)

// The environment variables that configure a run. docs/smoke.md describes them.
const (
	tokenVariable        = "SMOKE_TOKEN"
	appIDVariable        = "SMOKE_APP_ID"
	appKeyVariable       = "SMOKE_APP_KEY"
	repositoryVariable   = "SMOKE_REPOSITORY"
	organizationVariable = "SMOKE_ORGANIZATION"
	urlVariable          = "SMOKE_URL"
	githubURLVariable    = "SMOKE_GITHUB_URL"
)

// credentialsName is the Secret with the credential, as the operator reads it.
const credentialsName = "github"

// settingsError: something is missing or wrong in the environment. It never quotes a value that could be secret.
type settingsError struct{ problems error }

func (e settingsError) Error() string {
	return "The smoke test cannot run:\n" + indent(e.problems.Error()) + "\nSee docs/smoke.md."
}

// settings are what the environment says.
type settings struct {
	credentials.Credentials
	// secret has the credential in the form that the operator takes.
	secret            corev1.Secret
	owner, repository string
	// organization is empty where none is named.
	organization string
	// receiver answers deliveries; nil where none is named.
	receiver *url.URL
}

// readSettings reads the environment, and says all that is missing at once.
func readSettings(getenv func(string) string) (settings, error) {
	s := settings{organization: getenv(organizationVariable)}
	err := errors.Join(s.readCredentials(getenv), s.readRepository(getenv(repositoryVariable)), s.readReceiver(getenv(urlVariable)))
	if strings.Contains(s.organization, "/") {
		err = errors.Join(err, fmt.Errorf("%s must be the name of an organization alone, as in octo-org", organizationVariable))
	}
	if err != nil {
		return settings{}, settingsError{err}
	}
	return s, nil
}

// readCredentials makes the Secret and has it judged by those who judge it in the operator.
func (s *settings) readCredentials(getenv func(string) string) error {
	token, id, keyFile := getenv(tokenVariable), getenv(appIDVariable), getenv(appKeyVariable)
	s.secret = corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: credentialsName}, Data: map[string][]byte{}}
	switch {
	case token != "" && (id != "" || keyFile != ""):
		return fmt.Errorf("set either %s, or %s and %s, not both", tokenVariable, appIDVariable, appKeyVariable)
	case token != "":
		s.secret.Data["token"] = []byte(token)
	case id == "" || keyFile == "":
		return fmt.Errorf("set %s to a token, or %s to the ID of a GitHub App and %s to the file with its private key",
			tokenVariable, appIDVariable, appKeyVariable)
	default:
		key, err := os.ReadFile(keyFile)
		if err != nil {
			return fmt.Errorf("%s must name a file that can be read: it holds the App's private key", appKeyVariable)
		}
		s.secret.Data["appID"], s.secret.Data["privateKey"] = []byte(id), key
	}
	if address := getenv(githubURLVariable); address != "" {
		s.secret.Data["githubURL"] = []byte(address)
	}
	var err error
	if s.Credentials, err = credentials.Parse(&s.secret); err != nil {
		return fmt.Errorf("%s, %s, %s or %s cannot be used (the Secret is made of them): %w",
			tokenVariable, appIDVariable, appKeyVariable, githubURLVariable, err)
	}
	return checkPlainHTTP(s.Server.String())
}

// checkPlainHTTP refuses to send a credential in the clear, but to this machine, where a simulator may be.
func checkPlainHTTP(server string) error {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" {
		return err
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%s must begin with https://: the credential would go over the network in the clear", githubURLVariable)
}

func (s *settings) readRepository(name string) error {
	var found bool
	s.owner, s.repository, found = strings.Cut(name, "/")
	if !found || s.owner == "" || s.repository == "" || strings.Contains(s.repository, "/") {
		return fmt.Errorf("set %s to a throwaway repository, as in octo-org/hello-world: webhooks are made on it", repositoryVariable)
	}
	return nil
}

func (s *settings) readReceiver(address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address) // Its error would quote what can hold a token.
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("%s must be a public URL that answers deliveries, as in https://ci.example.com/github", urlVariable)
	}
	s.receiver = u
	return nil
}
