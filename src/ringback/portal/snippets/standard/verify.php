<?php

const TOLERANCE_S = 300;

// Is the request Ringback's? $secret begins with whsec_; $headers by their names in lower case;
// $body: the bytes as they came (file_get_contents('php://input')), before anything parses them.
// $url is not part of the signature.
function verify(string $secret, string $url, array $headers, string $body): bool
{
    $message = $headers['webhook-id'] ?? '';
    $timestamp = $headers['webhook-timestamp'] ?? '';
    if (!preg_match('/^[0-9]+$/D', $timestamp) || abs(time() - (int) $timestamp) > TOLERANCE_S) {
        return false;
    }
    $key = base64_decode(preg_replace('/^whsec_/', '', $secret), true);
    if ($key === false) {
        return false;
    }
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$message.$timestamp.$body", $key, true));
    // While a secret is being replaced there is a signature by each.
    foreach (explode(' ', $headers['webhook-signature'] ?? '') as $given) {
        if (hash_equals($expected, $given)) {
            return true;
        }
    }
    return false;
}
