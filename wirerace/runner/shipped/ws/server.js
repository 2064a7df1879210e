// Broadcast with ws, as in its README: every update that is posted goes to every client.
"use strict";

const http = require("http");
const { WebSocket, WebSocketServer } = require("ws");

const server = http.createServer((request, response) => {
  if (request.method !== "POST" || request.url !== "/publish") {
    response.writeHead(404).end();
    return;
  }
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const update = Buffer.concat(parts);
    clients.clients.forEach((client) => {
      if (client.readyState === WebSocket.OPEN) {
        client.send(update, { binary: false });
      }
    });
    response.writeHead(204).end();
  });
});
const clients = new WebSocketServer({ server });
clients.on("connection", (client) => client.on("error", console.error));
server.keepAliveTimeout = 0; // the publisher keeps its connection
server.listen(Number(process.argv[2]), "127.0.0.1", 4096);
