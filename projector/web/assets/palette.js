// Ctrl+K: pages, and sessions whose messages have the words.
const PAGES = [
  ["Sessions", "/sessions"],
  ["Search", "/search"],
  ["Dashboard", "/dashboard"],
  ["Sessions as a tree", "/sessions?sort=tree"],
  ["Most expensive sessions", "/sessions?sort=cost"],
  ["Sessions with errors", "/sessions?errors=1"],
];
const PAUSE = 120;

function option(text, href, about) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = href;
  link.textContent = text;
  item.append(link);
  if (about) {
    const note = document.createElement("span");
    note.className = "quiet";
    note.textContent = about;
    link.append(" ", note);
  }
  return item;
}

export function palette() {
  const dialog = document.getElementById("palette");
  const input = dialog.querySelector("input");
  const list = dialog.querySelector("ul");
  let timer = 0;
  let asked = 0;

  function pages(query) {
    const words = query.toLowerCase();
    return PAGES.filter(([name]) => name.toLowerCase().includes(words)).map(([name, href]) => option(name, href));
  }

  /** Show what is known without a request: Enter chooses among that at once. */
  function show(query) {
    const found = pages(query);
    if (query) found.push(option(`Search for “${query}”`, `/search?q=${encodeURIComponent(query)}`));
    list.replaceChildren(...found);
    choose(0);
    return found;
  }

  async function find() {
    const query = input.value.trim();
    const number = ++asked;
    const found = show(query);
    if (query) {
      const answer = await fetch(`/search.json?q=${encodeURIComponent(query)}`);
      const hits = answer.ok ? (await answer.json()).hits : [];
      for (const hit of hits.slice(0, 8)) {
        const href = `/session?id=${encodeURIComponent(hit.session)}&at=${encodeURIComponent(hit.id)}`;
        found.push(option(hit.name, href, hit.snippet.replaceAll("**", "")));
      }
    }
    if (number === asked) {
      const at = [...list.querySelectorAll("a")].findIndex((link) => link.hasAttribute("aria-current"));
      list.replaceChildren(...found);
      choose(at);
    }
  }

  function choose(at) {
    const links = [...list.querySelectorAll("a")];
    for (const link of links) link.removeAttribute("aria-current");
    links[Math.max(0, Math.min(at, links.length - 1))]?.setAttribute("aria-current", "true");
    list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    asked++;
    show(input.value.trim());
    timer = setTimeout(find, PAUSE);
  });
  input.addEventListener("keydown", (event) => {
    const links = [...list.querySelectorAll("a")];
    const at = links.findIndex((link) => link.hasAttribute("aria-current"));
    if (event.key === "Enter") links[at]?.click();
    else if (event.key === "ArrowDown") choose(at + 1);
    else if (event.key === "ArrowUp") choose(at - 1);
    else return;
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (dialog.open) {
      dialog.close();
      return;
    }
    dialog.showModal();
    input.select();
    find();
  });
}
