// The axis: latencies of all transports on one logarithmic scale, with theory as a dashed line.

const LEAST_MS = 0.3;
const MOST_MS = 12_000;
const TICKS_MS = [1, 10, 100, 1000, 10_000];
const ROW_HEIGHT = 30;
const MOST_DOTS = 250;

class Axis {
  constructor(root, clients) {
    this.root = root;
    this.clients = clients;
    this.grid = svg("g", { class: "grid" });
    root.append(this.grid);
    this.rows = clients.map((client, index) => this.makeRow(client, index));
  }

  makeRow({ transport }, index) {
    const group = svg("g", { transform: `translate(0,${ROW_HEIGHT * index})` });
    group.style.setProperty("--color", transport.color);
    const row = {
      dots: svg("path", { class: "dots" }),
      waits: svg("path", { class: "marks waiting" }),
      theory: svg("path", { class: "theory" }),
      mean: svg("path", { class: "mean" }),
      title: svg("text", { x: 0, y: 20, class: "title" }, transport.title),
      said: svg("text", { y: 20, "text-anchor": "end" }),
    };
    group.append(row.dots, row.waits, row.theory, row.mean, row.title, row.said);
    this.root.append(group);
    return row;
  }

  resize() {
    this.width = Math.max(280, this.root.parentElement.clientWidth);
    const narrow = this.width < 600;
    this.left = narrow ? 100 : 120;
    this.right = this.width - (narrow ? 8 : 210);
    this.says = !narrow;
    const height = ROW_HEIGHT * this.clients.length + 22;
    this.root.setAttribute("viewBox", `0 0 ${this.width} ${height}`);
    this.grid.replaceChildren();
    for (const tick of TICKS_MS) {
      const x = this.place(tick);
      this.grid.append(svg("path", { d: `M${x},4V${height - 18}` }));
      const label = tick < 1000 ? `${tick} ms` : `${tick / 1000} s`;
      this.grid.append(svg("text", { x, y: height - 4, "text-anchor": "middle" }, label));
    }
    for (const row of this.rows) row.said.setAttribute("x", this.width - 2);
  }

  place(ms) {
    return this.left + (this.right - this.left) * logPlace(ms, LEAST_MS, MOST_MS);
  }

  /** Draw what was received, and where what waits is now. */
  draw(figures) {
    this.rows.forEach((row, index) => {
      const { latencies, waitsMs, latencyMs, theoryMs } = figures[index];
      const waits = waitsMs.slice(-MOST_DOTS).map((ms, number) => [this.place(ms), 12 + (number % 4) * 3]);
      row.waits.setAttribute("d", circles(waits, 4));
      const step = Math.ceil(latencies.length / MOST_DOTS);
      const shown = latencies.filter((_, number) => number % step === 0);
      row.dots.setAttribute("d", circles(shown.map((ms, number) => [this.place(ms), 12 + (number % 4) * 3]), 3));
      row.mean.setAttribute("d", latencyMs === null ? "" : `M${this.place(latencyMs)},5V27`);
      row.theory.setAttribute("d", theoryMs === null ? "" : `M${this.place(theoryMs)},1V31`);
    });
  }

  /** Say the means as text. */
  say(figures) {
    this.rows.forEach((row, index) => {
      const { latencyMs, theoryMs } = figures[index];
      row.said.textContent = this.says ? `${formatMs(latencyMs)}, theory ${formatMs(theoryMs)}` : "";
    });
  }
}
