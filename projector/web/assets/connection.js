// The events of an open page. It says when they do not come any more, and how old it is then.
const box = () => document.getElementById("lost");

/** Load the page again if what it shows is not there any more, as what was forgotten. */
async function leaveIfGone() {
  const answer = await fetch(location.href, { method: "HEAD" }).catch(() => null);
  if (answer?.status === 404) location.reload();
}

/** Listen to a stream; `changed` gets each state of it. */
export function listen(address, changed) {
  const source = new EventSource(address);
  let heard = new Date();
  source.addEventListener("changed", (event) => {
    heard = new Date();
    changed(JSON.parse(event.data));
  });
  source.addEventListener("behind", (event) => {
    const note = document.getElementById("behind");
    note.textContent = event.data;
    note.hidden = !event.data;
  });
  source.addEventListener("open", () => { box().hidden = true; });
  source.addEventListener("error", () => {
    if (box().hidden === false && source.readyState !== EventSource.CLOSED) return;
    const ended = source.readyState === EventSource.CLOSED;
    const what = ended ? "no longer up to date: reload the page" : "connection lost, trying again";
    // what was shown then is what the last event told of
    box().textContent = `${what}. This page is of ${heard.toLocaleTimeString()}.`;
    box().hidden = false;
    if (ended) leaveIfGone();
  });
  // a page that comes back from the cache of the browser listens again by being loaded again
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  window.addEventListener("pagehide", () => source.close());
}
