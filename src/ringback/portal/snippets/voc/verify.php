<?php

// Does the request know the secret? Give the endpoint the URL https://…/hook?token=<a long random
// text>, and that text here; $url is the one that was asked for, with its query
// ($_SERVER['REQUEST_URI']). Over https nobody between sees it; keep it out of your access log.
function verify(string $secret, string $url, array $headers, string $body): bool
{
    parse_str((string) parse_url($url, PHP_URL_QUERY), $query);
    $given = $query['token'] ?? '';
    return is_string($given) && hash_equals($secret, $given);
}
