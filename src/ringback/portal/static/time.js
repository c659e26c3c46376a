// Times are UTC on the page; beside them stands the browser's own zone, or how long ago it was.

const zoned = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const steps = [["second", 60], ["minute", 60], ["hour", 24], ["day", 365], ["year", Infinity]];

export function sayTimes(root) {
  const isUtc = new Date().getTimezoneOffset() === 0;
  for (const element of root.querySelectorAll("time[datetime]")) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    if (!element.title) element.title = `${element.textContent.trim()}\n${at.toLocaleString()} (${zone()})`;
    if (element.dataset.ago !== undefined) element.textContent = relative(at);
    else if (!isUtc && !element.querySelector(".local")) {
      const local = document.createElement("span");
      local.className = "local";
      local.textContent = ` (${zoned.format(at)})`;
      element.append(local);
    }
  }
  const said = root.querySelector("[data-zone]");
  if (said && !isUtc) said.textContent = `, beside them ${zone()}`;
}

export function relative(at) {
  let value = (at.getTime() - Date.now()) / 1000;
  for (const [unit, length] of steps) {
    if (Math.abs(value) < length) return ago.format(Math.round(value), unit);
    value /= length;
  }
  return "";
}

function zone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

setInterval(() => {
  for (const element of document.querySelectorAll("time[data-ago]")) element.textContent = relative(new Date(element.dateTime));
}, 10000);
