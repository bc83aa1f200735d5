// Labs of the control laboratory.
//   <div data-lab-reload> holds an input whose change asks for the whole page again (other dimensions, other stages)
//   <div data-lab-player="name of a figure"> button, range, output: plays the figure's `frames`; nothing moves until
//   its button is pressed
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
    // Frames are named by their step: new ones take the place of old ones, and the player asks for no step beyond them.
    if (frames?.length) await Plotly.addFrames(plot, frames);
    if (plot.dataset.fills) return;
    plot.dataset.fills = "yes";
    plot.on("plotly_click", (clicked) => {
      const point = clicked.points[0];
      const { fills, also } = figure.labFigure.layout?.meta ?? {};
      const name = fills?.[point?.curveNumber];
      if (name && point.customdata !== undefined) put({ ...also, [name]: point.customdata });
    });
  });

  // -- frames, one per step
  const player = (name) => document.querySelector(`[data-lab-player="${name}"]`);
  const figureOf = (holder) => document.querySelector(`[data-figure-name="${holder.dataset.labPlayer}"]`);
  const FRAME_MS = 90;
  const still = { mode: "immediate", frame: { duration: 0, redraw: false }, transition: { duration: 0 } };
  const show = (holder, step) => {
    const range = holder.querySelector("input");
    range.value = step;
    holder.querySelector("output").textContent = `step ${range.value} of ${range.max}`;
    Plotly.animate(figureOf(holder).querySelector(".figure-plot"), [String(range.value)], still);
  };
  const stop = (holder) => {
    clearInterval(holder.labTimer);
    holder.labTimer = undefined;
    const button = holder.querySelector("button");
    button.textContent = "Play";
    button.setAttribute("aria-pressed", "false");
  };
  const play = (holder) => {
    const range = holder.querySelector("input");
    if (Number(range.value) >= Number(range.max)) show(holder, 0);
    const button = holder.querySelector("button");
    button.textContent = "Pause";
    button.setAttribute("aria-pressed", "true");
    holder.labTimer = setInterval(() => {
      show(holder, Number(range.value) + 1);
      if (Number(range.value) >= Number(range.max)) stop(holder);
    }, FRAME_MS);
  };
  document.addEventListener("click", (event) => {
    const holder = event.target.closest("[data-lab-player] button")?.closest("[data-lab-player]");
    if (holder) (holder.labTimer ? stop : play)(holder);
  });
  document.addEventListener("input", (event) => {
    const holder = event.target.closest("[data-lab-player]");
    if (!holder) return;
    stop(holder);
    show(holder, Number(event.target.value));
  });
  document.addEventListener("figure:drawn", (event) => {
    const holder = player(event.target.dataset.figureName);
    if (!holder) return;
    const frames = event.target.labFigure.frames ?? [];
    stop(holder);
    holder.hidden = frames.length === 0;
    holder.querySelector("input").max = Math.max(0, frames.length - 1);
    holder.querySelector("input").value = 0;
    holder.querySelector("output").textContent = `step 0 of ${frames.length - 1}`;
  });
})();
