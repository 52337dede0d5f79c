// The prompts beside a session: the one that is being read is marked, and new ones are added.
const LINE = 80;

const list = () => document.querySelector(".outline ol");

/** Mark the last prompt above what is read: above the upper edge, or at the end above the lower. */
export function mark() {
  const links = [...document.querySelectorAll(".outline a")];
  const prompts = [...document.querySelectorAll("[data-prompt]")];
  const isAtEnd = window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 2;
  const line = isAtEnd ? window.innerHeight : LINE;
  const above = prompts.filter((prompt) => prompt.getBoundingClientRect().top <= line).pop();
  const at = (prompt) => links.findIndex((link) => link.hash.slice(1) === prompt.id);
  let place = -1;
  if (above) place = at(above);
  else if (prompts.length) place = Math.max(at(prompts[0]) - 1, 0);
  else {
    // no prompt is here: links to this page alone have no address before the hash
    const given = new URLSearchParams(location.search);
    place = ["at", "from", "after", "before", "end"].some((name) => given.has(name)) ? links.length - 1 : 0;
  }
  document.querySelector(".outline .current")?.classList.remove("current");
  links[place]?.classList.add("current");
}

/** List the prompts among new messages. */
export function addPrompts(entries) {
  for (const entry of entries) {
    if (!("prompt" in entry.dataset) || !list()) continue;
    if (list().querySelector(`a[href$="#${CSS.escape(entry.id)}"]`)) continue;
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `#${entry.id}`;
    link.className = "here";
    link.textContent = entry.querySelector(".body")?.textContent.trim().slice(0, 200) || "(no text)";
    item.append(link);
    list().append(item);
  }
  mark();
}

export function outline() {
  let waits = false;
  const soon = () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      mark();
    });
  };
  window.addEventListener("scroll", soon, { passive: true });
  window.addEventListener("resize", soon, { passive: true });
  soon();
}
