// Lists that continue: the next page is added when its link comes near. Filters apply at once.
import { fetchPart } from "./html.js";

const NEAR = { rootMargin: "900px" };

function more(link) {
  const watcher = new IntersectionObserver(async (seen) => {
    if (!seen.some((entry) => entry.isIntersecting)) return;
    watcher.disconnect();
    const part = await fetchPart(link.href);
    document.getElementById(link.dataset.more).append(...part.getElementById(link.dataset.more).children);
    // a list that has grown is not replaced by its first page
    document.getElementById(link.dataset.more).dataset.grown = "";
    const next = part.querySelector("[data-more]");
    if (next) {
      link.closest("p").replaceWith(next.closest("p"));
      more(next);
    } else link.closest("p").remove();
  }, NEAR);
  watcher.observe(link);
}

export function lists() {
  for (const link of document.querySelectorAll("[data-more]")) more(link);
  const filters = document.querySelector("main .filters");
  if (!filters || !document.querySelector("[data-list], .empty")) return;
  filters.querySelector("[data-apply]").hidden = true;
  for (const field of filters.querySelectorAll("select, input[type=checkbox]"))
    field.addEventListener("change", () => filters.requestSubmit());
}
