package webhooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"time"
)

const toleranceS = 9 * 3600 // retries go on for eight hours, with the first attempt's signature

// Verify says whether the request is Ringback's. The secret is the signing key as it was given;
// the URL is the subscribed one, byte for byte; headers stand by their names in lower case; body
// has the bytes as they came, before anything parses them.
func Verify(secret, url string, headers map[string]string, body []byte) bool {
	timestamp := headers["messagebird-request-timestamp"]
	at, err := strconv.ParseInt(timestamp, 10, 64)
	if age := time.Now().Unix() - at; err != nil || age > toleranceS || age < -toleranceS {
		return false
	}
	digest := sha256.Sum256(body)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "\n" + url + "\n"))
	mac.Write(digest[:])
	expected := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return hmac.Equal([]byte(expected), []byte(headers["messagebird-signature"]))
}
