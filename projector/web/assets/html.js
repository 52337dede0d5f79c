// HTML of this server's own answers. The policy is the only one that the page's headers allow.
const policy = window.trustedTypes
  ? window.trustedTypes.createPolicy("agent-journal", { createHTML: (text) => text })
  : { createHTML: (text) => text };

/** Request a page of this server; return it as a fragment. It throws if it is not answered. */
export async function fetchPart(address, signal) {
  const answer = await fetch(address, { headers: { Accept: "text/html" }, signal });
  if (!answer.ok) throw new Error(`${answer.status} for ${address}`);
  const holder = document.createElement("template");
  holder.innerHTML = policy.createHTML(await answer.text());
  return holder.content;
}

/** Change what is above without a jump of what is read. */
export function keepPlace(change) {
  const top = [...document.querySelectorAll(".entry")].find((entry) => entry.getBoundingClientRect().bottom > 60);
  const before = top?.getBoundingClientRect().top;
  change();
  const now = top?.isConnected ? top : top && document.getElementById(top.id);
  if (now) window.scrollBy(0, now.getBoundingClientRect().top - before);
}

/** Return the elements of a list that can be chosen by keys. */
export const items = () => [...document.querySelectorAll("[data-item]")];
