// A part of the page that lives: `data-live` is the URL of the account's feed (server-sent events), which says which deliveries have
// changed. The part is then asked for anew, at most every second. `data-about`: only if this delivery changed. `data-every`: asked
// for anew every so many milliseconds, too. The part says itself, in its new form, whether it lives still.

import { ask, put } from "./fragment.js";

const LEAST_MS = 1000;
let source = null;
const parts = new Map();

export function live(root) {
  const found = [...root.querySelectorAll("[data-live][id]")];
  if (root.matches?.("[data-live][id]")) found.push(root);
  for (const part of found) {
    const heard = parts.get(part.id)?.stop(); // something may have changed while it was asked for
    const first = heard === undefined && part.dataset.about ? 0 : null; // or before we listened
    parts.set(part.id, follow(part, heard ? LEAST_MS : first));
  }
  if (root.id && parts.has(root.id) && !root.dataset.live) {
    parts.get(root.id).stop();
    parts.delete(root.id);
  }
}

// Calls `hear` with each message of a feed: {changes: [{delivery, endpoint, state}], more}. For pages that show rows as they come.
export function listen(url, hear) {
  if (!source || source.readyState === EventSource.CLOSED) source = new EventSource(url);
  const onMessage = (event) => hear(JSON.parse(event.data));
  source.addEventListener("message", onMessage);
  return () => source.removeEventListener("message", onMessage);
}

function follow(part, begins) {
  const { about, every } = part.dataset;
  let waiting = null;
  let last = 0;
  let over = false;
  const anew = async () => {
    waiting = null;
    last = Date.now();
    if (over || document.hidden || part.querySelector(":popover-open")) return soon(LEAST_MS);
    try {
      const { page, status } = await ask(location.href, "GET", null, true);
      if (!over && status === 200) put(part.id, page);
    } catch {
      soon(5 * LEAST_MS);
    }
  };
  const soon = (least) => {
    if (!waiting && !over) waiting = setTimeout(anew, Math.max(least, last + LEAST_MS - Date.now()));
  };
  const deaf = listen(part.dataset.live, (told) => {
    if (!about || told.more || told.changes.some((change) => change.delivery === about)) soon(0);
  });
  const timer = every ? setInterval(() => soon(0), Number(every)) : null;
  if (begins !== null) soon(begins);
  return {
    stop() {
      const heard = waiting !== null;
      over = true;
      deaf();
      clearTimeout(waiting);
      clearInterval(timer);
      return heard;
    },
  };
}
