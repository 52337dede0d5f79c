// Keys: / search, j and k through a list, J and K through prompts, [ and ] through sessions, ? help.
import { items } from "./html.js";

const LIST = "agent-journal.sessions";

const chosen = () => document.querySelector("[data-item].chosen");

function choose(item) {
  if (!item) return;
  chosen()?.classList.remove("chosen");
  item.classList.add("chosen");
  item.scrollIntoView({ block: "nearest" });
  const link = item.querySelector("a[href]");
  if (link) link.focus({ preventScroll: true });
}

/** Choose the next element of a list, from the one that is chosen or the first that is visible. */
function step(list, by) {
  const from = chosen();
  const top = from ? from.getBoundingClientRect().top : 60;
  const offset = (item) => item.getBoundingClientRect().top;
  if (by > 0) choose(list.find((item) => item !== from && offset(item) > top + (from ? 0 : -1)));
  else choose(list.filter((item) => item !== from && offset(item) < top).pop());
}

/** Remember the sessions of a list, for [ and ]. */
function remember() {
  if (!document.querySelector("[data-list]")) return;
  const rows = document.querySelectorAll("#rows [data-item] .title a:first-child");
  sessionStorage.setItem(LIST, JSON.stringify([...rows].map((link) => link.getAttribute("href"))));
}

function neighbour(by) {
  const list = JSON.parse(sessionStorage.getItem(LIST) || "[]");
  const id = new URLSearchParams(location.search).get("id");
  const at = list.findIndex((href) => new URLSearchParams(href.split("?")[1]).get("id") === id);
  const next = list[at + by];
  if (at >= 0 && next) location.href = next;
}

const ACTIONS = {
  "/": () => (document.querySelector(".ask input[name=q]") || document.getElementById("q"))?.focus(),
  j: () => step(items(), 1),
  k: () => step(items(), -1),
  J: () => step([...document.querySelectorAll("[data-prompt]")], 1),
  K: () => step([...document.querySelectorAll("[data-prompt]")], -1),
  "[": () => neighbour(-1),
  "]": () => neighbour(1),
  "?": () => document.getElementById("help").showModal(),
};

export function keys() {
  document.addEventListener("keydown", (event) => {
    const at = event.target;
    const typing = at.isContentEditable || ["INPUT", "SELECT", "TEXTAREA"].includes(at.tagName);
    if (event.key === "Escape" && typing && !at.closest("dialog")) at.blur();
    if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const action = ACTIONS[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  window.addEventListener("pagehide", remember);
  for (const button of document.querySelectorAll("[data-close]"))
    button.addEventListener("click", () => button.closest("dialog").close());
}
