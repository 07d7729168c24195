"use strict"
// Checkpoints and proofs by their public specifications: C2SP signed-note and tlog-checkpoint, RFC 9162.

const crypto = require("node:crypto")

const ED25519 = 1
// What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410).
const SPKI = Buffer.from("302a300506032b6570032100", "hex")

const sha256 = (...bytes) => crypto.createHash("sha256").update(Buffer.concat(bytes)).digest()
const node = (left, right) => sha256(Buffer.from([1]), left, right)

/** Origin, size and root of a checkpoint that this key signed; throws if it did not. */
function opened(checkpoint, key) {
  const [, name, keyId, encoded] = /^([^+]+)\+([^+]+)\+(.+)$/.exec(key)
  const packed = Buffer.from(encoded, "base64")
  const id = sha256(Buffer.from(`${name}\n`), packed).toString("hex").slice(0, 8)
  if (packed[0] !== ED25519 || id !== keyId) throw new Error("the key is not of Ed25519, or its id is not its own")
  const end = checkpoint.lastIndexOf("\n\n")
  const text = checkpoint.slice(0, end + 1)
  for (const line of checkpoint.slice(end + 2).trimEnd().split("\n")) {
    const [, signer, signed] = /^\u2014 (\S+) (\S+)$/.exec(line)
    const signature = Buffer.from(signed, "base64")
    if (signer !== name || signature.subarray(0, 4).toString("hex") !== keyId) continue
    const spki = Buffer.concat([SPKI, packed.subarray(1)])
    const publicKey = crypto.createPublicKey({ key: spki, format: "der", type: "spki" })
    if (!crypto.verify(null, Buffer.from(text), publicKey, signature.subarray(4))) {
      throw new Error("the signature does not hold")
    }
    const [origin, size, root] = text.trimEnd().split("\n")
    return { origin, size: Number(size), root: Buffer.from(root, "base64") }
  }
  throw new Error(`not signed by ${name}+${keyId}`)
}

/** The root to which a proof of inclusion leads (RFC 9162 section 2.1.3.2). */
function rootOfInclusion(header, seq, size, hashes) {
  let hash = sha256(Buffer.from([0]), header)
  let [at, last] = [seq, size - 1]
  const up = () => ([at, last] = [Math.floor(at / 2), Math.floor(last / 2)])
  for (const other of hashes) {
    if (last === 0) throw new Error("the proof is too long")
    if (at % 2 === 1 || at === last) {
      hash = node(other, hash)
      while (at % 2 === 0 && at > 0) up()
    } else {
      hash = node(hash, other)
    }
    up()
  }
  if (last !== 0) throw new Error("the proof is too short")
  return hash
}

module.exports = { opened, rootOfInclusion }
