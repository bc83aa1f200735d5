// Forms that the server judges while they are typed: its errors go to their fields, nothing typed is touched.
//   <div data-live-errors> receives fragments with <template data-error-for="id of an input">sentence</template>,
//   <template data-fill="id"> for what an element elsewhere should now contain, if it is still there,
//   and <template data-show="id" data-shown="yes|no"> for an element that matters only to some of what is typed
// The event lab:coefficient (sent by the server with {url}) loads another plot into the page's first figure.
(() => {
  const clear = (form) => {
    for (const list of form.querySelectorAll(".field .errorlist")) list.remove();
    for (const field of form.querySelectorAll(".field.has-error")) {
      field.classList.remove("has-error");
      for (const input of field.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
    }
  };
  const place = (id, sentence) => {
    const input = document.getElementById(id);
    const field = input?.closest(".field");
    if (!field) return;
    let list = field.querySelector(".errorlist");
    if (!list) {
      list = document.createElement("ul");
      list.className = "errorlist";
      field.append(list);
    }
    const item = document.createElement("li");
    item.textContent = sentence;
    list.append(item);
    field.classList.add("has-error");
    input.setAttribute("aria-invalid", "true");
    const closed = field.closest("details:not([open])");
    if (closed) closed.classList.add("holds-error");
  };
  const refresh = (holder) => {
    const form = holder.closest("form") ?? document.querySelector(holder.dataset.liveErrors);
    if (!form) return;
    clear(form);
    for (const closed of form.querySelectorAll("details.holds-error")) closed.classList.remove("holds-error");
    for (const template of holder.querySelectorAll("template[data-fill]")) {
      document.getElementById(template.dataset.fill)?.replaceChildren(template.content.cloneNode(true));
    }
    for (const template of holder.querySelectorAll("template[data-show]")) {
      document.getElementById(template.dataset.show)?.toggleAttribute("hidden", template.dataset.shown !== "yes");
    }
    for (const template of holder.querySelectorAll("template[data-error-for]")) place(template.dataset.errorFor, template.content.textContent);
  };

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.matches("[data-live-errors]")) refresh(event.detail.target);
  });
  document.addEventListener("lab:coefficient", (event) => {
    const figure = document.querySelector("[data-figure-url]");
    if (figure && window.labFigures) window.labFigures.load(figure, event.detail.url);
  });
  // A session that ended answers with the sign-in page: that is no fragment.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!event.detail.xhr.responseURL.includes("/accounts/login")) return;
    event.detail.shouldSwap = false;
    window.labToast("You are signed out. What you typed is kept: sign in and come back to this page.", "error");
  });
})();
