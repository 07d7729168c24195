"use strict"
// A client of Akta that shares no code with it, on @grpc/grpc-js: the story of akta_client.py, told again.
//
//     npm ci && node akta_client.js ADDRESS PROTO_DIR
//
// ADDRESS is that of a running node, for example 127.0.0.1:7425; PROTO_DIR holds the published protos. Every run uses a
// controller and people of its own, so a node can be used twice. Prints a line per check and exits 0; on the first
// failure prints what was expected and what came, and exits 1.

const { status } = require("@grpc/grpc-js")
const proof = require("./proof")
const { Client, Failed, PAGE_SIZE, REFERENCE, badFields, newId, readProtos } = require("./support")
const { expect, expectReceipt, expectThat, refused } = require("./support")

const EVENTS = 300
const INVALID_EVERY = 50
const WINDOW = 32
const BATCH = 20

const range = length => Array.from({ length }, (_, index) => index)

async function recordOne(client) {
  const event = client.minimalEvent(client.pupils[0], client.teachers[0])
  const { receipt, warnings } = await client.record(event)
  expectReceipt(receipt)
  expect("controller in the origin", client.controller, receipt.origin.split("/")[1])
  expect("warnings", [], warnings)
  client.recorded.push({ event, receipt })
}

async function recordBatch(client) {
  const events = range(BATCH).map(index => client.variedEvent(EVENTS + index))
  const spoiled = range(4).map(index => client.variedEvent(index))
  delete spoiled[3].outcome
  const error = await refused(client.recordAll(spoiled))
  expect("status of a batch with one bad event", status.INVALID_ARGUMENT, error.code)
  expect("fields it names", ["events[3].outcome"], badFields(error).map(bad => bad.field))
  const missing = await refused(client.get({ event_id: spoiled[0].event_id }))
  expect("status for a good event of a refused batch", status.NOT_FOUND, missing.code)
  const { results } = await client.recordAll(events)
  expect("results", BATCH, results.length)
  results.forEach(({ receipt }, index) => {
    expectReceipt(receipt)
    client.recorded.push({ event: events[index], receipt })
  })
}

async function streamMany(client) {
  const events = range(EVENTS).map(index => client.variedEvent(index))
  const invalid = range(EVENTS).filter(index => index % INVALID_EVERY === INVALID_EVERY - 1)
  for (const index of invalid) delete events[index].action
  const answers = await client.stream(events, WINDOW)

  expect("ids of the answers, in order", events.map(event => event.event_id), answers.map(answer => answer.event_id))
  expectThat("each answer has an outcome", answers.every(answer => answer.receipt || answer.refusal), answers)
  expect("numbers of the refused events", invalid, range(EVENTS).filter(index => answers[index].refusal))
  answers.forEach(({ receipt, refusal }, index) => {
    if (refusal) {
      expect("code of a refusal", status.INVALID_ARGUMENT, refusal.code)
      expect("fields it names", ["action"], refusal.violations.map(violation => violation.field))
      expectThat("it says why", refusal.message && refusal.violations[0].description, refusal)
    } else {
      expectReceipt(receipt)
      client.recorded.push({ event: events[index], receipt })
    }
  })
  const positions = client.recorded.map(({ receipt }) => receipt.seq)
  expect("seqs, strictly ascending", [...new Set(positions)].sort((a, b) => a - b), positions)
  expect("origins", 1, new Set(client.recorded.map(({ receipt }) => receipt.origin)).size)
}

async function repeat(client) {
  // Of the lone one, of the batch, of the stream.
  for (const { event, receipt } of [client.recorded[0], client.recorded[BATCH], client.recorded.at(-1)]) {
    expect("the same event again", receipt, (await client.record(event)).receipt)
    const other = { ...event, action: "ACTION_PRINT" }
    const error = await refused(client.record(other))
    expect("another event under the same id", status.ALREADY_EXISTS, error.code)
    const [again, another] = await client.stream([event, other], 2)
    expect("the same event again, on a stream", receipt, again.receipt)
    expect("another event under the same id, on a stream", status.ALREADY_EXISTS, another.refusal.code)
  }
}

async function refuseBadFields(client) {
  const event = client.minimalEvent({ namespace: "pupil", id: "Ada Lovelace ".repeat(10) }, client.teachers[0])
  event.event_id = "number 7"
  delete event.action
  const error = await refused(client.record(event))
  expect("status", status.INVALID_ARGUMENT, error.code)
  const fields = badFields(error)
  expect("fields it names", ["action", "event_id", "subjects[0].identity.id"], fields.map(bad => bad.field).sort())
  for (const { field, description } of fields) expectThat(`words about ${field}`, description, fields)
  const told = error.details + JSON.stringify(fields)
  expect("values it echoes", [], ["Ada", "number 7"].filter(value => told.includes(value)))
}

/** Name, filter, and what an event must be like to be found by it. */
function filters(client) {
  const { pupils: [, pupil], teachers: [, , teacher], actions, start } = client
  const ofPupil = event => event.subjects.some(subject => subject.identity.id === pupil.id)
  const ofTeacher = event => event.actor.identity.id === teacher.id
  const since = (first, event) => event.occurred_at && event.occurred_at.seconds >= first
  const from = seconds => ({ seconds, nanos: 0 })
  const together = { subject: pupil, actor: teacher, actions: actions.slice(0, 4), since: from(start + 50) }
  const address = ip => event => event.network?.ip === ip
  return [
    ["subject", { subject: pupil }, ofPupil],
    ["actor", { actor: teacher }, ofTeacher],
    ["IPv4 address", { ip: "192.0.2.17" }, address("192.0.2.17")],
    ["IPv6 address", { ip: "2001:DB8:0:0::17" }, address("2001:db8::17")],
    ["action", { actions: [actions[3]] }, event => event.action === actions[3]],
    ["two actions", { actions: actions.slice(5, 7) }, event => actions.slice(5, 7).includes(event.action)],
    ["time", { since: from(start + 100), until: from(start + 160) },
      event => since(start + 100, event) && !since(start + 160, event)],
    ["all together", together, event =>
      ofPupil(event) && ofTeacher(event) && actions.slice(0, 4).includes(event.action) && since(start + 50, event)],
    ["an unknown subject", { subject: { namespace: "pupil", id: "p-nobody" } }, () => false],
    ["a pupil as the actor", { actor: pupil }, () => false],
  ]
}

async function searchPages(client) {
  for (const [name, filter, matches] of filters(client)) {
    const wanted = client.recorded.filter(({ event }) => matches(event))
    const oldest = await client.search(filter, "SEARCH_ORDER_OLDEST_FIRST")
    const newest = await client.search(filter, "SEARCH_ORDER_NEWEST_FIRST")
    try {
      const ids = wanted.map(({ event }) => event.event_id)
      expect("ids, oldest first", ids, oldest.map(row => row.event.event_id))
      expect("ids, newest first", [...ids].reverse(), newest.map(row => row.event.event_id))
      oldest.forEach((row, index) => client.expectRow(row, wanted[index]))
      expect("rows newest first, turned round", oldest, newest.reverse())
    } catch (failed) {
      if (failed instanceof Failed) throw new Failed(`search by ${name}: ${failed.message}`)
      throw failed
    }
  }
  const unspecified = (await client.searchPage({ page_size: 3 })).events
  const positions = unspecified.map(row => row.receipt.seq)
  expect("seqs without order and filter: newest first", [...positions].sort((a, b) => b - a), positions)
  expect("rows without order and filter", 3, positions.length)
}

async function getOne(client) {
  for (const { event, receipt } of [client.recorded[0], client.recorded.at(-1)]) {
    const bySeq = await client.get({ seq: receipt.seq })
    client.expectRow(bySeq, { event, receipt })
    expect("the event by its id", bySeq, await client.get({ event_id: event.event_id }))
  }
}

async function refuseWithoutPurpose(client) {
  const error = await refused(client.searchPage({ purpose: "PURPOSE_UNSPECIFIED" }))
  expect("status", status.INVALID_ARGUMENT, error.code)
  expect("fields it names", ["purpose"], badFields(error).map(bad => bad.field))
}

/** Every text and every run of bytes in an answer, the bytes read as text. */
function texts(value) {
  if (typeof value === "string") return [value]
  if (Buffer.isBuffer(value)) return [value.toString("latin1")]
  return value !== null && typeof value === "object" ? Object.values(value).flatMap(texts) : []
}

async function searchesAreEvents(client) {
  const before = client.searches
  const rows = await client.search({ actions: ["ACTION_LOG_QUERY"] }, "SEARCH_ORDER_NEWEST_FIRST", 1000)
  expectThat(`an event for each of the ${before} searches`, rows.length >= before, rows.length)
  const people = [...client.pupils, ...client.teachers].map(who => who.id)
  const secrets = ["p-nobody", ...people, ...client.addresses, "2001:DB8:0:0::17"]
  for (const row of rows) {
    expect("action", "ACTION_LOG_QUERY", row.event.action)
    expect("its class", "RETENTION_CLASS_LOG_ACCESS", row.retention_class)
    expect("its purpose", "PURPOSE_SUBJECT_RIGHTS", row.event.purpose)
    expect("its reference", REFERENCE, row.event.purpose_text)
    const held = secrets.filter(secret => texts(row).some(text => text.includes(secret)))
    expect("what was searched for, in clear in the event of the search", [], held)
  }
}

async function refuseWhatIsNotThere(client) {
  const missing = await refused(client.get({ event_id: newId() }))
  expect("status for an event_id that nobody sent", status.NOT_FOUND, missing.code)
  const elsewhere = await refused(client.searchPage({ controller: `school-${newId().slice(0, 8)}` }))
  expect("status for a controller that does not exist", status.PERMISSION_DENIED, elsewhere.code)
}

async function prove(client) {
  const receipts = client.recorded.map(({ receipt }) => receipt)
  const size = Math.max(...receipts.map(receipt => receipt.seq)) + 1
  const asked = { controller: client.controller, at_least: size }
  const answer = await client.call(client.evidence, "GetCheckpoint", asked)
  const signed = proof.opened(answer.checkpoint, answer.verification_key)
  expect("origin of the checkpoint", receipts[0].origin, signed.origin)
  expect("its size and root, signed and beside", [answer.size, answer.root], [signed.size, signed.root])
  expectThat(`it covers ${size} records`, signed.size >= size, signed.size)
  const changed = answer.checkpoint.replace(`\n${signed.size}\n`, `\n${signed.size + 1}\n`)
  try {
    proof.opened(changed, answer.verification_key)
    throw new Failed("\n  expected: a changed checkpoint does not verify\n  came:     it does")
  } catch (error) {
    if (error instanceof Failed) throw error
  }
  for (const { seq } of [receipts[0], receipts.at(-1)]) {
    const request = { controller: client.controller, seq, size: signed.size }
    const { header, hashes } = await client.call(client.evidence, "GetInclusionProof", request)
    const found = proof.rootOfInclusion(header, seq, signed.size, hashes)
    expect(`root to which the proof of record ${seq} leads`, signed.root, found)
  }
}

const CHECKS = [
  ["record one event", recordOne],
  [`record a batch of ${BATCH}, all or none`, recordBatch],
  [`stream ${EVENTS} events, ${WINDOW} ahead, every ${INVALID_EVERY}th invalid`, streamMany],
  ["the same event again gets the first receipt, another under its id is refused", repeat],
  ["a bad event is refused with each bad field", refuseBadFields],
  [`search by subject, actor, address, action and time, ${PAGE_SIZE} rows a page`, searchPages],
  ["get one event by position and by id", getOne],
  ["a search without purpose is refused", refuseWithoutPurpose],
  ["searches are events, without what was searched for", searchesAreEvents],
  ["what is not there is refused", refuseWhatIsNotThere],
  ["a signed checkpoint covers what was recorded", prove],
]

/** Runs the checks one after the other; the exit code. */
async function run(address, protoDir) {
  let name = "read the protos and connect"
  let client
  try {
    client = new Client(address, readProtos(protoDir))
    await client.connected()
    console.log(`ok  ${name}`)
    for (const [next, check] of CHECKS) {
      name = next
      await check(client)
      console.log(`ok  ${name}`)
    }
  } catch (error) {
    console.log(`FAILED  ${name}: ${error instanceof Failed ? error.message : error.stack}`)
    return 1
  } finally {
    client?.close()
  }
  console.log(`${1 + CHECKS.length} checks passed`)
  return 0
}

if (process.argv.length !== 4) {
  console.error("usage: node akta_client.js ADDRESS PROTO_DIR")
  process.exitCode = 2
} else {
  run(...process.argv.slice(2)).then(code => (process.exitCode = code))
}
