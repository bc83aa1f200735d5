// The compare page: every change of a control asks the server for the comparison, which answers with the fragment
// #comparison and the address of the page; the figures follow the query found in #comparison-state.
(() => {
  "use strict";
  const LIVE_S = 5;
  const form = document.getElementById("compare-form");
  if (!form) return;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  let timer = 0;
  let sorted = null;

  const changed = (delay) => {
    clearTimeout(timer);
    timer = setTimeout(() => htmx.trigger(form, "lab:changed"), delay);
  };

  // -- ticking all of a group or an experiment
  const boxes = (scope) => all("input[name=run]", scope);
  const scopeOf = (box) => box.closest("[data-tick-group]") ?? box.closest("details");
  const showTicks = () => {
    for (const box of all("[data-tick-all]")) {
      const own = boxes(scopeOf(box));
      const ticked = own.filter((one) => one.checked).length;
      box.checked = own.length > 0 && ticked === own.length;
      box.indeterminate = ticked > 0 && ticked < own.length;
    }
  };

  document.addEventListener("change", (event) => {
    const input = event.target;
    if (input.matches("[data-tick-all]")) {
      for (const box of boxes(scopeOf(input))) box.checked = input.checked;
      showTicks();
      changed(0);
    } else if (input.form === form && input.type !== "range") {
      showTicks();
      changed(input.name === "run" ? 300 : 0); // several ticks in a row are one question
    }
  });
  document.addEventListener("input", (event) => {
    if (event.target.form !== form || event.target.type !== "range") return;
    event.target.closest("label").querySelector("output").textContent = event.target.value;
    changed(150);
  });
  document.addEventListener("click", (event) => {
    if (event.target.matches("summary [data-tick-all]")) event.stopPropagation(); // tick, do not fold
    const link = event.target.closest("a[href^='#runs-of-']");
    if (link) document.getElementById("runs-panel").open = true;
  }, true);

  // -- what the curves cannot say themselves
  const showNotes = (figure, list) => {
    const notes = figure.labFigure?.layout?.meta?.notes ?? [];
    list.replaceChildren(...notes.map((note) => Object.assign(document.createElement("li"), { textContent: note })));
    list.hidden = notes.length === 0;
  };
  document.addEventListener("figure:drawn", (event) => {
    const name = event.target.dataset.figureName;
    const list = document.querySelector(`[data-notes-of="${CSS.escape(name)}"]`);
    if (list) showNotes(event.target, list);
  });

  // -- after the server answered: figures, and the order of the table that the reader chose
  const state = () => document.getElementById("comparison-state").dataset;
  const loadFigures = () => {
    const { query, runs } = state();
    for (const part of all("[data-when-runs]")) part.hidden = runs === "0";
    if (runs === "0") return;
    for (const box of all("[data-compare-figure]")) {
      labFigures.load(box.querySelector("[data-figure-url]"), `${box.dataset.compareFigure}?${query}`);
    }
  };
  const rememberOrder = () => {
    const header = document.querySelector("#final-table th[aria-sort]");
    sorted = header ? { column: header.cellIndex, direction: header.getAttribute("aria-sort") } : null;
  };
  const restoreOrder = () => {
    const header = sorted && document.querySelector("#final-table thead tr")?.cells[sorted.column];
    for (let clicks = 0; header && header.getAttribute("aria-sort") !== sorted.direction && clicks < 2; clicks += 1) {
      header.querySelector(".th-sort")?.click();
    }
  };
  let open = false;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "comparison") return;
    rememberOrder();
    open = document.getElementById("runs-panel")?.open ?? false;
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target.id === "picker-list") showTicks();
    if (event.detail.target.id !== "comparison") return;
    const panel = document.getElementById("runs-panel");
    if (panel) panel.open = open;
    restoreOrder();
    loadFigures();
  });

  // -- while runs are running
  setInterval(() => {
    if (document.visibilityState === "visible" && "live" in state()) changed(0);
  }, LIVE_S * 1000);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && "live" in state()) changed(0);
  });
  window.addEventListener("popstate", () => window.location.reload());

  showTicks();
})();
