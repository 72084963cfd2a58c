// SPDX-License-Identifier: Apache-2.0
// Pages as Ory's reference UI has them: all that people see of it is @ory/elements-markup, which npm has; the app around it is not published.
// usage: node elements.js PORT, with KRATOS_PUBLIC_URL in the environment
import { createServer } from 'node:http'
import * as elements from '@ory/elements-markup' // which asks for express, and says so nowhere
import kratos from '@ory/kratos-client'

const port = Number(process.argv[2]), api = process.env.KRATOS_PUBLIC_URL
const frontend = new kratos.FrontendApi(new kratos.Configuration({ basePath: api }))
const begin = (kind, query = {}) => `${api}/self-service/${kind}/browser?${new URLSearchParams(query)}`
const READ = { login: 'getLoginFlow', registration: 'getRegistrationFlow', settings: 'getSettingsFlow' }

const escape = (text) => String(text).replace(/[&"<]/g, (letter) => `&#${letter.charCodeAt(0)};`)

/** The scripts of a flow, and what its buttons and fields call, as the reference UI sets them up. */
function scripts(flow) {
  const of = (type) => flow.ui.nodes.filter((node) => node.type === type).map((node) => node.attributes)
  const tags = of('script').map((at) => `<script src="${escape(at.src)}" type="${at.type}" integrity="${at.integrity}" async ` +
    `referrerpolicy="${at.referrerpolicy}" crossorigin="${at.crossorigin}"></script>`)
  const calls = of('input').flatMap(({ name, onclick, onload }) => [
    onclick && `document.getElementsByName('${name}').forEach((el) => el.addEventListener('click', () => { ${onclick} }))`, onload])
  return `${tags.join('\n')}\n<script>window.addEventListener('load', () => { ${calls.filter(Boolean).join(';\n')} })</script>`
}

function page(flow, kind, logoutURL) {
  if (kind === 'settings')
    return elements.UserSettingsScreen({ flow, logoutUrl: logoutURL }, { flow, logoutUrl: logoutURL }, { locale: 'en' }).Body
  const additionalProps = { forgotPasswordURL: begin('recovery'), signupURL: begin('registration'), loginURL: begin('login'), logoutURL }
  return elements.UserAuthCard({ flow, flowType: kind, additionalProps }, { locale: 'en' })
}

/** What the API says to the browser that asks; a 403 for the second factor leads there. */
async function answer(request) {
  const url = new URL(request.url, 'http://localhost'), kind = url.pathname.slice(1), id = url.searchParams.get('flow')
  const cookie = request.headers.cookie
  if (kind === 'welcome') {
    const { data } = await frontend.toSession({ cookie })
    return { html: `<pre id="session">${escape(JSON.stringify(data))}</pre>` }
  }
  if (!READ[kind]) return { html: `<p id="other">${escape(request.url)}</p>` }
  if (!id) return { to: begin(kind, Object.fromEntries(url.searchParams)) }
  const { data: flow } = await frontend[READ[kind]]({ id, cookie })
  const logout = await frontend.createBrowserLogoutFlow({ cookie }).then(({ data }) => data.logout_url, () => '')
  return { html: page(flow, kind, logout) + scripts(flow) }
}

function refused(error) {
  const { status, data } = error.response ?? {}
  if (data?.redirect_browser_to) return { to: data.redirect_browser_to }
  if (status === 401) return { to: begin('login') }
  return { html: `<pre id="error">${escape(error.stack)}</pre>` }
}

createServer(async (request, response) => {
  const { to, html } = await answer(request).catch(refused)
  if (to) response.writeHead(303, { Location: to }).end()
  else response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(`<!DOCTYPE html><title>Ory</title><main>${html}</main>`)
}).listen(port, '127.0.0.1')
