// SPDX-License-Identifier: Apache-2.0
// Starts build/serve for the journeys, and makes clients for it.
import { spawn } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import kratos from '@ory/kratos-client'

const here = (name) => fileURLToPath(new URL(name, import.meta.url))

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

/** build/serve until stop(); `url` is where the API is. */
export async function serve() {
  const port = await freePort()
  const dir = await mkdtemp(join(tmpdir(), 'kratos-client-'))
  const url = `http://127.0.0.1:${port}`
  await chmod(dir, 0o755)
  const child = spawn(here('../../build/serve'), [
    '--config', here('kratos.yml'), '--public-port', port, '--dir', dir, '--set', `serve.public.base_url=${url}/`,
  ], { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const ready = () => fetch(`${url}/health/ready`).then((r) => r.ok, () => false)
  for (let tries = 0; !(await ready()); tries++) {
    if (tries > 300 || child.exitCode !== null) throw new Error(`build/serve did not get ready:\n${await log(dir)}`)
    await pause(100)
  }
  return {
    url,
    /** Ends it; hands back lines of its error log that an operator would have to look at. */
    async stop() {
      const lines = (await log(dir)).split('\n').filter((line) => /\[[a-z_]*:(error|crit|alert|emerg)\]/.test(line))
      child.kill('SIGTERM')
      await ended
      await rm(dir, { recursive: true })
      return lines
    },
  }
}

const log = (dir) => readFile(join(dir, 'error.log'), 'utf8').catch(() => '')

/** The client as an app uses it: no cookies. */
export function nativeClient(url) {
  return new kratos.FrontendApi(new kratos.Configuration({ basePath: url }))
}

/** The client as a page uses it: a jar of cookies that axios itself does not keep outside of browsers. */
export function browserClient(url) {
  const jar = new Map()
  const configuration = new kratos.Configuration({ basePath: url, baseOptions: { withCredentials: true, maxRedirects: 0 } })
  const api = new kratos.FrontendApi(configuration)
  api.axios = api.axios.create()
  api.axios.interceptors.request.use((request) => {
    if (jar.size) request.headers.set('Cookie', [...jar].map((pair) => pair.join('=')).join('; '))
    return request
  })
  const keep = (response) => {
    for (const line of response.headers['set-cookie'] ?? []) {
      const [pair, ...attributes] = line.split(/; */)
      const at = pair.indexOf('=')
      if (attributes.some((a) => /^max-age=0$/i.test(a))) jar.delete(pair.slice(0, at))
      else jar.set(pair.slice(0, at), pair.slice(at + 1))
    }
  }
  api.axios.interceptors.response.use(
    (response) => (keep(response), response),
    (error) => { if (error.response) keep(error.response); throw error },
  )
  return api
}

/** The value of a node of a flow. */
export function value(flow, name) {
  return flow.ui.nodes.find((node) => node.attributes.name === name)?.attributes.value
}

/** What the server answered to a call that must fail. */
export async function failure(call) {
  const error = await call.then(() => { throw new Error('the call succeeded') }, (e) => e)
  if (!error.response) throw error
  return error.response
}
