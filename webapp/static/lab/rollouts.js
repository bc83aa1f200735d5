// The rollout browser: j and k step through the completions of a prompt; panels remember whether they were open.
(() => {
  "use strict";
  const completions = [...document.querySelectorAll(".completion")];
  let current = completions.findIndex((one) => `#${one.id}` === window.location.hash);

  const show = (index) => {
    if (index < 0 || index >= completions.length) return;
    completions[current]?.classList.remove("is-current");
    current = index;
    const one = completions[current];
    one.classList.add("is-current");
    one.focus({ preventScroll: true });
    one.scrollIntoView({ block: "nearest" });
    window.history.replaceState(null, "", `#${one.id}`);
  };
  for (const button of document.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => show(current + Number(button.dataset.step)));
  }
  if (current >= 0) show(current);

  for (const panel of document.querySelectorAll("details[data-keep-open]")) {
    const key = `lab-open-${panel.dataset.keepOpen}`;
    panel.open = window.localStorage.getItem(key) === "yes";
    panel.addEventListener("toggle", () => {
      window.localStorage.setItem(key, panel.open ? "yes" : "no");
      if (panel.open) window.dispatchEvent(new Event("resize")); // plots drawn while hidden get their width
    });
  }
})();
