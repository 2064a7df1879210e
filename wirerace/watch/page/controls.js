// The controls: each change goes to the page's server, or to a client of this page, and statistics begin again.

const STEPS = 200;

const formatSeconds = (value) => (value ? formatMs(1000 * value) : "none");

/** A slider on a logarithmic scale, or on a linear one where it begins at 0. */
class Slider {
  constructor({ label, hint, low, high, value, format, onChange }) {
    Object.assign(this, { low, high, onChange, initial: value });
    this.root = document.createElement("label");
    this.input = Object.assign(document.createElement("input"), { type: "range", min: 0, max: STEPS, step: 1 });
    this.output = document.createElement("output");
    this.format = format;
    const text = document.createElement("span");
    text.textContent = label;
    const id = `hint-${label.replaceAll(" ", "-").toLowerCase()}`;
    const small = Object.assign(document.createElement("small"), { id, textContent: hint });
    this.input.setAttribute("aria-describedby", id);
    this.root.append(text, this.input, this.output, small);
    this.set(value);
    this.input.addEventListener("input", () => this.show(this.value));
    this.input.addEventListener("change", () => onChange(this.value));
  }

  /** Move it as a person would. */
  act(value) {
    this.set(value);
    return this.onChange(value);
  }

  /** The value where it stands; exactly what was set, until a person moves it. */
  get value() {
    return Number(this.input.value) === this.place ? this.given : this.at(this.input.value);
  }

  at(step) {
    const place = step / STEPS;
    const value = this.low > 0 ? logValue(place, this.low, this.high) : place * this.high;
    return Number(value.toPrecision(2));
  }

  set(value) {
    const place = this.low > 0 ? logPlace(value, this.low, this.high) : value / this.high;
    this.given = value;
    this.place = Math.round(STEPS * place);
    this.input.value = this.place;
    this.show(value);
  }

  show(value) {
    const text = this.format(value);
    this.output.textContent = text;
    this.input.setAttribute("aria-valuetext", text);
  }
}

class Controls {
  constructor({ root, server, clients, abilities, onChange, onFault, onError }) {
    Object.assign(this, { root, server, clients, abilities, onChange, onFault, onError });
    this.views = [];
    this.trouble = "";
    this.sliders = new Map(); // by the names that the list of things to try uses
    this.arrivals = root.querySelector("select");
    this.addRate();
    if (abilities.delay) this.addDelay();
    for (const client of clients) {
      for (const control of client.receiver.controls) this.addOption(client, control);
    }
    if (abilities.crowd) this.addCrowd();
    else this.tellOfCrowd();
    this.arrivals.addEventListener("change", () => this.offer());
    root.querySelector("#cut-all").addEventListener("click", () => this.cutAll());
    root.querySelector("#reset").addEventListener("click", () => this.reset());
    document.querySelectorAll("[data-try]").forEach((button) => this.wireTry(button));
  }

  add(name, settings) {
    const slider = new Slider(settings);
    this.root.querySelector(".sliders").append(slider.root);
    this.sliders.set(name, slider);
    return slider;
  }

  addRate() {
    const hint = "the producer makes this number, and each transport delivers all of them";
    const format = (value) => `${value}/s`;
    this.rate = this.add("rate", { label: "Updates", hint, low: 0.2, high: 200, value: 5, format, onChange: () => this.offer() });
    this.rate.initial = null; // the server says it
  }

  addDelay() {
    const hint = "each way between this page and all servers, as over a long distance";
    const onChange = (value) => this.send("PUT", "/path", { delay_seconds: value });
    const own = { label: "One-way delay", hint, low: 0, high: 0.5, value: 0 };
    this.delay = this.add("delay", { ...own, format: formatSeconds, onChange });
  }

  addCrowd() {
    const hint = "synthetic clients (Locust) for each transport, beside this page";
    const onChange = (clients) => this.send("PUT", "/crowd", { clients });
    const own = { label: "Crowd", hint, low: 0, high: this.abilities.crowd, value: 0 };
    this.crowd = this.add("crowd", { ...own, format: (value) => `${value} each`, onChange });
  }

  /** Where a crowd is started, and what cannot be done here. */
  tellOfCrowd() {
    const place = this.root.querySelector("#otherwise");
    const link = Object.assign(document.createElement("a"), { href: this.abilities.crowd_url, textContent: "Locust's page" });
    place.append("For a crowd of clients, press Start on ", link, `. ${this.abilities.otherwise}`);
    place.hidden = false;
  }

  /** A slider for an option of a client of this page. */
  addOption(client, { option, label, hint, low, high }) {
    const onChange = (value) => {
      client.options[option] = value;
      client.restart();
      this.onChange();
    };
    const value = client.options[option];
    this.add(`${client.transport.name}.${option}`, { label, hint, low, high, value, format: formatSeconds, onChange });
  }

  /** A thing to try: "rate=50 delay=0.05", or "cut". What cannot be done here is left out. */
  wireTry(button) {
    const steps = button.dataset.try.split(" ").map((step) => step.split("="));
    if (!steps.every(([name]) => name === "cut" || this.sliders.has(name))) return button.parentElement.remove();
    button.addEventListener("click", () => {
      this.reset(); // or the text beside the button would not be true
      for (const [name, value] of steps) name === "cut" ? this.cutAll() : this.sliders.get(name).act(Number(value));
    });
  }

  /** Everything as it was when the page was opened. */
  reset() {
    if (this.initialArrivals && this.arrivals.value !== this.initialArrivals) {
      this.arrivals.value = this.initialArrivals;
      this.offer();
    }
    for (const [name, slider] of this.sliders) {
      const isOption = name.includes("."); // of a client here. What the server holds may differ from what is shown just now.
      if (slider.initial !== null && !(isOption && slider.value === slider.initial)) slider.act(slider.initial);
    }
  }

  /** The buttons of one lane. */
  wire(view) {
    const { name } = view.client.transport;
    this.views.push(view);
    view.part(".cut").addEventListener("click", () => this.cut(view));
    if (!this.abilities.stall) return view.part(".stall").remove();
    view.part(".stall").addEventListener("click", async () => {
      if (await this.send("POST", "/stall", { transport: name, seconds: 3 })) view.client.faults.add(view.client.clock.now(), "stall");
    });
  }

  /** Show what holds at the server, unless a person is changing it. */
  follow({ schedule, delay_seconds: delaySeconds, crowd }) {
    const held = document.activeElement;
    if (schedule) {
      this.rate.initial ??= schedule.rate_per_second;
      this.initialArrivals ??= schedule.arrivals;
      if (held !== this.rate.input) this.rate.set(schedule.rate_per_second);
      if (held !== this.arrivals) this.arrivals.value = schedule.arrivals;
    }
    if (this.delay && held !== this.delay.input) this.delay.set(delaySeconds);
    if (this.crowd && held !== this.crowd.input) this.crowd.set(crowd.clients);
    if (crowd.trouble && crowd.trouble !== this.trouble) this.onError(`The crowd has ended. ${crowd.trouble}`);
    this.trouble = crowd.trouble;
  }

  offer() {
    const arrivals = this.arrivals.value || "poisson"; // empty while a trace is played
    return this.send("PUT", "/schedule", { rate_per_second: this.rate.value, arrivals });
  }

  cutAll() {
    return Promise.all(this.views.map((view) => this.cut(view)));
  }

  /** Cut the connections of a lane. Without a proxy that does it, its client closes its own. */
  async cut(view) {
    const { client } = view;
    const { stage } = client;
    let count = [client.receiver.stages.at(-1), "waits"].includes(stage) ? 0 : 1;
    if (this.abilities.cut) count = await this.send("POST", "/cut", { transport: client.transport.name });
    else if (count) client.restart();
    if (count === null) return;
    this.onFault();
    client.faults.add(client.clock.now(), "cut");
    view.note(cutNote(count, client.transport.asks, stage));
  }

  /** What is put changes a setting, what is posted is a fault. Return the answer; null when it was refused. */
  async send(method, path, body) {
    const before = this.sending; // one after the other: the last of many small moves must also arrive last
    let done;
    this.sending = new Promise((resolve) => (done = resolve));
    await before;
    try {
      const answer = await this.server.send(method, path, body);
      this.onError("");
      if (method === "PUT") this.onChange();
      else this.onFault();
      return answer ?? true;
    } catch (error) {
      this.onError(error.message);
      return null;
    } finally {
      done();
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
