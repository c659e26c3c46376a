<?php

// Does the request know the credentials? Give the endpoint the URL https://user:password@…/hook,
// and "user:password" here as $secret; $headers by their names in lower case.
function verify(string $secret, string $url, array $headers, string $body): bool
{
    return hash_equals('Basic ' . base64_encode($secret), $headers['authorization'] ?? '');
}
