// Rendered episodes: a still picture until somebody plays it. <button data-film-toggle> in a <figure> with
// <img data-film="moving" data-still="still">; nothing moves unasked.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-film-toggle]");
  if (!button) return;
  const image = button.closest("figure").querySelector("img");
  const plays = button.getAttribute("aria-pressed") !== "true";
  image.src = plays ? image.dataset.film : image.dataset.still;
  button.setAttribute("aria-pressed", String(plays));
  button.querySelector("span").textContent = plays ? "Stop" : "Play";
  const use = button.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, plays ? "#stop" : "#circle-play"));
});
