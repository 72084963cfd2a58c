# SPDX-License-Identifier: Apache-2.0
"""
Ory's reference UI in front of the API: its people set up and use an authenticator app, recovery codes, passkeys and security keys.

What people see of it is @ory/elements-markup, in the pages of t/client/elements.js. KRATOS_REFERENCE_UI names a folder with the whole
app (ory/kratos-selfservice-ui-node, built), which is walked through instead.
"""
import os
import re
import shutil
import subprocess
import tempfile

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from conftest import launch
from keys import Key
from lib.serving import ROOT, Server, free_port, status_of, wait_for
from lib.settings import merge
from test_demo import PASSWORD
from test_factors import Owner, settings

SECRETS = {'COOKIE_SECRET': 'only-for-tests-1', 'CSRF_COOKIE_SECRET': 'only-for-tests-2', 'CSRF_COOKIE_NAME': 'csrf-of-the-app',
           'DANGEROUSLY_DISABLE_SECURE_CSRF_COOKIES': 'true'}


class Site:
    """The API, and the pages on a port of their own: cookies of a host are those of all its ports."""

    def __init__(self):
        port, pages = free_port(), free_port()
        self.api, self.root = f'http://localhost:{port}', f'http://localhost:{pages}'
        flows = {kind: {'ui_url': f'{self.root}/{kind}'} for kind in ('login', 'registration', 'settings', 'error')}
        origins = {'config': {'rp': {'id': 'localhost', 'origins': [self.root]}}}
        tree = merge(settings(port), {
            'serve': {'public': {'cors': {'enabled': True, 'allowed_origins': [self.root], 'allow_credentials': True}}},
            'selfservice': {'default_browser_return_url': self.root + '/welcome', 'allowed_return_urls': [self.root], 'flows': flows,
                            'methods': {'webauthn': origins, 'passkey': origins}}})
        self.server = Server(tree, port=port, clock=True)
        try:
            self.open_pages(pages)
        except Exception:
            self.stop()
            raise

    def open_pages(self, port):
        app, here = os.environ.get('KRATOS_REFERENCE_UI'), ROOT / 't' / 'client'
        self.app = subprocess.Popen(['node', 'lib/index.js'] if app else ['node', 'elements.js', str(port)], cwd=app or here,
                                    env={**os.environ, **SECRETS, 'PORT': str(port), 'KRATOS_PUBLIC_URL': self.api,
                                         'KRATOS_BROWSER_URL': self.api}, stdout=subprocess.DEVNULL)
        wait_for(lambda: status_of(self.root + '/health/alive') == 200)

    def stop(self):
        self.app.terminate()
        self.app.wait(20)
        assert not self.server.stop()


@pytest.fixture(scope='module')
def site():
    site = Site()
    yield site
    site.stop()


class Visitor(Owner):
    """Somebody on those pages, where each method is a form of its own."""

    def fill(self, by, **fields):
        """Fields of the form that this button sends."""
        form = self.one(by).find_element(By.XPATH, 'ancestor::form')
        for name, value in fields.items():
            form.find_element(By.NAME, name.replace('__', '.')).send_keys(value)

    def give(self, method, **fields):
        by = f'[name=method][value={method}]'
        self.fill(by, **fields)
        self.press(by)

    def sign_up(self):
        self.open('/registration')
        self.give('password', traits__email=self.email, password=PASSWORD)
        self.at(self.root + '/welcome')

    def leave(self):
        self.browser.delete_all_cookies()

    def sign_in(self):
        self.open('/login')
        self.give('password', identifier=self.email, password=PASSWORD)

    def settings(self):
        self.open('/settings')
        self.at(self.root + '/settings?flow=')

    def key(self, selector):
        """A button that asks a key, which sends the form."""
        WebDriverWait(self.browser, 10).until(lambda b: b.execute_script('return window.__oryWebAuthnInitialized'))
        self.press(selector)

    def saved(self):
        assert 'saved' in self.text, self.text

    @property
    def methods(self):
        """How the session says that somebody signed in."""
        self.open('/welcome')
        self.at(self.root + '/welcome')
        with_cookie = f'fetch("{self.site.api}/sessions/whoami", {{credentials: "include"}}).then((r) => r.json()).then(arguments[0])'
        session = self.browser.execute_async_script(with_cookie)
        return [one['method'] for one in session['authentication_methods']]


@pytest.fixture
def visitor(site):
    profile = tempfile.mkdtemp(prefix='kratos-chromium-')
    browser = launch(profile)
    yield Visitor(browser, site)
    browser.quit()
    shutil.rmtree(profile, ignore_errors=True)


def app_of(visitor):
    """The key that the page shows, in an app."""
    visitor.settings()
    secret, = re.findall(r'\b[A-Z2-7]{32}\b', visitor.text)
    assert visitor.one('img[src^="data:image/png"]').is_displayed()
    visitor.give('totp', totp_code=visitor.now(secret))
    visitor.saved()
    return secret


def test_an_authenticator_app(visitor):
    visitor.sign_up()
    secret = app_of(visitor)
    visitor.leave()
    visitor.sign_in()
    visitor.give('totp', totp_code=visitor.next(secret))
    assert visitor.methods == ['password', 'totp']
    visitor.settings()
    visitor.press('[name=totp_unlink]')
    visitor.saved()
    visitor.leave()
    visitor.sign_in()
    assert visitor.methods == ['password']


def test_recovery_codes(visitor):
    visitor.sign_up()
    app_of(visitor)
    visitor.settings()
    visitor.press('[name=lookup_secret_regenerate]')
    texts = [element.text for element in visitor.find('[data-testid*=lookup_secret_codes]')]
    codes = list(dict.fromkeys(text for text in texts if re.fullmatch(r'[a-z0-9]{8}', text)))
    assert len(codes) == 12, texts
    visitor.press('[name=lookup_secret_confirm]')
    visitor.saved()
    visitor.leave()
    visitor.sign_in()
    visitor.give('lookup_secret', lookup_secret=codes[0])
    assert visitor.methods == ['password', 'lookup_secret']
    visitor.leave()
    visitor.sign_in()
    visitor.give('lookup_secret', lookup_secret=codes[0])
    assert 'used already' in visitor.text or 'already been used' in visitor.text


def test_a_passkey(visitor):
    key = Key(visitor.browser)
    visitor.open('/registration')
    visitor.fill('[name=passkey_register_trigger]', traits__email=visitor.email)
    visitor.key('[name=passkey_register_trigger]')
    assert visitor.methods == ['passkey'] and len(key.credentials) == 1
    visitor.leave()
    key.touched(False)      # else the autocompletion is faster than the button
    visitor.open('/login')
    key.touched(True)
    visitor.key('[name=passkey_login_trigger]')
    assert visitor.methods == ['passkey']

    visitor.settings()
    key.unplug()
    other = Key(visitor.browser)
    visitor.key('[name=passkey_register_trigger]')
    visitor.saved()
    assert len(other.credentials) == 1 and len(visitor.find('[name=passkey_remove]')) == 2
    visitor.find('[name=passkey_remove]')[0].click()
    WebDriverWait(visitor.browser, 15).until(lambda _: len(visitor.find('[name=passkey_remove]')) == 1)


def test_a_security_key(visitor):
    key = Key(visitor.browser, built_in=False, verifies=False)
    visitor.sign_up()
    visitor.settings()
    visitor.fill('[name=webauthn_register_trigger]', webauthn_register_displayname='the blue one')
    visitor.key('[name=webauthn_register_trigger]')
    visitor.saved()
    assert 'the blue one' in visitor.text and len(key.credentials) == 1
    visitor.leave()
    visitor.sign_in()
    visitor.key('[name=webauthn_login_trigger]')
    assert visitor.methods == ['password', 'webauthn']
    visitor.settings()
    visitor.press('[name=webauthn_remove]')
    visitor.saved()
    visitor.leave()
    visitor.sign_in()
    assert visitor.methods == ['password']
