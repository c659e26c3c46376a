// A part of the page that is asked for anew at times: `data-again` says every how many milliseconds. For pages that follow no
// account's feed; what follows one is in live.js. It rests while nobody looks, and while a dialog in it is open.

import { ask, put } from "./fragment.js";

export function again(root) {
  const found = [...root.querySelectorAll("[data-again][id]")];
  if (root.matches?.("[data-again][id]")) found.push(root);
  for (const part of found) follow(part);
}

function follow(part) {
  const look = async () => {
    if (!part.isConnected) return;
    if (document.hidden || part.querySelector(":popover-open")) return wait();
    try {
      const { page, status } = await ask(location.href, "GET", null, true);
      if (status === 200 && part.isConnected && put(part.id, page)) return; // the fresh part waits for itself
    } catch {
      // No answer now: later perhaps.
    }
    wait();
  };
  const wait = () => setTimeout(look, Number(part.dataset.again));
  wait();
}
