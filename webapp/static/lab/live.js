/* Keeps a page true while jobs run.
   An element with data-live-url="..." opens a stream of server-sent events. An event names only what changed; it becomes a DOM event on
   <body> (lab:state, lab:progress, lab:points, lab:log) on which fragments fetch themselves again, by hx-trigger or by script. Each
   comes at most once per its interval, and the last one always comes. After sleep, a lost connection or a missed event everything is
   fetched again (lab:refresh). A fragment is not replaced under an open dialog or a field in use, but right afterwards. */
(() => {
  "use strict";
  const body = document.body;
  const url = document.querySelector("[data-live-url]")?.dataset.liveUrl;
  if (!url) return;

  const INTERVAL_MS = { state: 600, progress: 2000, points: 2000, log: 600, refresh: 600 };
  const QUIET_MS = 45000; // the server speaks at least every 15 s
  const timers = {};
  const last = {};
  let source = null;
  let lastHeard = Date.now();
  let postponed = false;

  function emit(change) {
    if (timers[change]) return;
    const wait = Math.max(0, (last[change] || 0) + INTERVAL_MS[change] - Date.now());
    timers[change] = setTimeout(() => {
      timers[change] = null;
      last[change] = Date.now();
      body.dispatchEvent(new CustomEvent(`lab:${change}`));
    }, wait);
  }
  const refresh = () => ["refresh", "state", "log"].forEach(emit);
  const show = (state, text) =>
    document.querySelectorAll("[data-live-indicator]").forEach((element) => {
      element.dataset.state = state;
      element.title = text;
    });

  function connect() {
    if (source) source.close();
    source = new EventSource(url);
    source.onopen = () => {
      lastHeard = Date.now();
      show("live", "Live: changes appear by themselves");
      refresh();
    };
    source.onerror = () => show("lost", "Connection lost, trying again");
    source.addEventListener("change", (event) => {
      lastHeard = Date.now();
      const changes = Object.keys(JSON.parse(event.data));
      if (changes.includes("reset")) refresh();
      else changes.forEach(emit);
    });
  }

  function wake() {
    if (document.visibilityState !== "visible") return;
    if (!source || source.readyState === EventSource.CLOSED || Date.now() - lastHeard > QUIET_MS) connect();
    else refresh();
  }

  const inUse = (element) =>
    element.querySelector("dialog[open]") || (element.contains(document.activeElement) && document.activeElement.matches("input, select, textarea"));
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (inUse(event.detail.target)) {
      event.detail.shouldSwap = false;
      postponed = true;
    }
  });
  const resume = () => {
    if (!postponed) return;
    postponed = false;
    emit("state");
  };
  document.addEventListener("close", resume, true);
  document.addEventListener("focusout", resume);

  // Sideways scrolling survives the replacement of a fragment.
  const scrolled = {};
  document.addEventListener("htmx:beforeSwap", (event) =>
    event.detail.target.querySelectorAll("[data-keep-scroll]").forEach((element) => (scrolled[element.dataset.keepScroll] = element.scrollLeft)));
  document.addEventListener("htmx:afterSwap", (event) =>
    event.detail.target.querySelectorAll("[data-keep-scroll]").forEach((element) => (element.scrollLeft = scrolled[element.dataset.keepScroll] || 0)));

  document.addEventListener("visibilitychange", wake);
  window.addEventListener("online", wake);
  window.addEventListener("pageshow", (event) => event.persisted && wake());
  window.addEventListener("pagehide", () => source && source.close());
  setInterval(() => {
    if (document.visibilityState === "visible" && source && source.readyState === EventSource.CLOSED) connect();
  }, 5000);
  connect();
})();
