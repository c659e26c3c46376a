import { createHash, timingSafeEqual } from "node:crypto";

const digest = (text) => createHash("sha256").update(text).digest();

// Does the request know the secret? Give the endpoint the URL https://…/hook?token=<a long random
// text>, and that text here; `url` is the one that was asked for, with its query. Over https
// nobody between sees it; keep it out of your access log.
export function verify(secret, url, headers, body) {
  const given = new URL(url, "https://this.host").searchParams.getAll("token");
  return given.length === 1 && timingSafeEqual(digest(given[0]), digest(secret));
}
