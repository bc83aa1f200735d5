/* Keeps a page true while jobs run.
   An element with data-live-url="..." opens a stream of server-sent events. An event names only what changed; it becomes a DOM event on
   <body> (lab:state, lab:progress, lab:points, lab:log) that fragments fetch themselves on, by hx-trigger or by script.
   After sleep, a lost connection or a missed event everything is fetched again (lab:refresh). */
(() => {
  "use strict";
  const body = document.body;
  const url = document.querySelector("[data-live-url]")?.dataset.liveUrl;
  if (!url) return;

  const CHANGES = ["state", "progress", "points", "log"];
  const QUIET_S = 45; // the server speaks at least every 15 s
  let source = null;
  let lastHeard = Date.now();

  const emit = (name, jobs) =>
    body.dispatchEvent(new CustomEvent(`lab:${name}`, { detail: { jobs: jobs || [] } }));
  const refresh = () => {
    emit("refresh");
    CHANGES.forEach((change) => emit(change));
  };
  const show = (state) => {
    document.querySelectorAll("[data-live-indicator]").forEach((element) => {
      element.dataset.state = state;
      element.title = state === "live" ? "Live: changes appear by themselves" : "Connection lost, trying again";
    });
  };

  function connect() {
    if (source) source.close();
    source = new EventSource(url);
    source.onopen = () => {
      lastHeard = Date.now();
      show("live");
      refresh();
    };
    source.onerror = () => show("lost");
    source.addEventListener("change", (event) => {
      lastHeard = Date.now();
      const changes = JSON.parse(event.data);
      if ("reset" in changes) return refresh();
      for (const [change, jobs] of Object.entries(changes)) emit(change, jobs);
    });
  }

  function wake() {
    if (document.visibilityState !== "visible") return;
    if (!source || source.readyState === EventSource.CLOSED || Date.now() - lastHeard > QUIET_S * 1000) connect();
    else refresh();
  }

  document.addEventListener("visibilitychange", wake);
  window.addEventListener("online", wake);
  window.addEventListener("pageshow", (event) => event.persisted && wake());
  window.addEventListener("pagehide", () => source && source.close());
  setInterval(() => {
    if (document.visibilityState === "visible" && source && source.readyState === EventSource.CLOSED) connect();
  }, 5000);
  connect();
})();
