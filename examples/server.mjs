// A server of updates in one file: SSE and HTTP streaming, with nothing but Node's standard library.
//
//     node examples/server.mjs --port 9000 --producer-url http://127.0.0.1:8100
//
// It keeps the delivery contract (docs/contract.md). `wirerace check` says so, promise by promise.

import http from 'node:http'
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '9000' },
    'producer-url': { type: 'string', default: 'http://127.0.0.1:8100' },
  },
})

const CURSOR = /^([0-9a-z]{1,16})-(0|[1-9][0-9]{0,17})$/
const KEEP_UPDATES = 65536
const HIGH_WATER_BYTES = 256 * 1024 // a client that leaves more unread loses its connection
const SILENCE_MS = 3000
const HEARTBEAT_MS = 15000

// What is kept: the updates in order, as {epoch, seq, line}, and the epochs in order.
const updates = []
const epochs = []
let head = { epoch: '', seq: 0 }
let live = false
let caughtUp = false
const clients = new Set()

const spelled = (cursor) => `${cursor.epoch}-${cursor.seq}`

function turnTo(epoch) {
  if (epoch === head.epoch) return
  head = { epoch, seq: 0 }
  epochs.push(epoch)
}

function add(line) {
  const { epoch, seq, ts, data } = JSON.parse(line)
  if (typeof epoch !== 'string' || !Number.isInteger(seq) || typeof ts !== 'number' || typeof data !== 'string') {
    throw new Error(`no update: ${line}`)
  }
  turnTo(epoch)
  if (seq <= head.seq) throw new Error(`update ${seq} after ${head.seq}`)
  head = { epoch, seq }
  const update = { epoch, seq, line }
  updates.push(update)
  if (updates.length > 2 * KEEP_UPDATES) updates.splice(0, KEEP_UPDATES)
  for (const client of clients) client.deliver(update)
}

// Whether an update lies behind a cursor. A cursor of an unknown epoch lies before all that is kept.
function isBehind(update, after) {
  if (update.epoch === after.epoch) return update.seq > after.seq
  return epochs.indexOf(update.epoch) > epochs.indexOf(after.epoch)
}

// Follow the producer's feed for ever, and ask again at our cursor whenever it breaks.
function follow() {
  let again = () => {
    again = () => {}
    live = false
    request.destroy()
    setTimeout(follow, 50)
  }
  const after = head.epoch ? spelled(head) : '0-0'
  const request = http.get(`${options['producer-url']}/feed?after=${after}`, { agent: false }, (feed) => {
    const newest = CURSOR.exec(feed.headers['wirerace-cursor'] ?? '')
    if (feed.statusCode !== 200 || !newest) return again()
    const note = () => {
      if (head.epoch === newest[1] && head.seq >= Number(newest[2])) live = caughtUp = true
    }
    turnTo(newest[1])
    note()
    let unread = ''
    feed.setEncoding('utf8')
    feed.on('data', (text) => {
      const lines = (unread + text).split('\n')
      unread = lines.pop()
      try {
        for (const line of lines) if (line) add(line) // an empty line is a heartbeat
        note()
      } catch {
        again()
      }
    })
    feed.on('close', () => again())
    feed.on('error', () => again())
  })
  request.setTimeout(SILENCE_MS, () => again())
  request.on('error', () => again())
}

// The two transports differ in what an update looks like.
const transports = {
  '/sse': {
    type: 'text/event-stream',
    begin: (cursor) => `retry: 1000\nid: ${cursor}\n\n`,
    spell: (update) => `id: ${spelled(update)}\ndata: ${update.line}\n\n`,
    heartbeat: ':\n',
  },
  '/stream': {
    type: 'application/x-ndjson',
    begin: () => '',
    spell: (update) => `${update.line}\n`,
    heartbeat: '\n',
  },
}

class Client {
  constructor(transport, response, after) {
    this.transport = transport
    this.response = response
    this.after = after
  }

  deliver(update) {
    if (!isBehind(update, this.after)) return
    this.after = update
    this.write(this.transport.spell(update))
  }

  write(text) {
    if (this.response.writableLength <= HIGH_WATER_BYTES) return this.response.write(text)
    clients.delete(this)
    return this.response.destroy() // it can come back with its cursor
  }

  // Write what it missed as it reads, so that nobody who reads is too slow.
  async catchUp() {
    let place = updates.findIndex((update) => isBehind(update, this.after))
    while (place >= 0 && place < updates.length && !this.response.destroyed) {
      const update = updates[place]
      this.after = update
      if (!this.response.write(this.transport.spell(update))) {
        await new Promise((resolve) => {
          this.response.once('drain', resolve)
          this.response.once('close', resolve)
        })
        place = updates.findIndex((one) => isBehind(one, this.after))
      } else {
        place += 1
      }
    }
    if (!this.response.destroyed) clients.add(this)
  }
}

function accepts(header, type) {
  const ranges = new Map()
  for (const part of header.replaceAll(' ', '').split(',').filter(Boolean)) {
    const [name, ...parameters] = part.split(';')
    ranges.set(name, !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter)))
  }
  const name = [type, `${type.split('/')[0]}/*`, '*/*'].find((one) => ranges.has(one))
  return name === undefined ? ranges.size === 0 : ranges.get(name)
}

function answer(response, status, line, headers = {}) {
  const body = `${line}\n`
  response.writeHead(status, { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(body), ...headers })
  response.end(body)
}

function serve(request, response) {
  const url = new URL(request.url, 'http://server')
  const transport = transports[url.pathname]
  const hosts = request.rawHeaders.filter((name, place) => place % 2 === 0 && name.toLowerCase() === 'host')
  if (request.httpVersion === '1.1' && hosts.length !== 1) return answer(response, 400, 'a request has one Host')
  if (url.pathname === '/health') {
    return answer(response, live ? 200 : 503, JSON.stringify({ service: 'example', live }))
  }
  if (!transport) return answer(response, 404, 'there is nothing')
  if (request.method !== 'GET') return answer(response, 405, 'ask with GET', { Allow: 'GET' })
  if (request.httpVersion !== '1.1') return answer(response, 400, 'this answer is chunked: ask with HTTP/1.1')
  if (!accepts(request.headers.accept ?? '', transport.type)) return answer(response, 406, `this is ${transport.type}`)
  let after = url.searchParams.getAll('after').at(-1)
  let name = 'after'
  if (url.pathname === '/sse' && request.headers['last-event-id']) {
    after = request.headers['last-event-id']
    name = 'Last-Event-ID'
  }
  const match = after === undefined ? undefined : CURSOR.exec(after)
  if (match === null) return answer(response, 400, `${name} must be a cursor such as k3f9-17`)
  if (!caughtUp) return answer(response, 503, 'no feed yet')
  const start = match ? { epoch: match[1], seq: Number(match[2]) } : head
  response.writeHead(200, {
    'Content-Type': transport.type,
    'Cache-Control': 'no-store',
    'Wirerace-Cursor': spelled(start),
  })
  response.flushHeaders()
  const client = new Client(transport, response, start)
  response.on('close', () => clients.delete(client))
  response.write(transport.begin(spelled(start)) || '\n')
  client.catchUp()
}

const limits = { keepAliveTimeout: 75000, headersTimeout: 10000, connectionsCheckingInterval: 1000, noDelay: true }
const server = http.createServer(limits, serve)
server.listen(Number(options.port), '127.0.0.1', 1024)
follow()
setInterval(() => {
  for (const client of clients) client.write(client.transport.heartbeat)
}, HEARTBEAT_MS)

process.on('SIGTERM', () => {
  for (const client of clients) client.response.end() // with the last chunk
  server.close()
  setTimeout(() => process.exit(0), 200)
})
