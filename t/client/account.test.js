// SPDX-License-Identifier: Apache-2.0
// How people keep their account, with the official client: settings, verification, recovery, codes. On both databases.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { browserClient, failure, mariadb, nativeClient, serve, value } from './serve.js'

const password = 'correct-Horse-battery-9', another = 'another-Horse-battery-9'
const VERIFICATION = 'Confirm your address', RECOVERY = 'Back into your account', LOGIN = 'Your code to sign in',
  REGISTRATION = 'Your code to sign up'
let count = 0
const newEmail = () => `member${++count}@example.org`
const messages = (flow) => (flow.ui.messages ?? []).map((message) => message.id)

for (const database of ['SQLite', 'MariaDB']) {
  describe(database, () => {
    let server, api, maria
    before(async () => {
      maria = database === 'MariaDB' ? await mariadb() : undefined
      server = await serve({ config: 'account.yml', db: maria?.db })
      api = nativeClient(server.url)
    })
    after(async () => {
      assert.deepEqual(await server.stop(), [])
      await maria?.stop()
    })

    async function member() {
      const email = newEmail()
      const { data: flow } = await api.createNativeRegistrationFlow()
      const { data } = await api.updateRegistrationFlow({
        flow: flow.id, updateRegistrationFlowBody: { method: 'password', password, traits: { email } },
      })
      return { email, token: data.session_token, next: data.continue_with }
    }

    async function login(identifier, secret) {
      const { data: flow } = await api.createNativeLoginFlow()
      return api.updateLoginFlow({ flow: flow.id, updateLoginFlowBody: { method: 'password', identifier, password: secret } })
    }

    async function change(token, body) {
      const { data: flow } = await api.createNativeSettingsFlow({ xSessionToken: token })
      return (await api.updateSettingsFlow({ flow: flow.id, xSessionToken: token, updateSettingsFlowBody: body })).data
    }

    const verified = async (token) =>
      (await api.toSession({ xSessionToken: token })).data.identity.verifiable_addresses[0].verified

    test('an app changes the profile', async () => {
      const { email, token } = await member()
      const flow = await change(token, { method: 'profile', traits: { email, name: 'Ana' } })
      assert.equal(flow.state, 'success')
      assert.equal((await api.toSession({ xSessionToken: token })).data.identity.traits.name, 'Ana')
    })

    test('an app changes the password', async () => {
      const { email, token } = await member()
      assert.equal((await change(token, { method: 'password', password: another })).state, 'success')
      assert.equal((await failure(login(email, password))).status, 400)
      assert.equal((await login(email, another)).status, 200)
    })

    test('a profile that does not fit is refused with its reason', async () => {
      const { token } = await member()
      const answer = await failure(change(token, { method: 'profile', traits: { email: 'no address' } }))
      assert.equal(answer.status, 400)
      assert.ok(answer.data.ui.nodes.some((node) => node.attributes.name === 'traits.email' && node.messages.length))
    })

    test('a page changes the profile', async () => {
      const { email } = await member()
      const page = browserClient(server.url)
      const { data: begun } = await page.createBrowserLoginFlow()
      await page.updateLoginFlow({
        flow: begun.id,
        updateLoginFlowBody: { method: 'password', identifier: email, password, csrf_token: value(begun, 'csrf_token') },
      })
      const { data: flow } = await page.createBrowserSettingsFlow()
      const { data: done } = await page.updateSettingsFlow({
        flow: flow.id,
        updateSettingsFlowBody: { method: 'profile', traits: { email, name: 'Bea' }, csrf_token: value(flow, 'csrf_token') },
      })
      assert.equal(done.state, 'success')
      assert.equal((await page.getSettingsFlow({ id: flow.id })).data.identity.traits.name, 'Bea')
    })

    test('the flow that the registration names verifies the address', async () => {
      const { email, token, next } = await member()
      const { flow } = next.find((item) => item.action === 'show_verification_ui')
      assert.equal(flow.verifiable_address, email)
      const code = await server.code(email, VERIFICATION)
      const { data } = await api.updateVerificationFlow({ flow: flow.id, updateVerificationFlowBody: { method: 'code', code } })
      assert.equal(data.state, 'passed_challenge')
      assert.equal(await verified(token), true)
    })

    test('an app asks for a code to verify, and for another', async () => {
      const { email, token } = await member()
      const { data: flow } = await api.createNativeVerificationFlow()
      for (const _ of [1, 2]) {
        const { data } = await api.updateVerificationFlow({ flow: flow.id, updateVerificationFlowBody: { method: 'code', email } })
        assert.equal(data.state, 'sent_email')
      }
      const [first, second] = [await server.code(email, VERIFICATION, 2), await server.code(email, VERIFICATION, 3)]
      const give = async (code) => (await api.updateVerificationFlow({
        flow: flow.id, updateVerificationFlowBody: { method: 'code', code },
      })).data
      // both may have been sent within the same second: one of them is the newer, the other is void
      const states = [(await give(first)).state]
      if (states[0] !== 'passed_challenge') states.push((await give(second)).state)
      assert.equal(states.at(-1), 'passed_challenge')
      assert.equal(await verified(token), true)
    })

    test('an app gets back in by a mailed code, and sets a new password', async () => {
      const { email } = await member()
      const { data: flow } = await api.createNativeRecoveryFlow()
      const { data: sent } = await api.updateRecoveryFlow({ flow: flow.id, updateRecoveryFlowBody: { method: 'code', email } })
      assert.equal(sent.state, 'sent_email')
      const code = await server.code(email, RECOVERY)
      const { data: done } = await api.updateRecoveryFlow({ flow: flow.id, updateRecoveryFlowBody: { method: 'code', code } })
      assert.equal(done.state, 'passed_challenge')
      const { ory_session_token: token } = done.continue_with.find((item) => item.action === 'set_ory_session_token')
      const settings = done.continue_with.find((item) => item.action === 'show_settings_ui').flow
      const { data } = await api.updateSettingsFlow({
        flow: settings.id, xSessionToken: token, updateSettingsFlowBody: { method: 'password', password: another },
      })
      assert.equal(data.state, 'success')
      assert.equal((await login(email, another)).status, 200)
    })

    test('a page gets back in by a mailed code', async () => {
      const { email } = await member()
      const page = browserClient(server.url)
      const { data: flow } = await page.createBrowserRecoveryFlow()
      const submit = async (body) => (await page.updateRecoveryFlow({
        flow: flow.id, updateRecoveryFlowBody: { method: 'code', ...body, csrf_token: value(flow, 'csrf_token') },
      })).data
      assert.equal((await submit({ email })).state, 'sent_email')
      const done = await submit({ code: await server.code(email, RECOVERY) })
      assert.equal(done.state, 'passed_challenge')
      const settings = done.continue_with.find((item) => item.action === 'show_settings_ui').flow
      assert.equal((await page.getSettingsFlow({ id: settings.id })).data.identity.traits.email, email)
      assert.equal((await page.toSession()).data.authentication_methods[0].method, 'code_recovery')
    })

    test('a wrong code lets nobody in, and the address of nobody looks like any other', async () => {
      const { email } = await member()
      for (const address of [email, newEmail()]) {
        const { data: flow } = await api.createNativeRecoveryFlow()
        const { data: sent } = await api.updateRecoveryFlow({
          flow: flow.id, updateRecoveryFlowBody: { method: 'code', email: address },
        })
        assert.deepEqual(messages(sent), [1060003])
        const { data } = await api.updateRecoveryFlow({ flow: flow.id, updateRecoveryFlowBody: { method: 'code', code: 'abc' } })
        assert.deepEqual(messages(data), [4060006])
      }
    })

    test('an app signs in by a mailed code', async () => {
      const { email } = await member()
      const { data: flow } = await api.createNativeLoginFlow()
      const step = await failure(api.updateLoginFlow({ flow: flow.id, updateLoginFlowBody: { method: 'code', identifier: email } }))
      assert.equal(step.data.state, 'sent_email')
      const code = await server.code(email, LOGIN)
      const { data } = await api.updateLoginFlow({ flow: flow.id, updateLoginFlowBody: { method: 'code', identifier: email, code } })
      const { data: session } = await api.toSession({ xSessionToken: data.session_token })
      assert.equal(session.identity.traits.email, email)
      assert.equal(session.authentication_methods[0].method, 'code')
    })

    test('an app signs somebody up by a mailed code', async () => {
      const email = newEmail(), traits = { email }
      const { data: flow } = await api.createNativeRegistrationFlow()
      const submit = (body) => api.updateRegistrationFlow({
        flow: flow.id, updateRegistrationFlowBody: { method: 'code', traits, ...body },
      })
      assert.equal((await failure(submit({}))).data.state, 'sent_email')
      const { data } = await submit({ code: await server.code(email, REGISTRATION) })
      assert.equal(data.identity.traits.email, email)
      assert.equal(await verified(data.session_token), true)
    })
  })
}
