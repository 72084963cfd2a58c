# SPDX-License-Identifier: Apache-2.0
"""The script /.well-known/ory/webauthn.js in a real browser that has a key: what it reads from a form, and what it sends."""
import base64
import json
import tempfile
import threading
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions
from selenium.webdriver.support.ui import WebDriverWait

from conftest import launch
from lib.serving import Server, free_port
from lib.settings import base

CHALLENGE = 'Y2hhbGxlbmdlLW9mLXRoZS10ZXN0'
USER = 'dXNlci1oYW5kbGU'
GLOBALS = ['oryWebAuthnRegistration', 'oryWebAuthnLogin', 'oryPasskeyRegistration', 'oryPasskeySettingsRegistration',
           'oryPasskeyLogin', 'oryPasskeyLoginAutocompleteInit']


class Site:
    """One page at a time on http://localhost, as keys want a name; it keeps the form that is sent to it."""

    def __init__(self):
        self.page, self.sent, outer = '', [], self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(outer.page)

            def do_POST(self):
                outer.sent.append(parse_qs(self.rfile.read(int(self.headers['Content-Length'])).decode(), keep_blank_values=True))
                self.answer('<title>sent</title>')

            def answer(self, html):
                self.send_response(200)
                self.send_header('Content-Type', 'text/html; charset=utf-8')
                self.end_headers()
                self.wfile.write(html.encode())

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = f'http://localhost:{self.http.server_port}/'
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture(scope='module')
def script():
    port = free_port()
    server = Server(base(port), port=port)
    yield server.url + '/.well-known/ory/webauthn.js'
    assert not server.stop()


@pytest.fixture(scope='module')
def driver():
    with tempfile.TemporaryDirectory(prefix='kratos-chromium-') as profile:
        driver = launch(profile)
        yield driver
        driver.quit()


class Visitor:
    """A browser with a key, on a page of that site."""

    def __init__(self, driver, site, script):
        self.driver, self.site, self.script = driver, site, script

    def open(self, begin=True, **fields):
        """A form with those fields; a list is what the field's tag has besides."""
        inputs = ''.join(f'<input name="{name}" value="{escape(value if isinstance(value, str) else json.dumps(value))}">'
                         for name, value in fields.items())
        self.site.page = f'''<!DOCTYPE html><title>form</title>
            <script>addEventListener('oryWebAuthnInitialized', () => document.title = 'ready')</script>
            <form method="post">{inputs}<input type="password" name="password" required></form>
            <script src="{self.script}" async></script>'''
        self.site.sent.clear()
        self.driver.get(self.site.url)
        self.until(lambda d: d.title == 'ready')

    def until(self, what):
        WebDriverWait(self.driver, 10).until(what)

    def call(self, code):
        """Runs it as an onclick would, and waits for its end; a form that was sent meanwhile is an end as well."""
        self.driver.execute_script(f'window.done = false; Promise.resolve({code}).then(() => window.done = true)')
        self.until(lambda d: d.title == 'sent' or d.execute_script('return window.done'))

    def sent(self, field):
        """What the key said, as the API gets it."""
        self.until(lambda d: d.title == 'sent')
        form, = self.site.sent
        said = json.loads(form[field][0])
        assert said['type'] == 'public-key' and said['id'] == said['rawId'] and '=' not in said['id']
        client = json.loads(plain(said['response']['clientDataJSON']))
        assert client['challenge'] == CHALLENGE and client['origin'] == self.site.url.rstrip('/')
        assert client['type'] == 'webauthn.' + ('create' if 'attestationObject' in said['response'] else 'get')
        return said

    def keys(self):
        return self.driver.get_credentials()


@pytest.fixture
def visitor(driver, script):
    options = VirtualAuthenticatorOptions(transport=VirtualAuthenticatorOptions.Transport.INTERNAL, has_resident_key=True,
                                          has_user_verification=True, is_user_verified=True)
    driver.add_virtual_authenticator(options)
    site = Site()
    yield Visitor(driver, site, script)
    driver.get('about:blank')
    driver.remove_virtual_authenticator()
    site.close()


def plain(text):
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


def to_create(name='', **more):
    key = {'rp': {'name': 'Test', 'id': 'localhost'}, 'user': {'name': name, 'displayName': name, 'id': USER}, 'challenge': CHALLENGE,
           'pubKeyCredParams': [{'type': 'public-key', 'alg': -7}], 'timeout': 20000,
           'authenticatorSelection': {'residentKey': 'required', 'requireResidentKey': True, 'userVerification': 'preferred'}}
    return {'publicKey': {**key, **more}}


def to_prove(*ids):
    key = {'challenge': CHALLENGE, 'timeout': 20000, 'rpId': 'localhost', 'userVerification': 'discouraged'}
    return {'publicKey': {**key, 'allowCredentials': [{'type': 'public-key', 'id': id} for id in ids]} if ids else key}


def enrolled(visitor):
    """The id of a passkey that was made by the settings."""
    visitor.open(passkey_create_data=to_create('ana'), passkey_settings_register='')
    visitor.call('oryPasskeySettingsRegistration()')
    return visitor.sent('passkey_settings_register')['id']


# -- what it defines --------------------------------------------------------------------

def test_the_six_functions_are_there_under_both_names_and_said_once(visitor):
    visitor.open()
    for name in GLOBALS:
        assert visitor.driver.execute_script(f'return window.{name} === window.__{name} && typeof {name}') == 'function'
    assert visitor.driver.execute_script('return window.__oryWebAuthnInitialized') is True
    again = '''const first = oryPasskeyLogin, done = arguments[0]; document.title = 'once'
               const s = document.createElement('script'); s.src = document.scripts[1].src
               s.onload = () => done([first === oryPasskeyLogin, document.title]); document.head.append(s)'''
    assert visitor.driver.execute_async_script(again) == [True, 'once']


def test_nothing_is_defined_where_there_are_no_keys(visitor):
    visitor.open()
    without = '''const frame = document.createElement('iframe'), done = arguments[0]; document.body.append(frame)
                 delete frame.contentWindow.PublicKeyCredential
                 const s = frame.contentDocument.createElement('script'); s.src = document.scripts[1].src
                 s.onload = () => done(arguments[1].filter(n => n in frame.contentWindow)); frame.contentDocument.head.append(s)'''
    assert visitor.driver.execute_async_script(without.replace('arguments[1]', json.dumps(GLOBALS))) == []


def test_where_no_code_may_stand_in_tags_they_name_the_functions(visitor):
    """As on the built-in pages. Buttons are hidden until there is something to call."""
    visitor.site.page = f'''<!DOCTYPE html><meta http-equiv="Content-Security-Policy" content="script-src {visitor.script}">
        <form method="post"><input type="hidden" name="webauthn_register">
        <button type="button" name="webauthn_register_trigger" value="{escape(json.dumps(to_create('ana')))}"
                data-kratos-click="oryWebAuthnRegistration" hidden>Add</button>
        <button type="button" name="other" data-kratos-click="nobodyKnows" hidden>Other</button></form>
        <script src="{visitor.script}" async></script>'''
    visitor.site.sent.clear()
    visitor.driver.get(visitor.site.url)
    button = visitor.driver.find_element('name', 'webauthn_register_trigger')
    visitor.until(lambda d: button.is_displayed())
    assert not visitor.driver.find_element('name', 'other').is_displayed()
    button.click()
    visitor.sent('webauthn_register')


def on_our_page(visitor, *extra):
    """A form as the built-in pages have it; nobody touches the key before the test says what that comes to."""
    visitor.site.page = f'''<!DOCTYPE html><title>form</title><form method="post"><input type="hidden" name="webauthn_register">
        <button type="button" name="webauthn_register_trigger" value="{escape(json.dumps(to_create('ana')))}"
                data-kratos-click="oryWebAuthnRegistration" hidden>Add</button>{''.join(extra)}</form>
        <form><p id="elsewhere" data-kratos-failed hidden>not here</p></form><script src="{visitor.script}" async></script>'''
    visitor.site.sent.clear()
    visitor.driver.get(visitor.site.url)
    visitor.until(lambda d: d.find_element('name', 'webauthn_register_trigger').is_displayed())
    visitor.driver.execute_script('''window.asked = []
        navigator.credentials.create = () => new Promise((yes, no) => asked.push(no))''')


LINES = '<p id="failed" data-kratos-failed hidden>failed</p><p id="known" data-kratos-failed="known" hidden>known</p>'


def test_a_double_click_asks_once_and_a_failure_lets_one_ask_again(visitor):
    on_our_page(visitor, LINES)
    press = visitor.driver.find_element('name', 'webauthn_register_trigger').click
    press()
    press()
    assert visitor.driver.execute_script('return asked.length') == 1
    visitor.driver.execute_script('asked[0](new DOMException("nobody", "NotAllowedError"))')
    visitor.until(lambda d: d.find_element('id', 'failed').is_displayed())
    press()
    assert visitor.driver.execute_script('return asked.length') == 2
    assert not visitor.driver.find_element('id', 'failed').is_displayed()


@pytest.mark.parametrize('name, line', [('NotAllowedError', 'failed'), ('InvalidStateError', 'known'), ('SecurityError', 'failed')])
def test_what_went_wrong_is_said_in_the_form_whose_button_was_pressed(visitor, name, line):
    on_our_page(visitor, LINES)
    visitor.driver.find_element('name', 'webauthn_register_trigger').click()
    visitor.driver.execute_script(f'asked[0](new DOMException("no", "{name}"))')
    visitor.until(lambda d: d.find_element('id', line).is_displayed())
    shown = [id for id in ('failed', 'known', 'elsewhere') if visitor.driver.find_element('id', id).is_displayed()]
    assert shown == [line] and not visitor.site.sent


@pytest.mark.parametrize('host, usable', [('localhost', True), ('127.0.0.1', False)])
def test_where_a_site_has_no_name_pages_say_so_and_show_no_button(visitor, host, usable):
    on_our_page(visitor, '<p id="without" data-kratos-without hidden>not here</p>')
    visitor.driver.get(visitor.site.url.replace('localhost', host))
    visitor.until(lambda d: d.find_element('name' if usable else 'id', 'webauthn_register_trigger' if usable else 'without').is_displayed())
    assert visitor.driver.find_element('id', 'without').is_displayed() != usable
    assert visitor.driver.find_element('name', 'webauthn_register_trigger').is_displayed() == usable


# -- security keys ----------------------------------------------------------------------

@pytest.mark.parametrize('argument', ['', 'JSON.parse(document.querySelector("[name=webauthn_register_trigger]").value)'])
def test_a_security_key_is_enrolled_and_signs_in(visitor, argument):
    visitor.open(webauthn_register_trigger=to_create('ana'), webauthn_register='', webauthn_register_displayname='blue one')
    visitor.call(f'oryWebAuthnRegistration({argument})')
    made = visitor.sent('webauthn_register')
    assert set(made['response']) == {'attestationObject', 'clientDataJSON'}
    assert visitor.site.sent[0]['webauthn_register_displayname'] == ['blue one']

    visitor.open(webauthn_login_trigger=to_prove(made['id']), webauthn_login='')
    visitor.call(f'oryWebAuthnLogin({argument.replace("register", "login")})')
    said = visitor.sent('webauthn_login')
    assert set(said['response']) == {'authenticatorData', 'clientDataJSON', 'signature', 'userHandle'} and said['id'] == made['id']


def test_other_places_of_a_page_can_be_named(visitor):
    visitor.open(mine=to_create('ana'), theirs='')
    visitor.call('''oryWebAuthnRegistration(null, '[name="theirs"]', '[name="mine"]')''')
    visitor.sent('theirs')


def test_a_key_that_is_enrolled_already_sends_nothing(visitor):
    id = enrolled(visitor)
    visitor.open(webauthn_register_trigger=to_create('ana', excludeCredentials=[{'type': 'public-key', 'id': id}]), webauthn_register='')
    visitor.call('oryWebAuthnRegistration()')
    assert not visitor.site.sent and len(visitor.keys()) == 1


# -- passkeys ---------------------------------------------------------------------------

@pytest.mark.parametrize('names, typed, called', [
    (['traits.email'], {'traits.email': 'ana@example.org'}, 'ana@example.org'),
    (['traits.email', 'traits.name'], {'traits.email': '', 'traits.name': 'Ana'}, 'Ana'),
    (['traits.nowhere', 'traits.name'], {'traits.name': 'Ana'}, 'Ana'),
    (['traits.email'], {'traits.email': ''}, 'as told'),
])
def test_a_passkey_is_called_after_what_was_typed(visitor, names, typed, called):
    data = {'credentialOptions': to_create('as told'), 'displayNameFieldName': names[0], 'displayNameFieldNames': names}
    visitor.open(passkey_create_data=data, passkey_register='', **typed)
    visitor.driver.execute_script('''const create = navigator.credentials.create.bind(navigator.credentials)
        navigator.credentials.create = (options) => {
            const { name, displayName } = options.publicKey.user
            sessionStorage.called = JSON.stringify([name, displayName])
            return create(options) }''')
    visitor.call('oryPasskeyRegistration()')
    visitor.sent('passkey_register')
    assert json.loads(visitor.driver.execute_script('return sessionStorage.called')) == [called, called]
    key, = visitor.keys()
    assert plain(key.user_handle) == plain(USER)


def test_a_name_that_misses_is_asked_for_before_the_key_is(visitor):
    data = {'credentialOptions': to_create(), 'displayNameFieldNames': ['password']}
    visitor.open(passkey_create_data=data, passkey_register='')
    visitor.call('oryPasskeyRegistration()')
    assert not visitor.site.sent and not visitor.keys()


def test_a_passkey_says_who_it_is(visitor):
    id = enrolled(visitor)
    visitor.open(passkey_challenge=to_prove(), passkey_login='', identifier='')
    visitor.call('oryPasskeyLogin()')
    said = visitor.sent('passkey_login')
    assert said['id'] == id and said['response']['userHandle'] == USER


def test_the_autocompletion_waits_and_gives_way_to_the_button(visitor):
    """Without a passkey it waits for ever; the button takes its place, and it comes back when that failed."""
    visitor.open(passkey_challenge=to_prove('AAAA'), passkey_login='', identifier='')
    visitor.driver.execute_script('''PublicKeyCredential.isConditionalMediationAvailable = async () => true
        window.asked = []
        navigator.credentials.get = ({ mediation, signal }) => new Promise((_, no) => {
            asked.push([mediation, signal]); if (!signal) no(new Error('nobody touched it'))
            else signal.onabort = () => no(new Error('stopped')) })
        oryPasskeyLoginAutocompleteInit()''')
    visitor.until(lambda d: d.execute_script('return asked.length') == 1)
    visitor.driver.execute_script('oryPasskeyLogin()')
    visitor.until(lambda d: d.execute_script('return asked.length') == 3)
    kinds = visitor.driver.execute_script('return asked.map(([mediation, signal]) => [mediation || null, signal ? signal.aborted : null])')
    assert kinds == [['conditional', True], [None, None], ['conditional', False]]
    assert visitor.driver.execute_script('return abortPasskeyConditionalUI.signal === asked[2][1]')


@pytest.mark.parametrize('missing', ['passkey_challenge', 'passkey_login', 'identifier'])
def test_the_autocompletion_wants_all_its_fields(visitor, missing):
    fields = {'passkey_challenge': to_prove(), 'passkey_login': '', 'identifier': ''}
    del fields[missing]
    visitor.open(**fields)
    visitor.driver.execute_script('window.asked = 0; navigator.credentials.get = async () => { asked++ }')
    visitor.call('oryPasskeyLoginAutocompleteInit()')
    assert visitor.driver.execute_script('return asked') == 0
