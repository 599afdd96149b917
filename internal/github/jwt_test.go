package github

import (
	"net/http"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	. "github.com/onsi/gomega"
)

// noon is some fixed time.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestJWTClaims(t *testing.T) {
	g := NewWithT(t)
	key := rsaKey(t, 2048)
	for _, id := range []string{"12345", "Iv23liABCDEFabcdef01"} {
		made, err := signer{issuer: id, key: key}.jwt(noon)
		g.Expect(err).NotTo(HaveOccurred())
		claims := jwt.MapClaims{}
		parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithTimeFunc(func() time.Time { return noon }))
		parsed, err := parser.ParseWithClaims(made.reveal(), claims, func(*jwt.Token) (any, error) { return &key.PublicKey, nil })
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(parsed.Header).To(Equal(map[string]any{"alg": "RS256", "typ": "JWT"}))
		g.Expect(claims).To(Equal(jwt.MapClaims{
			"iss": id,
			"iat": float64(noon.Add(-60 * time.Second).Unix()),
			"exp": float64(noon.Add(9 * time.Minute).Unix()),
		}))
	}
}

func TestRefusedJWTs(t *testing.T) {
	date := func(ahead time.Duration) http.Header {
		return http.Header{"Date": {noon.Add(-ahead).Format(http.TimeFormat)}}
	}
	const far = "'Expiration time' claim ('exp') is too far in the future"
	for _, c := range []struct {
		name    string
		status  int
		message string
		header  http.Header
		want    error
		says    string
	}{
		{"no such App", 404, "Integration not found", nil, ErrUnknownApp, "Integration not found"},
		{"no such place", 404, "Not Found", nil, ErrNotFound, "Not Found"},
		{"another key", 401, "A JSON web token could not be decoded", nil, ErrKeyRefused, "A JSON web token could not be decoded"},
		{"an App without keys", 401, "Integration must generate a public key", nil, ErrKeyRefused, "Integration must generate a public key"},
		{"our clock is ahead", 401, far, date(20 * time.Minute), ErrClock, far + " (this machine's clock is 20 min ahead of the server's)"},
		{"our clock is behind", 401, far, date(-2 * time.Hour), ErrClock, far + " (this machine's clock is 120 min behind the server's)"},
		{"a little off", 401, far, date(20 * time.Second), ErrClock, far},
		{"nobody knows how far", 401, "'Issued at' claim ('iat') must be an Integer", nil, ErrClock, "'Issued at' claim ('iat') must be an Integer"},
		{"anything else", 401, "Bad credentials", nil, ErrUnauthorized, "Bad credentials"},
		{"a 403 about times", 403, far, date(time.Hour), ErrForbidden, far},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			e := &Error{StatusCode: c.status, Message: c.message, class: classify(c.status, c.header, refusal{message: c.message})}
			signer{}.explain(e, c.header, noon)
			g.Expect(e).To(MatchError(c.want))
			g.Expect(e.Message).To(Equal(c.says))
		})
	}
}
