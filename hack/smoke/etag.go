package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// errNoApp: a personal access token stays the same.
var errNoApp = errors.New("only an App has installation tokens")

// etagSurvives reads with one installation token, and again with another one and the ETag of the first answer. It does so
// with requests of its own: package github shows neither tokens nor ETags.
func (e *experiment) etagSurvives(ctx context.Context) answer {
	if e.App == nil {
		return cannotTell(errNoApp)
	}
	installation, err := e.github.RepositoryInstallation(ctx, e.owner, e.repository)
	if err != nil {
		return cannotTell(err)
	}
	path := fmt.Sprintf("/repos/%s/%s/hooks/%d/config", e.owner, e.repository, e.id)
	etag, codes := "", [2]int{}
	for i := range codes {
		token, err := e.installationToken(ctx, installation.ID)
		if err != nil {
			return cannotTell(err)
		}
		response, err := e.send(ctx, http.MethodGet, path, token, etag, nil)
		if err != nil {
			return cannotTell(err)
		}
		_ = response.Body.Close()
		codes[i] = response.StatusCode
		if i == 0 {
			etag = response.Header.Get("ETag")
		}
	}
	switch {
	case codes[0] != http.StatusOK || etag == "":
		return answer{unknown, fmt.Sprintf("the first read was answered %d, with an ETag: %t", codes[0], etag != "")}
	case codes[1] != http.StatusOK && codes[1] != http.StatusNotModified:
		return answer{unknown, fmt.Sprintf("the read with the other token was answered %d", codes[1])}
	}
	return verdict(codes[1] == http.StatusNotModified, "the same read with another token and the first one's ETag was answered %d", codes[1])
}

// sentHeaders are the names of the headers that GitHub sent with a delivery, which package github does not read.
func (e *experiment) sentHeaders(ctx context.Context, delivery int64) ([]string, error) {
	token := strings.TrimSpace(string(e.secret.Data["token"]))
	if e.App != nil {
		installation, err := e.github.RepositoryInstallation(ctx, e.owner, e.repository)
		if err != nil {
			return nil, err
		}
		if token, err = e.installationToken(ctx, installation.ID); err != nil {
			return nil, err
		}
	}
	path := fmt.Sprintf("/repos/%s/%s/hooks/%d/deliveries/%d", e.owner, e.repository, e.id, delivery)
	response, err := e.send(ctx, http.MethodGet, path, token, "", nil)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var sent struct {
		Request struct {
			Headers map[string]any `json:"headers"`
		} `json:"request"`
	}
	err = json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&sent)
	if err != nil || len(sent.Request.Headers) == 0 {
		return nil, fmt.Errorf("GitHub's log does not have the headers of ping %d", delivery)
	}
	return slices.Collect(maps.Keys(sent.Request.Headers)), nil
}

// installationToken makes a token that can read webhooks.
func (e *experiment) installationToken(ctx context.Context, installation int64) (string, error) {
	key, err := jwt.ParseRSAPrivateKeyFromPEM(bytes.TrimSpace(e.secret.Data["privateKey"]))
	if err != nil {
		return "", errors.New("the App's key cannot be read")
	}
	// A minute back, as GitHub advises for clocks that differ.
	now := time.Now()
	login, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.RegisteredClaims{
		Issuer: e.App.ID, IssuedAt: jwt.NewNumericDate(now.Add(-time.Minute)), ExpiresAt: jwt.NewNumericDate(now.Add(5 * time.Minute)),
	}).SignedString(key)
	if err != nil {
		return "", errors.New("the App's key does not sign")
	}
	path := "/app/installations/" + strconv.FormatInt(installation, 10) + "/access_tokens"
	response, err := e.send(ctx, http.MethodPost, path, login, "", []byte(`{"permissions":{"repository_hooks":"read"}}`))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var made struct {
		Token string `json:"token"`
	}
	err = json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&made)
	if err != nil || made.Token == "" {
		return "", fmt.Errorf("GitHub answered %d and no token", response.StatusCode)
	}
	return made.Token, nil
}

// send makes one request. It follows no redirect: a token must not go to another host.
func (e *experiment) send(ctx context.Context, method, path, token, etag string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, e.Server.APIRoot()+path, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the request has no valid address")
	}
	request.Header.Set("Accept", "application/vnd.github+json")
	request.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	request.Header.Set("User-Agent", "github-webhook-operator-smoke")
	request.Header.Set("Authorization", "Bearer "+token)
	if len(body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	if etag != "" {
		request.Header.Set("If-None-Match", etag)
	}
	once := http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := once.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%s %s was not answered", method, path)
	}
	return response, nil
}
