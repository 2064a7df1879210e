// Polling: asks at fixed times, and each request is answered at once.

receivers.polling = {
  explains: "Asks at a fixed interval, whether there is an update or not. An update waits for the next question.",
  stages: ["waits", "asks", "tries again"],
  controls: [
    { option: "interval_seconds", label: "Poll interval", low: 0.05, high: 10, hint: "polling asks this often, whether there is an update or not" },
  ],

  async listen(client, signal) {
    const intervalMs = 1000 * client.options.interval_seconds;
    let due = performance.now() + Math.random() * intervalMs;
    for (;;) {
      client.enters("waits");
      await sleep(due - performance.now(), signal);
      const lateMs = performance.now() - due;
      if (lateMs > 50) client.late.add(client.clock.now(), lateMs);
      client.enters("asks");
      while (await client.ask(signal));
      // From the schedule, not from this answer: a slow answer must not make polls rarer. Missed polls are left out.
      due += intervalMs * Math.max(1, Math.ceil((performance.now() - due) / intervalMs));
    }
  },
};
