// SPDX-License-Identifier: Apache-2.0
// A site that people sign in with: npm's oidc-provider, for the journeys and for the browser tests. By itself:
//
//     node t/client/provider.js PORT '[{"client_id": "app", "client_secret": "...", "redirect_uris": ["..."]}]'
//
// says where it is once it listens. Its own pages ask who somebody is: any name is an account, whose address is NAME@example.org, and any
// password is right. What a client asks for is granted. The page has a way to say no.
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import Provider from 'oidc-provider'

const PAGE = (uid) => `<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Provider</title>
<form method="post" action="/interaction/${uid}"><label>Name <input name="name" required></label> <button>Sign in</button></form>
<form method="post" action="/interaction/${uid}"><input type="hidden" name="denied" value="1"><button>No</button></form>`

const account = (name) => ({
  accountId: name,
  claims: () => ({ sub: name, email: `${name}@example.org`, email_verified: !name.startsWith('unverified'), name }),
})

function configuration(clients) {
  return {
    clients,
    findAccount: (_, name) => account(name),
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true, methods: ['S256'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    cookies: { keys: ['a-key-for-tests'] },
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ accountId: ctx.oidc.session.accountId, clientId: ctx.oidc.client.clientId })
      grant.addOIDCScope('openid email profile')
      await grant.save()
      return grant
    },
  }
}

async function form(req) {
  let text = ''
  for await (const part of req) text += part
  return new URLSearchParams(text)
}

async function interact(provider, req, res) {
  if (req.method === 'GET') {
    res.setHeader('Content-Type', 'text/html; charset=utf-8')
    return res.end(PAGE((await provider.interactionDetails(req, res)).uid))
  }
  const fields = await form(req)
  const result = fields.has('denied')
    ? { error: 'access_denied', error_description: 'The person said no.' }
    : { login: { accountId: fields.get('name') } }
  return provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false })
}

/** Listens on a port of 127.0.0.1 until stop(); `issuer` is where it is. */
export async function provider(port, clients) {
  const issuer = `http://127.0.0.1:${port}`
  const it = new Provider(issuer, configuration(clients))
  const server = createServer((req, res) => (
    req.url.startsWith('/interaction/')
      ? interact(it, req, res).catch(() => { res.statusCode = 400; res.end('this sign-in is over') })
      : it.callback()(req, res)))
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  return { issuer, stop: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections() }) }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port, clients] = process.argv.slice(2)
  console.log((await provider(Number(port), JSON.parse(clients))).issuer)
}
