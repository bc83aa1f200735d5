// Labs of the control laboratory.
//   <div data-lab-reload> holds an input whose change asks for the whole page again (other dimensions, other stages)
//   a figure with `frames` beside data and layout can be played; nothing moves until its button is pressed
//   layout.meta.fills: {"trace number": {"input": "name"}}: a click on a point of the trace puts its customdata into the
//   form's inputs: a number into one, a list of numbers into several (names parted by spaces)
(() => {
  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-lab-reload]")) event.target.form.submit();
  });

  const put = (names, values) => {
    const form = document.getElementById("lab-form");
    names.split(" ").forEach((name, place) => {
      const input = form?.elements[name];
      if (input) input.value = [values].flat()[place];
    });
    form?.dispatchEvent(new Event("change", { bubbles: true }));
  };

  document.addEventListener("figure:drawn", async (event) => {
    const figure = event.target;
    const plot = figure.querySelector(".figure-plot");
    const { frames } = figure.labFigure;
    if (frames?.length) {
      // Names of frames are the steps: those of an earlier plot would be played with them.
      if (plot._transitionData?._frames?.length) await Plotly.deleteFrames(plot);
      await Plotly.addFrames(plot, frames);
    }
    if (plot.dataset.fills) return;
    plot.dataset.fills = "yes";
    plot.on("plotly_click", (clicked) => {
      const point = clicked.points[0];
      const names = figure.labFigure.layout?.meta?.fills?.[point?.curveNumber];
      if (names && point.customdata !== undefined) put(names, point.customdata);
    });
  });
})();
