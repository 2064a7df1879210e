// A tab of a trial: a client that keeps every delivery, and shows them when it is asked.

class Tab extends Client {
  constructor(order) {
    const clock = { now: () => performance.timeOrigin + performance.now() }; // milliseconds since 1970
    super(order, clock, { clients: [], received() {} });
    this.sends = false;
    this.openedAt = null;
    this.opening = new Promise((resolve) => (this.opened = resolve)); // until it is subscribed
    this.rows = []; // [epoch, channel, seq, ts, received at]
  }

  async run() {
    // A held question would not say when the server knows this client: an empty answer brings a cursor first.
    while (this.receiver === receivers.longpolling && this.cursor === null) {
      try {
        await this.ask(this.aborter.signal, { hold: 0 });
      } catch (error) {
        this.broke(error);
        await sleep(RETRY_MS);
      }
    }
    await super.run();
  }

  enters(stage) {
    super.enters(stage);
    if (stage === "open") this.subscribed(this.clock.now());
  }

  answered(at, count) {
    super.answered(at, count);
    this.subscribed(at);
  }

  subscribed(at) {
    this.openedAt ??= at;
    this.opened();
  }

  /** Keep a delivery, whether it is new or not: the producer's record decides that. */
  received(at, update) {
    this.cursor = `${update.epoch}-${update.seq}`;
    this.rows.push([update.epoch, update.channel ?? "", update.seq, update.ts, at]);
  }

  state() {
    const [epoch, , seq] = this.rows.at(-1) ?? ["", "", 0];
    return { opened: this.openedAt !== null, received: this.rows.length, epoch, seq, trouble: this.trouble };
  }

  /** Everything but the deliveries, which are read in parts. */
  times() {
    return { opened_ms: this.openedAt, closed_ms: this.clock.now(), breaks: this.totals.breaks };
  }

  /** The least step of the clock, in milliseconds. */
  static resolution(steps = 200) {
    let least = Infinity;
    let last = performance.now();
    while (steps > 0) {
      const now = performance.now();
      if (now > last) {
        least = Math.min(least, now - last);
        steps -= 1;
      }
      last = now;
    }
    return least;
  }
}

/** Begin to receive as an order says. */
function subscribe(order) {
  window.tab = new Tab(order);
  window.tab.run();
}
