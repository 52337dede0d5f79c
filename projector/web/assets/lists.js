// Lists that continue: the next page is added when its link comes near, and pages that are far away
// are taken out; a row as high as they were keeps their place. Filters apply at once.
import { fetchPart } from "./html.js";

const NEAR = { rootMargin: "900px" };
const MOST = 6;

/** Call a function once when an element comes near. */
function whenNear(element, call) {
  const watcher = new IntersectionObserver((seen) => {
    if (!seen.some((entry) => entry.isIntersecting)) return;
    watcher.disconnect();
    call();
  }, NEAR);
  watcher.observe(element);
}

/** A page of a list: its address, and its rows or the gap in their place. */
class Part {
  constructor(href, rows) {
    this.href = href;
    this.rows = rows;
    this.gap = null;
  }

  distance() {
    const top = this.rows[0].getBoundingClientRect().top;
    const bottom = this.rows[this.rows.length - 1].getBoundingClientRect().bottom;
    return Math.max(top - window.innerHeight, -bottom, 0);
  }

  takeOut(list) {
    const top = this.rows[0].getBoundingClientRect().top;
    const height = this.rows[this.rows.length - 1].getBoundingClientRect().bottom - top;
    const cell = document.createElement("td");
    cell.colSpan = list.closest("table").querySelectorAll("thead th").length;
    this.gap = document.createElement("tr");
    this.gap.className = "gap";
    this.gap.append(cell);
    this.gap.style.height = `${height}px`;
    this.rows[0].before(this.gap);
    for (const row of this.rows) row.remove();
    this.rows = [];
    whenNear(this.gap, () => this.putBack(list));
  }

  async putBack(list) {
    const part = await fetchPart(this.href);
    this.rows = [...part.getElementById(list.id).children];
    if (this.rows.length) this.gap.replaceWith(...this.rows);
    else this.gap.remove();
    this.gap = null;
    bound(list);
  }
}

const parts = [];

/** Take out the pages that are farthest away if there are too many. */
function bound(list) {
  const here = parts.filter((part) => part.rows.length);
  here.sort((one, other) => other.distance() - one.distance());
  for (const part of here.slice(0, Math.max(here.length - MOST, 0))) part.takeOut(list);
}

function more(link) {
  whenNear(link, async () => {
    const list = document.getElementById(link.dataset.more);
    const part = await fetchPart(link.href);
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
