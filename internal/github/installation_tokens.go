package github

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

// renewBefore is how long before its end a token is no longer used, so that it does not end on the way.
const renewBefore = 5 * time.Minute

// tokenKey is what a token is good for.
type tokenKey struct {
	installation int64
	permission   string
	access       access
}

// access is the level of a permission.
type access string

const (
	readAccess  access = "read"
	writeAccess access = "write"
)

// installationTokens are the tokens in use, one for each installation and permission: to write, or to read where the
// installation was granted no more.
type installationTokens struct {
	now func() time.Time

	mu   sync.Mutex
	kept map[tokenKey]*InstallationToken
	// known are the installations that a token was made for.
	known map[int64]bool

	minting flights[tokenKey, Secret]
}

// reading is a token to read with. Who may write reads with the same token.
func (k *installationTokens) reading(ctx context.Context, client *Client, key tokenKey) (Secret, error) {
	toRead := key
	toRead.access = readAccess
	if token, ok := k.usable(toRead); ok {
		return token, nil
	}
	token, err := k.of(ctx, client, key)
	if errors.Is(err, ErrPermission) {
		return k.of(ctx, client, toRead)
	}
	return token, err
}

// of is a token that lasts for some minutes yet.
func (k *installationTokens) of(ctx context.Context, client *Client, key tokenKey) (Secret, error) {
	if token, ok := k.usable(key); ok {
		return token, nil
	}
	return k.minting.do(ctx, key, func(ctx context.Context) (Secret, error) {
		if token, ok := k.usable(key); ok {
			return token, nil
		}
		token, err := mint(ctx, client, key)
		if err != nil {
			return Secret{}, err
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		k.kept[key] = token
		if k.known == nil {
			k.known = map[int64]bool{}
		}
		k.known[key.installation] = true
		return token.Token, nil
	})
}

func (k *installationTokens) usable(key tokenKey) (Secret, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	token := k.kept[key]
	if token == nil || !k.now().Before(token.ExpiresAt.Add(-renewBefore)) {
		return Secret{}, false
	}
	return token.Token, true
}

// minted tells whether there ever was a token for the installation.
func (k *installationTokens) minted(installation int64) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.known[installation]
}

// discard a token. One that replaced it stays.
func (k *installationTokens) discard(token Secret) {
	k.mu.Lock()
	defer k.mu.Unlock()
	maps.DeleteFunc(k.kept, func(_ tokenKey, kept *InstallationToken) bool { return kept.Token == token })
}

// mint makes a token. A permission that the installation was not granted is ErrPermission and named as GitHub would name it.
func mint(ctx context.Context, client *Client, key tokenKey) (*InstallationToken, error) {
	token, err := client.CreateInstallationToken(ctx, key.installation, InstallationTokenRequest{
		Permissions: map[string]string{key.permission: string(key.access)},
	})
	if e, ok := errors.AsType[*Error](err); ok && e.StatusCode == http.StatusUnprocessableEntity &&
		strings.Contains(strings.ToLower(e.Message), "permission") {
		e.class, e.AcceptedPermissions = ErrPermission, key.permission+"="+string(key.access)
	}
	return token, reclass(err, ErrNotFound, ErrNotInstalled)
}

// sentToken is the token of a request; empty where there is none.
func sentToken(request *http.Request) Secret {
	if request == nil {
		return Secret{}
	}
	return NewSecret(strings.TrimPrefix(request.Header.Get("Authorization"), bearerPrefix))
}
