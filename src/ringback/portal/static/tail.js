// A list that shows what comes as it comes: `data-tail` is the account's feed. While it is switched off, or a row is open, only how
// much has changed is said.

import { ask, put } from "./fragment.js";
import { listen } from "./live.js";
import { isOpen } from "./rows.js";

const LEAST_MS = 1000;
const FRESH_MS = 2500;
const lists = new Map();

export function tail(root) {
  const found = [...root.querySelectorAll("[data-tail][id]")];
  if (root.matches?.("[data-tail][id]")) found.push(root);
  for (const list of found) {
    if (!lists.has(list.id)) lists.set(list.id, follow(list.id, list.dataset.tail));
  }
}

function follow(id, feed) {
  const state = { on: true, changed: new Set(), more: false, waiting: null, last: 0 };
  const button = document.querySelector(`[data-tail-switch="${id}"]`);
  const news = document.querySelector(`[data-tail-news="${id}"]`);
  const say = () => {
    button.querySelector("[data-word]").textContent = state.on ? "Live" : "Paused";
    button.setAttribute("aria-pressed", String(state.on));
    const count = state.changed.size;
    news.textContent = count ? `${state.more ? "more than " : ""}${count} changed meanwhile` : "";
  };
  const soon = (least = 0) => {
    if (!state.waiting) state.waiting = setTimeout(anew, Math.max(least, state.last + LEAST_MS - Date.now()));
  };
  const anew = async () => {
    state.waiting = null;
    const list = document.getElementById(id);
    if (!state.on || !list) return;
    if (document.hidden || isOpen(list)) return soon(LEAST_MS);
    state.last = Date.now();
    state.changed.clear();
    state.more = false;
    const before = new Set([...list.querySelectorAll("tr[data-id]")].map((row) => row.dataset.id));
    const top = list.querySelector(".table-box")?.scrollTop ?? 0;
    try {
      const { page, status } = await ask(location.href, "GET", null, true);
      if (isOpen(document.getElementById(id))) return soon(LEAST_MS); // while it was asked for
      const fresh = status === 200 ? put(id, page) : null;
      if (fresh && before.size) mark(fresh, before);
      if (fresh && top) fresh.querySelector(".table-box").scrollTop = top;
    } catch {
      soon(5 * LEAST_MS);
    }
    say();
  };
  listen(feed, (told) => {
    for (const change of told.changes) state.changed.add(change.delivery);
    state.more ||= told.more;
    if (state.on) soon();
    const list = document.getElementById(id);
    if (!state.on || (list && isOpen(list))) say();
  });
  button.hidden = false;
  button.addEventListener("click", () => {
    state.on = !state.on;
    say();
    if (state.on && state.changed.size) soon();
  });
  return state;
}

function mark(list, before) {
  for (const row of list.querySelectorAll("tr[data-id]")) {
    if (before.has(row.dataset.id)) continue;
    row.classList.add("is-fresh");
    setTimeout(() => row.classList.remove("is-fresh"), FRESH_MS);
  }
}
