// The words of the page: wirerace/report/recommendation.py, in JavaScript.

function number(value) {
  if (value === 0) return "0";
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) < 0.001) return value.toExponential(0);
  const rounded = Number(value.toPrecision(3));
  if (Math.abs(rounded) >= 1e12) return value.toExponential(0);
  for (const [size, suffix] of [[1e9, "G"], [1e6, "M"]]) {
    if (Math.abs(rounded) >= size) return `${Number((rounded / size).toPrecision(3))}${suffix}`;
  }
  return Math.abs(rounded) >= 100 ? Math.round(rounded).toLocaleString("en") : String(rounded);
}

function seconds(value) {
  if (value >= 1e5) return `${number(value / 86400)} d`;
  const units = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"]];
  const [size, name] = units.find(([one]) => Number(value.toPrecision(3)) >= one) ?? units[0];
  return `${number(value / size)} ${name}`;
}

const SINGULAR = { clients: "client", "updates a second": "update a second" };
const counted = (value, unit) => `${number(value)} ${value === 1 ? SINGULAR[unit] : unit}`;

function sentenceOf(data, need, advice) {
  const get = need.clients === 1 ? "gets" : "get";
  const updates = counted(need.rate, "updates a second");
  const asked = `${counted(need.clients, "clients")} ${get} ${updates} within ${seconds(need.fresh)}`;
  const { take, cheapest } = advice;
  if (!take) return `No transport can do this: ${asked}. The table has the nearest that each can do.`;
  const name = take.interval ? `plain polling, every ${seconds(take.interval)}` : data.titles[take.transport];
  const said = `Take ${name}: ${asked} for about $${number(take.money)} a month.`;
  if (take !== cheapest) {
    const { alikeMoney } = data.constants;
    const less = take.money < 10 * alikeMoney ? `$${number(alikeMoney)} a month` : "a fifth";
    const saying = `${said} ${data.titles[cheapest.transport]} is the cheapest, but it saves no more than ${less}.`;
    return take.transport === "polling" ? saying : saying + against(data, take, advice);
  }
  return said + against(data, take, advice);
}

const times = (value, base) => (base ? number(value / base) : "many");

function against(data, take, advice) {
  const polling = advice.estimates.find((one) => one.transport === "polling");
  if (polling && !polling.meets) return " Plain polling cannot be fresh enough.";
  if (polling && polling !== take) {
    return ` Plain polling every ${seconds(polling.interval)} would cost ${times(polling.money, take.money)} times as much.`;
  }
  const others = advice.estimates.filter((one) => one.meets && one !== take);
  if (!others.length) return "";
  const other = others.reduce((best, one) => (one.money < best.money ? one : best));
  const title = data.titles[other.transport];
  if (isAlike(data.constants, other, take)) {
    return ` ${title} costs about the same, and is ${times(take.latency, other.latency)} times sooner.`;
  }
  return ` ${title} would cost ${times(other.money, take.money)} times as much.`;
}

const UNITS = { clients: "clients", updates_per_second: "updates a second" };

function flipWords(data, flip) {
  const name = flip.take === null ? "no transport" : data.titles[flip.take];
  const value = Number(flip.value.toPrecision(2));
  const isTime = flip.quantity === "fresh_within_seconds";
  const where = isTime ? `a freshness of ${seconds(value)}` : counted(value, UNITS[flip.quantity]);
  return `to ${name} ${flip.direction === "up" ? `from ${where} on` : `below ${where}`}`;
}
