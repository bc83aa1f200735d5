// The labs: plots that follow what is typed; of Loss lab and Bandit lab also rows of the typed table, the ratio's slider, pasted cells, algorithms added and removed.
// The server judges and computes; every change here ends in an event that makes the form ask again.
//   <tbody data-typed-rows> rows with inputs named by column; <template id="typed-row"> one more of them
//   <template data-load-figure="name" data-url="address"> in what was swapped in loads that plot again
(() => {
  const body = () => document.querySelector("[data-typed-rows]");
  const rows = () => [...(body()?.children ?? [])];
  const tell = () => document.getElementById("lab-form").dispatchEvent(new Event("change", { bubbles: true }));
  const cell = (row, column) => row.querySelector(`[data-column="${column}"]`);

  // -- rows
  const renumber = () => {
    rows().forEach((row, place) => {
      row.querySelector(".row-number").textContent = place + 1;
      for (const input of row.querySelectorAll("[data-column]")) {
        input.id = `${input.dataset.column}-${place}`;
        input.setAttribute("aria-label", `${input.dataset.label} of row ${place + 1}`);
      }
    });
  };
  const add = (after) => {
    const fresh = document.getElementById("typed-row").content.firstElementChild.cloneNode(true);
    if (after) {
      for (const input of fresh.querySelectorAll("[data-column]")) input.value = cell(after, input.dataset.column).value;
      after.after(fresh);
    } else body().append(fresh);
    renumber();
    slide(fresh);
    return fresh;
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-row-add], [data-row-copy], [data-row-remove], [data-choice-remove]");
    if (!button) return;
    if (button.matches("[data-choice-remove]")) button.closest("[data-choice]").remove();
    else if (button.matches("[data-row-add]")) cell(add(rows().at(-1)), button.dataset.rowAdd).select();
    else if (button.matches("[data-row-copy]")) cell(add(button.closest("tr")), button.dataset.rowCopy).select();
    else if (rows().length > 1) {
      button.closest("tr").remove();
      renumber();
    }
    tell();
  });

  // -- a block of cells pasted from a spreadsheet fills columns to the right and rows below
  document.addEventListener("paste", (event) => {
    const input = event.target.closest("[data-column]");
    const text = event.clipboardData?.getData("text/plain").replace(/\r/g, "").replace(/\n$/, "") ?? "";
    if (!input || !/[\n\t]/.test(text)) return;
    event.preventDefault();
    const columns = [...input.closest("tr").querySelectorAll("[data-column]")].map((one) => one.dataset.column);
    const [left, top] = [columns.indexOf(input.dataset.column), rows().indexOf(input.closest("tr"))];
    text.split("\n").slice(0, 64).forEach((line, down) => {
      const row = rows()[top + down] ?? add();
      line.split("\t").forEach((value, right) => {
        const target = columns[left + right];
        if (target) cell(row, target).value = value.trim();
      });
      slide(row);
    });
    tell();
  });

  // -- the ratio of a completion of one token: log pi = log mu + log ratio
  const single = (text) => (/^\s*[-−]?[\d.]+(e[-+]?\d+)?\s*$/i.test(text) ? Number(text.replace("−", "-")) : NaN);
  const shown = (ratio) => `×${ratio.toPrecision(3).replace(/\.?0+$/, "")}`;
  const slide = (row) => {
    const range = row.querySelector("[data-ratio]");
    if (!range) return;
    const [pi, mu] = [single(cell(row, "pi").value), single(cell(row, "mu").value)];
    range.disabled = Number.isNaN(mu) || Number.isNaN(pi);
    const exponent = range.disabled ? 0 : (pi - mu) / Math.LN10;
    range.value = exponent;
    range.nextElementSibling.textContent = range.disabled ? "–" : shown(10 ** exponent);
  };
  document.addEventListener("input", (event) => {
    const row = event.target.closest("[data-typed-rows] > tr");
    if (!row) return;
    if (!event.target.matches("[data-ratio]")) {
      slide(row);
      return;
    }
    const logprob = Math.min(0, single(cell(row, "mu").value) + Number(event.target.value) * Math.LN10);
    cell(row, "pi").value = Number(logprob.toFixed(9));
    event.target.nextElementSibling.textContent = shown(Math.exp(logprob - single(cell(row, "mu").value)));
  });

  // -- what the server sends
  document.addEventListener("htmx:afterSwap", (event) => {
    for (const template of event.detail.target.querySelectorAll("template[data-load-figure]")) {
      const figure = document.querySelector(`[data-figure-name="${template.dataset.loadFigure}"]`);
      if (figure) window.labFigures.load(figure, template.dataset.url);
    }
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (!event.detail.target.matches("#choices")) return;
    event.detail.target.lastElementChild?.querySelector("input:not([type=hidden])")?.focus();
    tell();
  });
  document.addEventListener("DOMContentLoaded", () => rows().forEach(slide));
})();
