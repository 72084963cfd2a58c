// SPDX-License-Identifier: Apache-2.0
// Second factors and passkeys with the official client: apps on a phone, pages, and the keys and apps that people have.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Authenticator, totp } from './authenticator.js'
import { browserClient, failure, mariadb, nativeClient, serve, value } from './serve.js'

const password = 'correct-Horse-battery-9', ORIGIN = 'https://app.example.org'
const WRONG_CODE = 4000008, USED = 4000012, NOT_THE_KEY = 4000043
let count = 0
const newEmail = () => `owner${++count}@example.org`
const messages = (flow) => (flow.ui.messages ?? []).map((message) => message.id)
const node = (flow, id) => flow.ui.nodes.find((one) => one.attributes.id === id)
const groups = (flow) => [...new Set(flow.ui.nodes.map((one) => one.group))]

/** Somebody's client, as an app (with a token) or as a page (with cookies): the same steps for both. */
class Owner {
  constructor(url, kind, email = newEmail()) {
    Object.assign(this, { url, kind, email, api: kind === 'app' ? nativeClient(url) : browserClient(url) })
  }

  get auth() { return this.kind === 'app' ? { xSessionToken: this.token } : {} }

  async begin(flow, query = {}) {
    const create = { login: ['createNativeLoginFlow', 'createBrowserLoginFlow'], settings: ['createNativeSettingsFlow', 'createBrowserSettingsFlow'],
      registration: ['createNativeRegistrationFlow', 'createBrowserRegistrationFlow'] }[flow]
    return (await this.api[create[this.kind === 'app' ? 0 : 1]]({ ...query, ...(this.token ? this.auth : {}) })).data
  }

  async submit(kind, flow, body) {
    const [call, field] = { login: ['updateLoginFlow', 'updateLoginFlowBody'], settings: ['updateSettingsFlow', 'updateSettingsFlowBody'],
      registration: ['updateRegistrationFlow', 'updateRegistrationFlowBody'] }[kind]
    const csrf = this.kind === 'app' ? {} : { csrf_token: value(flow, 'csrf_token') }
    const { data } = await this.api[call]({ flow: flow.id, ...(this.token ? this.auth : {}), [field]: { ...body, ...csrf } })
    this.token = data.session_token ?? this.token
    return data
  }

  async signUp() {
    await this.submit('registration', await this.begin('registration'), { method: 'password', password, traits: { email: this.email } })
    return this
  }

  /** The same account on another device, at the first level. */
  async elsewhere(kind = this.kind) {
    const other = new Owner(this.url, kind, this.email)
    try {
      await other.submit('login', await other.begin('login'), { method: 'password', identifier: this.email, password })
    } catch (error) { // signed in, and a page is sent on to what misses
      assert.equal(kind, 'page')
      assert.equal(error.response?.status, 422)
      assert.equal(new URL(error.response.data.redirect_browser_to).searchParams.get('aal'), 'aal2')
    }
    return other
  }

  second(query = {}) { return this.begin('login', { aal: 'aal2', ...query }) }
  async session() { return (await this.api.toSession(this.auth)).data }

  async setUpApp() {
    const flow = await this.begin('settings'), { secret } = node(flow, 'totp_secret_key').attributes.text.context
    assert.ok(node(flow, 'totp_qr').attributes.src.startsWith('data:image/png;base64,'))
    const done = await this.submit('settings', flow, { method: 'totp', totp_code: totp(secret) })
    assert.equal((done.flow ?? done).state, 'success')
    return secret
  }

  async makeCodes() {
    const flow = await this.begin('settings')
    const made = await this.submit('settings', flow, { method: 'lookup_secret', lookup_secret_regenerate: true })
    const codes = node(made.flow ?? made, 'lookup_secret_codes').attributes.text.context.secrets.map((one) => one.context.secret)
    await this.submit('settings', flow, { method: 'lookup_secret', lookup_secret_confirm: true })
    return codes
  }
}

for (const database of ['SQLite', 'MariaDB']) {
  describe(database, () => {
    let server, maria
    before(async () => {
      maria = database === 'MariaDB' ? await mariadb() : undefined
      server = await serve({ config: 'factors.yml', db: maria?.db })
    })
    after(async () => {
      assert.deepEqual(await server.stop(), [])
      await maria?.stop()
    })

    for (const kind of ['app', 'page']) {
      const newOwner = () => new Owner(server.url, kind).signUp()

      test(`${kind}: an authenticator app is set up, asked for, and good once`, async () => {
        const owner = await newOwner(), secret = await owner.setUpApp()
        assert.equal((await owner.session()).authenticator_assurance_level, 'aal2')

        const other = await owner.elsewhere(), refused = await failure(other.session())
        assert.equal(refused.status, 403)
        assert.equal(refused.data.error.id, 'session_aal2_required')
        assert.ok(refused.data.redirect_browser_to.includes('aal=aal2'))
        const flow = await other.second(), code = totp(secret, 1)
        assert.deepEqual(groups(flow), ['default', 'totp'])
        const wrong = await failure(other.submit('login', flow, { method: 'totp', totp_code: '000000' }))
        assert.equal(wrong.status, 400)
        assert.deepEqual(messages(wrong.data), [WRONG_CODE])
        await other.submit('login', flow, { method: 'totp', totp_code: code })
        const session = await other.session()
        assert.equal(session.authenticator_assurance_level, 'aal2')
        assert.deepEqual(session.authentication_methods.map((one) => one.method), ['password', 'totp'])

        const third = await owner.elsewhere()
        const again = await failure(third.submit('login', await third.second(), { method: 'totp', totp_code: code }))
        assert.deepEqual(messages(again.data), [WRONG_CODE])
      })

      test(`${kind}: settings of who has a second factor ask for it first`, async () => {
        const owner = await newOwner()
        await owner.setUpApp()
        const other = await owner.elsewhere(), refused = await failure(other.begin('settings'))
        assert.equal(refused.status, 403)
        assert.equal(refused.data.error.id, 'session_aal2_required')
        const back = new URL(refused.data.redirect_browser_to)
        assert.equal(back.origin, server.url)
        assert.equal(back.searchParams.get('aal'), 'aal2')
      })

      test(`${kind}: an authenticator app is removed, and nothing more is asked`, async () => {
        const owner = await newOwner()
        await owner.setUpApp()
        await owner.submit('settings', await owner.begin('settings'), { method: 'totp', totp_unlink: true })
        assert.equal((await (await owner.elsewhere()).session()).authenticator_assurance_level, 'aal1')
      })

      test(`${kind}: recovery codes are made, and each is good once`, async () => {
        const owner = await newOwner()
        await owner.setUpApp()
        const codes = await owner.makeCodes()
        assert.equal(new Set(codes).size, 12)
        const other = await owner.elsewhere(), flow = await other.second()
        assert.deepEqual(groups(flow), ['default', 'totp', 'lookup_secret'])
        await other.submit('login', flow, { method: 'lookup_secret', lookup_secret: codes[0] })
        assert.deepEqual((await other.session()).authentication_methods.map((one) => one.method), ['password', 'lookup_secret'])
        const third = await owner.elsewhere()
        const used = await failure(third.submit('login', await third.second(), { method: 'lookup_secret', lookup_secret: codes[0] }))
        assert.deepEqual(messages(used.data), [USED])
      })

      test(`${kind}: somebody signs up and in with a passkey alone`, async () => {
        const key = new Authenticator(ORIGIN), owner = new Owner(server.url, kind)
        const sign = await owner.begin('registration')
        await owner.submit('registration', sign, {
          method: 'passkey', traits: { email: owner.email }, passkey_register: key.create(value(sign, 'passkey_create_data')),
        })
        assert.equal((await owner.session()).identity.traits.email, owner.email)

        const other = new Owner(server.url, kind), flow = await other.begin('login')
        await other.submit('login', flow, { method: 'passkey', passkey_login: key.get(value(flow, 'passkey_challenge')) })
        const session = await other.session()
        assert.equal(session.identity.traits.email, owner.email)
        assert.equal(session.authentication_methods[0].method, 'passkey')

        const stranger = new Authenticator(ORIGIN), third = new Owner(server.url, kind), asked = await third.begin('login')
        stranger.create(value(sign, 'passkey_create_data'))
        const refused = await failure(third.submit('login', asked, {
          method: 'passkey', passkey_login: stranger.get(value(asked, 'passkey_challenge')),
        }))
        assert.equal(refused.status, 400)
        assert.deepEqual(messages(refused.data), [NOT_THE_KEY])
      })

      test(`${kind}: a passkey is added to an account with a password, and removed`, async () => {
        const key = new Authenticator(ORIGIN), owner = await newOwner()
        const flow = await owner.begin('settings')
        await owner.submit('settings', flow, { method: 'passkey', passkey_settings_register: key.create(value(flow, 'passkey_create_data')) })
        const other = new Owner(server.url, kind), login = await other.begin('login')
        await other.submit('login', login, { method: 'passkey', passkey_login: key.get(value(login, 'passkey_challenge')) })
        assert.equal((await other.session()).identity.traits.email, owner.email)

        const again = await owner.begin('settings')
        await owner.submit('settings', again, { method: 'passkey', passkey_remove: value(again, 'passkey_remove') })
        assert.equal(value(await owner.begin('settings'), 'passkey_remove'), undefined)
        const third = new Owner(server.url, kind), gone = await third.begin('login')
        assert.equal((await failure(third.submit('login', gone, {
          method: 'passkey', passkey_login: key.get(value(gone, 'passkey_challenge')),
        }))).status, 400)
      })
    }

    test('page: a security key is added with a name, is the second factor, and is removed', async () => {
      const key = new Authenticator(ORIGIN), owner = await new Owner(server.url, 'page').signUp()
      const flow = await owner.begin('settings')
      await owner.submit('settings', flow, {
        method: 'webauthn', webauthn_register: key.create(value(flow, 'webauthn_register_trigger')), webauthn_register_displayname: 'blue',
      })
      assert.equal((await owner.session()).authenticator_assurance_level, 'aal2')
      const listed = (await owner.begin('settings')).ui.nodes.find((one) => one.attributes.name === 'webauthn_remove')
      assert.equal(listed.meta.label.context.display_name, 'blue')

      const other = await owner.elsewhere()
      assert.equal((await failure(other.session())).status, 403)
      const second = await other.second()
      const answer = (login, authenticator) => ({ method: 'webauthn', identifier: value(login, 'identifier'),
        webauthn_login: authenticator.get(value(login, 'webauthn_login_trigger')) })
      const body = answer(second, key)
      await other.submit('login', second, body)
      assert.deepEqual((await other.session()).authentication_methods.map((one) => one.method), ['password', 'webauthn'])

      const third = await owner.elsewhere(), replayed = await failure(third.submit('login', await third.second(), body))
      assert.equal(replayed.status, 400)
      assert.equal((await failure(third.session())).status, 403)

      const last = await owner.begin('settings')
      await owner.submit('settings', last, { method: 'webauthn', webauthn_remove: value(last, 'webauthn_remove') })
      assert.equal((await (await owner.elsewhere()).session()).authenticator_assurance_level, 'aal1')
    })

    test('app: security keys are for browsers, and no form of an app has them', async () => {
      const owner = await new Owner(server.url, 'app').signUp()
      assert.ok(!groups(await owner.begin('settings')).includes('webauthn'))
    })
  })
}
