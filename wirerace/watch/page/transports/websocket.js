// WebSocket: one handshake, then a message for each update.

/** What close codes mean (RFC 6455, section 7.4.1). */
const CLOSED = {
  1001: "the server is going away",
  1006: "the connection broke without a goodbye",
  1008: "the server refuses to go on",
};

receivers.websocket = {
  explains:
    "Shakes hands once and leaves HTTP behind. Each update is a message of a few bytes more, and the page could send at " +
    "any time, too. The script reconnects.",
  stages: ["connecting", "open", "closing", "closed"], // as WebSocket.readyState counts them
  controls: [],

  listen(client, signal) {
    return new Promise((resolve, reject) => {
      client.enters("connecting");
      client.asked();
      const url = client.url();
      url.protocol = "ws:";
      const socket = new WebSocket(url);
      const look = () => client.enters(this.stages[socket.readyState]);
      socket.onopen = look;
      socket.onmessage = (event) => {
        const at = client.clock.now();
        for (const update of [JSON.parse(event.data)].flat()) client.received(at, update); // a batch is an array
      };
      socket.onclose = ({ code, reason }) => {
        look();
        reject(signal.aborted ? signal.reason : new Error(`${reason || CLOSED[code] || "closed"} (close code ${code})`));
      };
      signal.addEventListener("abort", () => {
        socket.close();
        look();
      });
    });
  },
};
