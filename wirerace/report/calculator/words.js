// The words of the page: wirerace/report/recommendation.py, in JavaScript.

function number(value) {
  if (value === 0) return "0";
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) < 0.001) return value.toExponential(0);
  const rounded = Number(value.toPrecision(3));
  for (const [size, suffix] of [[1e9, "G"], [1e6, "M"]]) {
    if (Math.abs(rounded) >= size) return `${Number((rounded / size).toPrecision(3))}${suffix}`;
  }
  return Math.abs(rounded) >= 100 ? Math.round(rounded).toLocaleString("en") : String(rounded);
}

function seconds(value) {
  const units = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"]];
  const [size, name] = units.find(([one]) => Number(value.toPrecision(3)) >= one) ?? units[0];
  return `${number(value / size)} ${name}`;
}

function sentenceOf(data, need, advice) {
  const asked = `${number(need.clients)} clients, ${number(need.rate)} updates a second and ${seconds(need.fresh)}`;
  const { take, cheapest } = advice;
  if (!take) return `No transport meets ${asked}: see the table for the nearest that each can do.`;
  const name = take.interval ? `plain polling, every ${seconds(take.interval)}` : data.titles[take.transport];
  const said = `Take ${name}: it serves ${asked} for about $${number(take.money)} a month.`;
  if (take !== cheapest) {
    const { alikeMoney } = data.constants;
    const less = take.money < 10 * alikeMoney ? `$${number(alikeMoney)} a month` : "a tenth";
    return `${said} ${data.titles[cheapest.transport]} is the cheapest, but it saves no more than ${less}.`;
  }
  return said + against(data, take, advice);
}

function against(data, take, advice) {
  const others = advice.estimates.filter((one) => one.meets && one !== take);
  const polling = advice.estimates.find((one) => one.transport === "polling");
  if (polling && !polling.meets) return " Plain polling cannot be fresh enough.";
  const next = others.length ? others.reduce((best, one) => (one.money < best.money ? one : best)) : null;
  const other = polling === take || !polling ? next : polling;
  if (!other || isAlike(data.constants, other, take)) return "";
  const what = other === polling ? "Plain polling" : data.titles[other.transport];
  const every = other.interval ? ` every ${seconds(other.interval)}` : "";
  return ` ${what}${every} would cost ${number(other.money / take.money)} times as much.`;
}

const UNITS = { clients: "clients", updates_per_second: "updates a second", fresh_within_seconds: "s fresh within" };

function flipWords(data, flip) {
  const name = flip.take === null ? "nothing" : data.titles[flip.take];
  const where = `${number(flip.value)} ${UNITS[flip.quantity]}`;
  return `to ${name} ${flip.direction === "up" ? `from ${where} on` : `below ${where}`}`;
}
