// WebSocket: one handshake, then a message for each update.

/** What close codes mean (RFC 6455, section 7.4.1). */
const CLOSED = {
  1001: "the server is going away",
  1006: "the connection broke without a goodbye",
  1008: "the server refuses to go on",
};

receivers.websocket = {
  explains:
    "Shakes hands once and leaves HTTP behind. Each update is a message of a few bytes more, and the page sends its own " +
    "on the same connection, at any time. The script reconnects.",
  stages: ["connecting", "open", "closing", "closed"], // as WebSocket.readyState counts them
  controls: [],

  listen(client, signal) {
    return new Promise((resolve, reject) => {
      client.enters("connecting");
      client.asked();
      const url = client.url(client.sends ? { fan_out: true } : {});
      url.protocol = "ws:";
      const socket = new WebSocket(url);
      client.socket = socket;
      const look = () => client.enters(this.stages[socket.readyState]);
      socket.onopen = look;
      socket.onmessage = (event) => {
        const at = client.clock.now();
        const found = JSON.parse(event.data);
        if (found.ack || found.refused) client.onAnswer(at, found);
        else for (const update of [found].flat()) client.received(at, update); // a batch is an array
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

  /** Send a message on the connection on which updates come. */
  send(client, message) {
    if (client.socket?.readyState !== WebSocket.OPEN) throw new Error("the WebSocket is not open now");
    client.socket.send(message);
  },
};
