// Labs of the control laboratory.
//   <div data-lab-reload> holds an input whose change asks for the whole page again (other dimensions, other stages)
//   a figure with `frames` beside data and layout can be played; nothing moves until its button is pressed
//   layout.meta.fills: {"number of a trace": "name of an input"}: a click on one of its points puts the point's customdata
//   there; layout.meta.also: {"name of an input": "value"} is put with it
(() => {
  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-lab-reload]")) event.target.form.submit();
  });

  const put = (values) => {
    const form = document.getElementById("lab-form");
    for (const [name, value] of Object.entries(values)) if (form?.elements[name]) form.elements[name].value = value;
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
      const { fills, also } = figure.labFigure.layout?.meta ?? {};
      const name = fills?.[point?.curveNumber];
      if (name && point.customdata !== undefined) put({ ...also, [name]: point.customdata });
    });
  });
})();
