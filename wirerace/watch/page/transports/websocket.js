// WebSocket: one handshake, then a message for each update.

receivers.websocket = {
  explains: "Shakes hands once. Then the server sends each update as a message.",
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
        reject(signal.aborted ? signal.reason : new Error(reason || `closed with code ${code}`));
      };
      signal.addEventListener("abort", () => {
        socket.close();
        look();
      });
    });
  },
};
