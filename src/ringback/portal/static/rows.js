// Rows that open in place: `data-opens` on a link is the id of the part of its page that is put below the row. One is open at a time.
// Links with `data-part` put that part of their page in place of the part with the same id that is here.

import { ask, put } from "./fragment.js";

export function rows(root) {
  for (const link of root.querySelectorAll("a[data-opens]")) {
    link.setAttribute("aria-expanded", "false");
    link.addEventListener("click", (event) => open(link, event));
  }
  for (const link of root.querySelectorAll("a[data-part]")) {
    link.addEventListener("click", (event) => bring(link, event));
  }
}

export function isOpen(root) {
  return root.querySelector("tr.opened, a[data-opens][aria-expanded=true]") !== null;
}

function isPlain(event) {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}

async function open(link, event) {
  if (!isPlain(event)) return;
  event.preventDefault();
  const row = link.closest("tr");
  const wasOpen = link.getAttribute("aria-expanded") === "true";
  for (const other of document.querySelectorAll("a[data-opens][aria-expanded=true]")) close(other);
  if (wasOpen) return;
  link.setAttribute("aria-expanded", "true");
  try {
    const { page, status } = await ask(link.href);
    if (status !== 200 || !page.getElementById(link.dataset.opens)) throw new Error("no part");
    if (link.getAttribute("aria-expanded") !== "true") return;
    const place = document.createElement("div");
    place.id = link.dataset.opens;
    const box = document.createElement("div");
    box.className = "opened-box";
    box.append(place);
    const cell = document.createElement("td");
    cell.colSpan = row.cells.length;
    cell.append(box);
    const under = document.createElement("tr");
    under.className = "opened";
    under.append(cell);
    row.classList.add("is-open");
    row.after(under);
    put(link.dataset.opens, page);
  } catch {
    location.href = link.href;
  }
}

function close(link) {
  link.setAttribute("aria-expanded", "false");
  const row = link.closest("tr");
  row.classList.remove("is-open");
  if (row.nextElementSibling?.classList.contains("opened")) row.nextElementSibling.remove();
}

async function bring(link, event) {
  if (!isPlain(event)) return;
  event.preventDefault();
  try {
    const { page, status } = await ask(link.href);
    if (status !== 200 || !put(link.dataset.part, page)) location.href = link.href;
    else if (new URL(link.href).pathname === location.pathname) history.replaceState(null, "", link.href);
  } catch {
    location.href = link.href;
  }
}
