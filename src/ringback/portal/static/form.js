// Forms: no second press of a button; `data-into` puts the answer's part with that id into the page; `data-preview` asks, as one
// types, what the form would come to; `data-rows` grows a row when its last one is used.

import { ask, put } from "./fragment.js";

const TYPING_MS = 300;

export function forms(root) {
  for (const form of root.querySelectorAll("form[method=post]")) {
    form.addEventListener("submit", (event) => submit(form, event));
    if (form.dataset.preview) preview(form);
  }
  for (const rows of root.querySelectorAll("[data-rows]")) grow(rows);
  for (const box of root.querySelectorAll("[data-chooses]")) {
    box.addEventListener("change", () => {
      const radio = box.form.querySelector(`[name=which_events][value="${box.dataset.chooses}"]`);
      if (radio && box.checked) radio.checked = true;
    });
  }
}

async function submit(form, event) {
  if (form.dataset.busy) {
    event.preventDefault();
    return;
  }
  form.dataset.busy = "1";
  setTimeout(() => { delete form.dataset.busy; }, 5000);
  const into = form.dataset.into;
  if (!into) return;
  event.preventDefault();
  const data = new FormData(form, event.submitter);
  for (const button of form.querySelectorAll("button")) button.classList.toggle("is-chosen", button === event.submitter);
  try {
    const { page, url } = await ask(form.action, "POST", data);
    if (put(into, page)) history.replaceState(null, "", url);
    else location.href = url;
  } catch {
    form.submit();
  } finally {
    delete form.dataset.busy;
  }
}

function preview(form) {
  let timer = null;
  let asked = 0;
  const look = async () => {
    const number = ++asked;
    try {
      const { page, status } = await ask(form.dataset.preview, "POST", new FormData(form));
      if (status === 200 && number === asked) put("preview", page);
    } catch {
      // Nothing is shown then: the form works without it.
    }
  };
  form.addEventListener("input", (event) => {
    if (!["event", "which_events", "filter_key", "filter_value"].includes(event.target.name)) return;
    clearTimeout(timer);
    timer = setTimeout(look, TYPING_MS);
  });
  look();
}

function grow(rows) {
  rows.addEventListener("input", () => {
    const last = rows.lastElementChild;
    if (![...last.querySelectorAll("input, select")].some((field) => field.value)) return;
    const next = last.cloneNode(true);
    for (const field of next.querySelectorAll("input, select")) {
      field.value = "";
      field.setAttribute("aria-label", field.getAttribute("aria-label").replace(/\d+$/, (number) => Number(number) + 1));
    }
    rows.append(next);
  });
}
