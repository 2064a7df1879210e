// Doubts: whether the numbers can be believed now, and if not, why. Pure functions.

const ENOUGH_UPDATES = 30;
const FULL_SHARE = 0.9; // of a core: a crowd that takes more is late itself
const BUSY_SHARE = 0.25;
const FEW_OTHERS = 4; // a browser keeps a connection or two that it does not need
const CARE = "care";
const BAD = "bad";

/**
 * The reasons to doubt what the page shows, those that a person has caused first. `facts` are about the last 20 s:
 * `begun` (whether anything is known), `hiddenMs` since the tab was hidden, `faultMs` since a cut, a stall or a break (both
 * null for never), `loopLateMs`, `latePolls`, `clock` {errorMs, steppedMs}, `producer` {live, lateMs}, `answers` (whether
 * the page's server answers), `crowd` {clients, share} (of a core; null while unknown), `others` (the most clients of a
 * server that are neither this page nor its crowd), `lanes` [{title, live, stalled, count, latencyMs, missing}].
 * A doubt with `busy` has its reason in the computer, and not in what is compared.
 */
function doubtsOf(facts) {
  if (!facts.begun) return [{ level: CARE, text: "Nothing is measured yet." }];
  const doubts = [];
  const doubt = (level, holds, text, busy = false) => holds && doubts.push({ level, text, busy });
  const { clock, producer, crowd } = facts;
  doubt(BAD, !facts.answers, "The page's server does not answer: it was stopped, or this machine is very busy.");
  const hidden = seconds(facts.hiddenMs);
  doubt(BAD, facts.hiddenMs !== null, `This tab was hidden ${hidden} ago: timers ran once a second or less, and polls late.`);
  const stepped = formatMs(clock.steppedMs);
  doubt(BAD, clock.steppedMs > 0, `A clock was set by ${stepped}: latencies before and after do not fit together.`);
  doubt(BAD, !producer.live, "The producer does not answer.");
  const fault = seconds(facts.faultMs);
  doubt(CARE, facts.faultMs !== null, `Connections broke, or a server stood still, ${fault} ago: theory knows nothing of that.`);
  const takes = crowd.share === null ? "" : `: it takes ${Math.round(100 * crowd.share)} % of a core`;
  const beside = `A crowd of ${crowd.clients} clients for each transport runs on this computer, too${takes}.`;
  doubt(crowd.share > FULL_SHARE ? BAD : CARE, crowd.clients > 0, beside, crowd.share > BUSY_SHARE);
  const others = `Up to ${facts.others} other clients are connected to a server: they take CPU time, too.`;
  doubt(CARE, facts.others > FEW_OTHERS, others);
  const late = `This page's own code ran up to ${formatMs(facts.loopLateMs)} late: the browser or the machine is busy.`;
  doubt(facts.loopLateMs > 200 ? BAD : CARE, facts.loopLateMs > 50, late, true);
  doubt(CARE, facts.latePolls > 0, `Polls that left more than 50 ms late: ${facts.latePolls}.`, true);
  doubt(CARE, producer.lateMs > 5, `The producer makes updates ${formatMs(producer.lateMs)} late on average.`, true);
  for (const lane of facts.lanes) doubts.push(...doubtsOfLane(lane, clock));
  const few = facts.lanes.filter((lane) => lane.count < ENOUGH_UPDATES).map((lane) => `${lane.title} (${lane.count})`);
  const hint = `Fewer than ${ENOUGH_UPDATES} updates to judge by: ${few.join(", ")}. Wait, or make more a second.`;
  doubt(CARE, few.length, hint);
  return doubts.sort((one, other) => (one.level === BAD ? 0 : 1) - (other.level === BAD ? 0 : 1));
}

function doubtsOfLane({ title, live, stalled, latencyMs, missing }, clock) {
  const doubts = [];
  if (stalled) doubts.push({ level: BAD, text: `${title}: its server stands still.` });
  else if (!live) doubts.push({ level: BAD, text: `${title}: its server is not live.` });
  if (missing) doubts.push({ level: BAD, text: `${title}: ${missing} updates are missing.` });
  if (latencyMs !== null && latencyMs < -clock.errorMs) {
    doubts.push({ level: BAD, text: `${title}: updates seem to come before they are made, so the clocks differ.` });
  } else if (latencyMs !== null && clock.errorMs > latencyMs / 2) {
    const [error, latency] = [clock.errorMs, latencyMs].map(formatMs);
    doubts.push({ level: CARE, text: `${title}: the clock is known to ±${error} only, which is much of ${latency}.` });
  }
  return doubts;
}

/** What the light says: that of the worst doubts. */
function lightOf(doubts) {
  if (!doubts.length) return { level: "good", text: "These numbers can be believed" };
  const level = doubts.some((doubt) => doubt.level === BAD) ? BAD : CARE;
  const text = level === BAD ? "Do not believe these numbers" : "Believe these numbers with care";
  const isBusy = doubts.filter((doubt) => doubt.level === level).every((doubt) => doubt.busy);
  return { level, text: isBusy ? `${text}: this computer is busy` : text };
}
