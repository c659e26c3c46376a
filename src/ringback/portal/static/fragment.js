// A part of a page is replaced by the same part of a page that was asked for. The browser parses the answer itself (XMLHttpRequest
// with a document as its answer), so no text is ever made into markup here, and no script in it runs.

const hearers = [];

// Calls `begin` with every element that is put into the page later.
export function onFresh(begin) {
  hearers.push(begin);
}

// Asks for a page; resolves with its document and the URL that it came from. `byItself`: nobody did anything, so that it does not
// count as a use of the session.
export function ask(url, method = "GET", body = null, byItself = false) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    request.responseType = "document";
    if (byItself) request.setRequestHeader("X-By-Itself", "1");
    request.timeout = 30000;
    request.onload = () => (request.response ? resolve({ page: request.response, url: request.responseURL, status: request.status }) : reject(new Error("no page")));
    request.onerror = request.ontimeout = () => reject(new Error("no answer"));
    request.send(body);
  });
}

// Puts an element of another document at the end of one of ours.
export function append(place, element) {
  const fresh = document.adoptNode(element);
  place.append(fresh);
  tell(fresh);
}

function tell(fresh) {
  for (const begin of hearers) begin(fresh);
}

// Puts the part with this id, as another document has it, in place of ours. What has the focus keeps it where it can.
export function put(id, page) {
  const now = document.getElementById(id);
  const next = page.getElementById(id);
  if (!now || !next) return null;
  const focused = now.contains(document.activeElement) ? keyOf(document.activeElement) : null;
  const opened = [...now.querySelectorAll("details[open][id]")].map((details) => details.id);
  const fresh = document.adoptNode(next);
  for (const id of opened) fresh.querySelector(`details#${CSS.escape(id)}`)?.setAttribute("open", "");
  now.replaceWith(fresh);
  tell(fresh);
  if (focused) fresh.querySelector(focused)?.focus();
  return fresh;
}

function keyOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  const link = element.getAttribute("href");
  return link ? `[href="${CSS.escape(link)}"]` : null;
}
