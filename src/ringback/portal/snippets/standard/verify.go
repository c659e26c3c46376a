package webhooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

const toleranceS = 300

// Verify says whether the request is Ringback's. The secret begins with whsec_; headers stand by
// their names in lower case; body has the bytes as they came, before anything parses them. The
// URL is not part of the signature.
func Verify(secret, url string, headers map[string]string, body []byte) bool {
	message, timestamp := headers["webhook-id"], headers["webhook-timestamp"]
	at, err := strconv.ParseInt(timestamp, 10, 64)
	if age := time.Now().Unix() - at; err != nil || age > toleranceS || age < -toleranceS {
		return false
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(message + "." + timestamp + "."))
	mac.Write(body)
	expected := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	// While a secret is being replaced there is a signature by each.
	for _, given := range strings.Split(headers["webhook-signature"], " ") {
		if hmac.Equal([]byte(expected), []byte(given)) {
			return true
		}
	}
	return false
}
