// The page: one client and one lane for each transport, the clock, the state once a second, and the drawing.

const STATE_EVERY_MS = 1000;
const PROBE_EVERY_MS = 2000;
const FIGURES_EVERY_MS = 200;
const WORDS_EVERY_MS = 2000;
const LOOP_EVERY_MS = 100;
const SETTLES_MS = 300; // until what was made before a change has arrived, mostly
const NO_DOUBT = "Clock, timers, servers and the number of updates give no reason for doubt.";

const config = JSON.parse(document.getElementById("config").textContent);
const server = new PageServer(config.token);
const clock = new ServerClock();
const board = new Board();
const clients = config.transports.filter(({ name }) => receivers[name]).map((one) => new Client(one, clock, board));
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** What the page knows of its surroundings. Times are the clock's. */
const seen = {
  state: null,
  answers: true,
  samples: new Map(clients.map(({ transport }) => [transport.name, new Recent()])),
  bytes: new Map(), // of each server, since this page was opened
  statisticsSince: 0,
  faultAt: null,
  hiddenAt: null,
  steppedAt: null,
  loop: new Recent(),
  trips: new Recent(2 * WINDOW_MS), // of questions to the page's server, as a script measures them
};

const views = clients.map((client) => new LaneView(client, document.getElementById("lane")));
document.getElementById("lanes").append(...views.map((view) => view.root));
const axis = new Axis(document.getElementById("axis"), clients);
const controls = new Controls({
  root: document.getElementById("controls"),
  server,
  clients,
  onChange: () => (seen.statisticsSince = clock.now() + SETTLES_MS),
  onFault: () => (seen.faultAt = clock.now()),
  onError: (text) => (document.getElementById("refusal").textContent = text),
});
views.forEach((view) => controls.wire(view));

async function probe() {
  const sent = performance.now();
  const { now_ns: nowNs } = await server.get("/clock");
  seen.trips.add(clock.now(), performance.now() - sent);
  // The network's own times are closer to the server than those of this script.
  const network = performance.getEntriesByType("resource").findLast((entry) => entry.name.endsWith("/clock"));
  performance.clearResourceTimings(); // else the list is full after 250 requests
  if (!network?.responseStart) return;
  const before = clock.steppedMs;
  const [asked, answered] = [network.requestStart, network.responseStart].map((at) => performance.timeOrigin + at);
  clock.probed(asked, nowNs / 1e6, answered);
  if (clock.steppedMs !== before) seen.steppedAt = clock.now();
}

async function ask() {
  const query = new URLSearchParams({ round_trip_seconds: (median(seen.trips.since(0)) ?? 0) / 1000 });
  for (const { transport, receiver, options } of clients) {
    for (const { option } of receiver.controls) query.set(`${transport.name}.${option}`, options[option]);
  }
  seen.state = await server.get(`/state?${query}`);
  for (const [name, samples] of seen.samples) {
    const { sampled_ns: sampledNs, ...vitals } = seen.state.servers[name];
    const [at, last] = [sampledNs / 1e6, samples.entries.at(-1)];
    if (last?.at === at) continue;
    const bytes = vitals.received_bytes + vitals.sent_bytes;
    const before = last && bytes >= last.value.bytes ? last.value.bytes : 0; // a count that fell began again
    if (last) seen.bytes.set(name, (seen.bytes.get(name) ?? 0) + bytes - before);
    samples.add(at, { ...vitals, bytes });
  }
  controls.follow(seen.state);
}

/** Do something again and again. A failure is noted, and the next turn tries again. */
async function repeat(everyMs, act) {
  for (;;) {
    try {
      await act();
      seen.answers = true;
    } catch {
      seen.answers = false;
    }
    await sleep(everyMs);
  }
}

/** How late this page's own timers are. */
async function watchLoop() {
  for (;;) {
    const due = performance.now() + LOOP_EVERY_MS;
    await sleep(LOOP_EVERY_MS);
    seen.loop.add(clock.now(), performance.now() - due);
  }
}

/** What is shown of a lane: statistics of the last 20 s, or since something was changed. */
function figuresOf(client, now) {
  const from = Math.max(now - WINDOW_MS, seen.statisticsSince);
  const spanSeconds = Math.max(1, (now - from) / 1000);
  const latencies = client.latencies.since(from);
  const answers = client.answers.since(from);
  const entries = seen.samples.get(client.transport.name).entries.filter(({ at }) => at >= from);
  const rates = (key) => ratesOf(entries.map(({ at, value }) => ({ at, count: value[key] })));
  const cpu = rates("cpu_seconds").map((one) => 1000 * one);
  const last = entries.at(-1)?.value;
  const theory = seen.state?.theory[client.transport.name];
  const inMs = (value) => (value === null || value === undefined ? null : 1000 * value);
  return {
    latencies,
    latencyMs: mean(latencies),
    medianMs: median(latencies),
    ageMs: client.age.mean(from, now),
    requestRate: client.requests.since(from).length / spanSeconds,
    emptyShare: answers.length ? answers.filter((count) => !count).length / answers.length : null,
    answers,
    byteRate: mean(rates("bytes")),
    bytes: seen.bytes.get(client.transport.name) ?? null,
    cpu: cpu.length ? estimate(cpu) : null,
    live: last?.live ?? false,
    stalled: last?.stalled ?? false,
    theoryMs: inMs(theory?.latency_seconds),
    theoryAgeMs: inMs(theory?.age_seconds),
  };
}

let figures = [];
let mostAgeMs = 1000;

function showFigures() {
  const now = clock.now();
  figures = clients.map((client) => figuresOf(client, now));
  const oldest = clients.flatMap((client) => client.age.corners(now - WINDOW_MS, now).map(([, age]) => age));
  mostAgeMs = roundUp(Math.max(100, ...oldest));
  const most = {
    requests: Math.max(...figures.map((one) => one.requestRate)),
    bytes: Math.max(...figures.map((one) => one.byteRate ?? 0)),
    cpu: Math.max(...figures.map((one) => one.cpu?.mean ?? 0)),
  };
  views.forEach((view, index) => {
    view.show(figures[index], most);
    view.drawCurve(now, mostAgeMs, figures[index]);
  });
  axis.draw(figures);
  showLight(now);
}

function factsOf(now) {
  const ago = (at) => (at !== null && now - at < WINDOW_MS ? now - at : null);
  const broke = clients.map((client) => client.breaks.entries.at(-1)?.at ?? null).filter((at) => at !== null);
  const poll = clients.flatMap((client) => client.late.since(now - WINDOW_MS));
  return {
    hiddenMs: document.hidden ? 0 : ago(seen.hiddenAt),
    faultMs: ago(Math.max(seen.faultAt ?? 0, ...broke) || null),
    loopLateMs: Math.max(0, ...seen.loop.since(now - WINDOW_MS)),
    latePolls: poll.length,
    clock: { errorMs: clock.errorMs, steppedMs: ago(seen.steppedAt) === null ? 0 : clock.steppedMs },
    producer: { live: seen.state?.producer.live ?? false, lateMs: 1000 * (seen.state?.producer.feed_seconds ?? 0) },
    answers: seen.answers,
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

function showLight(now) {
  const doubts = doubtsOf(factsOf(now));
  const { level, text } = lightOf(doubts);
  const light = document.getElementById("light");
  if (light.dataset.level !== level) Object.assign(light, { textContent: text }).dataset.level = level;
  const reasons = document.getElementById("reasons");
  const lines = doubts.length ? doubts.map((doubt) => doubt.text) : [NO_DOUBT];
  if (reasons.dataset.lines === lines.join("\n")) return;
  reasons.dataset.lines = lines.join("\n");
  reasons.replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
}

function showWords() {
  const lanes = clients.map((client, index) => ({
    title: client.transport.title,
    latencies: figures[index].latencies,
    cpu: figures[index].cpu,
    answers: figures[index].answers,
    intervalSeconds: client.options.interval_seconds ?? null,
  }));
  const said = sentenceOf(lanes, seen.state?.schedule.rate_per_second ?? Infinity);
  const sentence = document.getElementById("sentence");
  if (sentence.textContent !== said) sentence.textContent = said;
  document.getElementById("clock-error").textContent = `±${formatMs(clock.errorMs)}`;
}

let drawnAt = 0;

function draw(time) {
  requestAnimationFrame(draw);
  const everyMs = calm.matches ? 500 : 30;
  if (time - drawnAt < everyMs) return;
  drawnAt = time;
  const now = clock.now();
  for (const view of views) view.drawStrip(now, !calm.matches);
}

function resize() {
  for (const view of views) view.resize();
  axis.resize();
}

function freeze() {
  showFigures();
  showWords(); // of this moment: otherwise the sentence is up to two seconds older than the figures
  const when = new Date(clock.now());
  const data = clients.map((client, index) => {
    const { latencies, answers, ...shown } = figures[index];
    const { transport: { name, title }, options, totals, ledger: { received, missing, again } } = client;
    const latenciesMs = latencies.map((ms) => Number(ms.toFixed(3)));
    return { name, title, options, totals, received, missing, again, ...shown, latenciesMs };
  });
  const settings = { schedule: seen.state?.schedule, delay_seconds: seen.state?.delay_seconds };
  save(frozen(document.documentElement, { frozen_at: when.toISOString(), settings, lanes: data }, when), when);
}

/** The finest step of this browser's timer, ms. */
function timerStep() {
  const steps = [];
  let before = performance.now();
  while (steps.length < 20) {
    const now = performance.now();
    if (now > before) steps.push(now - before);
    before = now;
  }
  return Math.min(...steps);
}

async function begin() {
  document.addEventListener("visibilitychange", () => (seen.hiddenAt = clock.now()));
  addEventListener("resize", resize);
  document.getElementById("freeze").addEventListener("click", freeze);
  document.getElementById("timer-step").textContent = `${(1000 * timerStep()).toFixed(0)} µs`;
  resize();
  for (let count = 0; count < 5; count += 1) await probe();
  seen.statisticsSince = clock.now();
  for (const client of clients) client.run();
  repeat(PROBE_EVERY_MS, probe);
  repeat(STATE_EVERY_MS, ask);
  watchLoop();
  showFigures();
  setInterval(showFigures, FIGURES_EVERY_MS);
  setInterval(showWords, WORDS_EVERY_MS);
  requestAnimationFrame(draw);
}

begin();
