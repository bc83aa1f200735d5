/* The live curve of an experiment's page: another metric or axis, and new points as they are measured. */
(() => {
  "use strict";
  const section = document.querySelector("[data-curve-url]");
  if (!section) return;
  const form = section.querySelector("form");
  const figure = section.querySelector("[data-figure-url]");
  const EVERY_MS = 2000;
  let waiting = false;
  let last = 0;

  const address = () => `${section.dataset.curveUrl}&${new URLSearchParams(new FormData(form))}`;
  const load = () => {
    last = Date.now();
    waiting = false;
    window.labFigures.load(figure, address());
  };
  function soon() {
    if (waiting || document.visibilityState !== "visible") return;
    waiting = true;
    setTimeout(load, Math.max(0, last + EVERY_MS - Date.now()));
  }

  form.addEventListener("change", load);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.body.addEventListener("lab:points", soon);
  document.body.addEventListener("lab:refresh", soon);
})();
