// SPDX-License-Identifier: Apache-2.0
// Starts build/serve for the journeys, and makes clients for it.
import { execFileSync, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import kratos from '@ory/kratos-client'

const here = (name) => fileURLToPath(new URL(name, import.meta.url))

export function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

/** A folder that httpd's own user can reach. */
async function scratch() {
  const dir = await mkdtemp(join(tmpdir(), 'kratos-client-'))
  await chmod(dir, 0o755)
  return dir
}

/** A MariaDB of its own until stop(); `db` is what serve() wants. */
export async function mariadb() {
  const dir = await scratch()
  const say = (command) => execFileSync(here('../../build/mariadb'), [command, dir], { encoding: 'utf8' })
  const db = `mysql ${say('start').split('\n')[0]}`
  return { db, async stop() { say('stop'); await rm(dir, { recursive: true }) } }
}

/**
 * build/serve until stop(); `url` is where the API is. Mail becomes files. db as build/serve has it; without: SQLite. `set`: settings
 * that differ from those in the file, as JSON.
 */
export async function serve({ config = 'kratos.yml', db, port, set = {} } = {}) {
  port ??= await freePort()
  const dir = await scratch(), mail = join(dir, 'mail')
  const url = `http://127.0.0.1:${port}`
  await mkdir(mail)
  await chmod(mail, 0o777)
  const child = spawn(here('../../build/serve'), [
    '--config', here(config), '--public-port', port, '--dir', dir, '--set', `serve.public.base_url=${url}/`,
    '--set', `courier.smtp.connection_uri=file://${mail}`, ...(db ? ['--db', db] : []),
    ...Object.entries(set).flatMap(([key, value]) => ['--set', `${key}=${JSON.stringify(value)}`]),
  ], { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const ready = () => fetch(`${url}/health/ready`).then((r) => r.ok, () => false)
  for (let tries = 0; !(await ready()); tries++) {
    if (tries > 300 || child.exitCode !== null) throw new Error(`build/serve did not get ready:\n${await log(dir)}`)
    await pause(100)
  }
  return {
    url,
    /** The code in the number-th mail to that address under that subject. */
    async code(to, subject, number = 1) {
      for (let tries = 0; tries < 300; tries++, await pause(50)) {
        const files = (await readdir(mail)).filter((name) => name.endsWith('.eml'))
        const texts = await Promise.all(files.map((name) => readFile(join(mail, name), 'utf8')))
        const theirs = texts.filter((text) => text.includes(to) && text.includes(subject))
        if (theirs.length >= number) return theirs.sort((a, b) => sentAt(a) - sentAt(b))[number - 1].match(/^(\d{6})\r?$/m)[1]
      }
      throw new Error(`no mail "${subject}" came to ${to}`)
    },
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

const sentAt = (mail) => Date.parse(mail.match(/^Date: (.*)$/m)[1])
const log = (dir) => readFile(join(dir, 'error.log'), 'utf8').catch(() => '')

/** The client as an app uses it: no cookies. */
export function nativeClient(url) {
  return new kratos.FrontendApi(new kratos.Configuration({ basePath: url }))
}

/** The client as a page uses it: a jar of cookies (`jar`, by name) that axios itself does not keep outside of browsers. */
export function browserClient(url) {
  const jar = new Map()
  const configuration = new kratos.Configuration({ basePath: url, baseOptions: { withCredentials: true, maxRedirects: 0 } })
  const api = new kratos.FrontendApi(configuration)
  api.axios = api.axios.create()
  api.jar = jar
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
