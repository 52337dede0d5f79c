// HTML of this server's own answers. The policy is the only one that the page's headers allow.
const policy = window.trustedTypes
  ? window.trustedTypes.createPolicy("agent-journal", { createHTML: (text) => text })
  : { createHTML: (text) => text };

/** Request a page of this server; return it as a fragment. It throws if it is not answered. */
export async function fetchPart(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(`${answer.status} for ${address}`);
  const holder = document.createElement("template");
  holder.innerHTML = policy.createHTML(await answer.text());
  return holder.content;
}

/** Return the elements of a list that can be chosen by keys. */
export const items = () => [...document.querySelectorAll("[data-item]")];
