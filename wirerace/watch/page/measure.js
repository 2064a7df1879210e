// Measuring: values and pure functions. Nothing here knows a page, a connection or what time it is.
// Times are milliseconds since 1970, as the producer's clock shows them.

const WINDOW_MS = 20_000;

/** What came in the last `spanMs`, oldest first. */
class Recent {
  constructor(spanMs = WINDOW_MS) {
    this.spanMs = spanMs;
    this.entries = [];
  }

  add(at, value) {
    this.entries.push({ at, value });
    this.forget(at);
  }

  /** Drop what is older than the span. */
  forget(now) {
    const kept = this.entries.findIndex((entry) => entry.at >= now - this.spanMs);
    if (kept !== 0) this.entries.splice(0, kept < 0 ? this.entries.length : kept);
  }

  /** The values that came at a time or later. */
  since(from) {
    return this.entries.filter((entry) => entry.at >= from).map((entry) => entry.value);
  }
}

/** The age of what a client knows: it grows with time, and falls when something newer comes. */
class Age {
  constructor(spanMs = WINDOW_MS) {
    this.spanMs = spanMs;
    this.steps = []; // {at, made}: from `at` on, the newest known update was made at `made`
  }

  received(at, made) {
    const last = this.steps.at(-1);
    if (last && made <= last.made) return;
    this.steps.push({ at, made });
    while (this.steps.length > 1 && this.steps[1].at < at - this.spanMs) this.steps.shift();
  }

  /** The age now; null before anything is known. */
  now(at) {
    return this.steps.length ? at - this.steps.at(-1).made : null;
  }

  /** The mean age between two times, over the time in which something was known; null without any. */
  mean(from, to) {
    let area = 0;
    let covered = 0;
    this.steps.forEach(({ at, made }, index) => {
      const begin = Math.max(from, at);
      const end = Math.min(to, this.steps[index + 1]?.at ?? to);
      if (end <= begin) return;
      area += ((begin + end) / 2 - made) * (end - begin);
      covered += end - begin;
    });
    return covered > 0 ? area / covered : null;
  }

  /** The corners of the curve between two times: [at, age], two at each fall. */
  corners(from, to) {
    const corners = [];
    this.steps.forEach(({ at, made }, index) => {
      const begin = Math.max(from, at);
      const end = Math.min(to, this.steps[index + 1]?.at ?? to);
      if (end > begin) corners.push([begin, begin - made], [end, end - made]);
    });
    return corners;
  }
}

/** Corners of an age curve, flattened where it is older than `most`. Age grows as fast as time passes. */
function flattened(corners, most) {
  const flat = [];
  for (let index = 0; index < corners.length; index += 2) {
    const [[begin, young], [end, old]] = [corners[index], corners[index + 1]];
    flat.push([begin, Math.min(young, most)]);
    if (young < most && most < old) flat.push([begin + most - young, most]);
    flat.push([end, Math.min(old, most)]);
  }
  return flat;
}

/** The end of the age axis: room for three times the largest mean, and for what is older at this moment. */
function ageAxis(meansMs, agesMs, before) {
  const wanted = roundUp(Math.max(100, ...meansMs.map((mean) => 3 * mean), ...agesMs));
  return wanted > before || wanted <= 0.6 * before ? wanted : before; // so that it does not change again and again
}

/** Splits text that comes in any parts into lines. */
class Lines {
  constructor() {
    this.rest = "";
  }

  /** The lines that are whole now. */
  feed(text) {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop();
    return lines;
  }
}

/** What a client has received, by epoch: `seq` counts from 1 without gaps, so a gap is a loss. */
class Ledger {
  constructor() {
    this.received = 0;
    this.missing = 0;
    this.again = 0;
    this.epoch = null;
    this.highest = null;
  }

  /** Count an update; return whether it is new. */
  take(epoch, seq) {
    this.received += 1;
    if (epoch !== this.epoch) {
      this.epoch = epoch;
      this.highest = seq;
      return true;
    }
    if (seq <= this.highest) {
      this.again += 1;
      return false;
    }
    this.missing += seq - this.highest - 1;
    this.highest = seq;
    return true;
  }
}

/** The producer's clock, as this page knows it: by the quickest of the last questions to its server. */
class ServerClock {
  constructor(read = () => performance.timeOrigin + performance.now(), kept = 12) {
    this.read = read; // apart from the producer's clock when that was set since the page was loaded
    this.kept = kept;
    this.probes = [];
    this.steppedMs = 0;
  }

  /** Take the answer to a question sent and answered at two readings of this page's own clock. */
  probed(sent, serverNow, received) {
    const offset = serverNow - (sent + received) / 2;
    const probe = { offset, roundTrip: received - sent };
    const apart = this.probes.length ? Math.abs(offset - this.offset) : 0;
    if (apart > probe.roundTrip / 2 + this.errorMs + 5) {
      this.steppedMs = apart; // no question and no drift explains that: a clock was set
      this.probes = [];
    }
    this.probes.push(probe);
    if (this.probes.length > this.kept) this.probes.shift();
  }

  get best() {
    return this.probes.reduce((best, probe) => (probe.roundTrip < best.roundTrip ? probe : best));
  }

  get offset() {
    return this.probes.length ? this.best.offset : 0;
  }

  /** How wrong the offset may be: half of the quickest round trip. */
  get errorMs() {
    return this.probes.length ? this.best.roundTrip / 2 : Infinity;
  }

  now() {
    return this.read() + this.offset;
  }
}

function mean(values) {
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
}

function median(values) {
  if (!values.length) return null;
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Mean of values and half of its 95 % interval: 1.96 standard errors, for ten values or more. */
function estimate(values) {
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  const error = values.length > 1 ? 1.96 * Math.sqrt(squares / (values.length - 1) / values.length) : Infinity;
  return { mean: middle, error, count: values.length };
}

/** How fast a count grows between neighbouring samples {at, count}; a count that fell began again. */
function ratesOf(samples) {
  const rates = [];
  for (let index = 1; index < samples.length; index += 1) {
    const { at, count } = samples[index];
    const before = samples[index - 1];
    if (count >= before.count && at > before.at) rates.push((1000 * (count - before.count)) / (at - before.at));
  }
  return rates;
}

/** Where a value lies between two others on a logarithmic axis: 0 to 1. */
function logPlace(value, low, high) {
  const place = Math.log(value / low) / Math.log(high / low);
  return Math.min(1, Math.max(0, place));
}

/** The value at such a place. */
function logValue(place, low, high) {
  return low * (high / low) ** place;
}

/** The next round number that is not smaller: one of a few times a power of ten. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 1.5, 2, 3, 5, 7, 10].find((step) => step * power >= value * (1 - 1e-9));
}
