/* A live log: <div class="log" data-log-url="..."> fetches the lines after its last one when the job said something.
   It follows the end unless the reader scrolled up. */
(() => {
  "use strict";
  const log = document.querySelector("[data-log-url]");
  if (!log) return;
  let busy = false;
  let again = false;
  const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const toEnd = () => (log.scrollTop = log.scrollHeight);

  async function fetchLines() {
    if (busy) return (again = true);
    busy = true;
    try {
      const last = log.querySelector("[data-line]:last-of-type");
      const response = await fetch(`${log.dataset.logUrl}?after=${last ? last.dataset.line : 0}`);
      if (response.ok && !response.redirected) {
        const follow = atEnd();
        log.insertAdjacentHTML("beforeend", await response.text());
        if (follow) toEnd();
      }
    } finally {
      busy = false;
      if (again) {
        again = false;
        fetchLines();
      }
    }
  }

  document.body.addEventListener("lab:log", fetchLines);
  toEnd();
})();
