// A message: it goes up one way, the producer makes an update of it, and that comes down on every lane.

const MOST_ARRIVAL_MS = 10_000;
const LEAST_ARRIVAL_MS = 0.3;

/** How a message goes up on a transport, in words. */
const wayOf = (client) =>
  client.receiver.send ? `${client.transport.title}, as a frame` : `POST beside ${client.transport.title}`;

class Messages {
  constructor({ root, clients, clock }) {
    this.root = root;
    this.clients = clients;
    this.clock = clock;
    this.name = `page-${Math.random().toString(36).slice(2, 10)}`;
    this.n = 0;
    this.sentAt = null;
    this.arrivals = new Map();
    this.way = root.querySelector("select");
    this.said = root.querySelector("output");
    clients.forEach((client, index) => {
      this.way.append(new Option(wayOf(client), index, false, Boolean(client.receiver.send)));
      client.onUpdate = (at, update) => this.received(client, at, update);
      client.onAnswer = (at, answer) => this.answered(at, answer);
    });
    this.rows = clients.map((client) => this.addRow(client));
    root.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
  }

  addRow({ transport: { title, color } }) {
    const row = document.createElement("li");
    row.style.setProperty("--color", color);
    const name = Object.assign(document.createElement("span"), { textContent: title });
    const time = Object.assign(document.createElement("span"), { className: "bar" });
    const text = document.createElement("span");
    time.append(text);
    row.append(name, time);
    this.root.querySelector("ul").append(row);
    return { row, text };
  }

  async send() {
    const client = this.clients[this.way.value];
    this.n += 1;
    this.arrivals.clear();
    this.said.textContent = "";
    this.sentAt = this.clock.now();
    const ts = Math.round(this.sentAt * 1e6);
    const message = JSON.stringify({ client: this.name, n: this.n, ts, data: this.root.querySelector("input").value });
    try {
      if (client.receiver.send) client.receiver.send(client, message);
      else this.answered(this.clock.now(), await this.post(client, message));
    } catch (error) {
      this.fails(error.message || "the connection was lost");
    }
    this.show();
  }

  async post(client, message) {
    const url = new URL("/send?fan_out=true", client.transport.url);
    const answer = await fetch(url, { method: "POST", body: message });
    const text = await answer.text();
    const at = this.clock.now();
    return answer.ok ? { ...JSON.parse(text), at } : { refused: answer.status, why: text.trim() };
  }

  answered(at, answer) {
    if (answer.refused) this.fails(answer.why);
    else if (answer.ack === this.n) this.said.textContent = `Acknowledged after ${formatMs((answer.at ?? at) - this.sentAt)}.`;
  }

  fails(why) {
    this.sentAt = null;
    this.said.textContent = `Not sent: ${why}`;
    this.show();
  }

  received(client, at, update) {
    if (update.client !== this.name || update.n !== this.n || this.arrivals.has(client)) return;
    this.arrivals.set(client, at - this.sentAt);
    this.show();
  }

  /** Show when the last message came, or for how long it has been on its way. */
  show() {
    const now = this.clock.now();
    this.clients.forEach((client, index) => {
      const { row, text } = this.rows[index];
      const tookMs = this.arrivals.get(client) ?? null;
      const shownMs = this.sentAt === null ? null : tookMs ?? now - this.sentAt;
      row.classList.toggle("waits", shownMs !== null && tookMs === null);
      const said = shownMs === null ? NONE : tookMs === null ? `on its way, ${formatMs(shownMs)}` : formatMs(tookMs);
      if (text.textContent !== said) text.textContent = said;
      const part = shownMs === null ? 0 : 100 * logPlace(Math.max(shownMs, LEAST_ARRIVAL_MS), LEAST_ARRIVAL_MS, MOST_ARRIVAL_MS);
      text.parentElement.style.setProperty("--part", `${part}%`);
    });
  }
}
