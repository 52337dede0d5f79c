// The page of a session: more messages on both sides, the outline, folds, the command to continue.
import { fetchPart, keepPlace } from "./html.js";
import { outline } from "./outline.js";

const MOST = 240;
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

async function add(name, link) {
  busy = true;
  const part = await fetchPart(link.href).finally(() => { busy = false; });
  const chunk = document.createElement("div");
  chunk.className = "chunk";
  for (const side of ["before", "after"])
    chunk.dataset[side] = pager(side, part)?.getAttribute("href") || "";
  chunk.append(...part.getElementById("entries").children);
  if (name === "after") {
    box().append(chunk);
    drop(box().firstElementChild, "before");
  } else keepPlace(() => {
    box().prepend(chunk);
    drop(box().lastElementChild, "after");
  });
  pagers();
}

/** Remove the page at one end if there are too many messages; its link leads back to it. */
function drop(chunk, side) {
  if (document.querySelectorAll(".entry").length <= MOST || box().children.length < 3) return;
  if (side === "before") keepPlace(() => chunk.remove());
  else chunk.remove();
}

function pagers() {
  for (const [side, chunk] of [["before", box().firstElementChild], ["after", box().lastElementChild]]) {
    const link = pager(side);
    if (!link) continue;
    link.closest(".pager").hidden = !chunk.dataset[side];
    if (chunk.dataset[side]) link.href = chunk.dataset[side];
    watch(side);
  }
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
  const first = document.createElement("div");
  first.className = "chunk";
  for (const side of ["before", "after"])
    first.dataset[side] = pager(side)?.getAttribute("href") || "";
  first.append(...box().children);
  box().append(first);
  const target = document.querySelector("[data-target]");
  target?.scrollIntoView();
  const call = location.hash && document.getElementById(location.hash.slice(1));
  if (call instanceof HTMLDetailsElement) call.open = true;
  // the first page must be read before more is added above it
  if (window.scrollY > 0 || target) requestAnimationFrame(() => watch("before"));
  else window.addEventListener("scroll", () => watch("before"), { once: true });
  watch("after");
  outline();
}
