// SPDX-License-Identifier: Apache-2.0
// A key in software (W3C WebAuthn, ES256, attestation "none"), and an authenticator app (RFC 6238).
import { createHash, createHmac, createSign, generateKeyPairSync, randomBytes } from 'node:crypto'

const b64 = (bytes) => Buffer.from(bytes).toString('base64url')
const sha256 = (data) => createHash('sha256').update(data).digest()

// -- CBOR, as far as keys speak it ------------------------------------------

function head(type, n) {
  if (n < 24) return Buffer.from([type << 5 | n])
  if (n < 256) return Buffer.from([type << 5 | 24, n])
  return Buffer.from([type << 5 | 25, n >> 8, n & 255])
}

function cbor(value) {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value])
  return Buffer.concat([head(5, value.size), ...[...value].flatMap(([key, inner]) => [cbor(key), cbor(inner)])])
}

// -- the key ----------------------------------------------------------------

const PRESENT = 1, VERIFIED = 4, ATTESTED = 64

/** Keeps what it made, each for its site and its person. The answers are JSON text, as /.well-known/ory/webauthn.js sends them. */
export class Authenticator {
  #made = []
  constructor(origin) { this.origin = origin }

  #clientData(type, challenge) {
    return Buffer.from(JSON.stringify({ type, challenge, origin: this.origin, crossOrigin: false }))
  }

  #data(rpId, flags, count, rest = Buffer.alloc(0)) {
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(count)
    return Buffer.concat([sha256(rpId), Buffer.from([flags]), counter, rest])
  }

  /** Options as nodes have them: JSON text, with or without "publicKey" or "credentialOptions" around them. */
  static options(text) {
    const given = JSON.parse(text), inner = given.credentialOptions ?? given
    return inner.publicKey ?? inner
  }

  /** A new key. */
  create(text) {
    const options = Authenticator.options(text), id = randomBytes(32)
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { x, y } = publicKey.export({ format: 'jwk' })
    const cose = new Map([[1, 2], [3, -7], [-1, 1], [-2, Buffer.from(x, 'base64url')], [-3, Buffer.from(y, 'base64url')]])
    const attested = Buffer.concat([Buffer.alloc(16), Buffer.from([0, id.length]), id, cbor(cose)])
    const authData = this.#data(options.rp.id, PRESENT | VERIFIED | ATTESTED, 0, attested)

    this.#made.push({ id: b64(id), rpId: options.rp.id, user: options.user.id, privateKey, count: 0 })
    return JSON.stringify({ id: b64(id), rawId: b64(id), type: 'public-key', response: {
      clientDataJSON: b64(this.#clientData('webauthn.create', options.challenge)),
      attestationObject: b64(cbor(new Map([['fmt', 'none'], ['attStmt', new Map()], ['authData', authData]]))),
    } })
  }

  /** The newest of those that are asked for says that it is there. */
  get(text) {
    const options = Authenticator.options(text), allowed = options.allowCredentials?.map((one) => one.id)
    const key = this.#made.findLast((one) => one.rpId === options.rpId && (!allowed || allowed.includes(one.id)))
    const client = this.#clientData('webauthn.get', options.challenge), data = this.#data(options.rpId, PRESENT | VERIFIED, ++key.count)
    const signature = createSign('sha256').update(Buffer.concat([data, sha256(client)])).sign(key.privateKey)

    return JSON.stringify({ id: key.id, rawId: key.id, type: 'public-key', response: {
      clientDataJSON: b64(client), authenticatorData: b64(data), signature: b64(signature), userHandle: key.user,
    } })
  }
}

// -- the app ----------------------------------------------------------------

function unbase32(text) {
  const bits = [...text].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('')
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
}

/** The code that an app shows so many half minutes from now. */
export function totp(secret, later = 0) {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + later))
  const mac = createHmac('sha1', unbase32(secret)).update(counter).digest()
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1000000).padStart(6, '0')
}
