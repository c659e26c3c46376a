package webhooks

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/url"
)

// Verify says whether the request knows the secret. Give the endpoint the URL
// https://…/hook?token=<a long random text>, and that text here; address is the URL that was
// asked for, with its query. Over https nobody between sees it; keep it out of your access log.
func Verify(secret, address string, headers map[string]string, body []byte) bool {
	asked, err := url.Parse(address)
	if err != nil {
		return false
	}
	given := asked.Query()["token"]
	if len(given) != 1 {
		return false
	}
	one, two := sha256.Sum256([]byte(given[0])), sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(one[:], two[:]) == 1
}
