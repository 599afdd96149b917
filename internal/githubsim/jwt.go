package githubsim

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// maxJWTLife is how far ahead a JWT may expire.
const maxJWTLife = 10 * time.Minute

// What GitHub says about JWTs that it does not take.
const (
	undecodableJWT = "A JSON web token could not be decoded"
	badIssuer      = "'Issuer' claim ('iss') must be an Integer"
	badExpiry      = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
	farExpiry      = "'Expiration time' claim ('exp') is too far in the future"
	badIssuedAt    = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
)

var errNoSuchApp = errors.New("no such App")

// authenticateApp reads the App's JWT. GitHub docs: Generating a JSON Web Token (JWT) for a GitHub App.
func (s *Server) authenticateApp(c *call) *answer {
	claims := jwt.MapClaims{}
	var issuer *app
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithoutClaimsValidation(), jwt.WithJSONNumber())
	_, err := parser.ParseWithClaims(credential(c.request), claims, func(*jwt.Token) (any, error) {
		if issuer = s.appNamed(issuerOf(claims)); issuer == nil {
			return nil, errNoSuchApp
		}
		return &issuer.key.PublicKey, nil
	})
	switch {
	case errors.Is(err, errNoSuchApp) && issuerOf(claims) == "":
		return c.refuse(http.StatusUnauthorized, badIssuer)
	case errors.Is(err, errNoSuchApp):
		return c.refuse(http.StatusNotFound, "Integration not found")
	case err != nil:
		return c.refuse(http.StatusUnauthorized, undecodableJWT)
	}
	if complaint := complain(claims, c.now); complaint != "" {
		return c.refuse(http.StatusUnauthorized, complaint)
	}
	c.caller = &caller{app: issuer, key: "app " + strconv.FormatInt(issuer.ID, 10)}
	return nil
}

// complain judges the times: exp in the future but not by more than ten minutes, iat not in the future.
func complain(claims jwt.MapClaims, now time.Time) string {
	expires, isNumber := seconds(claims["exp"])
	switch {
	case !isNumber || !expires.After(now):
		return badExpiry
	case expires.After(now.Add(maxJWTLife)):
		return farExpiry
	}
	issued, isNumber := seconds(claims["iat"])
	if !isNumber || issued.After(now) {
		return badIssuedAt
	}
	return ""
}

func seconds(claim any) (time.Time, bool) {
	number, isNumber := claim.(json.Number)
	if !isNumber {
		return time.Time{}, false
	}
	whole, err := number.Int64()
	return time.Unix(whole, 0), err == nil
}

// issuerOf reads iss, which may be a number.
func issuerOf(claims jwt.MapClaims) string {
	switch issuer := claims["iss"].(type) {
	case string:
		return issuer
	case json.Number:
		return issuer.String()
	}
	return ""
}
