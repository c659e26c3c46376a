package webhooks

import (
	"crypto/hmac"
	"encoding/base64"
)

// Verify says whether the request knows the credentials. Give the endpoint the URL
// https://user:password@…/hook, and user:password here as the secret; headers stand by their
// names in lower case.
func Verify(secret, url string, headers map[string]string, body []byte) bool {
	expected := "Basic " + base64.StdEncoding.EncodeToString([]byte(secret))
	return hmac.Equal([]byte(expected), []byte(headers["authorization"]))
}
