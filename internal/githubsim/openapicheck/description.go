// Package openapicheck holds the traffic of a [githubsim.Server] against GitHub's own OpenAPI description: what clients
// ask must be what GitHub documents, and what the simulator answers must have the shape that GitHub promises.
//
// It leaves alone what the description does not know: the errors that every endpoint may answer need no more than an
// error's basic shape, and answers that a fault made up are not judged at all.
package openapicheck

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// Flavor is which GitHub is described.
type Flavor int

const (
	// GitHub is github.com.
	GitHub Flavor = iota
	// EnterpriseServer is GitHub Enterprise Server 3.19.
	EnterpriseServer
)

// files are where the description may be below its directory: by itself, or in the npm package @octokit/openapi.
var files = map[Flavor][]string{
	GitHub:           {"github.com.json", "generated/api.github.com.json"},
	EnterpriseServer: {"ghes-3.19.json", "generated/ghes-3.19.json"},
}

// Description is GitHub's OpenAPI description of the endpoints that the simulator has.
type Description struct {
	document *openapi3.T
}

// loaded keeps descriptions: they are read once for all tests of a process.
var loaded sync.Map

// Load reads the description from a directory that has it in one of the two layouts. The whole of GitHub's takes a
// second or two; loading it again takes nothing.
func Load(dir string, flavor Flavor) (*Description, error) {
	path, err := find(dir, flavor)
	if err != nil {
		return nil, err
	}
	once, _ := loaded.LoadOrStore(path, sync.OnceValues(func() (*Description, error) { return load(path) }))
	return once.(func() (*Description, error))()
}

func find(dir string, flavor Flavor) (string, error) {
	for _, name := range files[flavor] {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("there is none of %q in %s: GitHub's OpenAPI description is missing", files[flavor], dir)
}

func load(path string) (*Description, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // The path is the tests' own.
	if err != nil {
		return nil, err
	}
	ours, err := cut(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	document, err := openapi3.NewLoader().LoadFromData(ours)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := document.Validate(context.Background(), openapi3.DisableExamplesValidation()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	mend(document)
	return &Description{document: document}, nil
}

// mend corrects a mistake of the description: in the list of installations an account is a user and an enterprise at
// once, where everywhere else it is one of the two.
func mend(document *openapi3.T) {
	ok := document.Paths.Value("/app/installations").Get.Responses.Status(http.StatusOK).Value
	item := ok.Content.Get("application/json").Schema.Value.Items.Value
	if account := item.Properties["account"]; account != nil && len(account.Value.AllOf) > 1 {
		account.Value.AnyOf, account.Value.AllOf = account.Value.AllOf, nil
	}
}

// raw is a level of a description that is not looked into.
type raw = map[string]json.RawMessage

// cut leaves of a description the simulator's paths and the components that these need: GitHub's whole has a thousand
// paths and takes half a minute to resolve.
func cut(description []byte) ([]byte, error) {
	var document raw
	var paths raw
	var components map[string]raw
	if err := json.Unmarshal(description, &document); err != nil {
		return nil, err
	}
	if err := errors.Join(json.Unmarshal(document["paths"], &paths), json.Unmarshal(document["components"], &components)); err != nil {
		return nil, err
	}
	wanted, kept := raw{}, map[string]raw{}
	for _, endpoint := range githubsim.Endpoints() {
		path, described := paths[endpoint.Route]
		if !described {
			return nil, fmt.Errorf("the path %s is not described", endpoint.Route)
		}
		wanted[endpoint.Route] = path
		keepReferred(path, components, kept)
	}
	ours := map[string]any{"openapi": document["openapi"], "info": document["info"], "paths": wanted, "components": kept}
	return json.Marshal(ours)
}

var reference = regexp.MustCompile(`"\$ref":\s*"#/components/([^/"]+)/([^/"]+)"`)

// keepReferred copies the components that a piece of the description refers to, and those that these refer to.
func keepReferred(piece []byte, components, kept map[string]raw) {
	for _, match := range reference.FindAllSubmatch(piece, -1) {
		section, name := string(match[1]), string(match[2])
		if kept[section] == nil {
			kept[section] = raw{}
		}
		component, exists := components[section][name]
		if _, done := kept[section][name]; done || !exists {
			continue
		}
		kept[section][name] = bytes.Clone(component)
		keepReferred(component, components, kept)
	}
}
