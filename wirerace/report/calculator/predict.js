"use strict";
// What the model says of one server process: wirerace/analysis/cost_model/predict.py, in JavaScript. A test compares them.

const coefficient = (model, transport, name) => model.coefficients[transport][name]?.value ?? 0;
const whole = (clients) => Math.ceil(clients - 1e-9);

// Long polling with Poisson updates and one re-poll gap: wirerace/theory/closed_forms.py.
function longPolled(rate, gap, hold, delay) {
  const quietGap = Math.exp(-rate * gap);
  const noneHeld = Math.exp(-rate * hold);
  const empty = quietGap * noneHeld;
  const cycle = gap + (quietGap * (1 - noneHeld)) / rate;
  const some = (1 - quietGap) / rate;
  const knownAge = (some - gap * quietGap * (1 - noneHeld) + empty * hold) / (1 - empty);
  const behind = (gap * gap) / 2 - (gap - some) / rate + knownAge * (gap - some);
  return {
    wait: (rate * gap * gap) / 2 / (rate * cycle),
    age: 1 / rate + delay + behind / cycle,
    empty,
    responses: 1 / cycle,
  };
}

// CPU time that an update takes for all clients, and how long it waits for earlier ones (M/D/1).
function updateSeconds(model, one) {
  if (one.transport === "polling") return 0;
  const value = (name) => coefficient(model, one.transport, name);
  const asked = one.transport === "longpolling" ? value("request") + value("answer") : value("delivery");
  const each = asked + one.payload * value("payload") + value("cold") / (1 + one.rate * value("cooling"));
  return value("update") + value("fan_out") + one.clients * each;
}

function queueSeconds(model, one) {
  if (one.transport === "polling" || one.transport === "longpolling") return 0;
  const work = updateSeconds(model, one);
  const load = Math.min(0.99, one.rate * work);
  return (load * work) / (2 * (1 - load));
}

const sendSeconds = (model, one) =>
  coefficient(model, one.transport, "send") + one.payload * coefficient(model, one.transport, "send_payload");

function gapSeconds(model, one) {
  if (one.transport !== "longpolling") return 0;
  const each = coefficient(model, one.transport, "gap_client");
  return coefficient(model, one.transport, "gap") + Math.max(0, one.clients - 1) * each + one.roundTrip;
}

// Latency, age, requests of a client in a second, empty part of them, and the conditions of theory that do not hold.
function theoryOf(model, one, mostLoad) {
  const delay = coefficient(model, one.transport, "delay") + one.roundTrip / 2 + queueSeconds(model, one);
  const clients = whole(one.clients);
  const pushed = delay + (Math.max(0, clients - 1) * sendSeconds(model, one)) / 2;
  const broken = (one.rate * clients * updateSeconds(model, one)) / one.clients > mostLoad[one.transport];
  if (one.transport === "polling") return polledTheory(model, one, delay, mostLoad);
  if (one.transport === "longpolling") {
    const polls = longPolled(one.rate, gapSeconds(model, one), one.hold, pushed);
    return { latency: polls.wait + pushed, age: polls.age, responses: polls.responses, empty: polls.empty, broken };
  }
  return { latency: pushed, age: 1 / one.rate + pushed, responses: 0, empty: 0, broken };
}

function polledTheory(model, one, delay, mostLoad) {
  const value = (name) => coefficient(model, "polling", name);
  const empty = Math.exp(-one.rate * one.interval);
  const cold = value("cold") / (1 + (one.clients / one.interval) * value("cooling"));
  const updates = one.rate * one.interval * (value("delivery") + one.payload * value("payload"));
  const cost = value("request") + (1 - empty) * value("answer") + updates + cold;
  return {
    latency: one.interval / 2 + delay,
    age: 1 / one.rate + one.interval / 2 + delay,
    responses: 1 / one.interval,
    empty,
    broken: (whole(one.clients) * cost) / one.interval > mostLoad.polling,
  };
}

function ratesOf(one, theory) {
  const requests = one.clients * theory.responses;
  const empty = requests * theory.empty;
  const answers = requests - empty;
  const deliveries = one.clients * one.rate;
  return { requests, empty, answers, deliveries, updates: answers ? deliveries / answers : 0 };
}

// Operations in a second that find a cold server: cold_times of terms.py.
function coldTimes(transport, rates, updates, cooling) {
  if (transport === "polling") return rates.requests / (1 + rates.requests * cooling);
  return (transport === "longpolling" ? rates.requests : rates.deliveries) / (1 + updates * cooling);
}

function cpuOf(model, one, rates) {
  const value = (name) => coefficient(model, one.transport, name);
  return (
    value("idle") +
    one.rate * (value("update") + value("fan_out")) +
    rates.requests * value("request") +
    rates.answers * value("answer") +
    rates.deliveries * (value("delivery") + one.payload * value("payload")) +
    value("cold") * coldTimes(one.transport, rates, one.rate, value("cooling"))
  );
}

function bytesOf(model, one, rates) {
  const value = (name) => coefficient(model, one.transport, name);
  const update = value("envelope_bytes") + one.payload * value("payload_bytes");
  const asks = "request_bytes" in model.coefficients[one.transport];
  const size = asks ? value("answer_bytes") + rates.updates * update : update;
  const operations = asks ? rates.requests : rates.deliveries;
  const large = asks ? rates.answers : rates.deliveries;
  const sent = asks ? rates.empty * value("empty_bytes") + rates.answers * size : rates.deliveries * update;
  const received = rates.requests * value("request_bytes");
  const further = large * Math.max(0, Math.ceil(size / model.segment_bytes - 1e-9) - 1);
  return {
    in: received + model.header_bytes * (operations * value("segments_in") + further / 2),
    out: sent + model.header_bytes * (operations * value("segments_out") + further),
  };
}

function predicted(model, one, mostLoad) {
  const theory = theoryOf(model, one, mostLoad);
  const rates = ratesOf(one, theory);
  const bytes = bytesOf(model, one, rates);
  const fanOut = Math.max(0, whole(one.clients) - 1) * sendSeconds(model, one);
  const delay = coefficient(model, one.transport, "delay") + one.roundTrip / 2;
  return {
    latency: theory.latency,
    age: theory.age,
    latest: delay + one.interval + fanOut + gapSeconds(model, one) + queueSeconds(model, one),
    cpu: cpuOf(model, one, rates),
    ipIn: bytes.in,
    ipOut: bytes.out,
    requests: rates.requests,
    deliveries: rates.deliveries,
    broken: theory.broken,
  };
}
