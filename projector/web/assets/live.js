// What is appended while a page is open. The server says that something changed; the page asks for it.
import { fetchPart } from "./html.js";

const PAUSE = 2000;
const NEAR = 80;
const STALE = "no longer up to date: reload the page";

const isAtEnd = () => window.innerHeight + window.scrollY >= document.body.scrollHeight - NEAR;

function tail(box) {
  const follow = document.getElementById("follow");
  const note = document.getElementById("live");
  document.querySelector(".live").hidden = false;
  let known = null;
  let unread = 0;
  let busy = false;
  let again = false;

  async function update() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      await extend();
    } catch (error) {
      // the last message was taken away: what else was is not known
      if (error.message.startsWith("404")) location.reload();
      else note.textContent = STALE;
    }
    busy = false;
    if (again) {
      again = false;
      update();
    }
  }

  async function extend() {
    const entries = box.querySelectorAll(".entry");
    const last = entries[entries.length - 1];
    const from = last ? `&from=${encodeURIComponent(last.dataset.id)}` : "";
    const part = await fetchPart(box.dataset.tail + from);
    const found = [...part.querySelectorAll(".entry")];
    if (last && found.length) {
      for (const [at, old] of last.querySelectorAll("details").entries())
        if (old.open && found[0].querySelectorAll("details")[at]) found[0].querySelectorAll("details")[at].open = true;
      last.replaceWith(found.shift());
    }
    if (found.length) {
      const target = box.lastElementChild || box;
      if (!follow.checked && !box.querySelector(".unread")) {
        const line = document.createElement("p");
        line.className = "unread";
        line.textContent = "new";
        target.append(line);
      }
      if (follow.checked) box.querySelector(".unread")?.remove();
      target.append(...found);
      showUnread(follow.checked ? 0 : unread + found.length);
      if (follow.checked) window.scrollTo(0, document.body.scrollHeight);
    }
  }

  function showUnread(count) {
    unread = count;
    note.textContent = unread ? `${unread} new` : "";
    document.title = document.title.replace(/^(\(\d+\) )?/, unread ? `(${unread}) ` : "");
  }

  // who reads further up is not taken to the end, and who scrolls there follows again
  if (new URLSearchParams(location.search).has("end")) window.scrollTo(0, document.body.scrollHeight);
  else follow.checked = isAtEnd();
  window.addEventListener("scroll", () => {
    if (follow.checked === isAtEnd()) return;
    follow.checked = !follow.checked;
    if (follow.checked) showUnread(0);
  });
  follow.addEventListener("change", () => {
    if (!follow.checked) return;
    showUnread(0);
    window.scrollTo(0, document.body.scrollHeight);
  });
  const source = new EventSource(box.dataset.events);
  source.addEventListener("changed", (event) => {
    const state = JSON.parse(event.data);
    if (known && state.messages < known.messages) location.reload();
    else if (known && (state.messages !== known.messages || state.last !== known.last)) update();
    known = state;
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) note.textContent = STALE;
  });
}

function list(table) {
  let known = null;
  let waiting = false;
  async function update() {
    waiting = false;
    if (document.hidden || document.querySelector("[data-grown]")) return;
    const part = await fetchPart(location.href);
    const rows = part.getElementById("rows");
    if (rows) document.getElementById("rows").replaceChildren(...rows.children);
  }
  const source = new EventSource(table.dataset.events);
  source.addEventListener("changed", (event) => {
    const state = JSON.parse(event.data);
    if (known && state.applied !== known.applied && !waiting) {
      waiting = true;
      setTimeout(update, PAUSE);
    }
    known = state;
  });
}

export function live() {
  const box = document.querySelector("[data-tail]");
  if (box) tail(box);
  const table = document.querySelector("table[data-events]");
  if (table) list(table);
}
