package credentials_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/github-webhooks/github-webhook-operator/internal/credentials"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

func secretWith(data map[string]string) *corev1.Secret {
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "github", ResourceVersion: "1"},
		Type:       corev1.SecretTypeOpaque, Data: map[string][]byte{},
	}
	for key, value := range data {
		s.Data[key] = []byte(value)
	}
	return s
}

// pemKey is an App's private key as GitHub gives it out.
func pemKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

func TestParse(t *testing.T) {
	server := func(url string) github.Server {
		s, err := github.ParseServer(url)
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		return s
	}
	key := strings.TrimSpace(pemKey(t))
	app := func(installationID int64) *github.AppCredentials {
		return &github.AppCredentials{ID: "1", PrivateKey: github.NewSecret(key), InstallationID: installationID}
	}
	for _, c := range []struct {
		name string
		data map[string]string
		want credentials.Credentials
	}{
		{"a token", map[string]string{"token": "t"}, credentials.Credentials{Server: server(""), Token: github.NewSecret("t")}},
		{"a token with a newline", map[string]string{"token": "t\n"}, credentials.Credentials{Server: server(""), Token: github.NewSecret("t")}},
		{"actions-runner-controller's token", map[string]string{"github_token": "t"}, credentials.Credentials{Server: server(""), Token: github.NewSecret("t")}},
		{"both spellings alike", map[string]string{"token": "t", "github_token": "t"}, credentials.Credentials{Server: server(""), Token: github.NewSecret("t")}},
		{"an App", map[string]string{"appID": "1", "privateKey": key, "installationID": "2"},
			credentials.Credentials{Server: server(""), App: app(2)}},
		{"an App whose installation is looked up", map[string]string{"appID": "1", "privateKey": key},
			credentials.Credentials{Server: server(""), App: app(0)}},
		{"an App with newlines after its values", map[string]string{"appID": "1\n", "privateKey": key + "\n\n", "installationID": " 2\n"},
			credentials.Credentials{Server: server(""), App: app(2)}},
		{"an App as Flux has it", map[string]string{"githubAppID": "1", "githubAppPrivateKey": key, "githubAppInstallationID": "2", "githubAppBaseURL": "https://ghe.example.com/api/v3"},
			credentials.Credentials{Server: server("https://ghe.example.com"), App: app(2)}},
		{"an App as Argo CD has it, whose url is the repository's", map[string]string{"url": "https://github.com/octo-org/hello-world", "githubAppID": "1",
			"githubAppPrivateKey": key, "githubAppInstallationID": "2", "githubAppEnterpriseBaseUrl": "https://ghe.example.com/api/v3"},
			credentials.Credentials{Server: server("https://ghe.example.com"), App: app(2)}},
		{"an App as actions-runner-controller has it", map[string]string{"github_app_id": "1", "github_app_private_key": key, "github_app_installation_id": "2"},
			credentials.Credentials{Server: server(""), App: app(2)}},
		{"another server", map[string]string{"token": "t", "githubURL": "https://octocorp.ghe.com"},
			credentials.Credentials{Server: server("https://octocorp.ghe.com"), Token: github.NewSecret("t")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			got, err := credentials.Parse(secretWith(c.data))
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got).To(Equal(c.want))
		})
	}
}

func TestParseRefuses(t *testing.T) {
	key := pemKey(t)
	for _, c := range []struct {
		name string
		data map[string]string
		says []string
	}{
		{"nothing", nil, []string{"github", "neither token nor appID"}},
		{"empty values", map[string]string{"token": " \n"}, []string{"neither token nor appID"}},
		{"a token of a novel's length", map[string]string{"token": strings.Repeat("hidden", 700)}, []string{"4096 bytes under token", "token alone"}},
		{"both logins", map[string]string{"token": "hidden", "appID": "1", "privateKey": "hidden"}, []string{"both a token and an App"}},
		{"an App without its key", map[string]string{"appID": "1"}, []string{"no privateKey"}},
		{"a key without its App", map[string]string{"privateKey": "hidden"}, []string{"no appID"}},
		{"a key that is none", map[string]string{"appID": "1", "privateKey": "hidden"}, []string{"key privateKey", "PEM form"}},
		{"a key that is none under Flux's name", map[string]string{"githubAppID": "1", "githubAppPrivateKey": "hidden"}, []string{"key githubAppPrivateKey"}},
		{"the key in the place of the ID", map[string]string{"appID": "-----BEGIN hidden", "privateKey": key}, []string{"key appID", "client ID"}},
		{"an installation that is no number", map[string]string{"appID": "1", "privateKey": key, "installationID": "hidden"}, []string{"key installationID", "looked up"}},
		{"an installation below 1", map[string]string{"appID": "1", "privateKey": key, "github_app_installation_id": "0"}, []string{"key github_app_installation_id"}},
		{"two spellings that differ", map[string]string{"token": "hidden1", "github_token": "hidden2"}, []string{"token and github_token"}},
		{"two servers", map[string]string{"token": "hidden", "githubURL": "https://a.example.com", "githubAppBaseURL": "https://b.example.com"}, []string{"githubURL and githubAppBaseURL"}},
		{"a server left out", map[string]string{"token": "hidden", "githubURL": " \n"}, []string{"nothing under githubURL", "remove the key"}},
		{"a server that is no URL", map[string]string{"token": "hidden", "githubURL": "ssh://git@example.com"}, []string{"githubURL"}},
		{"a bundle without a certificate", map[string]string{"token": "hidden", "ca.crt": "hidden"}, []string{"ca.crt", "PEM"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			_, err := credentials.Parse(secretWith(c.data))
			g.Expect(err).To(MatchError(credentials.ErrInvalid))
			for _, words := range c.says {
				g.Expect(err.Error()).To(ContainSubstring(words))
			}
			g.Expect(err.Error()).NotTo(ContainSubstring("hidden"))
		})
	}
}

func TestCheckType(t *testing.T) {
	for _, refused := range []corev1.SecretType{corev1.SecretTypeServiceAccountToken, corev1.SecretTypeBootstrapToken} {
		s := secretWith(map[string]string{"token": "t", "ca.crt": "c"})
		s.Type = refused
		_, err := credentials.Parse(s)
		NewWithT(t).Expect(err).To(MatchError(credentials.ErrRefusedType))
	}
}

func newStore() *credentials.Store {
	return credentials.NewStore(func(c credentials.Credentials) (*github.Client, error) {
		hosts, err := github.ParseHosts("github.com")
		if err != nil {
			return nil, err
		}
		return github.NewClient(github.Options{Server: c.Server, Hosts: hosts, Token: c.Token})
	})
}

func TestStoreSharesClientsByContent(t *testing.T) {
	g := NewWithT(t)
	store := newStore()
	name := types.NamespacedName{Namespace: "team-a", Name: "github"}
	_, known := store.Lookup(name, "1")
	g.Expect(known).To(BeFalse())

	first, err := store.Client(secretWith(map[string]string{"token": "t"}))
	g.Expect(err).NotTo(HaveOccurred())
	again, known := store.Lookup(name, "1")
	g.Expect(known).To(BeTrue())
	g.Expect(again).To(BeIdenticalTo(first))

	relabeled := secretWith(map[string]string{"token": "t"})
	relabeled.ResourceVersion = "2"
	_, known = store.Lookup(name, "2")
	g.Expect(known).To(BeFalse(), "a new version has to be read")
	same, err := store.Client(relabeled)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(same).To(BeIdenticalTo(first), "the same content is the same client")

	rotated := secretWith(map[string]string{"token": "u"})
	rotated.ResourceVersion = "3"
	other, err := store.Client(rotated)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(other).NotTo(BeIdenticalTo(first))

	elsewhere := secretWith(map[string]string{"token": "u"})
	elsewhere.Namespace = "team-b"
	foreign, err := store.Client(elsewhere)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(foreign).NotTo(BeIdenticalTo(other), "tenants never share a client")
}

func TestStoreKeepsClientsUntilPruned(t *testing.T) {
	g := NewWithT(t)
	store := newStore()
	name := types.NamespacedName{Namespace: "team-a", Name: "github"}
	made, err := store.Client(secretWith(map[string]string{"token": "t"}))
	g.Expect(err).NotTo(HaveOccurred())

	_, err = store.Client(secretWith(nil))
	g.Expect(err).To(MatchError(credentials.ErrInvalid))
	last, known := store.Last(name)
	g.Expect(known).To(BeTrue())
	g.Expect(last).To(BeIdenticalTo(made))

	store.Prune(func(n types.NamespacedName) bool { return n == name })
	_, known = store.Last(name)
	g.Expect(known).To(BeTrue())
	store.Prune(func(types.NamespacedName) bool { return false })
	_, known = store.Last(name)
	g.Expect(known).To(BeFalse())
}

func FuzzParse(f *testing.F) {
	f.Add("token", "t", "github_token", "u")
	f.Add("appID", "1", "privateKey", "-----BEGIN")
	f.Add("githubURL", "https://ghe.example.com/api/v3/", "token", "t")
	f.Add("ca.crt", "-----BEGIN CERTIFICATE-----", "token", "t")
	f.Fuzz(func(t *testing.T, key1, value1, key2, value2 string) {
		parsed, err := credentials.Parse(secretWith(map[string]string{key1: value1, key2: value2}))
		if err == nil {
			if parsed.Token.IsZero() == (parsed.App == nil) {
				t.Errorf("accepted neither or both logins from %q and %q", key1, key2)
			}
			return
		}
		if !errors.Is(err, credentials.ErrInvalid) {
			t.Errorf("an error of another kind: %v", err)
		}
		for _, value := range []string{value1, value2} {
			if value = strings.TrimSpace(value); len(value) > 8 && !strings.Contains(value, "://") && strings.Contains(err.Error(), value) {
				t.Errorf("the error quotes a value: %v", err)
			}
		}
	})
}
