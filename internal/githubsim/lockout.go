package githubsim

import (
	"net/http"
	"time"
)

// Lockout is how GitHub stops repeated tries with wrong credentials: it refuses all tries for some time, right
// credentials included, and each of them starts that time again.
type Lockout struct {
	// Attempts is how many refused logins in a row begin it.
	Attempts int
	// Lasts is how long it takes without another try; 0 is ten minutes.
	Lasts time.Duration
	// TimeScale makes it shorter: 60 lets a minute last a second. 0 is 1.
	TimeScale float64
	// ByAddress counts the tries of an IP address together, whatever the credential. Otherwise each credential counts for
	// itself.
	ByAddress bool
}

const lockedOutMessage = "Maximum number of login attempts exceeded. Please try again later."

// SetLockout turns the lock-out on, or with nil off. It ends all lock-outs.
func (s *Server) SetLockout(settings *Lockout) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lockout = newLockouts(settings)
}

// lockouts are the tries that were refused. nil locks nobody out. The server's lock guards them.
type lockouts struct {
	Lockout
	tries map[string]*tries
}

type tries struct {
	refused int
	until   time.Time
}

func newLockouts(settings *Lockout) *lockouts {
	if settings == nil {
		return nil
	}
	l := &lockouts{Lockout: *settings, tries: map[string]*tries{}}
	setDefault(&l.Attempts, 1)
	setDefault(&l.Lasts, 10*time.Minute)
	setDefault(&l.TimeScale, 1)
	l.Lasts = time.Duration(float64(l.Lasts) / l.TimeScale)
	return l
}

// of are the tries that count together with this one.
func (l *lockouts) of(c *call, credential string) *tries {
	key := credential
	if l.ByAddress {
		key = "address " + addressOf(c.request)
	}
	if l.tries[key] == nil {
		l.tries[key] = &tries{}
	}
	return l.tries[key]
}

// checkLockout refuses a locked-out credential, for longer with each try.
func (s *Server) checkLockout(c *call, credential string) *answer {
	l := s.lockout
	if l == nil || credential == "" {
		return nil
	}
	t := l.of(c, credential)
	if !c.now.Before(t.until) {
		return nil
	}
	t.until = c.now.Add(l.Lasts)
	return c.refuse(http.StatusForbidden, lockedOutMessage)
}

// refused counts a wrong credential.
func (l *lockouts) refused(c *call, credential string) {
	if l == nil {
		return
	}
	t := l.of(c, credential)
	t.refused++
	if t.refused >= l.Attempts {
		t.refused, t.until = 0, c.now.Add(l.Lasts)
	}
}

// accepted ends the row of refusals. Others' tries from the same address go on counting.
func (l *lockouts) accepted(credential string) {
	if l != nil {
		delete(l.tries, credential)
	}
}
