package githubsim

import (
	"net"
	"net/http"
	"time"
)

// anonymousHourly is how many requests an hour github.com lets an IP address make without a login.
const anonymousHourly = 60

// anonymousMessage follows primaryMessage and the address.
const anonymousMessage = ". (But here's the good news: Authenticated requests get a higher rate limit. " +
	"Check out the documentation for more details.)"

// refuseAnonymous answers a request without a login that is accepted. Its numbers are those of the IP address, not
// those of a user (observed in recordings).
func (s *Server) refuseAnonymous(c *call, message string) *answer {
	limit, hour := anonymousHourly, time.Hour
	enforced := s.limiter != nil && s.limiter.Anonymous > 0
	if enforced {
		limit, hour = s.limiter.Anonymous, s.limiter.scaled(time.Hour)
	}
	address := addressOf(c.request)
	used := s.anonymous[address]
	if used == nil {
		used = &counter{}
		s.anonymous[address] = used
	}
	used.renew(c.now, hour)
	refusal := c.refuse(http.StatusUnauthorized, message)
	if enforced && used.used >= limit {
		refusal = c.refuse(s.limiter.Status, primaryMessage+address+anonymousMessage)
	} else {
		used.used++
	}
	if !s.options.NoAnonymousNumbers {
		used.show(refusal.header, limit)
	}
	return refusal
}

// addressOf is the IP address that a request comes from.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
