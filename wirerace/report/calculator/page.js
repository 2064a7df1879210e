// The page itself: sliders, the address that keeps their state, and what is shown.

const FIELDS = [
  { key: "clients", label: "clients", least: 1, most: 1e7, slider: true },
  { key: "rate", label: "updates a second", least: 0.001, most: 1000, slider: true },
  { key: "fresh", label: "fresh within, s", least: 0.01, most: 3600, slider: true },
  { key: "payload", label: "payload, bytes", least: 1, most: 1048576, slider: true, floor: 0 },
  { key: "roundTrip", label: "round trip, s", least: 0, most: 60 },
  { key: "core", label: "$ per core-hour", least: 0, most: 1e6 },
  { key: "gib", label: "$ per GiB-hour", least: 0, most: 1e6 },
  { key: "gb", label: "$ per GB sent", least: 0, most: 1e6 },
];
const STEPS = 600;
const ADDRESS_MS = 200; // browsers refuse to write the address at every step of a slider
let address = 0;

function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const state = stateOf(firstOf(data), location.hash);
  const inputs = FIELDS.map((field) => rowOf(field, state, () => show(data, state)));
  document.getElementById("need").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", () => {
    Object.assign(state, stateOf(firstOf(data), location.hash));
    inputs.forEach((fill) => fill());
    show(data, state);
  });
  show(data, state);
}

function firstOf({ need, prices }) {
  return {
    clients: need.clients,
    rate: need.updates_per_second,
    fresh: need.fresh_within_seconds,
    payload: need.payload_bytes,
    roundTrip: need.round_trip_seconds,
    core: prices.core_hour,
    gib: prices.gib_hour,
    gb: prices.gb,
  };
}

// What the address says, as far as it is a number in range; the rest stays what it was at first.
function stateOf(first, hash) {
  const given = new URLSearchParams(hash.slice(1));
  const state = { ...first };
  for (const field of FIELDS) {
    const text = given.get(field.key) ?? "";
    if (text.trim() !== "" && isGood(field, Number(text))) state[field.key] = Number(text);
  }
  return state;
}

const isGood = (field, value) => Number.isFinite(value) && value >= (field.floor ?? field.least) && value <= field.most;
const positionOf = (field, value) =>
  Math.round((STEPS * Math.log(Math.max(value, field.least) / field.least)) / Math.log(field.most / field.least));
const valueAt = (field, position) =>
  Number((field.least * (field.most / field.least) ** (position / STEPS)).toPrecision(2));

// A label with a number, and a slider where there is one; returns what fills both from the state.
function rowOf(field, state, changed) {
  const label = element("label");
  const box = element("input", { type: "number", step: "any", min: field.floor ?? field.least, max: field.most, id: field.key });
  label.append(element("span", { textContent: field.label }), box);
  const slider = element("input", { type: "range", min: 0, max: STEPS, id: `${field.key}-slider`, ariaLabel: field.label });
  if (field.slider) label.append(slider);
  const fill = (writeBox = true) => {
    if (writeBox) box.value = state[field.key];
    slider.value = positionOf(field, state[field.key]);
    slider.setAttribute("aria-valuetext", number(state[field.key]));
  };
  box.addEventListener("input", () => {
    if (box.value === "" || !isGood(field, box.valueAsNumber)) return;
    state[field.key] = box.valueAsNumber;
    fill(false);
    changed();
  });
  box.addEventListener("blur", () => fill());
  slider.addEventListener("input", () => {
    const value = valueAt(field, slider.valueAsNumber);
    state[field.key] = field.key === "clients" || field.key === "payload" ? Math.round(value) : value;
    fill();
    changed();
  });
  document.getElementById("need").append(label);
  fill();
  return fill;
}

function show(data, state) {
  const { core, gib, gb, ...need } = state;
  const prices = { core, gib, gb };
  const advice = advised(data, need, prices);
  document.getElementById("sentence").textContent = sentenceOf(data, need, advice);
  const most = Math.max(...advice.estimates.map((one) => one.money));
  const rows = advice.estimates.map((one) => rowOfTable(data, one, one === advice.take, most));
  document.getElementById("rows").replaceChildren(...rows);
  const flips = advice.take ? flipsOf(data, need, prices).map((flip) => `${flipWords(data, flip)}`) : [];
  list("flips", flips.length ? flips : ["Nothing within three decades changes the answer."]);
  list("notes", notesOf(data, advice));
  clearTimeout(address);
  address = setTimeout(() => history.replaceState(null, "", `#${new URLSearchParams(state)}`), ADDRESS_MS);
}

function rowOfTable(data, one, isTaken, most) {
  const row = element("tr", { className: isTaken ? "take" : one.meets ? "" : "fails" });
  const name = element("th", { scope: "row", textContent: data.titles[one.transport] });
  if (one.interval) name.append(element("small", { textContent: `every ${seconds(one.interval)}` }));
  if (!one.meets) name.append(element("small", { textContent: one.whyNot }));
  const money = element("td", { className: "wide" });
  const cell = element("div", { className: "money" });
  cell.append(bar(data.colours[one.transport], most ? one.money / most : 0), `$${number(one.money)}`);
  money.append(cell);
  const figures = [
    seconds(one.latency), seconds(one.age), number(one.cores), number(one.memory / GIB),
    number(one.mbitIn), number(one.mbitOut), number(one.requests),
  ];
  row.append(name, money, ...figures.map((text) => element("td", { textContent: text })));
  return row;
}

function bar(colour, part) {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  picture.setAttribute("viewBox", "0 0 100 10");
  picture.setAttribute("preserveAspectRatio", "none");
  picture.setAttribute("aria-hidden", "true");
  const drawn = document.createElementNS(space, "rect");
  for (const [name, value] of Object.entries({ width: 100 * part, height: 10, fill: colour })) drawn.setAttribute(name, value);
  picture.append(drawn);
  return picture;
}

function notesOf(data, advice) {
  const notes = [];
  const found = new Map();
  for (const one of advice.estimates) {
    for (const [words, value, least, most] of one.beyond) {
      if (!found.has(words)) found.set(words, `${number(value)} ${words} (measured: ${number(least)} to ${number(most)})`);
    }
  }
  const broken = advice.estimates.filter((one) => one.broken).map((one) => data.titles[one.transport]);
  if (broken.length) notes.push(`Latency and age are lower bounds with ${broken.join(", ")}, because work queues at the server.`);
  if (found.size) notes.push(`Beyond what was measured: ${[...found.values()].join("; ")}.`);
  const { provenance, residuals } = data.model;
  const off = (name, part) => Math.round(100 * Math.max(...Object.values(residuals).map((one) => one[name][part])));
  const spelled = ["cpu", "bytes", "latency"].map((name) => `${name === "cpu" ? "CPU" : name} ${off(name, "median")} % (${off(name, "largest")} %)`);
  notes.push(
    `The model is off by this much in half of its ${provenance.trials} trials, and at most: ${spelled.join(", ")}.`,
    `Measured on ${provenance.measured_at[0].slice(0, 10)} on ${provenance.cores} cores (${provenance.cpu_model ?? "of an unknown kind"}, ${provenance.kernel}), ` +
      `Wirerace ${provenance.wirerace}; ${provenance.invalid_trials} of the trials are not valid.`,
  );
  if (provenance.note) notes.push(provenance.note);
  return notes;
}

function list(id, texts) {
  document.getElementById(id).replaceChildren(...texts.map((text) => element("li", { textContent: text })));
}

function element(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}

start();
