// What is appended or changed while a page is open. The server says so; the page asks for it.
import { listen } from "./connection.js";
import { fetchPart, keepPlace } from "./html.js";
import { addPrompts, mark } from "./outline.js";
import { append, isAtLatest } from "./session.js";

const LEAST = 700;
const NEAR = 80;
const NAMED = 8;
const LONGEST = 4000;
const STALE = "no longer up to date: reload the page";

const isAtEnd = () => window.innerHeight + window.scrollY >= document.body.scrollHeight - NEAR;

const shown = (box) => [...box.querySelectorAll(".entry")];

/** Return a function that runs a task, and once more if it was called meanwhile. */
function oneAtATime(task) {
  let busy = false;
  let again = false;
  return async function run() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    await task();
    busy = false;
    if (again) {
      again = false;
      run();
    }
  };
}

/** Return the line above what is new. */
function newLine() {
  const line = document.createElement("p");
  line.className = "unread";
  line.textContent = "new";
  return line;
}

/** Put a message in the place of what was shown of it. */
function replace(old, entry) {
  keepFolds(old, entry);
  old.replaceWith(entry);
}

/** Open in `entry` what is open in `old`. */
function keepFolds(old, entry) {
  const folds = entry.querySelectorAll("details");
  for (const [at, fold] of old.querySelectorAll("details").entries()) if (fold.open && folds[at]) folds[at].open = true;
  if (old.classList.contains("chosen")) entry.classList.add("chosen");
}

/** Put what the server says now in the place of what is shown: texts change, messages go. */
async function refresh(box) {
  if ("focused" in box.dataset) {
    location.reload();
    return;
  }
  const old = shown(box);
  if (!old.length) return;
  const ids = old.map((entry) => entry.dataset.id);
  // the first and the last may be among those that went
  const ends = { from: ids.slice(0, NAMED), until: ids.slice(-NAMED).reverse() };
  const range = Object.entries(ends).map(([name, some]) => {
    while (some.length > 1 && some.join("\n").length > LONGEST) some.pop();
    return `&${name}=${encodeURIComponent(some.join("\n"))}`;
  });
  const part = await fetchPart(box.dataset.part + range.join(""));
  const found = new Map(shown(part).map((entry) => [entry.id, entry]));
  // a part has an end: what is behind it stays
  const end = part.querySelector("[data-rest]") ? old.findLastIndex((entry) => found.has(entry.id)) + 1 : old.length;
  keepPlace(() => {
    let before = null;
    for (const entry of old.slice(0, end)) {
      const now = found.get(entry.id);
      if (!now) {
        entry.remove();
        document.querySelector(`.outline a[href$="#${CSS.escape(entry.id)}"]`)?.closest("li").remove();
        continue;
      }
      replace(entry, now);
    }
    // what came in the middle stands behind the one before it
    for (const entry of found.values()) {
      if (!entry.isConnected && before) before.after(entry);
      before = entry;
    }
  });
  mark();
}

function tail(box) {
  const follow = document.getElementById("follow");
  const note = document.getElementById("live");
  let unread = 0;

  /** Add what came, from the last message on; a part has some, and says whether there are more. */
  async function extend() {
    for (let rest = true; rest && isAtLatest();) {
      const entries = shown(box);
      const last = entries[entries.length - 1];
      const from = last ? `&from=${encodeURIComponent(last.dataset.id)}` : "";
      const part = await fetchPart(box.dataset.part + from);
      // meanwhile the reader may have gone to other messages
      if (last && (!last.isConnected || !isAtLatest())) return;
      const known = new Map(entries.map((entry) => [entry.id, entry]));
      const all = shown(part);
      for (const now of all) if (known.has(now.id)) replace(known.get(now.id), now);
      const at = all.findIndex((now) => now.id === last?.id);
      const found = all.filter((now, place) => place > at && !known.has(now.id));
      if (found.length) add(found);
      rest = found.length > 0 && part.querySelector("[data-rest]") !== null;
    }
  }

  function add(found) {
    const line = box.querySelector(".unread");
    if (follow.checked) line?.remove();
    const begins = !follow.checked && !line;
    append(begins ? [newLine(), ...found] : found, follow.checked);
    showUnread(follow.checked ? 0 : unread + found.length);
    if (follow.checked) window.scrollTo(0, document.body.scrollHeight);
    addPrompts(found);
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
  return extend;
}

function messages(box) {
  const extend = "focused" in box.dataset ? null : tail(box);
  let known = null;
  // what the page shows: something may have come before its stream is open
  let done = {
    messages: Number(box.dataset.messages),
    last: box.dataset.last || null,
    changes: Number(box.dataset.changes),
  };
  const update = oneAtATime(async () => {
    const [before, now] = [done, known];
    try {
      // a message that is not the last one came, changed or went
      const inside = now.changes !== before.changes || now.messages < before.messages
        || (now.messages > before.messages && now.last === before.last);
      if (inside) await refresh(box);
      if (extend) await extend();
      done = now;
    } catch (error) {
      // what was shown is not there any more: the page says what is
      if (error.message.startsWith("404")) location.reload();
      else {
        document.getElementById("lost").textContent = STALE;
        document.getElementById("lost").hidden = false;
      }
    }
  });
  // more may have come while the last messages were loaded
  box.addEventListener("latest", () => { if (known) update(); });
  listen(box.dataset.events, (state) => {
    const is = (one) => JSON.stringify([one.messages, one.last, one.changes]);
    const same = is(known || done) === is(state);
    known = state;
    if (!same) update();
  });
}

function list(table) {
  let known = { applied: table.dataset.applied ? Number(table.dataset.applied) : null };
  let late = false;
  let next = 0;
  let timer = 0;
  const update = oneAtATime(async () => {
    if (document.hidden) {
      late = true;
      return;
    }
    late = false;
    if (document.querySelector("[data-grown]")) {
      document.getElementById("changed").hidden = false;
      return;
    }
    next = performance.now() + LEAST;
    const part = await fetchPart(location.href);
    const rows = part.getElementById("rows");
    if (rows) document.getElementById("rows").replaceChildren(...rows.children);
  });
  document.addEventListener("visibilitychange", () => { if (late) update(); });
  listen(table.dataset.events, (state) => {
    if (state.applied !== known.applied) {
      // the first change is shown at once, and those that follow it some times a second
      clearTimeout(timer);
      timer = setTimeout(update, Math.max(0, next - performance.now()));
    }
    known = state;
  });
}

export function live() {
  const box = document.querySelector("#entries[data-events]");
  if (box) messages(box);
  const table = document.querySelector("table[data-events]");
  if (table) list(table);
}
