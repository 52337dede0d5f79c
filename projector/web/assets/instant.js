// The search while a query is typed. The address follows, so that it can be kept and loaded again.
import { fetchPart } from "./html.js";

const PAUSE = 150;

export function instant() {
  const form = document.querySelector("form.ask");
  if (!form) return;
  const input = form.querySelector("input[name=q]");
  let timer = 0;
  let asked = null;
  let shown = input.value.trim();

  async function find() {
    const query = input.value.trim();
    if (query === shown) return;
    asked?.abort();
    asked = new AbortController();
    const mine = asked;
    const state = new URLSearchParams(new FormData(form));
    const address = `${form.getAttribute("action")}?${state}`;
    const results = document.getElementById("results");
    results.setAttribute("aria-busy", "true");
    try {
      const part = await fetchPart(address, mine.signal);
      results.replaceChildren(...part.getElementById("results").childNodes);
      document.title = part.querySelector("title").textContent;
      history.replaceState(null, "", address);
      shown = query;
    } catch (error) {
      // an older question; what else fails is shown by the page that Enter loads
      if (error.name !== "AbortError") form.requestSubmit();
    }
    if (mine === asked) results.removeAttribute("aria-busy");
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, PAUSE);
  });
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    asked?.abort();
  });
}
