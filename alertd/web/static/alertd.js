// What the pages gain with JavaScript; without it they work all the same.
(() => {
  const root = document.documentElement;

  // Dark or light, kept in this browser
  const toggle = document.getElementById("theme");
  if (toggle) {
    const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    const say = () => { toggle.textContent = dark() ? "Light" : "Dark"; };
    toggle.hidden = false;
    say();
    toggle.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      try { localStorage.setItem("theme", root.dataset.theme); } catch { /* not kept, but shown */ }
      say();
      draw();
    });
  }

  // Times stand in UTC; a pointer on one shows it by the clocks here
  const local = (scope) => scope.querySelectorAll("time[datetime]").forEach((time) => {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.valueOf())) time.title = moment.toLocaleString();
  });

  // An answer that does not come must not leave a calm page behind
  const stale = () => {
    const verdict = document.querySelector(".verdict");
    if (!verdict || verdict.dataset.stale) return;
    verdict.dataset.stale = "yes";
    verdict.dataset.state = "unknown";
    verdict.textContent = "alertd does not answer: what is shown below is old, and what is so now is unknown.";
  };
  document.addEventListener("htmx:before:request", (event) => {
    // not under the hands of somebody who types
    if (event.target.id === "live" && event.target.contains(document.activeElement)
        && document.activeElement.matches("input, textarea, select")) event.preventDefault();
  });
  document.addEventListener("htmx:before:response", (event) => {
    if (event.detail.ctx.response.status >= 400) { event.preventDefault(); stale(); }
  });
  document.addEventListener("htmx:error", stale);
  document.addEventListener("htmx:after:swap", () => {
    const verdict = document.querySelector(".verdict");
    if (verdict) delete verdict.dataset.stale;
    local(document);
    draw();
  });

  // Charts: what to draw stands in the page, beside a table that says the same
  const drawn = new Map();
  const draw = () => {
    if (typeof uPlot === "undefined") return;
    document.querySelectorAll("[data-chart]").forEach((place) => {
      const old = drawn.get(place);
      if (old) old.destroy();
      const { series, points, percent } = JSON.parse(place.dataset.chart);
      const style = getComputedStyle(root);
      const colour = (name) => style.getPropertyValue(`--${name}`).trim();
      const shown = (value) => value == null ? "unknown" : percent ? `${(100 * value).toFixed(1)} %` : `${value}`;
      const axis = { stroke: colour("quiet"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 } };
      const colours = ["link", "warning", "critical", "good"];
      drawn.set(place, new uPlot({
        width: Math.max(place.clientWidth - 16, 200), height: 220,
        cursor: { y: false },
        axes: [{ ...axis, values: (_, ticks) => ticks.map((tick) => new Date(tick * 1000).toISOString().slice(5, 10)) }, { ...axis, size: 64, values: (_, ticks) => ticks.map(shown) }],
        series: [{ value: (_, at) => at == null ? "" : new Date(at * 1000).toISOString().slice(0, 16).replace("T", " ") }, ...series.map((label, index) => ({
          label, stroke: colour(colours[index % colours.length]), width: 2, spanGaps: false,
          value: (_, value, __, at) => at == null ? "" : shown(value),  // nothing is pointed at
        }))],
      }, points, place));
    });
  };
  addEventListener("resize", draw);

  // Keys: / to the search, j and k through the rows, a to acknowledge the one in focus
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    const rows = [...document.querySelectorAll("[data-row]")];
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    const go = (row) => { if (row) { row.querySelector("a, button").focus(); event.preventDefault(); } };
    if (event.key === "/") {
      const search = document.querySelector("input[type=search]");
      if (search) { search.focus(); event.preventDefault(); }
    } else if (event.key === "j") go(rows[at + 1]);
    else if (event.key === "k") go(rows[Math.max(at - 1, 0)]);
    else if (event.key === "a" && at >= 0) {
      const button = rows[at].querySelector("[data-acknowledge]");
      if (button) { button.focus(); event.preventDefault(); }
    }
  });

  local(document);
  draw();
})();
