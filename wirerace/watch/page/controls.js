// The controls: each change goes to the page's server, or to a client of this page, and statistics begin again.

const STEPS = 200;

const formatSeconds = (value) => formatMs(1000 * value);

/** A slider on a logarithmic scale, or on a linear one where it begins at 0. */
class Slider {
  constructor({ label, low, high, value, format, onChange }) {
    Object.assign(this, { low, high });
    this.root = document.createElement("label");
    this.input = Object.assign(document.createElement("input"), { type: "range", min: 0, max: STEPS, step: 1 });
    this.output = document.createElement("output");
    this.format = format;
    const text = document.createElement("span");
    text.textContent = label;
    this.root.append(text, this.input, this.output);
    this.set(value);
    this.input.addEventListener("input", () => this.show(this.value));
    this.input.addEventListener("change", () => onChange(this.value));
  }

  get value() {
    const place = this.input.value / STEPS;
    const value = this.low > 0 ? logValue(place, this.low, this.high) : place * this.high;
    return Number(value.toPrecision(2));
  }

  set(value) {
    const place = this.low > 0 ? logPlace(value, this.low, this.high) : value / this.high;
    this.input.value = Math.round(STEPS * place);
    this.show(value);
  }

  show(value) {
    const text = this.format(value);
    this.output.textContent = text;
    this.input.setAttribute("aria-valuetext", text);
  }
}

class Controls {
  constructor({ root, server, clients, onChange, onFault, onError }) {
    Object.assign(this, { root, server, clients, onChange, onFault, onError });
    this.arrivals = root.querySelector("select");
    const offer = () => this.offer();
    const perSecond = (value) => `${value}/s`;
    this.rate = this.add({ label: "Updates", low: 0.2, high: 200, value: 5, format: perSecond, onChange: offer });
    this.arrivals.addEventListener("change", offer);
    const delay = (value) => this.send("PUT", "/path", { delay_seconds: value });
    const most = { label: "One-way delay", low: 0, high: 0.5, value: 0 };
    this.delay = this.add({ ...most, format: formatSeconds, onChange: delay });
    for (const client of clients) {
      for (const control of client.receiver.controls) this.addOption(client, control);
    }
    root.querySelector("#cut-all").addEventListener("click", () => this.cut(null));
  }

  add(settings) {
    const slider = new Slider(settings);
    this.root.querySelector(".sliders").append(slider.root);
    return slider;
  }

  /** A slider for an option of a client of this page. */
  addOption(client, { option, label, low, high }) {
    const change = (value) => {
      client.options[option] = value;
      client.restart();
      this.onChange();
    };
    this.add({ label, low, high, value: client.options[option], format: formatSeconds, onChange: change });
  }

  /** The buttons of one lane. */
  wire(view) {
    const { name } = view.client.transport;
    view.part(".cut").addEventListener("click", () => this.cut(name));
    view.part(".stall").addEventListener("click", () => this.send("POST", "/stall", { transport: name, seconds: 3 }));
  }

  /** Show what holds at the server, unless a person is changing it. */
  follow({ schedule, delay_seconds: delaySeconds }) {
    const held = document.activeElement;
    if (held !== this.rate.input) this.rate.set(schedule.rate_per_second);
    if (held !== this.delay.input) this.delay.set(delaySeconds);
    if (held !== this.arrivals) this.arrivals.value = schedule.arrivals;
  }

  offer() {
    const arrivals = this.arrivals.value || "poisson"; // empty while a trace is played
    return this.send("PUT", "/schedule", { rate_per_second: this.rate.value, arrivals });
  }

  cut(transport) {
    return this.send("POST", "/cut", { transport });
  }

  /** What is put changes a setting, what is posted is a fault. */
  async send(method, path, body) {
    try {
      await this.server.send(method, path, body);
      this.onError("");
      if (method === "PUT") this.onChange();
      else this.onFault();
    } catch (error) {
      this.onError(error.message);
    }
  }
}

/** The page's server. */
class PageServer {
  constructor(token) {
    this.token = token;
  }

  async get(path) {
    return this.answer(await fetch(path));
  }

  async send(method, path, body) {
    const headers = { Authorization: `Bearer ${this.token}` };
    return this.answer(await fetch(path, { method, headers, body: JSON.stringify(body) }));
  }

  async answer(response) {
    if (!response.ok) throw new Error((await response.text()).trim());
    return response.json();
  }
}
