// Figures: what is shown of each lane, and the facts by which the light judges, from what clients and server say.

/** What is shown of a lane: statistics of the last 20 s, or since something was changed. */
function figuresOf(client, seen, now) {
  const from = Math.max(now - WINDOW_MS, seen.statisticsSince);
  const spanSeconds = Math.max(1, (now - from) / 1000);
  const latencies = client.latencies.since(from);
  const answers = client.answers.since(from);
  const samples = seen.samples.get(client.transport.name).entries;
  const entries = samples.filter(({ at }) => at >= from);
  const rates = (key) => ratesOf(entries.map(({ at, value }) => ({ at, count: value[key] })));
  const cpu = rates("cpu_seconds").map((one) => 1000 * one);
  const last = samples.at(-1)?.value; // how a server is does not depend on when a setting was changed
  const theory = seen.state?.theory[client.transport.name];
  const inMs = (value) => (value === null || value === undefined ? null : 1000 * value);
  return {
    latencies,
    latencyMs: mean(latencies),
    medianMs: median(latencies),
    ageMs: client.age.mean(from, now),
    requestRate: client.requests.since(from).length / spanSeconds,
    emptyShare: answers.length ? answers.filter((count) => !count).length / answers.length : null,
    waitsMs: client.waits(now),
    ageNowMs: client.age.now(now),
    answers,
    byteRate: mean(rates("bytes")),
    bytes: seen.bytes.get(client.transport.name) ?? null,
    cpu: cpu.length ? estimate(cpu) : null,
    clients: last?.clients ?? 0,
    live: last?.live ?? false,
    stalled: last?.stalled ?? false,
    theoryMs: inMs(theory?.latency_seconds),
    theoryAgeMs: inMs(theory?.age_seconds),
  };
}

/** What the light judges by. */
function factsOf(clients, figures, seen, clock, now) {
  const ago = (at) => (at !== null && now - at < WINDOW_MS ? now - at : null);
  const broke = clients.map((client) => client.breaks.entries.at(-1)?.at ?? null).filter((at) => at !== null);
  const poll = clients.flatMap((client) => client.late.since(now - WINDOW_MS));
  const crowd = seen.crowd.entries.map(({ at, value }) => ({ at, count: value }));
  return {
    begun: seen.state !== null,
    hiddenMs: document.hidden ? 0 : ago(seen.hiddenAt),
    faultMs: ago(Math.max(seen.faultAt ?? 0, ...broke) || null),
    loopLateMs: Math.max(0, ...seen.loop.since(now - WINDOW_MS)),
    latePolls: poll.length,
    clock: { errorMs: clock.errorMs, steppedMs: ago(seen.steppedAt) === null ? 0 : clock.steppedMs },
    producer: { live: seen.state?.producer.live ?? false, lateMs: 1000 * (seen.state?.producer.feed_seconds ?? 0) },
    answers: seen.answers,
    others: Math.max(0, ...figures.map((one) => one.clients - 1 - (seen.state?.crowd.clients ?? 0))),
    crowd: { clients: seen.state?.crowd.clients ?? 0, share: mean(ratesOf(crowd)) },
    lanes: clients.map((client, index) => ({
      title: client.transport.title,
      live: figures[index].live,
      stalled: figures[index].stalled,
      count: figures[index].latencies.length,
      latencyMs: figures[index].latencyMs,
      missing: client.ledger.missing,
    })),
  };
}
