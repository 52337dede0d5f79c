// The page of a session: more messages on both sides, the outline, folds, the command to continue.
import { fetchPart, keepPlace } from "./html.js";
import { outline } from "./outline.js";

const MOST = 240;
const PAGE = 60;
const NEAR = { rootMargin: "1200px" };

const box = () => document.getElementById("entries");

const watchers = { before: null, after: null };
let busy = false;

const pager = (name, where = document) => where.querySelector(`a[data-${name}]`);

/** Add messages when the link to them comes near; there is one watcher for each side. */
function watch(name) {
  const link = pager(name);
  watchers[name]?.disconnect();
  if (!link || link.closest(".pager").hidden) return;
  watchers[name] = new IntersectionObserver((seen) => {
    if (!seen.some((entry) => entry.isIntersecting) || busy) return;
    watchers[name].disconnect();
    add(name, link);
  }, NEAR);
  watchers[name].observe(link);
}

/** Return messages as a chunk: what is added and dropped as one, with links to what is around it. */
function newChunk(messages, before, after) {
  const chunk = document.createElement("div");
  chunk.className = "chunk";
  Object.assign(chunk.dataset, { before, after });
  chunk.append(...messages);
  return chunk;
}

const links = (part) => ["before", "after"].map((side) => pager(side, part)?.getAttribute("href") || "");

async function add(name, link) {
  busy = true;
  const part = await fetchPart(link.href).finally(() => { busy = false; });
  const chunk = newChunk(part.getElementById("entries").children, ...links(part));
  if (name === "after") {
    box().append(chunk);
    drop(box().firstElementChild, "before");
  } else keepPlace(() => {
    box().prepend(chunk);
    drop(box().lastElementChild, "after");
  });
  pagers();
  if (name === "after" && isAtLatest()) box().dispatchEvent(new Event("latest"));
}

/** Remove the chunk at one end if there are too many messages; its neighbour has a link back to it. */
function drop(chunk, side) {
  const neighbour = side === "before" ? chunk.nextElementSibling : chunk.previousElementSibling;
  if (document.querySelectorAll(".entry").length <= MOST || box().children.length < 3) return;
  if (!neighbour.dataset[side]) return;
  if (side === "before") keepPlace(() => chunk.remove());
  else chunk.remove();
}

function pagers() {
  for (const [side, chunk] of [["before", box().firstElementChild], ["after", box().lastElementChild]]) {
    const link = pager(side);
    if (!link) continue;
    link.closest(".pager").hidden = !chunk.dataset[side];
    if (chunk.dataset[side]) link.href = chunk.dataset[side];
    // it was true of the first page alone
    link.closest(".pager").querySelector(".quiet")?.remove();
    watch(side);
  }
  showLive();
}

/** Return whether the last message of the session is here. */
export const isAtLatest = () => !box().lastElementChild.dataset.after;

function showLive() {
  const live = document.querySelector(".live");
  if (live) live.hidden = !isAtLatest();
}

/** Add messages that were appended to the session. */
export function append(messages, isFollowed) {
  const last = box().lastElementChild;
  const ids = [...last.querySelectorAll(".entry")].map((entry) => entry.dataset.id);
  if (ids.length < PAGE) last.append(...messages);
  else {
    const first = messages.find((one) => one.dataset.id).dataset.id;
    const page = (side, id) => `${box().dataset.page}&${side}=${encodeURIComponent(id)}`;
    last.dataset.after = page("after", ids[ids.length - 1]);
    box().append(newChunk(messages, page("before", first), ""));
  }
  // who reads further up keeps what is there
  if (isFollowed) drop(box().firstElementChild, "before");
  pagers();
}

export function session() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = "Copied";
    });
  }
  const fold = document.querySelector("[data-fold]");
  if (fold) {
    fold.hidden = false;
    fold.addEventListener("click", () => {
      const open = fold.textContent === "Unfold all";
      for (const one of document.querySelectorAll("#entries details")) one.open = open;
      fold.textContent = open ? "Fold all" : "Unfold all";
    });
  }
  if (!box()) return;
  box().append(newChunk(box().children, ...links(document)));
  const target = document.querySelector("[data-target]");
  target?.scrollIntoView();
  const call = location.hash && document.getElementById(location.hash.slice(1));
  if (call instanceof HTMLDetailsElement) call.open = true;
  // the first page must be read before more is added above it
  if (window.scrollY > 0 || target) requestAnimationFrame(() => watch("before"));
  else window.addEventListener("scroll", () => watch("before"), { once: true });
  watch("after");
  showLive();
  outline();
}
