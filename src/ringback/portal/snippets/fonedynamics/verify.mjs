import { timingSafeEqual } from "node:crypto";

// Does the request know the credentials? Give the endpoint the URL https://user:password@…/hook,
// and `user:password` here as `secret`; `headers` by their names in lower case.
export function verify(secret, url, headers, body) {
  const expected = Buffer.from(`Basic ${Buffer.from(secret).toString("base64")}`);
  const given = Buffer.from(headers["authorization"] ?? "");
  return given.length === expected.length && timingSafeEqual(given, expected);
}
