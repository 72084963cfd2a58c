// SPDX-License-Identifier: Apache-2.0
// Security keys and passkeys on a form. Pages include this file before they know which fields come; every function looks for its
// fields when it is called, asks the browser for a key, writes what the key said into a hidden field, and sends the form.
(function () {
  'use strict'

  if (window.__oryWebAuthnInitialized) return

  const all = (selector) => document.querySelectorAll(selector)
  const show = (selector) => { for (const element of all(selector)) element.hidden = false }

  function whenRead(work) {
    if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', work)
    else work()
  }

  // Without keys there is nothing to define: pages look whether a function is there, and have a line for people.
  if (!window.PublicKeyCredential) {
    whenRead(() => show('[data-kratos-without]'))
    return
  }

  // -- bytes and base64url --------------------------------------------------

  function bytesOf(text) {
    const plain = atob(text.replace(/-/g, '+').replace(/_/g, '/'))
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0))
  }

  function textOf(buffer) {
    const plain = Array.from(new Uint8Array(buffer || []), (byte) => String.fromCharCode(byte)).join('')
    return btoa(plain).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
  }

  // -- what goes to the key, and what it says -------------------------------

  function withBytes(credentials) {
    return credentials && credentials.map((credential) => ({ ...credential, id: bytesOf(credential.id) }))
  }

  // Options as they come: an object, its JSON text, with or without the member publicKey around them. They are not changed, as
  // somebody may press the button again.
  function readOptions(options) {
    const given = typeof options === 'string' ? JSON.parse(options) : options
    const key = { ...(given.publicKey || given) }

    key.challenge = bytesOf(key.challenge)
    if (key.user) key.user = { ...key.user, id: bytesOf(key.user.id) }
    if (key.excludeCredentials) key.excludeCredentials = withBytes(key.excludeCredentials)
    if (key.allowCredentials) key.allowCredentials = withBytes(key.allowCredentials)
    return key
  }

  function answer(credential, members) {
    const response = Object.fromEntries(members.map((member) => [member, textOf(credential.response[member])]))
    return JSON.stringify({ id: credential.id, rawId: textOf(credential.rawId), type: credential.type, response })
  }

  const created = (credential) => answer(credential, ['attestationObject', 'clientDataJSON'])
  const proved = (credential) => answer(credential, ['authenticatorData', 'clientDataJSON', 'signature', 'userHandle'])

  // -- fields ---------------------------------------------------------------

  function find(selector) {
    const element = document.querySelector(selector)
    if (!element) throw new Error('the form has no element ' + selector)
    return element
  }

  const named = (name) => '[name="' + name + '"]'

  // The form's own submit(), even where a field has that name: an empty password beside the key must not hold it up.
  let sent = false

  function send(field, value) {
    sent = true
    field.value = value
    HTMLFormElement.prototype.submit.call(field.closest('form'))
  }

  // -- one key for one account ----------------------------------------------

  // What went wrong is for the console, and where a page has a line for it, for people: browsers tell them little. The button stays.
  let pressed = null, busy = false

  function say(what) {
    const lines = pressed ? pressed.closest('form').querySelectorAll('[data-kratos-failed]') : []
    for (const line of lines) line.hidden = line.dataset.kratosFailed !== what
  }

  function failed(error) {
    console.error(error)
    say(error.name === 'InvalidStateError' ? 'known' : '')
  }

  function told(work) {
    return work.catch(failed)
  }

  async function register(options, field, done) {
    const answered = created(await navigator.credentials.create({ publicKey: readOptions(options) }))
    if (done) done()
    send(field, answered)
  }

  async function oryWebAuthnRegistration(options, result, trigger) {
    await told((async () => {
      const given = options || find(trigger || named('webauthn_register_trigger')).value
      await register(given, find(result || named('webauthn_register')))
    })())
  }

  async function oryWebAuthnLogin(options, result, trigger) {
    await told((async () => {
      const given = options || find(trigger || named('webauthn_login_trigger')).value
      const field = find(result || named('webauthn_login'))
      send(field, proved(await navigator.credentials.get({ publicKey: readOptions(given) })))
    })())
  }

  // -- passkeys -------------------------------------------------------------

  // The passkey is called after what was typed into the form; a name that is needed and misses is asked for first.
  function nameFields(data, form) {
    const names = data.displayNameFieldNames || (data.displayNameFieldName ? [data.displayNameFieldName] : [])
    return names.map((name) => form.querySelector(named(CSS.escape(name)))).filter(Boolean)
  }

  // On pages that have a place for it, the button comes first where a passkey was used before: browsers tell nobody else that there is one.
  const USED = 'kratos-passkey'

  function remember() {
    if (!all('[data-kratos-click]').length) return
    try { localStorage.setItem(USED, '1') } catch (error) { /* this browser keeps nothing */ }
  }

  function putFirst() {
    const place = document.querySelector('[data-kratos-first]'), button = document.querySelector('[data-kratos-click=oryPasskeyLogin]')
    try { if (!place || !button || !localStorage.getItem(USED)) return } catch (error) { return }
    place.prepend(button)
    place.hidden = false
  }

  async function oryPasskeyRegistration() {
    await told((async () => {
      const source = find(named('passkey_create_data'))
      const data = JSON.parse(source.value)
      const key = { ...(data.credentialOptions.publicKey || data.credentialOptions) }
      const fields = nameFields(data, source.closest('form'))
      const filled = fields.find((field) => field.value)

      if (!filled && fields.length && !fields[0].reportValidity()) return
      if (filled) key.user = { ...key.user, name: filled.value, displayName: filled.value }
      await register(key, find(named('passkey_register')), remember)
    })())
  }

  async function oryPasskeySettingsRegistration() {
    await told((async () => {
      await register(find(named('passkey_create_data')).value, find(named('passkey_settings_register')), remember)
    })())
  }

  // A browser asks for one key at a time: what waits in the autocompletion gives way to the button, and comes back when that failed.
  function stopWaiting() {
    if (window.abortPasskeyConditionalUI) window.abortPasskeyConditionalUI.abort()
    window.abortPasskeyConditionalUI = undefined
  }

  async function oryPasskeyLogin() {
    stopWaiting()
    try {
      const challenge = find(named('passkey_challenge')).value
      const field = find(named('passkey_login'))
      const answered = proved(await navigator.credentials.get({ publicKey: readOptions(challenge) }))
      remember()
      send(field, answered)
    } catch (error) {
      failed(error)
      oryPasskeyLoginAutocompleteInit() // which may wait for ever
    }
  }

  async function canWait() {
    const ask = PublicKeyCredential.isConditionalMediationAvailable
    return Boolean(ask) && ask.call(PublicKeyCredential)
  }

  async function oryPasskeyLoginAutocompleteInit() {
    const [challenge, field, identifier] =
      ['passkey_challenge', 'passkey_login', 'identifier'].map((name) => document.querySelector(named(name)))

    if (!challenge || !challenge.value || !field || !identifier || !(await canWait())) return
    stopWaiting()
    const waiting = new AbortController()
    window.abortPasskeyConditionalUI = waiting
    try {
      const publicKey = readOptions(challenge.value)
      const credential = await navigator.credentials.get({ publicKey, mediation: 'conditional', signal: waiting.signal })
      if (!credential) return
      remember()
      send(field, proved(credential))
    } catch (error) {
      if (!waiting.signal.aborted) console.error(error)
    }
  }

  // -- to the page ----------------------------------------------------------

  const functions = {
    oryWebAuthnRegistration,
    oryWebAuthnLogin,
    oryPasskeyRegistration,
    oryPasskeySettingsRegistration,
    oryPasskeyLogin,
    oryPasskeyLoginAutocompleteInit,
  }
  for (const [name, call] of Object.entries(functions)) {
    window[name] = call
    window['__' + name] = call // a page that has put something of its own under the plain name finds it here
  }

  // Pages whose policy keeps code out of tags name the functions there, and hide the buttons that do nothing without this file.
  function bind() {
    if (/^\[|^\d+(\.\d+){3}$/.test(location.hostname)) { // keys are bound to names
      show('[data-kratos-without]')
      return
    }
    for (const button of all('[data-kratos-click]')) {
      const call = functions[button.dataset.kratosClick]
      if (!call) continue
      button.addEventListener('click', async () => {
        if (busy) return // a double click asks once, and sends once
        pressed = button
        say('nothing')
        busy = true
        await call(button.value)
        busy = sent
      })
      button.hidden = false
    }
    putFirst()
    show('[data-kratos-with]')
    for (const field of all('[data-kratos-load]')) {
      const call = functions[field.dataset.kratosLoad]
      if (call) call()
    }
  }

  whenRead(bind)
  window.addEventListener('pageshow', () => { sent = busy = false }) // who comes back to the page finds it as it was
  window.__oryWebAuthnInitialized = true
  window.dispatchEvent(new CustomEvent('oryWebAuthnInitialized'))
})()
