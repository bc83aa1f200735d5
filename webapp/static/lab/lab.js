// Behaviour that every page shares. No inline handlers anywhere: elements say what they want in data attributes.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const typing = (target) => target.closest("input, textarea, select, [contenteditable=true]") !== null;

  // -- toasts: short confirmations; errors stay on the page instead
  const toast = (text, level = "info") => {
    const item = document.createElement("div");
    item.className = `lab-toast lab-toast-${level}`;
    item.textContent = text;
    $("#lab-toasts").append(item);
    setTimeout(() => item.remove(), 4000);
  };
  window.labToast = toast;

  // -- relative times
  const ago = (seconds) => {
    const future = seconds < 0;
    const s = Math.abs(seconds);
    const steps = [[60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [86400 * 60, 86400, "d"]];
    if (s < 5) return "just now";
    for (const [below, unit, word] of steps) {
      if (s < below) return future ? `in ${Math.floor(s / unit)} ${word}` : `${Math.floor(s / unit)} ${word} ago`;
    }
    return null;
  };
  const refreshTimes = (root = document) => {
    for (const time of $$("time[data-relative]", root)) {
      const at = new Date(time.dateTime);
      time.textContent = ago((Date.now() - at) / 1000) || at.toISOString().slice(0, 10);
      time.title = `${at.toLocaleString()} (your time)`;
    }
  };
  setInterval(refreshTimes, 15000);

  // -- sortable tables: <table data-sortable>, <th data-sort="number|text">, <td data-value="...">
  const sortBy = (header, direction) => {
    const table = header.closest("table");
    const column = header.cellIndex;
    const numeric = header.dataset.sort === "number";
    const key = (row) => {
      const cell = row.cells[column];
      const raw = cell?.dataset.value ?? cell?.textContent.trim() ?? "";
      if (!numeric) return raw.toLowerCase();
      const number = Number.parseFloat(raw.replaceAll(",", ""));
      return Number.isNaN(number) ? null : number;
    };
    for (const body of table.tBodies) {
      const rows = [...body.rows].filter((row) => row.cells.length > column);
      rows.sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        if (x === null || y === null) return (x === null) - (y === null); // no value: last
        const order = numeric ? x - y : x.localeCompare(y, "en", { numeric: true });
        return direction === "ascending" ? order : -order;
      });
      body.append(...rows);
    }
    for (const other of $$("th", table)) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", direction);
  };
  const prepareTables = (root = document) => {
    for (const header of $$("table[data-sortable] th[data-sort]", root)) {
      if ($(":scope > button.th-sort", header)) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "th-sort";
      button.append(...header.childNodes);
      header.append(button);
    }
  };

  // -- clicks
  const actions = {
    "[data-theme-next]": (button) => toast(`Colours: ${{ auto: "as the system", light: "light", dark: "dark" }[window.labTheme.next()]}`, button),
    "[data-dialog-open]": (button) => $(button.dataset.dialogOpen)?.showModal(),
    "[data-dialog-close]": (button) => button.closest("dialog").close(),
    "[data-dismiss]": (button) => button.closest(button.dataset.dismiss).remove(),
    "[data-reload]": () => window.location.reload(),
    "[data-copy]": async (button) => {
      const source = button.dataset.copyFrom ? $(button.dataset.copyFrom) : null;
      try {
        await navigator.clipboard.writeText(source ? source.textContent : button.dataset.copy);
        toast("Copied.");
      } catch {
        toast("The browser did not allow copying: select the text and copy it by hand.");
      }
    },
    "table[data-sortable] .th-sort": (button) => {
      const header = button.closest("th");
      const first = header.dataset.sort === "number" ? "descending" : "ascending";
      const other = first === "ascending" ? "descending" : "ascending";
      sortBy(header, header.getAttribute("aria-sort") === first ? other : first);
    },
  };
  document.addEventListener("click", (event) => {
    if (event.target instanceof HTMLDialogElement) event.target.close(); // the backdrop
    for (const [selector, act] of Object.entries(actions)) {
      const element = event.target.closest(selector);
      if (element) act(element);
    }
  });

  // -- a form is sent once: the second click of a double click does nothing
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.hasAttribute("data-repeatable") || event.submitter?.hasAttribute("data-repeatable") || event.defaultPrevented) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    for (const button of $$("button[type=submit], button:not([type])", form)) button.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => {
    for (const form of $$("form[data-sent]")) delete form.dataset.sent;
    for (const button of $$("button[aria-busy]")) button.removeAttribute("aria-busy");
  });

  // -- tabs that choose among panels: <div data-choice-for="name"> shown while input[name] has data-choice's value
  const refreshChoices = () => {
    for (const panel of $$("[data-choice-for]")) {
      const chosen = $(`input[name="${panel.dataset.choiceFor}"]:checked`);
      const visible = chosen !== null && chosen.value === panel.dataset.choice;
      panel.hidden = !visible;
      if (panel instanceof HTMLFieldSetElement) panel.disabled = !visible;
    }
  };
  document.addEventListener("change", (event) => {
    refreshChoices();
    const input = event.target;
    if (input.type === "file" && input.dataset.maxBytes) {
      const file = input.files[0];
      const limit = Number(input.dataset.maxBytes);
      const over = file && file.size > limit;
      const mib = (bytes) => `${Math.ceil(bytes / 2 ** 20).toLocaleString("en")} MiB`;
      input.setCustomValidity(over ? `This file has ${mib(file.size)}; at most ${mib(limit)} are accepted.` : "");
      if (over) input.reportValidity();
    }
  });

  // -- keyboard: any element may carry data-hotkey="x" or "g e"; data-hotkey-label is what the help dialog says
  let pending = "";
  let pendingTimer = 0;
  const press = (keys) => $$("[data-hotkey]").find((element) => element.dataset.hotkey === keys && element.checkVisibility() !== false) ?? $$("[data-hotkey]").find((element) => element.dataset.hotkey === keys);
  const activate = (element) => {
    if (element.matches("input, textarea, select")) {
      element.focus();
      element.select?.();
    } else element.click();
  };
  const fillHelp = () => {
    const list = $("#keyboard-help dl");
    list.replaceChildren();
    const seen = new Set();
    for (const element of $$("[data-hotkey]")) {
      const keys = element.dataset.hotkey;
      if (seen.has(keys)) continue;
      seen.add(keys);
      const term = document.createElement("dt");
      for (const key of keys.split(" ")) {
        const cap = document.createElement("kbd");
        cap.textContent = key;
        term.append(cap, " ");
      }
      const label = document.createElement("dd");
      label.textContent = element.dataset.hotkeyLabel || element.getAttribute("aria-label") || element.textContent.trim();
      list.append(term, label);
    }
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (typing(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if ($("dialog[open]")) return;
    if (event.key === "?") {
      fillHelp();
      $("#keyboard-help").showModal();
      event.preventDefault();
      return;
    }
    const keys = pending ? `${pending} ${event.key}` : event.key;
    clearTimeout(pendingTimer);
    pending = "";
    const element = press(keys);
    if (element) {
      event.preventDefault();
      activate(element);
    } else if ($$("[data-hotkey]").some((one) => one.dataset.hotkey.startsWith(`${keys} `))) {
      pending = keys;
      pendingTimer = setTimeout(() => (pending = ""), 1200);
    }
  });

  // -- fragments that htmx put into the page
  const prepare = (root) => {
    refreshTimes(root);
    prepareTables(root);
    refreshChoices();
  };
  document.addEventListener("htmx:load", (event) => prepare(event.detail.elt));
  document.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    const text = { 403: "Not allowed: this belongs to somebody else.", 404: "It is no longer there: reload the page." };
    toast(text[status] ?? `The server answered ${status}. Reload the page and try again.`, "error");
  });
  document.addEventListener("htmx:sendError", () => toast("The server cannot be reached. Is it running?", "error"));
  document.addEventListener("DOMContentLoaded", () => {
    prepare(document);
    for (const button of $$("[data-hotkey-help]")) button.addEventListener("click", fillHelp);
  });
})();
