// Words: numbers as people read them, and the sentence above everything. Pure functions.

const ENOUGH_TO_COMPARE = 10;
const NONE = "–";

function formatMs(ms) {
  if (ms === null || !Number.isFinite(ms)) return NONE;
  if (Math.abs(ms) < 10) return `${ms.toFixed(1)} ms`;
  return Math.abs(ms) < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

function seconds(ms) {
  return ms === null ? NONE : `${Math.round(ms / 1000)} s`;
}

function formatBytes(bytes) {
  if (bytes === null) return NONE;
  const power = Math.min(3, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** power;
  return `${power && value < 100 ? value.toFixed(1) : value.toFixed(0)} ${["B", "kB", "MB", "GB"][power]}`;
}

function formatShare(share) {
  return share === null ? `${NONE} %` : `${Math.round(100 * share)} %`;
}

/** How many a second; a rate of 0 is none, whatever there was before. */
function formatRate(perSecond, total) {
  return perSecond ? `${perSecond.toFixed(perSecond < 0.95 ? 2 : 1)}/s, ${total} so far` : `none now, ${total} so far`;
}

/** What was cut: nothing happens where no connection was in use. */
function cutNote(count, asks, stage) {
  if (!count) return "Cut: no connection was in use, so nothing happened.";
  const which = count === 1 ? "1 connection" : `${count} connections`;
  if (asks && stage === "waits") return `Cut: ${which}, between two questions, so nobody noticed.`;
  return `Cut: ${which}. The client continues where it was.`;
}

/** A number with two significant digits, as in "480 times". */
function rough(value) {
  return Number(value.toPrecision(2)).toLocaleString("en");
}

/** A title inside a sentence: names and abbreviations keep their capitals. */
function inSentence(title) {
  return /^[A-Z][a-z]+( [a-z]+)*$/.test(title) ? title.toLowerCase() : title;
}

/**
 * What the numbers say now, and no more than they support. `lanes`: title, `asks`, `latencies` ms, `cpu` estimates in ms
 * a second, `answers` (updates in each), `intervalSeconds` (null for clients that do not ask at a fixed interval).
 * `trouble` is why nothing may be believed; null where it may.
 */
function sentenceOf(lanes, trouble = null) {
  if (trouble !== null) return `Nothing is compared while the light is red. ${trouble}`;
  const known = lanes.filter((lane) => lane.latencies.length >= ENOUGH_TO_COMPARE);
  if (known.length < 2) return "Too few updates yet to compare anything.";
  const [first, rival, others] = sidesOf(known.map((lane) => ({ ...lane, latency: mean(lane.latencies) })));
  const said = [lateness(first, rival), costs(first, rival)];
  said.splice(1, 0, ...others.map((lane) => `${lane.title}: ${formatMs(lane.latency)}.`));
  const poller = lanes.find((lane) => lane.intervalSeconds !== null);
  if (poller) said.push(batching(poller));
  return said.filter(Boolean).join(" ");
}

/**
 * Who is compared with whom, always the same: who asks at a fixed interval, or else who asks, or else the first, with all
 * that do not ask, together. The differences among those change from moment to moment and mean nothing.
 */
function sidesOf(known) {
  const [asking, open] = [known.filter((lane) => lane.asks), known.filter((lane) => !lane.asks)];
  const first = asking.find((lane) => lane.intervalSeconds !== null) ?? asking[0] ?? open[0];
  const against = open.filter((lane) => lane !== first);
  if (!against.length) return [first, asking.find((lane) => lane !== first), []];
  return [first, pooled(against), asking.filter((lane) => lane !== first)];
}

/** Several lanes as one: their mean latency, and the mean of their servers' CPU times. */
function pooled(lanes) {
  if (lanes.length === 1) return lanes[0];
  const cpus = lanes.map((lane) => lane.cpu);
  const cpu = cpus.every(Boolean) && {
    mean: mean(cpus.map((one) => one.mean)),
    error: Math.hypot(...cpus.map((one) => one.error)) / cpus.length,
    count: Math.min(...cpus.map((one) => one.count)),
  };
  const names = lanes.map((lane) => lane.title);
  const of = `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
  return { title: `a push by ${of}`, latency: mean(lanes.flatMap((lane) => lane.latencies)), cpu };
}

function lateness(first, rival) {
  const [own, other] = [first, rival].map((lane) => formatMs(lane.latency));
  const [title, than] = [first, rival].map((lane) => inSentence(lane.title));
  const ratio = first.latency / rival.latency;
  if (Math.min(first.latency, rival.latency) <= 0) return `Right now ${title} is ${own} late, and ${than} ${other}.`;
  const against = `${own} against ${other} on average.`;
  if (ratio < 2 && ratio > 0.5) return `Right now ${title} is about as late as ${than}: ${against}`;
  if (ratio < 1) return `Right now ${title} is ${rough(1 / ratio)} times earlier than ${than}: ${against}`;
  return `Right now ${title} is ${rough(ratio)} times later than ${than}: ${against}`;
}

/** How two servers' CPU times compare; that they cannot be told apart, if their intervals say so. */
function costs(first, rival) {
  if (!first.cpu || !rival.cpu || Math.min(first.cpu.count, rival.cpu.count) < ENOUGH_TO_COMPARE) return "";
  const apart = Math.abs(first.cpu.mean - rival.cpu.mean);
  const error = Math.hypot(first.cpu.error, rival.cpu.error);
  if (apart <= error) return "The CPU times of their servers cannot be told apart.";
  const [one, other] = [first, rival].map((lane) => `${lane.cpu.mean.toFixed(2)} ms`);
  const ratio = first.cpu.mean / rival.cpu.mean;
  const takes = ratio < 1 ? `${Math.round(100 * (1 - ratio))} % less CPU time` : `${rough(ratio)} times the CPU time`;
  return `The server of ${inSentence(first.title)} takes ${takes}: ${one} against ${other} a second.`;
}

/** What its answers bring. */
function batching(poller) {
  const title = inSentence(poller.title);
  const said = [];
  if (poller.answers.length >= ENOUGH_TO_COMPARE) {
    const full = poller.answers.filter((count) => count > 0);
    const empty = 1 - full.length / poller.answers.length;
    const brings = mean(full);
    if (empty > 0.005) said.push(`${Math.round(100 * empty)} % of the answers of ${title} are empty.`);
    else if (brings >= 1.5) said.push(`One answer of ${title} brings ${rough(brings)} updates.`);
  }
  return said.join(" ");
}
