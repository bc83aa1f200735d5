// Runs before the first paint: picks light or dark, so that no page flashes in the wrong one.
(() => {
  const stored = () => {
    try {
      return localStorage.getItem("lab-theme");
    } catch {
      return null; // storage is blocked: follow the system
    }
  };
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  let printing = false; // paper is light
  const apply = () => {
    const choice = stored() || "auto";
    const dark = choice === "auto" ? system.matches : choice === "dark";
    const theme = dark && !printing ? "dark" : "light";
    const root = document.documentElement;
    const changed = root.dataset.bsTheme !== theme;
    root.dataset.bsTheme = theme;
    root.dataset.themeChoice = choice;
    if (changed) document.dispatchEvent(new CustomEvent("lab:theme", { detail: theme }));
  };
  window.labTheme = {
    next() {
      const order = ["auto", "light", "dark"];
      const choice = order[(order.indexOf(stored() || "auto") + 1) % order.length];
      try {
        localStorage.setItem("lab-theme", choice);
      } catch {
        document.documentElement.dataset.bsTheme = choice === "auto" ? "light" : choice;
        return choice;
      }
      apply();
      return choice;
    },
  };
  apply();
  system.addEventListener("change", apply);
  window.addEventListener("storage", apply);
  for (const [event, begins] of [["beforeprint", true], ["afterprint", false]]) {
    window.addEventListener(event, () => {
      printing = begins;
      apply();
    });
  }
})();
