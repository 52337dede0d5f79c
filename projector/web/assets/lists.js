// Lists that continue: the next page is added when its link comes near, and pages that are far away
// are taken out; one row as high as they were keeps their place. Filters apply at once.
import { fetchPart } from "./html.js";

const NEAR = { rootMargin: "900px" };
const MOST = 6;

/** Call a function once when an element comes near; return what stops to watch it. */
function whenNear(element, call) {
  const watcher = new IntersectionObserver((seen) => {
    if (!seen.some((entry) => entry.isIntersecting)) return;
    watcher.disconnect();
    call();
  }, NEAR);
  watcher.observe(element);
  return () => watcher.disconnect();
}

/** Call a function when the reader scrolls on: the server did not answer. */
const later = (call) => window.addEventListener("scroll", call, { once: true });

const distance = (top, bottom) => Math.max(top - window.innerHeight, -bottom, 0);

/** A page of a list: its address, its rows, and how high they were when they were taken out. */
class Part {
  constructor(href, rows) {
    this.href = href;
    this.rows = rows;
    this.height = 0;
  }

  ends() {
    const [first, last] = [this.rows[0], this.rows[this.rows.length - 1]];
    return [first.getBoundingClientRect().top, last.getBoundingClientRect().bottom];
  }

  takeOut(list) {
    const [top, bottom] = this.ends();
    this.height = bottom - top;
    this.rows[0].before(new Gap(list, [this]).row);
    for (const row of this.rows) row.remove();
    this.rows = [];
  }
}

const gaps = new WeakMap();

/** A row in the place of pages that follow each other and are taken out. */
class Gap {
  constructor(list, parts) {
    this.list = list;
    this.parts = parts;
    this.busy = false;
    const cell = document.createElement("td");
    cell.colSpan = list.closest("table").querySelectorAll("thead th").length;
    this.row = document.createElement("tr");
    this.row.className = "gap";
    this.row.append(cell);
    this.row.style.height = `${parts.reduce((sum, part) => sum + part.height, 0)}px`;
    gaps.set(this.row, this);
    this.watch();
  }

  watch() {
    this.busy = false;
    this.leave = whenNear(this.row, () => this.fill());
  }

  /** Return which of the pages is nearest to what is seen. */
  nearest() {
    let top = this.row.getBoundingClientRect().top;
    let [best, at] = [Infinity, 0];
    for (const [number, part] of this.parts.entries()) {
      const far = distance(top, top + part.height);
      if (far < best) [best, at] = [far, number];
      top += part.height;
    }
    return at;
  }

  /** Put the nearest page back; what is before and behind it stays out. */
  async fill() {
    this.busy = true;
    const at = this.nearest();
    const part = this.parts[at];
    try {
      const found = await fetchPart(part.href);
      part.rows = [...found.getElementById(this.list.id).children];
    } catch {
      later(() => this.watch());
      return;
    }
    const rest = (parts) => (parts.length ? [new Gap(this.list, parts).row] : []);
    const [before, behind] = [rest(this.parts.slice(0, at)), rest(this.parts.slice(at + 1))];
    this.row.replaceWith(...before, ...part.rows, ...behind);
    bound(this.list);
  }
}

const parts = [];

/** Take out the pages that are farthest away if there are too many. */
function bound(list) {
  const here = parts.filter((part) => part.rows.length);
  const far = new Map(here.map((part) => [part, distance(...part.ends())]));
  here.sort((one, other) => far.get(other) - far.get(one));
  for (const part of here.slice(0, Math.max(here.length - MOST, 0))) part.takeOut(list);
  join(list);
}

/** Make gaps that touch each other one. */
function join(list) {
  for (const row of list.querySelectorAll(".gap")) {
    const [one, other] = [gaps.get(row.previousElementSibling), gaps.get(row)];
    if (!one || one.busy || other.busy) continue;
    one.leave();
    other.leave();
    one.row.remove();
    other.row.replaceWith(new Gap(list, [...one.parts, ...other.parts]).row);
  }
}

function more(link) {
  whenNear(link, async () => {
    const list = document.getElementById(link.dataset.more);
    const part = await fetchPart(link.href).catch(() => null);
    if (!part) {
      later(() => more(link));
      return;
    }
    if (!parts.length) parts.push(new Part(location.href, [...list.children]));
    const rows = [...part.getElementById(link.dataset.more).children];
    list.append(...rows);
    if (rows.length) parts.push(new Part(link.href, rows));
    // a list that has grown is not replaced by its first page
    list.dataset.grown = "";
    bound(list);
    const next = part.querySelector("[data-more]");
    if (next) {
      link.closest("p").replaceWith(next.closest("p"));
      more(next);
    } else link.closest("p").remove();
  });
}

export function lists() {
  for (const link of document.querySelectorAll("[data-more]")) more(link);
  // on a narrow screen the tabs are wider than it: the current one must be seen
  for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
    const tabs = tab.parentElement;
    tabs.scrollLeft = tab.getBoundingClientRect().right - tabs.getBoundingClientRect().right;
  }
  const filters = document.querySelector("main .filters");
  if (!filters || !document.querySelector("[data-list], .empty")) return;
  filters.querySelector("[data-apply]").hidden = true;
  for (const field of filters.querySelectorAll("select, input[type=checkbox]"))
    field.addEventListener("change", () => filters.requestSubmit());
}
