"use strict"
// What the checks of akta_client.js stand on: comparing, the published protos, and a client with its people.

const fs = require("node:fs")
const path = require("node:path")
const crypto = require("node:crypto")
const { inspect, isDeepStrictEqual } = require("node:util")
const grpc = require("@grpc/grpc-js")
const protoLoader = require("@grpc/proto-loader")
const protobuf = require("protobufjs")

const PAGE_SIZE = 7
const CALL_SECONDS = 20
const STREAM_SECONDS = 120
const REFERENCE = "DSR-2026-17"

/** A check did not hold. */
class Failed extends Error {}

const shown = value => inspect(value, { depth: null, breakLength: 120 })

function expect(what, expected, got) {
  if (isDeepStrictEqual(expected, got)) return
  if (Array.isArray(expected) && Array.isArray(got)) {
    // A long list says less than the place where it goes wrong.
    let index = 0
    while (isDeepStrictEqual(expected[index], got[index])) index += 1
    what = `${what}: ${expected.length} expected, ${got.length} came, different from number ${index} on`
    expected = expected.slice(index, index + 3)
    got = got.slice(index, index + 3)
  }
  throw new Failed(`${what}\n  expected: ${shown(expected)}\n  came:     ${shown(got)}`)
}

function expectThat(what, holds, got) {
  if (!holds) throw new Failed(`\n  expected: ${what}\n  came:     ${shown(got)}`)
}

function expectReceipt(receipt) {
  expect("parts of the origin", 3, receipt.origin.split("/").length)
  expect("bytes of the link", 32, receipt.link.length)
  expectThat("seq is at least 1", receipt.seq >= 1, receipt.seq)
  const age = Date.now() / 1000 - Number(receipt.recorded_at.seconds)
  expectThat("recorded_at is within a minute of now", Math.abs(age) < 60, receipt.recorded_at)
}

/** The error of a call that must not succeed. */
async function refused(call) {
  const answer = await call.catch(error => error)
  if (answer instanceof Error && "code" in answer) return answer
  throw new Failed(`\n  expected: the call is refused\n  came:     ${shown(answer)}`)
}

/** Every published service and message. 64-bit numbers come as they are wanted: none here is over 2^53. */
function readProtos(folder) {
  const protos = fs.readdirSync(folder, { recursive: true }).filter(name => name.endsWith(".proto")).sort()
  expectThat(`protos in ${folder}`, protos.length > 0, "none")
  const options = { keepCase: true, longs: Number, enums: String, defaults: true, includeDirs: [folder] }
  return grpc.loadPackageDefinition(protoLoader.loadSync(protos, options))
}

/** The messages of google.rpc with which a refused call says more. */
const details = new protobuf.Root().loadSync(path.join(__dirname, "status.proto"), { keepCase: true })

/** Path and words of each bad field that a refused call names in its details. */
function badFields(error) {
  const [bytes] = error.metadata.get("grpc-status-details-bin")
  expectThat("the refusal has details", bytes, error)
  const status = details.lookupType("google.rpc.Status").decode(bytes)
  expect("code in the details", error.code, status.code)
  expect("message in the details", error.details, status.message)
  const any = status.details.find(detail => detail.type_url === "type.googleapis.com/google.rpc.BadRequest")
  expectThat("one of them is a BadRequest", any, status)
  const bad = details.lookupType("google.rpc.BadRequest").decode(any.value)
  return bad.field_violations.map(({ field, description }) => ({ field, description }))
}

const newId = () => crypto.randomUUID()

/** What the checks share: the services, the people of this run, and the events that were recorded. */
class Client {
  constructor(address, protos) {
    // A proxy of the environment has no business between a client and the sidecar on its own machine.
    const options = { "grpc.enable_http_proxy": 0 }
    const service = name => new protos.akta.v1[name](address, grpc.credentials.createInsecure(), options)
    this.ingest = service("IngestService")
    this.history = service("HistoryService")
    this.evidence = service("EvidenceService")
    this.controller = `school-${newId().slice(0, 8)}`
    this.pupils = Array.from({ length: 5 }, () => ({ namespace: "pupil", id: `p-${newId()}` }))
    this.teachers = Array.from({ length: 3 }, () => ({ namespace: "staff", id: `t-${newId()}` }))
    this.addresses = ["192.0.2.17", "198.51.100.4", "2001:db8::17", "2001:db8:0:1::4"]
    const names = ["READ", "LIST", "SEARCH", "UPDATE", "CREATE", "RECTIFY", "DELETE"]
    this.actions = names.map(name => `ACTION_${name}`)
    this.start = Math.floor(Date.now() / 1000) - 3600
    this.recorded = [] // { event, receipt } in the order of the trail
    this.searches = 0 // calls of SearchEvents that were answered
  }

  connected() {
    const deadline = Date.now() + CALL_SECONDS * 1000
    return new Promise((resolve, reject) => this.ingest.waitForReady(deadline, e => (e ? reject(e) : resolve())))
  }

  close() {
    for (const service of [this.ingest, this.history, this.evidence]) service.close()
  }

  call(service, method, request) {
    const options = { deadline: Date.now() + CALL_SECONDS * 1000 }
    return new Promise((resolve, reject) => {
      service[method](request, options, (error, answer) => (error ? reject(error) : resolve(answer)))
    })
  }

  /** A teacher opened a pupil's card. */
  minimalEvent(pupil, teacher) {
    return {
      event_id: newId(),
      controller: this.controller,
      action: "ACTION_READ",
      outcome: "OUTCOME_SUCCESS",
      actor: { identity: teacher, kind: "ACTOR_KIND_HUMAN" },
      subjects: [{ identity: pupil }],
      categories: ["DATA_CATEGORY_EDUCATION_RECORD"],
      purpose: "PURPOSE_TEACHING",
    }
  }

  /** The event of that number: people, address, action and time repeat with different periods. */
  variedEvent(index) {
    const event = this.minimalEvent(this.pupils[index % 5], this.teachers[index % 3])
    if (index % 10 === 0) event.subjects.push({ identity: this.pupils[(index + 1) % 5] })
    event.action = this.actions[index % 7]
    event.occurred_at = { seconds: this.start + index, nanos: 0 }
    event.network = { ip: this.addresses[index % 4], user_agent: Buffer.from("client/1 \xff", "latin1") }
    event.resource = { type: "pupil-card", id: `card-${index}` }
    event.source = { service: "register" }
    return event
  }

  record(event) {
    return this.call(this.ingest, "RecordEvent", { event })
  }

  recordAll(events) {
    return this.call(this.ingest, "RecordEvents", { events })
  }

  /** The answers to events on a stream, of which at most so many are under way. */
  stream(events, window) {
    return new Promise((resolve, reject) => {
      const stream = this.ingest.StreamEvents({ deadline: Date.now() + STREAM_SECONDS * 1000 })
      const answers = []
      let sent = 0
      const send = () => {
        if (sent === events.length) return
        stream.write({ event: events[sent] })
        sent += 1
        if (sent === events.length) stream.end()
      }
      stream.on("data", answer => {
        answers.push(answer)
        send()
      })
      stream.on("end", () => resolve(answers))
      stream.on("error", reject)
      for (let ahead = 0; ahead < window; ahead += 1) send()
    })
  }

  async searchPage(fields) {
    const asked = { controller: this.controller, purpose: "PURPOSE_SUBJECT_RIGHTS", purpose_text: REFERENCE, ...fields }
    const page = await this.call(this.history, "SearchEvents", asked)
    this.searches += 1
    return page
  }

  /** All rows of a search, page by page. */
  async search(filter, order, pageSize = PAGE_SIZE) {
    const [rows, sizes] = [[], new Set()]
    let token = ""
    for (let number = 0; number < 1000; number += 1) {
      const page = await this.searchPage({ filter, order, page_size: pageSize, page_token: token })
      expectThat(`at most ${pageSize} rows on a page`, page.events.length <= pageSize, page.events.length)
      rows.push(...page.events)
      sizes.add(page.size)
      token = page.next_page_token
      if (token === "") {
        expect("number of sizes that the pages of one search named", 1, sizes.size)
        const positions = rows.map(row => row.receipt.seq)
        expectThat("rows lie within the size", positions.every(seq => seq < page.size), [positions, page.size])
        return rows
      }
    }
    throw new Failed("\n  expected: the last page within 1000\n  came:     a next_page_token on each")
  }

  async get(key) {
    const asked = { controller: this.controller, purpose: "PURPOSE_SUBJECT_RIGHTS", purpose_text: REFERENCE, ...key }
    return (await this.call(this.history, "GetEvent", asked)).event
  }

  /** The row shows the event as it was sent, under the receipt that was given for it. */
  expectRow(row, { event, receipt }) {
    expect("receipt of a found event", receipt, row.receipt)
    const [sent, found] = [this.telling(event), this.telling(row.event)]
    if (!event.occurred_at) {
      expectThat("occurred_at is filled in", row.event.occurred_at, row.event)
      delete sent.occurredAt
      delete found.occurredAt
    }
    expect("what a found event holds", sent, found)
    expect("its class", "RETENTION_CLASS_ACCESS", row.retention_class)
    for (const { identity } of [row.event.actor, ...row.event.subjects]) {
      expect("bytes of a pseudonym", 32, identity.pseudonym.length)
    }
    expectThat("parts of a found event", row.parts.length > 0, row)
    for (const part of row.parts) {
      expect("verdict of a part", "VERDICT_INTACT", part.verdict)
      expectThat("a date", /^\d{4}-\d\d-\d\d$/.test(part.expires_on), part)
    }
  }

  /** What of an event must come back as it was sent. What may be completed or ordered anew is left out. */
  telling(event) {
    const who = ({ namespace, id }) => `${namespace}:${id}`
    return {
      eventId: event.event_id,
      controller: event.controller,
      occurredAt: event.occurred_at,
      action: event.action,
      outcome: event.outcome,
      actor: [event.actor.kind, who(event.actor.identity)],
      subjects: event.subjects.map(subject => who(subject.identity)).sort(),
      categories: event.categories,
      purpose: event.purpose,
      ip: event.network?.ip ?? "",
      userAgent: event.network?.user_agent ?? Buffer.alloc(0),
      resource: [event.resource?.type ?? "", event.resource?.id ?? ""],
      service: event.source?.service ?? "",
    }
  }
}

module.exports = { Client, Failed, PAGE_SIZE, REFERENCE, badFields, expect, expectReceipt, expectThat, newId, readProtos, refused }
