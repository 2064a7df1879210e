// A lane: the view of one transport. Updates travel from "made" to "received"; below that, the age of what is known.

const SVG = "http://www.w3.org/2000/svg";
const STRIP_HEIGHT = 54;
const CURVE_HEIGHT = 76;
const TIMES_HEIGHT = 15; // below the curve
const FLIGHT_MS = 400; // what is drawn; real flights are shorter than a frame
const REST_MS = 700; // how long a mark stays where it was received
const MOST_MARKS = 48;
const NOTE_MS = 8000;
const PILE_ROWS = 4;

function svg(name, attributes = {}, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}

/** The outline of circles, as one path. */
function circles(places, radius) {
  const around = `a${radius},${radius} 0 1,0 ${2 * radius},0a${radius},${radius} 0 1,0 ${-2 * radius},0`;
  return places.map(([x, y]) => `M${(x - radius).toFixed(1)},${y.toFixed(1)}${around}`).join("");
}

function polyline(corners) {
  return corners.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)},${y.toFixed(1)}`).join("");
}

class LaneView {
  constructor(client, template) {
    this.client = client;
    const { name, title, color } = client.transport;
    this.root = template.content.firstElementChild.cloneNode(true);
    this.root.id = name;
    this.root.style.setProperty("--color", color);
    this.root.setAttribute("aria-labelledby", `${name}-title`);
    this.part("h3 span").textContent = title;
    this.part("h3").id = `${name}-title`;
    this.part(".explains").textContent = client.receiver.explains;
    this.chips = client.receiver.stages.map((stage) => {
      const chip = document.createElement("li");
      chip.textContent = stage;
      this.part(".stages").append(chip);
      return chip;
    });
    this.makeStrip();
    this.makeCurve();
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  makeStrip() {
    const strip = this.part(".strip");
    strip.setAttribute("aria-label", `${this.client.transport.title}: updates between made and received`);
    this.track = svg("path", { class: "track" });
    this.asks = svg("path", { class: "asks" });
    this.empties = svg("path", { class: "empties" });
    this.marks = svg("path", { class: "marks" });
    this.pile = svg("path", { class: "marks waiting" });
    this.madeText = svg("text", { x: 4, y: 12 }, "made");
    this.receivedText = svg("text", { y: 12, "text-anchor": "end" }, "received");
    strip.append(this.track, this.asks, this.empties, this.pile, this.marks, this.madeText, this.receivedText);
  }

  makeCurve() {
    const curve = this.part(".curve");
    curve.setAttribute("aria-label", `${this.client.transport.title}: age of what is known, over the last 20 s`);
    this.ageArea = svg("path", { class: "age-area" });
    this.ageLine = svg("path", { class: "age" });
    this.meanLine = svg("path", { class: "mean" });
    this.theoryLine = svg("path", { class: "theory" });
    this.faultLines = svg("path", { class: "fault" });
    this.faultText = svg("text", { y: CURVE_HEIGHT + 12, class: "fault-text", "text-anchor": "middle" });
    this.topText = svg("text", { x: 4, y: 11 });
    this.beginText = svg("text", { x: 4, y: CURVE_HEIGHT + 12 }, "20 s ago");
    this.nowText = svg("text", { y: CURVE_HEIGHT + 12, "text-anchor": "end" }, "now");
    this.meanText = svg("text", { y: 11, "text-anchor": "end" });
    curve.append(this.ageArea, this.theoryLine, this.meanLine, this.ageLine);
    curve.append(this.faultLines, this.faultText, this.topText, this.beginText, this.nowText, this.meanText);
  }

  /** Take the width that the page has now. */
  resize() {
    this.width = Math.max(200, this.part(".strip").parentElement.clientWidth);
    this.part(".strip").setAttribute("viewBox", `0 0 ${this.width} ${STRIP_HEIGHT}`);
    this.part(".curve").setAttribute("viewBox", `0 0 ${this.width} ${CURVE_HEIGHT + TIMES_HEIGHT}`);
    for (const text of [this.receivedText, this.nowText, this.meanText]) text.setAttribute("x", this.width - 4);
    this.left = Math.min(120, this.width / 4);
    this.right = this.width - 14;
    this.track.setAttribute("d", `M${this.left},48H${this.right}`);
  }

  /** Draw what travels now. `moves` is false for people who want less motion: then only what waits is shown. */
  drawStrip(now, moves) {
    const flying = { update: [], asked: [], empty: [] };
    const { entries } = this.client.events;
    entries.forEach(({ at, value }, index) => {
      const part = (now - at) / FLIGHT_MS;
      const rests = value === "update" && part < 1 + REST_MS / FLIGHT_MS;
      if (!moves || part < 0 || !(part < 1 || rests)) return;
      const place = this.left + (this.right - this.left) * Math.min(1, part);
      if (value === "asked") flying.asked.push([this.left + this.right - place, 48]);
      else flying[value].push([place, 19 + 5.5 * (index % 5)]);
    });
    this.marks.setAttribute("d", circles(flying.update.slice(-2 * MOST_MARKS), 4));
    this.asks.setAttribute("d", circles(flying.asked, 3));
    this.empties.setAttribute("d", circles(flying.empty, 3.5));
    this.drawPile(this.client.waits(now));
  }

  /** What is made, and not received yet: each mark, up to a number of them, and in words all. */
  drawPile(waitsMs) {
    const places = Array.from({ length: Math.min(waitsMs.length, MOST_MARKS) }, (_, index) => [
      this.left - 10 - 9 * Math.floor(index / PILE_ROWS),
      20 + 8 * (index % PILE_ROWS),
    ]).filter(([x]) => x > 4);
    this.pile.setAttribute("d", circles(places, 4));
    const drawn = places.length < waitsMs.length ? `, ${places.length} drawn` : "";
    const oldest = `oldest ${formatMs(Math.max(...waitsMs))}`;
    this.madeText.textContent = waitsMs.length ? `made, ${waitsMs.length} not received yet (${oldest}${drawn})` : "made";
  }

  /** Draw the age over the last 20 s, on an axis that ends at `mostMs`. */
  drawCurve(now, mostMs, figures) {
    const from = now - WINDOW_MS;
    const x = (at) => ((at - from) / WINDOW_MS) * this.width;
    const y = (age) => CURVE_HEIGHT - 1 - (Math.min(mostMs, Math.max(0, age)) / mostMs) * (CURVE_HEIGHT - 16);
    const corners = this.client.age.corners(from, now);
    const line = polyline(flattened(corners, mostMs).map(([at, age]) => [x(at), y(age)]));
    this.ageLine.setAttribute("d", line);
    this.ageArea.setAttribute("d", line && `${line}L${x(now)},${CURVE_HEIGHT}L${x(corners[0][0])},${CURVE_HEIGHT}Z`);
    const across = (age) => (age === null ? "" : `M0,${y(age).toFixed(1)}H${this.width}`);
    this.meanLine.setAttribute("d", across(figures.ageMs));
    this.theoryLine.setAttribute("d", across(figures.theoryAgeMs));
    const peak = Math.max(0, ...corners.map(([, age]) => age));
    this.topText.textContent = `age: 0 to ${mostMs / 1000} s${peak > mostMs ? ` (it was up to ${formatMs(peak)})` : ""}`;
    this.meanText.textContent = figures.ageNowMs === null ? "" : `now ${formatMs(figures.ageNowMs)}`;
    this.drawFaults(from, x);
  }

  /** When somebody cut or stalled it, as long as that is on the curve. */
  drawFaults(from, x) {
    const faults = this.client.faults.entries.filter(({ at }) => at >= from);
    this.faultLines.setAttribute("d", faults.map(({ at }) => `M${x(at).toFixed(1)},14V${CURVE_HEIGHT}`).join(""));
    const last = faults.at(-1);
    this.faultText.textContent = last ? last.value : "";
    if (last) this.faultText.setAttribute("x", Math.min(Math.max(70, x(last.at)), this.width - 45));
  }

  /** Say what was done to it, for a while. */
  note(text) {
    this.part(".note").textContent = text;
    clearTimeout(this.noteTimer);
    this.noteTimer = setTimeout(() => (this.part(".note").textContent = ""), NOTE_MS);
  }

  /** Show the state of the connection. */
  showState(figures) {
    const { client } = this;
    this.chips.forEach((chip, index) => {
      const is = client.receiver.stages[index] === client.stage;
      chip.classList.toggle("now", is);
      if (is) chip.setAttribute("aria-current", "step");
      else chip.removeAttribute("aria-current");
    });
    const trouble = figures.stalled ? "its server stands still" : client.trouble;
    if (this.part(".trouble").textContent !== trouble) this.part(".trouble").textContent = trouble;
  }

  /** Show figures as text; `most` are the largest of all lanes, which end the bars. */
  show(figures, most) {
    const { client } = this;
    const texts = {
      latency: `mean ${formatMs(figures.latencyMs)}, median ${formatMs(figures.medianMs)}`,
      age: `mean ${formatMs(figures.ageMs)}`,
      requests: formatRate(figures.requestRate, client.totals.requests),
      empty: client.transport.asks ? `${formatShare(figures.emptyShare)} of answers` : "none: it does not ask",
      bytes: `${formatBytes(figures.byteRate)}/s, ${formatBytes(figures.bytes)} so far`,
      cpu: figures.cpu ? `${figures.cpu.mean.toFixed(2)} ms a second` : NONE,
      clients: figures.clients > 1 ? `${figures.clients}, this page among them` : "this page alone",
      ledger: `${client.ledger.received} received, ${client.ledger.missing} missing, ${client.ledger.again} twice`,
    };
    for (const [name, text] of Object.entries(texts)) this.part(`[data-figure=${name}]`).textContent = text;
    const bars = { requests: figures.requestRate, bytes: figures.byteRate, cpu: figures.cpu?.mean ?? 0 };
    for (const [name, value] of Object.entries(bars)) {
      const part = most[name] > 0 ? (100 * value) / most[name] : 0;
      this.part(`[data-figure=${name}]`).parentElement.style.setProperty("--part", `${part}%`);
    }
  }
}
