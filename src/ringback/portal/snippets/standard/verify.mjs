import { createHmac, timingSafeEqual } from "node:crypto";

const TOLERANCE_S = 300;

// Is the request Ringback's? `secret` begins with whsec_; `headers` by their names in lower case;
// `body`: a Buffer of the bytes as they came, before anything parses them. `url` is not part of
// the signature.
export function verify(secret, url, headers, body) {
  const message = headers["webhook-id"] ?? "";
  const timestamp = headers["webhook-timestamp"] ?? "";
  const age = Date.now() / 1000 - Number(timestamp);
  if (!/^[0-9]+$/.test(timestamp) || Math.abs(age) > TOLERANCE_S) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const mac = createHmac("sha256", key).update(`${message}.${timestamp}.`).update(body);
  const expected = Buffer.from(`v1,${mac.digest("base64")}`);
  // While a secret is being replaced there is a signature by each.
  return (headers["webhook-signature"] ?? "").split(" ").some((one) => {
    const given = Buffer.from(one);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}
