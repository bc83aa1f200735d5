// The page of problems: a change of a selector shows the page that it asks for; a click into the map opens completions.
(() => {
  "use strict";
  const form = document.getElementById("problem-form");
  form?.addEventListener("change", () => form.requestSubmit());

  document.addEventListener("figure:drawn", (event) => {
    const plot = event.target.querySelector(".figure-plot");
    if (event.target.dataset.figureName !== "problems" || plot.dataset.opens) return;
    plot.dataset.opens = "yes";
    plot.on("plotly_click", ({ points }) => {
      const { columns, places } = event.target.labFigure.layout.meta.links;
      const [row, column] = points[0].pointIndex;
      const [prefix, which] = columns[column];
      window.location.assign(`${prefix}${places[which][row]}/`);
    });
  });
})();
