// SPDX-License-Identifier: Apache-2.0
// A page with the official client: cookies and anti-CSRF tokens.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { browserClient, failure, serve, value } from './serve.js'

const password = 'correct-Horse-battery-9'
let server, count = 0
before(async () => { server = await serve() })
after(async () => assert.deepEqual(await server.stop(), []))

const newEmail = () => `page${++count}@example.org`

async function registered(email = newEmail()) {
  const api = browserClient(server.url)
  const { data: flow } = await api.createBrowserRegistrationFlow()
  const { data } = await api.updateRegistrationFlow({
    flow: flow.id,
    updateRegistrationFlowBody: { method: 'password', password, traits: { email }, csrf_token: value(flow, 'csrf_token') },
  })
  return { api, email, data }
}

async function login(api, email, created = {}) {
  const { data: flow } = await api.createBrowserLoginFlow(created)
  return (await api.updateLoginFlow({
    flow: flow.id,
    updateLoginFlowBody: { method: 'password', identifier: email, password, csrf_token: value(flow, 'csrf_token') },
  })).data
}

test('a page registers somebody, who is signed in by cookie', async () => {
  const { api, email, data } = await registered()
  assert.equal(data.session_token, undefined)
  assert.equal(data.continue_with[0].action, 'redirect_browser_to')
  assert.equal((await api.toSession()).data.identity.traits.email, email)
})

test('a page signs somebody out and in again', async () => {
  const { api, email } = await registered()
  const { data: logout } = await api.createBrowserLogoutFlow()
  assert.ok(logout.logout_url.includes(logout.logout_token))
  assert.equal((await api.updateLogoutFlow({ token: logout.logout_token })).status, 204)
  assert.equal((await failure(api.toSession())).status, 401)
  const data = await login(api, email)
  assert.equal(data.session.id, (await api.toSession()).data.id)
})

test('a refresh keeps the session', async () => {
  const { api, email } = await registered()
  const before = (await api.toSession()).data
  await login(api, email, { refresh: true })
  const after = (await api.toSession()).data
  assert.equal(after.id, before.id)
  assert.ok(after.authenticated_at > before.authenticated_at)
})

test('who is signed in is told so', async () => {
  const { api } = await registered()
  const answer = await failure(api.createBrowserLoginFlow())
  assert.equal(answer.status, 400)
  assert.equal(answer.data.error.id, 'session_already_available')
})

test('sessions are listed and ended', async () => {
  const { api, email } = await registered()
  const other = browserClient(server.url)
  const { session } = await login(other, email)
  assert.deepEqual((await api.listMySessions()).data.map((s) => s.id), [session.id])
  await api.disableMySession({ id: session.id })
  assert.equal((await failure(other.toSession())).status, 401)
  assert.equal((await api.disableMyOtherSessions()).status, 200)
})

test('without its token a form is refused', async () => {
  const { email } = await registered()
  const api = browserClient(server.url)
  const { data: flow } = await api.createBrowserLoginFlow()
  const answer = await failure(api.updateLoginFlow({
    flow: flow.id, updateLoginFlowBody: { method: 'password', identifier: email, password },
  }))
  assert.equal(answer.status, 403)
  assert.equal(answer.data.error.id, 'security_csrf_violation')
})

test('a flow belongs to the page that began it', async () => {
  const { data: flow } = await browserClient(server.url).createBrowserLoginFlow()
  const answer = await failure(browserClient(server.url).getLoginFlow({ id: flow.id }))
  assert.equal(answer.status, 403)
})

test('a forbidden return_to is told', async () => {
  const answer = await failure(browserClient(server.url).createBrowserLoginFlow({ returnTo: 'https://evil.example/' }))
  assert.equal(answer.data.error.id, 'self_service_flow_return_to_forbidden')
})

test('an error of a person is read by its id', async () => {
  const url = `${server.url}/self-service/login/browser?return_to=https://evil.example/`
  const away = await fetch(url, { redirect: 'manual', headers: { Accept: 'text/html' } })
  const id = new URL(away.headers.get('location')).searchParams.get('id')
  const { data } = await browserClient(server.url).getFlowError({ id })
  assert.equal(data.error.code, 400)
  assert.equal(data.id, id)
})

test('the schema of an identity is at its schema_url', async () => {
  const { api } = await registered()
  const { identity } = (await api.toSession()).data
  const schema = await (await fetch(identity.schema_url)).json()
  assert.equal(schema.properties.traits.properties.email.format, 'email')
})
