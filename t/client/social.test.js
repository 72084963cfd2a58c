// SPDX-License-Identifier: Apache-2.0
// Signing in with another site by the official client: pages' scripts, and apps whose person goes through the system's browser.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { provider } from './provider.js'
import { browserClient, failure, freePort, nativeClient, serve, value } from './serve.js'

const password = 'correct-Horse-battery-9'
const mapper = `local claims = std.extVar('claims');
{ identity: { traits: { email: claims.email, [if 'name' in claims then 'name']: claims.name },
              verified_addresses: if claims.email_verified then [{ via: 'email', value: claims.email }] else [] } }`
let server, site

before(async () => {
  const [port, at] = [await freePort(), await freePort()]
  const client = { client_id: 'shop', client_secret: 'a-secret-of-the-shop' }
  site = await provider(at, [{ ...client, redirect_uris: [`http://127.0.0.1:${port}/self-service/methods/oidc/callback/acme`] }])
  server = await serve({
    port,
    set: {
      'selfservice.methods.oidc': {
        enabled: true,
        config: {
          providers: [{
            id: 'acme', provider: 'generic', label: 'Acme', ...client, issuer_url: site.issuer, scope: ['email', 'profile'],
            mapper_url: `base64://${Buffer.from(mapper).toString('base64')}`,
          }],
        },
      },
      'mod_kratos.oidc.nonce': true,
      'selfservice.flows.registration.after.oidc.hooks': [{ hook: 'session' }],
      'selfservice.allowed_return_urls': ['app://callback'],
    },
  })
})
after(async () => { assert.deepEqual(await server.stop(), []); await site.stop() })

/** Somebody's browser: follows where it is sent, and fills in the provider's form. Hands back where that ends: an answer, or an app's URL. */
async function visit(start, { cookies = new Map(), ...fields }) {
  let url = start, form
  for (let steps = 0; steps < 12; steps++) {
    const own = url.startsWith(server.url) ? cookies : (cookies.theirs ??= new Map())
    const answer = await fetch(url, {
      redirect: 'manual', method: form ? 'POST' : 'GET', body: form,
      headers: { Accept: 'text/html', Cookie: [...own].map((pair) => pair.join('=')).join('; ') },
    })
    for (const line of answer.headers.getSetCookie()) {
      const [name, text] = line.split(';')[0].split(/=(.*)/s)
      own.set(name, text)
    }
    form = undefined
    const to = answer.headers.get('location')
    if (to && !/^https?:/.test(new URL(to, url).href)) return to
    if (to && to.startsWith('http://127.0.0.1:15455/')) return to
    if (to) url = new URL(to, url).href
    else if (answer.ok && /action="([^"]*)"/.test(await answer.clone().text())) {
      url = new URL((await answer.text()).match(/action="([^"]*)"/)[1], url).href
      form = new URLSearchParams(fields)
    } else return answer
  }
  throw new Error(`no end to the way from ${start}`)
}

async function press(api, kind, flow) {
  const body = { method: 'oidc', provider: 'acme', csrf_token: value(flow, 'csrf_token') }
  const refused = await failure(kind === 'login' ? api.updateLoginFlow({ flow: flow.id, updateLoginFlowBody: body })
    : api.updateRegistrationFlow({ flow: flow.id, updateRegistrationFlowBody: body }))
  assert.equal(refused.status, 422)
  assert.equal(refused.data.error.id, 'browser_location_change_required')
  return refused.data.redirect_browser_to
}

test('a page signs somebody up with another site, and in again', async () => {
  const page = browserClient(server.url)
  const first = await page.createBrowserRegistrationFlow()
  assert.match(await visit(await press(page, 'registration', first.data), { cookies: page.jar, name: 'ana' }), /^http:\/\/127.0.0.1:15455\//)
  const { data: session } = await page.toSession()
  assert.deepEqual(session.identity.traits, { email: 'ana@example.org', name: 'ana' })
  assert.equal(session.authentication_methods[0].provider, 'acme')

  const again = browserClient(server.url)
  const { data: flow } = await again.createBrowserLoginFlow()
  await visit(await press(again, 'login', flow), { cookies: again.jar, name: 'ana' })
  assert.equal((await again.toSession()).data.identity.id, session.identity.id)
})

test('an app sends its person through a browser, and exchanges both codes once', async () => {
  const app = nativeClient(server.url)
  const { data: flow } = await app.createNativeLoginFlow({ returnSessionTokenExchangeCode: true, returnTo: 'app://callback' })
  const back = new URL(await visit(await press(app, 'login', flow), { name: 'eve' }))
  const codes = { initCode: flow.session_token_exchange_code, returnToCode: back.searchParams.get('code') }
  const { data } = await app.exchangeSessionToken(codes)
  assert.equal((await app.toSession({ xSessionToken: data.session_token })).data.identity.traits.email, 'eve@example.org')
  assert.equal((await failure(app.exchangeSessionToken(codes))).status, 404)
})

test('an app is told by the exchange that its person said no', async () => {
  const app = nativeClient(server.url)
  const { data: flow } = await app.createNativeLoginFlow({ returnSessionTokenExchangeCode: true, returnTo: 'app://callback' })
  const back = new URL(await visit(await press(app, 'login', flow), { denied: '1' }))
  const refused = await failure(app.exchangeSessionToken({
    initCode: flow.session_token_exchange_code, returnToCode: back.searchParams.get('code'),
  }))
  assert.equal(refused.status, 422)
  assert.equal(refused.data.id, flow.id)
  assert.equal(refused.data.ui.messages[0].id, 4000001)
})

test('somebody proves that the account is theirs before it is linked', async () => {
  const app = nativeClient(server.url)
  const { data: made } = await app.createNativeRegistrationFlow()
  await app.updateRegistrationFlow({ flow: made.id, updateRegistrationFlowBody: { method: 'password', password, traits: { email: 'ida@example.org' } } })

  const page = browserClient(server.url)
  const { data: flow } = await page.createBrowserLoginFlow()
  const led = await visit(await press(page, 'login', flow), { cookies: page.jar, name: 'ida' })
  const { data: linking } = await page.getLoginFlow({ id: new URL(led).searchParams.get('flow') })
  assert.equal(linking.ui.messages[0].id, 1010016)
  await page.updateLoginFlow({
    flow: linking.id,
    updateLoginFlowBody: { method: 'password', identifier: 'ida@example.org', password, csrf_token: value(linking, 'csrf_token') },
  })
  assert.deepEqual((await page.toSession()).data.authentication_methods.map((m) => m.method), ['password', 'oidc'])
  const { data: settings } = await page.createBrowserSettingsFlow()
  assert.equal(value(settings, 'unlink'), 'acme')
})
