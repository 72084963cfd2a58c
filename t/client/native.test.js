// SPDX-License-Identifier: Apache-2.0
// An app with the official client: tokens, no cookies.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { failure, nativeClient, serve } from './serve.js'

const password = 'correct-Horse-battery-9'
let server, api, count = 0
before(async () => { server = await serve(); api = nativeClient(server.url) })
after(async () => assert.deepEqual(await server.stop(), []))

const newEmail = () => `app${++count}@example.org`

async function register(email = newEmail()) {
  const { data: flow } = await api.createNativeRegistrationFlow()
  const { data } = await api.updateRegistrationFlow({
    flow: flow.id, updateRegistrationFlowBody: { method: 'password', password, traits: { email } },
  })
  return { email, ...data }
}

async function login(email, more = {}, created = {}) {
  const { data: flow } = await api.createNativeLoginFlow(created)
  return (await api.updateLoginFlow({
    flow: flow.id, ...more, updateLoginFlowBody: { method: 'password', identifier: email, password },
  })).data
}

test('an app registers and is signed in', async () => {
  const { email, session, session_token: token, identity, continue_with: next } = await register()
  assert.equal(identity.traits.email, email)
  assert.equal(session.identity.id, identity.id)
  assert.deepEqual(next, [{ action: 'set_ory_session_token', ory_session_token: token }])
  const whoami = await api.toSession({ xSessionToken: token })
  assert.equal(whoami.data.id, session.id)
  assert.equal(whoami.headers['x-kratos-authenticated-identity-id'], identity.id)
})

test('an app goes through two steps of registration', async () => {
  const email = newEmail()
  const { data: flow } = await api.createNativeRegistrationFlow()
  const step = await failure(api.updateRegistrationFlow({
    flow: flow.id, updateRegistrationFlowBody: { method: 'profile', traits: { email, name: 'Ana' } },
  }))
  assert.equal(step.status, 400)
  assert.ok(step.data.ui.nodes.some((node) => node.attributes.name === 'password'))
  const { data } = await api.updateRegistrationFlow({
    flow: flow.id, updateRegistrationFlowBody: { method: 'password', password, traits: { email, name: 'Ana' } },
  })
  assert.equal(data.identity.traits.name, 'Ana')
})

test('an app signs in, and again to refresh: its token stays', async () => {
  const { email } = await register()
  const first = await login(email)
  const refreshed = await login(email, { xSessionToken: first.session_token },
    { refresh: true, xSessionToken: first.session_token })
  assert.equal(refreshed.session.id, first.session.id)
  assert.equal(refreshed.session_token, first.session_token)
  assert.equal(refreshed.session.authentication_methods.length, 2)
})

test('a wrong password is told by the flow', async () => {
  const { email } = await register()
  const { data: flow } = await api.createNativeLoginFlow()
  const answer = await failure(api.updateLoginFlow({
    flow: flow.id, updateLoginFlowBody: { method: 'password', identifier: email, password: 'wrong' },
  }))
  assert.equal(answer.status, 400)
  assert.equal(answer.data.ui.messages[0].id, 4000006)
  assert.equal((await api.getLoginFlow({ id: flow.id })).data.ui.messages[0].id, 4000006)
})

test('an app lists its sessions and ends them', async () => {
  const { email, session_token: mine } = await register()
  const one = await login(email), two = await login(email)
  const listed = (await api.listMySessions({ xSessionToken: mine })).data
  assert.deepEqual(listed.map((s) => s.id), [two.session.id, one.session.id])
  assert.equal((await api.disableMySession({ id: one.session.id, xSessionToken: mine })).status, 204)
  assert.equal((await failure(api.toSession({ xSessionToken: one.session_token }))).status, 401)
  assert.ok((await api.disableMyOtherSessions({ xSessionToken: mine })).data.count >= 1)
  assert.equal((await failure(api.toSession({ xSessionToken: two.session_token }))).status, 401)
  assert.equal((await api.toSession({ xSessionToken: mine })).status, 200)
})

test('an app signs out', async () => {
  const { session_token: token } = await register()
  assert.equal((await api.performNativeLogout({ performNativeLogoutBody: { session_token: token } })).status, 204)
  const answer = await failure(api.toSession({ xSessionToken: token }))
  assert.equal(answer.status, 401)
  assert.equal(answer.data.error.code, 401)
})

test('a session is taken as a bearer token, too', async () => {
  const { session_token: token, session } = await register()
  const { data } = await api.toSession({}, { headers: { Authorization: `Bearer ${token}` } })
  assert.equal(data.id, session.id)
})

test('an exchange needs codes that somebody earned', async () => {
  const { data: flow } = await api.createNativeLoginFlow({ returnSessionTokenExchangeCode: true })
  const initCode = flow.session_token_exchange_code
  assert.equal(initCode.length, 64)
  assert.equal((await failure(api.exchangeSessionToken({ initCode, returnToCode: initCode }))).status, 404)
})
