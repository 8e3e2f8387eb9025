// Draws every figure of the page in the colours of its theme, and again when the theme changes.
(function () {
  "use strict";

  const OPTIONS = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };

  function token(style, name) {
    return style.getPropertyValue(name).trim();
  }

  function palette(place) {
    const style = getComputedStyle(place);
    return {
      ink: token(style, "--reports-ink"),
      quiet: token(style, "--reports-quiet"),
      grid: token(style, "--reports-grid"),
      paper: token(style, "--reports-paper"),
      card: token(style, "--reports-card"),
      font: style.fontFamily,
      tone: (name) => token(style, "--reports-" + name),
      band: (name) => token(style, "--reports-" + name + "-band"),
    };
  }

  function painted(trace, colours) {
    const meta = trace.meta || {};
    const colour = colours.tone(meta.tone);
    const made = Object.assign({}, trace);
    if (trace.type === "heatmap") {
      made.colorscale = [[0, colours.card], [1, colour]];
      made.showscale = false;
      return made;
    }
    ["error_x", "error_y"].filter((name) => trace[name]).forEach((name) => {
      made[name] = Object.assign({ thickness: 1.5, width: 4 }, trace[name], { color: colour });
    });
    if (trace.type === "bar") {
      const pattern = Object.assign({}, (trace.marker || {}).pattern, {
        fillmode: "overlay",
        fgcolor: colours.paper,
        fgopacity: 0.55,
        size: 7,
      });
      made.marker = Object.assign({}, trace.marker, { color: colour, pattern: pattern });
      return made;
    }
    made.line = Object.assign({ width: 2 }, trace.line, { color: colour });
    made.marker = Object.assign({ size: 5 }, trace.marker, { color: colour });
    if (trace.fill) {
      made.fillcolor = colours.band(meta.tone);
    }
    return made;
  }

  function axis(given, colours) {
    return Object.assign({}, given, {
      gridcolor: colours.grid,
      linecolor: colours.grid,
      zerolinecolor: colours.grid,
      tickfont: { color: colours.quiet },
      title: Object.assign({ font: { color: colours.quiet } }, given.title),
    });
  }

  function laidOut(layout, colours) {
    const shapes = (layout.shapes || []).map((shape) => Object.assign({}, shape, { line: Object.assign({}, shape.line, { color: colours.quiet }) }));
    return Object.assign({}, layout, {
      shapes: shapes,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: colours.font, color: colours.ink, size: 12 },
      hoverlabel: { bgcolor: colours.paper, bordercolor: colours.grid, font: { color: colours.ink, family: colours.font } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colours.quiet, activecolor: colours.ink },
      xaxis: axis(layout.xaxis, colours),
      yaxis: axis(layout.yaxis, colours),
    });
  }

  function figureOf(place) {
    const figure = JSON.parse(document.getElementById(place.dataset.figure).textContent);
    const colours = palette(place);
    return { data: figure.data.map((trace) => painted(trace, colours)), layout: laidOut(figure.layout, colours), card: colours.card };
  }

  function draw(place) {
    const figure = figureOf(place);
    const options = Object.assign({ toImageButtonOptions: { filename: place.dataset.name } }, OPTIONS);
    const first = !place.classList.contains("clickable");
    return window.Plotly.react(place, figure.data, figure.layout, options).then(() => {
      if (first) {
        place.classList.add("clickable");
        place.on("plotly_click", (event) => follow(place, event));
      }
    });
  }

  // One hover label tells all points of a step, so the click names them all: the one that was aimed at is found by its height.
  function aimedAt(place, event) {
    const area = place.querySelector(".nsewdrag").getBoundingClientRect();
    const points = event.points.slice().sort((one, other) => one.curveNumber - other.curveNumber);
    const leading = (point) => typeof point.customdata === "string" && point.customdata;
    if (points[0].data.type === "heatmap" || points.length === 1) {
      return leading(points[0]);
    }
    const height = points[0].yaxis.p2d(event.event.clientY - area.top);
    let foot = 0;
    for (const point of points.filter((one) => one.data.type === "bar")) {
      if (height >= foot && height < foot + point.y) {
        return leading(point);
      }
      foot += point.y;
    }
    const away = (point) => Math.abs(point.y - height);
    const nearest = points.filter((point) => point.data.type !== "bar" && leading(point)).sort((one, other) => away(one) - away(other));
    return nearest.length ? leading(nearest[0]) : "";
  }

  // To the very cases behind a point, for who may see them.
  function follow(place, event) {
    const address = aimedAt(place, event);
    if (address) {
      window.location.assign(address);
    }
  }

  function save(button) {
    const place = document.querySelector('.reports-plot[data-name="' + button.dataset.chart + '"]');
    const figure = figureOf(place);
    const layout = Object.assign({}, figure.layout, { paper_bgcolor: figure.card });
    window.Plotly.downloadImage({ data: figure.data, layout: layout }, {
      format: "png", filename: button.dataset.chart, width: 1000, height: 480, scale: 2,
    });
  }

  // A date of one's own is asked for only where it is compared with.
  function minded() {
    const chosen = document.getElementById("reports-compare");
    const own = document.querySelector(".reports-own");
    if (!chosen || !own) {
      return;
    }
    const show = () => { own.hidden = chosen.value !== "custom"; };
    chosen.addEventListener("change", show);
    show();
  }

  function drawAll() {
    document.querySelectorAll(".reports-plot").forEach(draw);
  }

  // Charts below the fold wait until they come near, so that the first ones are there at once.
  function start() {
    const seen = new IntersectionObserver(
      (entries) => {
        entries.filter((entry) => entry.isIntersecting).forEach((entry) => {
          seen.unobserve(entry.target);
          entry.target.classList.add("drawn");
          draw(entry.target);
        });
      },
      { rootMargin: "600px" },
    );
    document.querySelectorAll(".reports-plot").forEach((place) => seen.observe(place));
    new MutationObserver(redraw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    window.addEventListener("beforeprint", drawAll);
    document.querySelectorAll(".reports-png").forEach((button) => {
      button.hidden = false;
      button.addEventListener("click", () => save(button));
    });
    minded();
  }

  function redraw() {
    document.querySelectorAll(".reports-plot.drawn").forEach(draw);
  }

  document.addEventListener("DOMContentLoaded", start);
})();
