import { createHash, createHmac, timingSafeEqual } from "node:crypto";

const TOLERANCE_S = 9 * 3600; // retries go on for eight hours, with the first attempt's signature

// Is the request Ringback's? `secret` is the signing key as it was given; `url` the subscribed
// one, byte for byte; `headers` by their names in lower case; `body`: a Buffer of the bytes as
// they came, before anything parses them.
export function verify(secret, url, headers, body) {
  const timestamp = headers["messagebird-request-timestamp"] ?? "";
  const age = Date.now() / 1000 - Number(timestamp);
  if (!/^[0-9]+$/.test(timestamp) || Math.abs(age) > TOLERANCE_S) return false;
  const digest = createHash("sha256").update(body).digest();
  const mac = createHmac("sha256", secret).update(`${timestamp}\n${url}\n`).update(digest);
  const expected = Buffer.from(mac.digest("base64"));
  const given = Buffer.from(headers["messagebird-signature"] ?? "");
  return given.length === expected.length && timingSafeEqual(given, expected);
}
