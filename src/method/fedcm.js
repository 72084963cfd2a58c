// SPDX-License-Identifier: Apache-2.0
// "Continue as ...": asks the browser whose accounts it knows at the sites that people sign in with here (W3C FedCM), and sends what it is
// given as a form. Where the browser has no such thing, knows nobody or is sent away, the page stays as it is.
//
//   <script src="..." data-parameters="URL of createFedcmFlow" data-token="URL of updateFedcmFlow" data-context="signin" async></script>
//   <button type="button" data-fedcm="configuration of a site" hidden> <p data-fedcm-without>
//
// Such buttons are for sites that are signed in with in no other way; they are shown, and such lines hidden, where the browser can.
(function () {
  'use strict'

  const here = document.currentScript
  if (!here || !('IdentityCredential' in window) || !navigator.credentials) return

  let asking = null // what stops the question that is open: a browser asks one at a time

  // Nonces are good once, so each question begins with new ones.
  async function parameters () {
    const answer = await fetch(here.dataset.parameters, { credentials: 'include', headers: { Accept: 'application/json' } })
    if (!answer.ok) throw new Error('nothing to ask for')
    return answer.json()
  }

  const option = (offer) => ({
    configURL: offer.config_url,
    clientId: offer.client_id,
    nonce: offer.nonce,
    loginHint: offer.login_hint,
    domainHint: offer.domain_hint,
    fields: offer.fields,
    params: { nonce: offer.nonce, ...offer.parameters }
  })

  function send (fields) {
    const form = document.createElement('form')
    form.method = 'post'
    form.action = here.dataset.token
    for (const [name, value] of Object.entries(fields)) {
      const input = document.createElement('input')
      input.type = 'hidden'
      input.name = name
      input.value = value
      form.append(input)
    }
    document.body.append(form)
    form.submit()
  }

  async function ask (mode, config) {
    if (asking) asking.abort()
    const mine = asking = new AbortController()
    const given = await parameters()
    const offers = given.providers.filter((offer) => !config || offer.config_url === config)
    if (!offers.length || mine.signal.aborted) return
    const credential = await navigator.credentials.get({
      mediation: 'required',
      signal: mine.signal,
      identity: { context: here.dataset.context, mode, providers: offers.map(option) }
    })
    const offer = offers.find((one) => one.config_url === credential.configURL) || offers[0]
    const token = typeof credential.token === 'string' ? credential.token : JSON.stringify(credential.token)
    send({ token, nonce: offer.nonce, csrf_token: given.csrf_token })
  }

  function begin () {
    for (const line of document.querySelectorAll('[data-fedcm-without]')) line.hidden = true
    for (const button of document.querySelectorAll('button[data-fedcm]')) {
      button.hidden = false
      button.addEventListener('click', () => ask('active', button.dataset.fedcm).catch(() => {}))
    }
    // Whoever comes here is signed out: no page of this site signs them in again without being asked.
    Promise.resolve(navigator.credentials.preventSilentAccess()).then(() => ask('passive')).catch(() => {})
  }

  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', begin)
  else begin()
})()
