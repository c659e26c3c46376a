// What ended early, so that the page came soon, goes on by itself. `data-further` on a link is the id of the part that its page has
// more of. Of a search, the rows are put behind those that are there, until there are `data-most` or nothing is left to look at; a part
// without rows is put in place of ours.

import { append, ask, put } from "./fragment.js";

const AGAIN_MS = 5000;

export function further(root) {
  const found = [...root.querySelectorAll("a[data-further]")];
  for (const link of found) follow(link);
}

function count(list) {
  return list.querySelectorAll("tr[data-id]").length;
}

async function follow(link) {
  const { further: id, most } = link.dataset;
  const list = document.getElementById(id);
  if (!list || count(list) >= Number(most)) return;
  if (document.hidden) {
    document.addEventListener("visibilitychange", () => follow(link), { once: true });
    return;
  }
  try {
    const { page, status } = await ask(link.href, "GET", null, true);
    if (!link.isConnected) return;
    if (status !== 200) throw new Error("no page");
    add(list, page, id);
    put("so-far", page); // with it comes the link to what is older still
  } catch {
    setTimeout(() => link.isConnected && follow(link), AGAIN_MS);
  }
}

function add(list, page, id) {
  const next = page.getElementById(id);
  const body = list.querySelector("tbody");
  if (!next || (body && count(next) === 0)) return;
  if (!body) put(id, page);
  else for (const row of [...next.querySelectorAll("tr[data-id]")]) append(body, row);
}
