// From a need to an answer, and where it flips: estimate.py and flips.py of wirerace/analysis/cost_model, in JavaScript.

const GIB = 2 ** 30;

function operatedFor(model, constants, transport, need) {
  let interval = 0;
  if (transport === "polling") {
    const delay = coefficient(model, transport, "delay") + need.roundTrip / 2;
    interval = Math.min(constants.mostInterval, Math.max(constants.leastInterval, need.fresh - delay));
  }
  const hold = transport === "longpolling" ? constants.holdSeconds : 0;
  const { clients, rate, payload, roundTrip } = need;
  return { transport, clients, rate, payload, interval, hold, roundTrip };
}

const shared = (one, processes) => ({ ...one, clients: one.clients / processes });

// The least number of processes that are not too busy and fresh enough; null when no number is.
function processesFor(model, constants, one, need) {
  const isEnough = (processes) => {
    const found = predicted(model, shared(one, processes), constants.mostLoad);
    return found.cpu <= constants.mostBusy && found.latest <= need.fresh * (1 + 1e-9);
  };
  let most = 1;
  while (!isEnough(most)) {
    if (most >= constants.mostProcesses) return null;
    most *= 2;
  }
  let least = Math.floor(most / 2) + 1;
  while (least < most) {
    const middle = Math.floor((least + most) / 2);
    if (isEnough(middle)) most = middle;
    else least = middle + 1;
  }
  return most;
}

const fanOutSeconds = (model, one, processes) => Math.max(0, one.clients / processes - 1) * sendSeconds(model, one);

function estimate(data, transport, need, prices) {
  const { model, constants } = data;
  const operated = operatedFor(model, constants, transport, need);
  const processes = processesFor(model, constants, operated, need);
  const count = processes ?? 1;
  const one = predicted(model, shared(operated, count), constants.mostLoad);
  const value = (name) => coefficient(model, transport, name);
  const each = value("user_memory") + value("slab_memory") + value("socket_memory");
  const memory = count * value("base_memory") + need.clients * each;
  const late = need.fresh - (one.latest - fanOutSeconds(model, operated, count));
  const atOnce = late > 0 ? fanOutSeconds(model, operated, 1) / late : 0;
  const cores = Math.max((count * one.cpu) / constants.mostBusy, atOnce);
  const gb = (count * one.ipOut * 3600) / 1e9;
  return {
    transport,
    meets: processes !== null,
    whyNot: processes !== null ? "" : one.latest > need.fresh ? "too late" : "too much work for a process",
    interval: operated.interval || null,
    processes: count,
    latency: one.latency,
    age: one.age,
    cores,
    memory,
    mbitIn: (count * one.ipIn * 8) / 1e6,
    mbitOut: (count * one.ipOut * 8) / 1e6,
    requests: count * one.requests,
    money: constants.hoursPerMonth * (cores * prices.core + (memory / GIB) * prices.gib + gb * prices.gb),
    beyond: beyond(model, shared(operated, count), one),
    broken: one.broken,
  };
}

// What lies outside of the measured range: [words, value, least, most] each.
function beyond(model, operated, one) {
  const values = {
    clients: ["clients a process", operated.clients],
    updates_per_second: ["updates a second", operated.rate],
    payload_bytes: ["bytes of payload", operated.payload],
    interval_seconds: ["seconds between polls", operated.interval],
    requests_per_second: ["requests a second and process", one.requests],
    deliveries_per_second: ["deliveries a second and process", one.deliveries],
  };
  return Object.entries(model.measured[operated.transport])
    .filter(([name]) => name in values)
    .map(([name, span]) => [...values[name], span.least, span.most])
    .filter(([, value, least, most]) => value < least * (1 - 1e-9) || value > most * (1 + 1e-9));
}

function isAlike(constants, one, cheapest) {
  return one.money - cheapest.money <= Math.max(constants.alikeFraction * cheapest.money, constants.alikeMoney);
}

function advised(data, need, prices) {
  const estimates = Object.keys(data.titles).map((name) => estimate(data, name, need, prices));
  const good = estimates.filter((one) => one.meets);
  if (!good.length) return { take: null, cheapest: null, estimates };
  const cheapest = good.reduce((best, one) => (one.money < best.money ? one : best));
  const alike = good.filter((one) => isAlike(data.constants, one, cheapest));
  const rank = (one) => data.constants.simplestFirst.indexOf(one.transport);
  return { take: alike.reduce((best, one) => (rank(one) < rank(best) ? one : best)), cheapest, estimates };
}

const KEYS = { clients: "clients", updates_per_second: "rate", fresh_within_seconds: "fresh" };

// The nearest value of each quantity, down and up, from which on the answer is another one.
function flipsOf(data, need, prices) {
  const { constants } = data;
  const answer = (key, value) => advised(data, { ...need, [key]: value }, prices).take?.transport ?? null;
  const found = [];
  for (const [quantity, [least, most]] of Object.entries(constants.limits)) {
    const key = KEYS[quantity];
    const now = answer(key, need[key]);
    for (const direction of ["down", "up"]) {
      const factor = direction === "up" ? constants.step : 1 / constants.step;
      let same = need[key];
      for (let index = 1; index <= constants.steps; index += 1) {
        let other = need[key] * factor ** index;
        if (other < least || other > most) break;
        if (answer(key, other) === now) {
          same = other;
          continue;
        }
        for (let halving = 0; halving < constants.halvings; halving += 1) {
          const middle = Math.sqrt(same * other);
          if (answer(key, middle) === now) same = middle;
          else other = middle;
        }
        found.push({ quantity, direction, value: other, take: answer(key, other) });
        break;
      }
    }
  }
  return found;
}
