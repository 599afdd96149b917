// Package credentials turns the Secrets that say how to reach GitHub into clients.
//
// It promises one client per namespace, name and content of a Secret, shared by all objects that use it, and that
// tenants with Secrets of the same name never share one. A client outlives its Secret until Prune, so that a hook can
// still be deleted when the Secret went together with its object. Reading Secrets from the cluster is left to package
// controllers.
package credentials

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// ErrInvalid: the Secret cannot be used as credentials. The message names the keys and what to do about them.
var ErrInvalid = errors.New("credentials are invalid")

// ErrRefusedType: a Secret of this type is never read: it holds a credential of the cluster itself.
var ErrRefusedType = errors.New("refused type of Secret")

// A field of the credentials, by all the keys that hold it; the first is ours, the others those of Flux, Argo CD and
// actions-runner-controller.
var (
	tokenKeys          = []string{"token", "github_token"}
	appIDKeys          = []string{"appID", "githubAppID", "github_app_id"}
	privateKeyKeys     = []string{"privateKey", "githubAppPrivateKey", "github_app_private_key"}
	installationIDKeys = []string{"installationID", "githubAppInstallationID", "github_app_installation_id"}
	githubURLKeys      = []string{"githubURL", "githubAppBaseURL", "githubAppEnterpriseBaseUrl"}
)

const caKey = "ca.crt"

// Credentials are the content of a Secret: who is calling, and where. There is either a Token or an App.
type Credentials struct {
	Server  github.Server
	Token   github.Secret
	App     *github.AppCredentials
	RootCAs *x509.CertPool
}

// CheckType refuses Secrets that hold a credential of the cluster itself, whatever refers to them: nobody may have them
// sent anywhere by naming them in an object.
func CheckType(secret *corev1.Secret) error {
	switch secret.Type {
	case corev1.SecretTypeServiceAccountToken, corev1.SecretTypeBootstrapToken:
		return fmt.Errorf("%w: Secret %q has type %s and is never used: name a Secret made for this purpose", ErrRefusedType, secret.Name, secret.Type)
	default:
		return nil
	}
}

// Parse reads a Secret. Errors wrap ErrInvalid or ErrRefusedType, beside them github's own for a server's address, an
// App's ID or its key, and never contain a value.
func Parse(secret *corev1.Secret) (Credentials, error) {
	if err := CheckType(secret); err != nil {
		return Credentials{}, err
	}
	r := reader{secret: secret}
	c := Credentials{Token: github.NewSecret(r.value(tokenKeys))}
	app := github.AppCredentials{ID: r.value(appIDKeys), PrivateKey: github.NewSecret(r.value(privateKeyKeys))}
	installationID, githubURL := r.value(installationIDKeys), r.value(githubURLKeys)
	r.bound(tokenKeys)
	if r.err != nil {
		return Credentials{}, r.err
	}
	if err := checkLogin(secret.Name, c.Token, app); err != nil {
		return Credentials{}, err
	}
	var err error
	if app.ID != "" {
		if app.InstallationID, err = r.checkApp(app, installationID); err != nil {
			return Credentials{}, err
		}
		c.App = &app
	}
	if githubURL == "" {
		if err := r.blank(githubURLKeys); err != nil {
			return Credentials{}, err
		}
	}
	if c.Server, err = github.ParseServer(githubURL); err != nil {
		return Credentials{}, fmt.Errorf("%w: Secret %q, key %s: %w", ErrInvalid, secret.Name, r.spelling(githubURLKeys), err)
	}
	if c.RootCAs, err = rootCAs(secret); err != nil {
		return Credentials{}, err
	}
	return c, nil
}

// checkLogin wants one login, and that whole.
func checkLogin(name string, token github.Secret, app github.AppCredentials) error {
	isApp := app.ID != "" || !app.PrivateKey.IsZero()
	switch {
	case !token.IsZero() && isApp:
		return fmt.Errorf("%w: Secret %q has both a token and an App (appID, privateKey): remove one of the two", ErrInvalid, name)
	case token.IsZero() && !isApp:
		return fmt.Errorf("%w: Secret %q has neither token nor appID and privateKey: add a token, or an App's ID and key", ErrInvalid, name)
	case isApp && app.ID == "":
		return fmt.Errorf("%w: Secret %q has privateKey but no appID: add the App's ID or client ID", ErrInvalid, name)
	case isApp && app.PrivateKey.IsZero():
		return fmt.Errorf("%w: Secret %q has appID but no privateKey: add the App's private key in PEM form", ErrInvalid, name)
	default:
		return nil
	}
}

func rootCAs(secret *corev1.Secret) (*x509.CertPool, error) {
	bundle, ok := secret.Data[caKey]
	if !ok {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(bundle) {
		return nil, fmt.Errorf("%w: Secret %q, key %s: no certificate in PEM form found", ErrInvalid, secret.Name, caKey)
	}
	return pool, nil
}

// reader takes values from a Secret and remembers the first error.
type reader struct {
	secret *corev1.Secret
	err    error
}

// value is what the keys, all spellings of one field, agree on. Surrounding white space is cut: `echo token | base64`
// leaves a newline.
func (r *reader) value(keys []string) string {
	var found []byte
	var foundKey string
	for _, key := range keys {
		value := bytes.TrimSpace(r.secret.Data[key])
		switch {
		case len(value) == 0 || bytes.Equal(value, found):
		case found != nil && r.err == nil:
			r.err = fmt.Errorf("%w: Secret %q has different values under %s and %s, which mean the same: remove one of the two",
				ErrInvalid, r.secret.Name, foundKey, key)
		default:
			found, foundKey = value, key
		}
	}
	return string(found)
}

// maxToken bounds a token, in bytes. GitHub's have less than a tenth of it.
const maxToken = 4 << 10

// bound refuses what is far longer than a token.
func (r *reader) bound(keys []string) {
	for _, key := range keys {
		if len(r.secret.Data[key]) > maxToken && r.err == nil {
			r.err = fmt.Errorf("%w: Secret %q has more than %d bytes under %s, which is no token: put the token alone there",
				ErrInvalid, r.secret.Name, maxToken, key)
		}
	}
}

// blank refuses a key that is there with nothing under it: a server left out by mistake must not mean github.com.
func (r *reader) blank(keys []string) error {
	for _, key := range keys {
		if _, there := r.secret.Data[key]; there {
			return fmt.Errorf("%w: Secret %q has nothing under %s: put the server's address there, or remove the key for https://github.com",
				ErrInvalid, r.secret.Name, key)
		}
	}
	return nil
}

// spelling is the key among keys that the Secret uses.
func (r *reader) spelling(keys []string) string {
	for _, key := range keys {
		if len(bytes.TrimSpace(r.secret.Data[key])) > 0 {
			return key
		}
	}
	return keys[0]
}

// checkApp holds an App's values against what they must look like, and reads the ID of its installation, 0 where there
// is none.
func (r *reader) checkApp(app github.AppCredentials, installationID string) (int64, error) {
	if err := app.Check(); err != nil {
		keys := privateKeyKeys
		if errors.Is(err, github.ErrAppID) {
			keys = appIDKeys
		}
		return 0, fmt.Errorf("%w: Secret %q, key %s: %w", ErrInvalid, r.secret.Name, r.spelling(keys), err)
	}
	if installationID == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(installationID, 10, 64)
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("%w: Secret %q, key %s: it must be the installation's number, as in the address of its settings page; "+
			"without it the installation is looked up", ErrInvalid, r.secret.Name, r.spelling(installationIDKeys))
	}
	return id, nil
}
