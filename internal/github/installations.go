package github

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
)

// ErrNotInstalled: the App has no installation there. Where it was looked up, it is an ErrNotFound too: GitHub says the
// same of a repository or organization that does not exist. It is none where the given installation does not exist.
var ErrNotInstalled = errors.New("the GitHub App is not installed")

// errNotInstalledThere is what a look-up finds.
var errNotInstalledThere = fmt.Errorf("%w there: %w", ErrNotInstalled, ErrNotFound)

// installations knows which installation of an App a repository or organization belongs to. An App has one installation
// on an account, so one look-up does for all of the account's repositories.
type installations struct {
	// given is the installation for everything; 0 has it looked up.
	given int64

	mu sync.Mutex
	// known holds IDs by account, and by path for what belongs to another account than it is addressed by: a repository
	// that was transferred.
	known map[string]int64

	lookups  flights[string, found]
	renewals flights[string, int64]
}

// found is what a look-up was about, for those who waited for one about something else.
type found struct {
	path string
	id   int64
	err  error
}

// of is the installation for a target. Look-ups for one account go one after the other: each can answer for all.
func (i *installations) of(ctx context.Context, t *target) (int64, error) {
	if i.given != 0 {
		return i.given, nil
	}
	for {
		if id, ok := i.remembered(t); ok {
			return id, nil
		}
		looked, err := i.lookups.do(ctx, t.account, func(ctx context.Context) (found, error) {
			if id, ok := i.remembered(t); ok {
				return found{path: t.path, id: id}, nil
			}
			id, err := i.lookUp(ctx, t)
			return found{t.path, id, err}, nil
		})
		if err != nil {
			return 0, err
		}
		if looked.path == t.path {
			return looked.id, looked.err
		}
	}
}

// moved looks a target up again that the installation does not see, and tells whether another one does.
func (i *installations) moved(ctx context.Context, t *target, from int64) (bool, error) {
	if i.given != 0 {
		return false, nil
	}
	id, err := i.renewals.do(ctx, t.path, func(ctx context.Context) (int64, error) { return i.lookUp(ctx, t) })
	return id != from, err
}

// lookUp asks GitHub and remembers the answer.
func (i *installations) lookUp(ctx context.Context, t *target) (int64, error) {
	installation, err := t.installation(ctx)
	if err != nil {
		return 0, reclass(err, ErrNotFound, errNotInstalledThere)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.known, t.path)
	if strings.EqualFold(installation.Account.Login, t.account) {
		i.known[t.account] = installation.ID
	} else {
		i.known[t.path] = installation.ID
	}
	return installation.ID, nil
}

func (i *installations) remembered(t *target) (int64, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	id, ok := i.known[t.path]
	if !ok {
		id, ok = i.known[t.account]
	}
	return id, ok
}

// forget an installation that is gone, and tell whether another one can be looked up.
func (i *installations) forget(id int64) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	maps.DeleteFunc(i.known, func(_ string, known int64) bool { return known == id })
	return i.given == 0
}

// reclass makes an error that is of one class one of another.
func reclass(err, from, to error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.class == from { //nolint:errorlint // The class itself, not one within it.
		e.class = to
	}
	return err
}
