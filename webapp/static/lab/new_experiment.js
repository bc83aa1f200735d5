// The New experiment page. The server judges, plans and renders; this file ticks, removes, keeps and asks before it launches.
// What is typed lives in sessionStorage until it is launched: a session that ended, a reload or the back button lose nothing.
(() => {
  const form = () => document.getElementById("new-experiment");
  const store = `lab-new-experiment:${window.location.pathname}`;
  const plan = () => window.htmx.trigger(form(), "lab:plan");

  // -- keep
  const values = () => [...new FormData(form()).entries()].filter(([name]) => name !== "csrfmiddlewaretoken");
  const keep = () => {
    if (!form()?.hasAttribute("data-keep")) return;
    try {
      sessionStorage.setItem(store, JSON.stringify({ at: Date.now(), values: values() }));
    } catch {
      // storage is full or blocked: the page works, it only forgets
    }
  };
  const kept = () => {
    try {
      return JSON.parse(sessionStorage.getItem(store));
    } catch {
      return null;
    }
  };
  const forget = () => sessionStorage.removeItem(store);

  const notice = (at) => {
    const box = document.createElement("div");
    box.className = "notice";
    box.setAttribute("role", "status");
    const text = document.createElement("div");
    text.textContent = `What you typed here at ${new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })} was restored. `;
    const fresh = document.createElement("button");
    fresh.type = "button";
    fresh.className = "btn btn-outline btn-sm";
    fresh.textContent = "Start afresh";
    fresh.addEventListener("click", () => {
      forget();
      window.location.assign(window.location.pathname);
    });
    text.append(fresh);
    box.append(text);
    form().before(box);
  };
  const comparable = (entries) => JSON.stringify(entries.filter(([name]) => name !== "launch_key"));
  const restore = async () => {
    const holder = document.getElementById("new-experiment-holder");
    const found = kept();
    const asked = new URLSearchParams(window.location.search);
    const recipe = asked.get("recipe") ?? ""; // what another page chose, for what was typed here before
    const others = [...asked.keys()].some((name) => name !== "recipe");
    if (!holder || !found || others || document.getElementById("errors-page")) return;
    if (comparable(found.values) === comparable(values())) return;
    const headers = { "X-CSRFToken": form().elements.csrfmiddlewaretoken.value };
    const answer = await fetch(`${holder.dataset.restoreUrl}?${new URLSearchParams({ recipe })}`, { method: "POST", headers, body: new URLSearchParams(found.values), credentials: "same-origin" });
    if (answer.status === 204) {
      forget(); // it was launched
    } else if (answer.ok && !answer.redirected) {
      holder.innerHTML = await answer.text();
      window.htmx.process(holder);
      notice(found.at);
    }
  };

  // -- ticks and rows
  const offers = (source) => [...document.querySelectorAll("[data-offer]")].filter((box) => box.dataset.offer === source);
  const rows = (source) => [...document.querySelectorAll("#rows > [data-source]")].filter((row) => row.dataset.source === source);
  const untick = (source) => {
    if (rows(source).length === 0) for (const box of offers(source)) box.checked = false;
  };
  document.addEventListener("change", (event) => {
    const box = event.target.closest?.("[data-offer]");
    if (!box) return;
    if (box.checked) window.htmx.trigger(box, "lab:add");
    else {
      for (const row of rows(box.dataset.offer)) row.remove();
      keep();
    }
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-remove]");
    if (button) {
      const gone = button.closest("[data-removable]");
      gone.remove();
      if (gone.dataset.source) untick(gone.dataset.source);
      keep();
      plan();
    }
    const link = event.target.closest("a[data-focus]");
    if (link) {
      event.preventDefault();
      const target = document.getElementById(link.hash.slice(1));
      for (let closed = target?.closest("details:not([open])"); closed; closed = closed.parentElement.closest("details:not([open])")) closed.open = true;
      target?.scrollIntoView({ block: "center" });
      target?.focus();
    }
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (!["rows", "axes", "curations", "corrections", "recipe", "network-score", "network-inverse_dynamics"].includes(event.detail.target.id)) return;
    keep();
    plan();
  });
  document.addEventListener("htmx:responseError", (event) => {
    const box = event.detail.elt;
    if (box.matches("[data-offer]")) box.checked = false;
  });

  for (const kind of ["input", "change"]) {
    document.addEventListener(kind, (event) => {
      if (form()?.contains(event.target) && event.target.name) keep();
    });
  }

  // -- launch: once, and from the keyboard after a question
  const buttons = () => document.querySelectorAll(".btn-launch");
  document.addEventListener("submit", (event) => {
    if (event.target !== form() || event.defaultPrevented) return;
    document.getElementById("launch-dialog")?.close();
    setTimeout(() => {
      for (const button of buttons()) button.disabled = true;
    });
  });
  window.addEventListener("pageshow", () => {
    for (const button of buttons()) button.disabled = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !form()) return;
    event.preventDefault();
    const dialog = document.getElementById("launch-dialog");
    const summary = document.querySelector("[data-launch-summary]");
    if (dialog.open) form().requestSubmit();
    else if (summary) {
      dialog.querySelector("[data-launch-text]").textContent = summary.dataset.launchSummary;
      dialog.showModal();
    } else window.labToast("There is no plan yet: mend what the plan lists.", "error");
  });
  document.addEventListener("DOMContentLoaded", restore);
})();
