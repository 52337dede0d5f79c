// A page of which something is still being counted: it is asked for again until all is there.
import { fetchPart } from "./html.js";

const PAUSE = 2000;

export function again() {
  const main = document.querySelector("main[data-again]");
  if (!main) return;
  setTimeout(async () => {
    const part = await fetchPart(location.href);
    const found = part.getElementById("main");
    if (!("again" in found.dataset)) delete main.dataset.again;
    main.replaceChildren(...found.childNodes);
    again();
  }, PAUSE);
}
