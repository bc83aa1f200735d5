// Every plot: <figure data-figure-url="..."> is filled with the Plotly JSON ({data, layout}) found at its address.
// The server draws data and labels; colours of paper, grid and text come from the page's theme, here. Colours of
// algorithms are drawn for a light page; layout.meta.dark says what a dark one writes in their place.
//   labFigures.load(figure, url)   fetch (again), keeping zoom and hidden traces
//   labFigures.show(figure, json)  draw a figure that the page already has
// After each drawing the figure gets the event "figure:drawn"; clicks on points with customdata addresses follow them.
(() => {
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const template = (colours) => {
    const axis = {
      gridcolor: colours.grid, linecolor: colours.line, zerolinecolor: colours.line, tickcolor: colours.line,
      showline: true, ticks: "outside", ticklen: 4, zeroline: false, automargin: true,
      title: { font: { size: 12, color: colours.muted }, standoff: 8 }, tickfont: { size: 11, color: colours.muted },
    };
    return {
      layout: {
        paper_bgcolor: colours.paper, plot_bgcolor: colours.paper, colorway: undefined,
        font: { family: css("--lab-font"), size: 12, color: colours.ink },
        xaxis: axis, yaxis: axis, margin: { l: 56, r: 14, t: 14, b: 46 }, hovermode: "closest",
        hoverlabel: { bgcolor: colours.surface, bordercolor: colours.line, font: { color: colours.ink, size: 12 } },
        legend: { orientation: "h", yanchor: "bottom", y: 1.02, x: 0, font: { size: 12 }, bgcolor: "rgba(0,0,0,0)" },
        uirevision: "keep", dragmode: "zoom", modebar: { bgcolor: "rgba(0,0,0,0)", color: colours.muted, activecolor: colours.accent },
      },
    };
  };
  const screenColours = () => ({
    paper: "rgba(0,0,0,0)", ink: css("--lab-ink"), muted: css("--lab-muted"), grid: css("--lab-hairline"),
    line: css("--lab-line"), surface: css("--lab-surface"), accent: css("--lab-accent"),
  });
  const printColours = {
    paper: "#ffffff", ink: "#111111", muted: "#333333", grid: "#e3e3e3", line: "#777777", surface: "#ffffff", accent: "#0b6b70",
  };

  const note = (figure, text) => {
    const element = figure.querySelector(".figure-note");
    element.textContent = text;
    element.hidden = text === "";
    figure.querySelector(".figure-plot").hidden = text !== "";
    for (const button of figure.querySelectorAll("[data-figure-export]")) button.disabled = text !== "";
  };

  const coloured = (data, layout) => {
    if (document.documentElement.dataset.bsTheme !== "dark" || !layout?.meta?.dark) return [data, layout];
    const { meta, ...rest } = layout;
    let text = JSON.stringify([data, rest]);
    for (const [light, dark] of Object.entries(meta.dark)) text = text.replaceAll(light, dark);
    const [turned, rested] = JSON.parse(text);
    return [turned, { ...rested, meta }];
  };

  const height = (figure, layout) => Number(figure.dataset.figureHeight) || layout.height || 360;

  const draw = async (figure) => {
    const plot = figure.querySelector(".figure-plot");
    const [data, layout] = coloured(figure.labFigure.data, figure.labFigure.layout);
    if (!data || data.length === 0) {
      note(figure, layout?.meta?.empty ?? figure.dataset.figureEmpty ?? "Nothing to draw yet: points appear here as soon as they are measured.");
      return;
    }
    note(figure, "");
    const themed = { ...layout, template: template(screenColours()), height: height(figure, layout), autosize: true };
    delete themed.width;
    const config = { responsive: true, displaylogo: false, displayModeBar: false, scrollZoom: false };
    await Plotly.react(plot, data, themed, config);
    if (!plot.dataset.clicks) {
      plot.dataset.clicks = "yes";
      plot.on("plotly_click", (event) => {
        const target = [event.points[0]?.customdata].flat()[0];
        if (typeof target === "string" && target.startsWith("/")) window.location.assign(target);
      });
    }
    figure.dispatchEvent(new CustomEvent("figure:drawn", { bubbles: true }));
  };

  const show = (figure, json) => {
    figure.labFigure = json;
    return draw(figure);
  };

  const load = async (figure, url) => {
    if (url) figure.dataset.figureUrl = url;
    const asked = (figure.labAsked = (figure.labAsked ?? 0) + 1);
    figure.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(figure.dataset.figureUrl, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      if (asked !== figure.labAsked) return; // a later request is on its way
      if (response.redirected && response.url.includes("/accounts/login")) throw new Error("You are signed out: reload the page.");
      if (!response.ok) throw new Error(`The plot could not be drawn: the server answered ${response.status}.`);
      await show(figure, await response.json());
    } catch (error) {
      if (asked !== figure.labAsked) return;
      if (figure.labFigure?.data?.length) window.labToast("The plot could not be refreshed; it shows what was known before.", "error");
      else note(figure, error instanceof TypeError ? "The server cannot be reached. The plot comes back with a reload." : error.message);
    } finally {
      if (asked === figure.labAsked) figure.removeAttribute("aria-busy");
    }
  };

  const exportImage = async (figure, format) => {
    const { data, layout } = figure.labFigure;
    const size = { width: 960, height: Math.max(540, height(figure, layout)) };
    const printed = { ...layout, template: template(printColours), ...size };
    const image = await Plotly.toImage({ data, layout: printed }, { format, ...size, scale: format === "png" ? 2 : 1 });
    const link = document.createElement("a");
    link.href = image;
    link.download = `${figure.dataset.figureName || "figure"}.${format}`;
    link.click();
  };

  // Pages of many plots ([data-figures-lazy]) draw each when it comes near the window. The others follow one by one
  // when nothing else is to be done, so that a page that is printed, saved or photographed whole has them all.
  const waiting = new Set();
  const take = (figure) => {
    seen.unobserve(figure);
    return waiting.delete(figure) && figure.isConnected ? load(figure) : undefined;
  };
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) take(entry.target);
  }, { rootMargin: "400px" });
  const idle = () => new Promise((resolve) => {
    const ask = window.requestIdleCallback ?? setTimeout; // Safari has no requestIdleCallback
    setTimeout(() => ask(resolve), 150);
  });
  let filling = false;
  const fill = async () => {
    if (filling) return;
    filling = true;
    for (const figure of waiting) { // a set also yields what is added on the way
      await idle();
      await take(figure);
    }
    filling = false;
  };
  const PAPER = 620; // pixels between the margins of A4, inside a panel
  const drawn = () => [...document.querySelectorAll("[data-figure-url] .js-plotly-plot")];
  window.addEventListener("beforeprint", () => {
    for (const figure of [...waiting]) take(figure);
    for (const plot of drawn()) Plotly.relayout(plot, { width: Math.min(PAPER, plot.clientWidth) });
  });
  window.addEventListener("afterprint", () => {
    for (const plot of drawn()) draw(plot.closest("[data-figure-url]"));
  });

  const init = (root) => {
    const found = [...root.querySelectorAll("[data-figure-url]")];
    if (root.matches?.("[data-figure-url]")) found.push(root);
    for (const figure of found) {
      if (figure.dataset.figureReady) continue;
      figure.dataset.figureReady = "yes";
      if (!figure.closest("[data-figures-lazy]")) {
        load(figure);
        continue;
      }
      waiting.add(figure);
      seen.observe(figure);
    }
    if (waiting.size) fill();
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-figure-export]");
    if (button) exportImage(button.closest("[data-figure-url]"), button.dataset.figureExport);
  });
  document.addEventListener("lab:theme", () => {
    for (const figure of document.querySelectorAll("[data-figure-url]")) if (figure.labFigure) draw(figure);
  });
  document.addEventListener("DOMContentLoaded", () => init(document));
  document.addEventListener("htmx:load", (event) => init(event.detail.elt));
  window.labFigures = { load, show };
})();
