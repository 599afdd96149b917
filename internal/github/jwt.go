package github

import (
	"crypto/rsa"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// jwtBackdate and jwtLife are by GitHub's advice: a clock may be a minute ahead, and GitHub takes at most ten minutes.
	// GitHub docs: "Generating a JSON Web Token (JWT) for a GitHub App".
	jwtBackdate = time.Minute
	jwtLife     = 9 * time.Minute
)

// signer makes the JSON web tokens with which an App says that it is itself.
type signer struct {
	// issuer is the App ID or the client ID.
	issuer string
	key    *rsa.PrivateKey
}

// jwt is a token for requests in the next minutes.
func (s signer) jwt(now time.Time) (Secret, error) {
	signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.RegisteredClaims{
		Issuer:    s.issuer,
		IssuedAt:  jwt.NewNumericDate(now.Add(-jwtBackdate)),
		ExpiresAt: jwt.NewNumericDate(now.Add(jwtLife)),
	}).SignedString(s.key)
	if err != nil {
		return Secret{}, fmt.Errorf("%w: it does not sign", ErrPrivateKey)
	}
	return NewSecret(signed), nil
}

// explain tells which part of a JWT the server refuses. Only GitHub's words do; a 404 that is about the App's
// installation is left as it is.
func (s signer) explain(e *Error, header http.Header, now time.Time) {
	words := strings.ToLower(e.Message)
	says := func(part string) bool { return strings.Contains(words, part) }
	switch {
	case e.StatusCode == http.StatusNotFound && says("integration not found"):
		e.class = ErrUnknownApp
	case e.StatusCode != http.StatusUnauthorized:
		return
	case says("('exp')"), says("('iat')"), says("expiration time"), says("issued at"):
		e.class = ErrClock
		e.Message += clockDifference(header, now)
	case says("could not be decoded"), says("public key"):
		e.class = ErrKeyRefused
	}
}

// clockDifference compares our clock with the server's in whole minutes, which do not change between two attempts.
func clockDifference(header http.Header, now time.Time) string {
	ahead := now.Sub(serverTime(header, now)).Round(time.Minute)
	switch minutes := int(ahead.Abs() / time.Minute); {
	case minutes == 0:
		return ""
	case ahead > 0:
		return fmt.Sprintf(" (this machine's clock is %d min ahead of the server's)", minutes)
	default:
		return fmt.Sprintf(" (this machine's clock is %d min behind the server's)", minutes)
	}
}
