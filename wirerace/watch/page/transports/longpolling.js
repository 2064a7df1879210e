// Long polling: each request is held until there is an update, and the next one leaves at once.

receivers.longpolling = {
  explains: "Asks, and the server holds the question until there is an update. Then it asks again.",
  stages: ["held", "tries again"],
  controls: [
    { option: "hold_seconds", label: "Hold at most", low: 0.5, high: 60, hint: "a long poll without an update is answered empty after this time" },
  ],

  async listen(client, signal) {
    for (;;) {
      client.enters("held");
      await client.ask(signal, { hold: client.options.hold_seconds });
      if (client.options.repoll_delay_seconds) await sleep(1000 * client.options.repoll_delay_seconds, signal);
    }
  },
};
