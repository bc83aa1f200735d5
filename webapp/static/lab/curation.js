// Stacks of curation steps, in any form: move, remove, and the dial of baseline and effective share.
// The server judges and previews; every change here ends in a "change" event of the stack's select.
(() => {
  const tell = (editor) => editor.querySelector(".steps-add select").dispatchEvent(new Event("change", { bubbles: true }));

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-step-move], [data-step-remove]");
    const step = button?.closest("[data-step]");
    if (!step) return;
    const editor = step.closest("[data-steps-editor]");
    if (button.dataset.stepMove === "-1") step.previousElementSibling?.before(step);
    else if (button.dataset.stepMove === "1") step.nextElementSibling?.after(step);
    else step.remove();
    const stays = button.isConnected && getComputedStyle(button).visibility !== "hidden";
    if (stays) button.focus();
    else if (button.isConnected) step.querySelector(`[data-step-move]:not([data-step-move="${button.dataset.stepMove}"])`).focus();
    else editor.querySelector(".steps-add select").focus();
    tell(editor);
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (!event.detail.target.matches(".steps")) return;
    event.detail.target.lastElementChild?.querySelector("input:not([type=hidden]), select")?.focus();
    tell(event.detail.target.closest("[data-steps-editor]"));
  });

  // The end of the dial that was typed last leads; the server computes the other.
  document.addEventListener("input", (event) => {
    const end = event.target.dataset?.dial;
    if (end) event.target.form.querySelector("[data-dial-lead]").value = end;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    for (const template of event.detail.target.querySelectorAll("template[data-dial-value]")) {
      const input = document.querySelector(`[data-dial="${template.dataset.dialValue}"]`);
      if (input && input !== document.activeElement) input.value = template.content.textContent;
    }
  });
})();
