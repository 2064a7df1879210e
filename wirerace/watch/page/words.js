// Words: numbers as people read them, and the sentence above everything. Pure functions.

const ENOUGH_TO_COMPARE = 10;
const SUPPOSED_RATE = 50;
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

/** A number with two significant digits, as in "480 times". */
function rough(value) {
  return Number(value.toPrecision(2)).toLocaleString("en");
}

/** A title inside a sentence: names and abbreviations keep their capitals. */
function inSentence(title) {
  return /^[A-Z][a-z]+( [a-z]+)*$/.test(title) ? title.toLowerCase() : title;
}

/**
 * What the numbers say now, and no more than they support. `lanes`: title, `latencies` ms, `cpu` estimates in ms a
 * second, `answers` (updates in each), `intervalSeconds` (null for clients that do not ask at a fixed interval).
 */
function sentenceOf(lanes, ratePerSecond) {
  const known = lanes
    .filter((lane) => lane.latencies.length >= ENOUGH_TO_COMPARE)
    .map((lane) => ({ ...lane, latency: mean(lane.latencies) }))
    .sort((one, other) => one.latency - other.latency);
  if (known.length < 2) return "Too few updates yet to compare anything.";
  const [first, last] = [known[0], known.at(-1)];
  const said = [lateness(first, last)];
  if (last.latency >= 2 * first.latency) said.push(costs(first, last));
  const poller = lanes.find((lane) => lane.intervalSeconds !== null);
  if (poller) said.push(batching(poller, ratePerSecond));
  return said.filter(Boolean).join(" ");
}

function lateness(first, last) {
  const [low, high] = [formatMs(first.latency), formatMs(last.latency)];
  const ratio = last.latency / first.latency;
  if (first.latency <= 0) return `Right now ${inSentence(last.title)} is the latest, ${high} on average.`;
  if (ratio < 2) return `Right now no transport is twice as late as another: from ${low} to ${high} on average.`;
  const [late, early] = [last, first].map((lane) => inSentence(lane.title));
  return `Right now ${late} is ${rough(ratio)} times later than ${early}: ${high} against ${low} on average.`;
}

/** How two servers' CPU times compare; that they cannot be told apart, if their intervals say so. */
function costs(first, last) {
  if (!first.cpu || !last.cpu || Math.min(first.cpu.count, last.cpu.count) < ENOUGH_TO_COMPARE) return "";
  const apart = Math.abs(last.cpu.mean - first.cpu.mean);
  const error = Math.hypot(first.cpu.error, last.cpu.error);
  if (apart <= error) return "The CPU times of their servers cannot be told apart.";
  const [one, other] = [last, first].map((lane) => `${lane.cpu.mean.toFixed(1)} ms`);
  const ratio = rough(last.cpu.mean / first.cpu.mean);
  return `It costs its server ${ratio} times the CPU time: ${one} against ${other} a second.`;
}

/** What its answers bring, and what they would bring at another rate: λT on average, however updates arrive. */
function batching(poller, ratePerSecond) {
  const title = inSentence(poller.title);
  const said = [];
  if (poller.answers.length >= ENOUGH_TO_COMPARE) {
    const full = poller.answers.filter((count) => count > 0);
    const empty = 1 - full.length / poller.answers.length;
    const brings = mean(full);
    if (empty > 0.005) said.push(`${Math.round(100 * empty)} % of the answers of ${title} are empty.`);
    else if (brings >= 1.5) said.push(`One answer of ${title} brings ${rough(brings)} updates.`);
  }
  const would = SUPPOSED_RATE * poller.intervalSeconds;
  if (ratePerSecond < SUPPOSED_RATE / 2 && would >= 2) {
    const brought = `one answer would bring ${rough(would)} updates, and a push would take ${rough(would)} messages`;
    said.push(`At ${SUPPOSED_RATE} updates a second ${brought}.`);
  }
  return said.join(" ");
}
