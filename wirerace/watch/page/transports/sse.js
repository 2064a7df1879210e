// SSE: the browser's EventSource asks once, receives events, and reconnects by itself from the last event's id.

receivers.sse = {
  explains:
    "Server-Sent Events: asks once, and the answer never ends. Each update is an event in it. The browser itself reads " +
    "the events, and reconnects where it was. Only the server sends.",
  stages: ["connecting", "open", "closed"],
  controls: [],

  listen(client, signal) {
    return new Promise((resolve, reject) => {
      const connecting = () => {
        client.enters("connecting");
        client.asked();
      };
      connecting();
      const source = new EventSource(client.url());
      source.onopen = () => client.enters("open");
      source.onmessage = (event) => client.received(client.clock.now(), JSON.parse(event.data));
      source.onerror = () => {
        if (source.readyState === EventSource.CLOSED) {
          reject(new Error("the server refuses"));
        } else {
          client.broke();
          connecting();
        }
      };
      signal.addEventListener("abort", () => {
        source.close();
        reject(signal.reason);
      });
    });
  },
};
