<?php

const TOLERANCE_S = 9 * 3600; // retries go on for eight hours, with the first attempt's signature

// Is the request Ringback's? $secret is the signing key as it was given; $url the subscribed one,
// byte for byte; $headers by their names in lower case; $body: the bytes as they came
// (file_get_contents('php://input')), before anything parses them.
function verify(string $secret, string $url, array $headers, string $body): bool
{
    $timestamp = $headers['messagebird-request-timestamp'] ?? '';
    if (!preg_match('/^[0-9]+$/D', $timestamp) || abs(time() - (int) $timestamp) > TOLERANCE_S) {
        return false;
    }
    $content = "$timestamp\n$url\n" . hash('sha256', $body, true);
    $expected = base64_encode(hash_hmac('sha256', $content, $secret, true));
    return hash_equals($expected, $headers['messagebird-signature'] ?? '');
}
