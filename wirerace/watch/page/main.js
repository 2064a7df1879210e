// The page: one client and one lane for each transport, the clock, the state once a second, and the drawing.

const STATE_EVERY_MS = 1000;
const PROBE_EVERY_MS = 2000;
const FIGURES_EVERY_MS = 200;
const WORDS_EVERY_MS = 1000;
const MOST_REASONS = 2;
const LOOP_EVERY_MS = 100;
const SETTLES_MS = 300; // until what was made before a change has arrived, mostly
const CPU_OF_CONTAINERS =
  "CPU time is what each server says of itself. Health checks, Prometheus and this page ask it again and again, which is in it.";
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
  crowd: new Recent(5000), // CPU time of its process, s
  trips: new Recent(2 * WINDOW_MS), // of questions to the page's server, as a script measures them
};

const views = clients.map((client) => new LaneView(client, document.getElementById("lane")));
document.getElementById("lanes").append(...views.map((view) => view.root));
const axis = new Axis(document.getElementById("axis"), clients);
const controls = new Controls({
  root: document.getElementById("controls"),
  server,
  clients,
  abilities: config.abilities,
  onChange: () => (seen.statisticsSince = clock.now() + SETTLES_MS),
  onFault: () => (seen.faultAt = clock.now()),
  onError: (text) => (document.getElementById("refusal").textContent = text),
});
views.forEach((view) => controls.wire(view));

const messages = new Messages({ root: document.getElementById("message"), clients, clock });

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
  const { cpu_seconds: crowdSeconds } = seen.state.crowd;
  if (crowdSeconds === null) seen.crowd.entries = [];
  else seen.crowd.add(seen.state.now_ns / 1e6, crowdSeconds);
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

let figures = [];
let mostAgeMs = 1000;
let level = null; // of the light

/** What moves all the time. */
function showFigures() {
  const now = clock.now();
  figures = clients.map((client) => figuresOf(client, seen, now));
  const known = figures.filter((one) => one.ageMs !== null);
  mostAgeMs = ageAxis(known.map((one) => one.ageMs), known.map((one) => one.ageNowMs), mostAgeMs);
  views.forEach((view, index) => {
    view.showState(figures[index]);
    view.drawCurve(now, mostAgeMs, figures[index]);
  });
  axis.draw(figures);
  messages.show();
  showLight(now);
}

/** What is read: the sentence and all tables, from the same figures at the same moment. */
function showWords() {
  const most = {
    requests: Math.max(...figures.map((one) => one.requestRate)),
    bytes: Math.max(...figures.map((one) => one.byteRate ?? 0)),
    cpu: Math.max(...figures.map((one) => one.cpu?.mean ?? 0)),
  };
  views.forEach((view, index) => view.show(figures[index], most));
  axis.say(figures);
  const lanes = clients.map((client, index) => ({
    title: client.transport.title,
    asks: client.transport.asks,
    latencies: figures[index].latencies,
    cpu: figures[index].cpu,
    answers: figures[index].answers,
    intervalSeconds: client.options.interval_seconds ?? null,
  }));
  const sentence = document.getElementById("sentence");
  const said = sentenceOf(lanes, level === BAD ? document.querySelector("#reasons li").textContent : null);
  if (sentence.textContent !== said) sentence.textContent = said;
  sentence.dataset.level = level;
  keepHeight(sentence);
  document.getElementById("clock-error").textContent = `±${formatMs(clock.errorMs)}`;
}

/** Let no shorter text pull up what is below: nobody can read figures that jump. */
function keepHeight(element) {
  const least = Number.parseFloat(element.style.minHeight) || 0;
  if (element.offsetHeight > least) element.style.minHeight = `${element.offsetHeight}px`;
}

function showLight(now) {
  const doubts = doubtsOf(factsOf(clients, figures, seen, clock, now));
  const found = lightOf(doubts);
  const light = document.getElementById("light");
  if (light.textContent !== found.text) Object.assign(light, { textContent: found.text }).dataset.level = found.level;
  showReasons(doubts.length ? doubts.map((doubt) => doubt.text) : [NO_DOUBT]);
  const turned = (level === BAD) !== (found.level === BAD);
  level = found.level;
  if (turned) showWords(); // nothing is said in full voice under a red light, not even for a second
}

function showReasons(lines) {
  const reasons = document.getElementById("reasons");
  const more = lines.length - MOST_REASONS;
  const shown = [...lines.slice(0, MOST_REASONS), ...(more > 0 ? [`And ${more} more.`] : [])];
  if (reasons.dataset.lines === shown.join("\n")) return;
  reasons.dataset.lines = shown.join("\n");
  reasons.replaceChildren(...shown.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
  keepHeight(reasons);
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
  for (const id of ["sentence", "reasons"]) document.getElementById(id).style.minHeight = "";
}

function freeze() {
  showFigures();
  showWords(); // of this moment: otherwise the tables are up to a second older than the curves
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
  if (!config.abilities.stall) document.getElementById("cpu-hint").textContent = CPU_OF_CONTAINERS;
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
