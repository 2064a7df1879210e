// A client of one transport: its connection, its cursor, its ledger, and what it has measured.

/** How each transport receives; its own file adds it. `listen` returns or throws when the connection has ended. */
const receivers = {};

const RETRY_MS = 500;

/** All updates that some client has received. What one has and another lacks is on its way, or waits. */
class Board {
  constructor() {
    this.clients = [];
  }

  /** A client has received an update: it waits for nothing up to it, and the others may wait for it. */
  received(client, update) {
    for (const [key, one] of client.waiting) {
      if (one.epoch === update.epoch && one.seq <= update.seq) client.waiting.delete(key);
    }
    const key = `${update.epoch}-${update.seq}`;
    for (const other of this.clients) {
      if (other.lacks(update)) other.waiting.set(key, update);
    }
  }
}

class Client {
  constructor(transport, clock, board) {
    this.transport = transport;
    this.receiver = receivers[transport.name];
    this.options = { ...transport.options };
    this.clock = clock;
    this.board = board;
    this.cursor = null;
    this.stage = this.receiver.stages[0];
    this.trouble = "";
    this.waiting = new Map();
    this.ledger = new Ledger();
    this.age = new Age();
    this.latencies = new Recent();
    this.requests = new Recent();
    this.answers = new Recent(); // the number of updates in each answer
    this.late = new Recent(); // polls that left late, ms
    this.breaks = new Recent();
    this.faults = new Recent(); // what a person did to it: "cut", "stall"
    this.events = new Recent(2_000); // what the lane draws: "asked", "empty", "update"
    this.totals = { requests: 0, answers: 0, empty: 0, breaks: 0 };
    this.sends = true; // messages, too
    this.onUpdate = () => {};
    this.onAnswer = () => {};
    this.aborter = new AbortController();
    board.clients.push(this);
  }

  /** Receive for ever: when a connection has ended, continue at the cursor. */
  async run() {
    for (;;) {
      this.aborter = new AbortController();
      const { signal } = this.aborter;
      try {
        await this.receiver.listen(this, signal);
      } catch (error) {
        if (!signal.aborted) this.broke(error);
      }
      if (!signal.aborted) await sleep(RETRY_MS * (1 + Math.random()));
    }
  }

  /** Connect again, with the options that hold now. */
  restart() {
    this.aborter.abort(new DOMException("an option was changed", "AbortError"));
  }

  enters(stage) {
    this.stage = stage;
    if (stage !== this.receiver.stages.at(-1)) this.trouble = "";
  }

  /** Where to ask: from the cursor on, if there is one. A conditional poll has it as its entity tag instead. */
  url(parameters = {}) {
    const url = new URL(this.transport.url);
    if (this.cursor !== null && !this.options.conditional) url.searchParams.set("after", this.cursor);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url;
  }

  /** Headers of a question: the browser sends an entity tag that it is given, and leaves its cache out. */
  headers() {
    return this.options.conditional && this.cursor !== null ? { "If-None-Match": `"${this.cursor}"` } : {};
  }

  /** Ask once; return whether there is more at once. */
  async ask(signal, parameters = {}) {
    this.asked();
    const answer = await fetch(this.url(parameters), { signal, headers: this.headers() });
    const text = await answer.text();
    const at = this.clock.now();
    if (!answer.ok && answer.status !== 304) throw new Error(text.trim());
    const { updates, more } = text ? JSON.parse(text) : { updates: [], more: false };
    this.answered(at, updates.length);
    for (const update of updates) this.received(at, update);
    this.cursor = answer.headers.get("Wirerace-Cursor") ?? this.cursor;
    return Boolean(more);
  }

  asked() {
    const at = this.clock.now();
    this.totals.requests += 1;
    this.requests.add(at, 1);
    this.events.add(at, "asked");
  }

  answered(at, count) {
    this.totals.answers += 1;
    this.answers.add(at, count);
    if (count) return;
    this.totals.empty += 1;
    this.events.add(at, "empty");
  }

  received(at, update) {
    const made = update.ts / 1e6;
    this.cursor = `${update.epoch}-${update.seq}`;
    if (!this.ledger.take(update.epoch, update.seq)) return;
    this.latencies.add(at, at - made);
    this.age.received(at, made);
    this.events.add(at, "update");
    this.board.received(this, update);
    this.onUpdate(at, update);
  }

  broke(error) {
    this.totals.breaks += 1;
    this.breaks.add(this.clock.now(), 1);
    this.trouble = error?.message || "the connection was lost";
    this.enters(this.receiver.stages.at(-1));
  }

  /** How long each update waits that another client has already, ms. */
  waits(now) {
    return [...this.waiting.values()].map((update) => now - update.ts / 1e6);
  }

  /** Whether an update will come that this client has not received: it has received an older one. */
  lacks(update) {
    return this.ledger.epoch === update.epoch && this.ledger.highest < update.seq;
  }
}

/** Wait; an abort of the signal ends that with its reason. */
function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
