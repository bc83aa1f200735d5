/* Draws the edges of a job graph: <div class="graph"> holds <svg class="graph-edges"> and nodes with data-node and data-inputs.
   Redrawn when the layout changes and after htmx replaced the graph. Hovering or focusing a node lights its lineage. */
(() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";

  function draw(graph) {
    const svg = graph.querySelector(".graph-edges");
    const frame = graph.getBoundingClientRect();
    const nodes = new Map();
    graph.querySelectorAll("[data-node]").forEach((node) => nodes.set(node.dataset.node, node));
    const paths = [];
    nodes.forEach((target) => {
      (target.dataset.inputs || "").split(" ").filter(Boolean).forEach((id) => {
        const source = nodes.get(id);
        if (!source) return;
        const a = source.getBoundingClientRect();
        const b = target.getBoundingClientRect();
        const x1 = a.right - frame.left, y1 = a.top + a.height / 2 - frame.top;
        const x2 = b.left - frame.left, y2 = b.top + b.height / 2 - frame.top;
        const bend = Math.max(16, (x2 - x1) / 2);
        const path = document.createElementNS(SVG, "path");
        path.setAttribute("d", `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`);
        if (x2 - x1 > source.offsetWidth) path.classList.add("far"); // passes behind other stages
        path.dataset.from = id;
        path.dataset.to = target.dataset.node;
        paths.push(path);
      });
    });
    svg.setAttribute("width", graph.scrollWidth);
    svg.setAttribute("height", graph.scrollHeight);
    svg.replaceChildren(...paths);
  }

  function lineage(graph, id, near, far) {
    const found = new Set([id]);
    const queue = [id];
    while (queue.length) {
      const current = queue.pop();
      graph.querySelectorAll(`.graph-edges path[data-${near}="${current}"]`).forEach((path) => {
        const next = path.dataset[far];
        if (!found.has(next)) {
          found.add(next);
          queue.push(next);
        }
      });
    }
    return found;
  }

  function light(graph, id) {
    const up = id ? lineage(graph, id, "to", "from") : new Set();
    const down = id ? lineage(graph, id, "from", "to") : new Set();
    const lit = (a, b) => (up.has(a) && up.has(b)) || (down.has(a) && down.has(b));
    graph.classList.toggle("graph-lit", Boolean(id));
    graph.querySelectorAll("[data-node]").forEach((node) =>
      node.classList.toggle("lit", up.has(node.dataset.node) || down.has(node.dataset.node)));
    graph.querySelectorAll(".graph-edges path").forEach((path) =>
      path.classList.toggle("lit", Boolean(id) && lit(path.dataset.from, path.dataset.to)));
  }

  function attach(root) {
    root.querySelectorAll(".graph:not([data-drawn])").forEach((graph) => {
      graph.dataset.drawn = "yes";
      new ResizeObserver(() => draw(graph)).observe(graph);
      const over = (event) => {
        const node = event.target.closest("[data-node]");
        light(graph, node ? node.dataset.node : null);
      };
      graph.addEventListener("mouseover", over);
      graph.addEventListener("focusin", over);
      graph.addEventListener("mouseleave", () => light(graph, null));
      graph.addEventListener("focusout", () => light(graph, null));
      draw(graph);
    });
  }

  attach(document);
  document.addEventListener("htmx:afterSettle", () => attach(document));
})();
