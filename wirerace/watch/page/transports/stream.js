// HTTP streaming: one fetch, whose answer has a line for each update and never ends.

receivers.stream = {
  explains:
    "As SSE, but each update is a plain line of JSON, and the page's own script splits the lines and reconnects. Programs " +
    "that are no browsers like it.",
  stages: ["connecting", "open", "tries again"],
  controls: [],

  async listen(client, signal) {
    client.enters("connecting");
    client.asked();
    const answer = await fetch(client.url(), { signal });
    if (!answer.ok) throw new Error((await answer.text()).trim());
    client.cursor ??= answer.headers.get("Wirerace-Cursor");
    client.enters("open");
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    const lines = new Lines();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Error("the server ended the answer");
      const at = client.clock.now();
      for (const line of lines.feed(value)) {
        if (line) client.received(at, JSON.parse(line)); // an empty line keeps the connection open
      }
    }
  },
};
