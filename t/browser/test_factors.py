# SPDX-License-Identifier: Apache-2.0
"""Second factors and passkeys as people meet them: in the built-in pages, with a key in the browser, an app on the phone, codes on paper."""
import base64
import contextlib
import copy
import hashlib
import re
import shutil
import tempfile
import time

import pyotp
import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from conftest import SCREENS, launch
from keys import Key
from lib.account import person
from lib.clients import Browser
from lib.serving import Server, free_port, wait_for
from lib.settings import base, inline, merge
from test_demo import PASSWORD, Person

PERIOD = 30
SIGN_IN = 'code to sign in'


def schema(code=False):
    own = copy.deepcopy(person({'identifier': True, 'via': 'email'} if code else None))
    email = own['properties']['traits']['properties']['email']['ory.sh/kratos']['credentials']
    email |= {'webauthn': {'identifier': True}, 'totp': {'account_name': True}, 'passkey': {'display_name': True}}
    return inline(own)


def settings(port, verification='preferred', uri=None):
    """All factors, on pages of our own; the host has a name, as keys want one. uri: of a post office, and codes are a second factor."""
    root, on, after = f'http://localhost:{port}', {'enabled': True}, {'hooks': [{'hook': 'session'}]}
    tree = merge(base(port), {
        'serve': {'public': {'base_url': root + '/'}},
        'selfservice': {
            'default_browser_return_url': root + '/ui/welcome', 'allowed_return_urls': [root],
            'methods': {'totp': {**on, 'config': {'issuer': 'Example Shop'}}, 'lookup_secret': on,
                        'webauthn': {**on, 'config': {'rp': {'display_name': 'Example Shop'}}},
                        'passkey': {**on, 'config': {'rp': {'display_name': 'Example Shop'},
                                                     'authenticator_selection': {'user_verification': verification}}}},
            'flows': {'settings': {'privileged_session_max_age': '1h', 'required_aal': 'highest_available'},
                      'registration': {'after': {'password': after, 'passkey': after}},
                      'logout': {'after': {'default_browser_return_url': root + '/ui/signed-out'}}}},
        'session': {'whoami': {'required_aal': 'highest_available'}},
        'identity': {'schemas': [{'id': 'person', 'url': schema()}]},
    })
    if uri:
        tree = merge(tree, {'selfservice': {'methods': {'code': {**on, 'passwordless_enabled': False, 'mfa_enabled': True}}},
                            'courier': {'smtp': {'connection_uri': uri, 'from_address': 'site@example.org'}},
                            'identity': {'schemas': [{'id': 'person', 'url': schema(code=True)}]}})
    for flow in tree['selfservice']['flows'].values():
        flow.pop('ui_url', None)
    return tree


class Site:
    def __init__(self, **options):
        port = free_port()
        self.server = Server(settings(port, **options), port=port, flags=['ui'], clock=True)
        self.root = f'http://localhost:{port}'

    def stop(self):
        assert not self.server.stop()


@pytest.fixture(scope='module')
def site():
    site = Site()
    yield site
    site.stop()


class Owner(Person):
    """Somebody with a browser on that site, a phone with an app, and a drawer for paper."""

    def __init__(self, browser, site):
        super().__init__(browser)
        self.site, self.root = site, site.root
        browser.delete_all_cookies()

    def open(self, path):
        self.browser.get(self.root + path)

    def find(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        element, = self.find(selector)
        return element

    def shown(self, selector):
        for _ in range(5):              # the page may be another one by the time that its elements are looked at
            try:
                return [element for element in self.find(selector) if element.is_displayed()]
            except StaleElementReferenceException:
                continue
        return []

    def sign_up(self):
        self.open('/self-service/registration/browser')
        self.fill_in(traits__email=self.email, password=PASSWORD)
        self.press('[value=password]')
        self.at(self.root + '/ui/welcome')

    def press(self, selector, *, twice=False):
        """A button that sends its form; waits for what comes. A double click is what some people do with every button."""
        page = self.browser.find_element(By.TAG_NAME, 'html')
        element = self.one(selector)
        if twice:
            self.browser.execute_script('arguments[0].scrollIntoView({block: "center"})', element)
            ActionChains(self.browser).double_click(element).perform()
        else:
            element.click()
        WebDriverWait(self.browser, 15).until(lambda _: self._gone(page), f'{selector} sent nothing')
        WebDriverWait(self.browser, 15).until(lambda b: b.execute_script('return document.readyState') == 'complete')

    def sign_out(self):
        self.open('/ui/welcome')
        self.click('a[href*="/self-service/logout"]')
        self.at(self.root + '/ui/signed-out')

    def give_password(self):
        """The first factor; where it leads."""
        self.open('/self-service/login/browser?return_to=' + self.root + '/ui/welcome')
        self.fill_in(identifier=self.email, password=PASSWORD)
        self.press('[value=password]')
        self.open('/ui/welcome')

    def at_second(self):
        """At the second step, which the first has led to."""
        self.at(self.root + '/ui/login')
        assert self.one('h1').text == 'A second step is needed'

    def open_settings(self):
        self.open('/ui/settings')
        self.at(self.root + '/ui/settings?flow=')

    @property
    def saved(self):
        return [m.text for m in self.find('.message.success')] == ['Your changes are saved.']

    @property
    def wrong(self):
        return ' '.join(m.text for m in self.find('.message.error'))

    # -- factors --

    def now(self, secret):
        return pyotp.TOTP(secret).at(time.time() + self.site.server.clock.ahead)

    def next(self, secret):
        """The next code, which the app shows half a minute later: for the server that is at once."""
        self.site.server.clock.forward(PERIOD)
        return self.now(secret)

    def set_up_app(self, **how):
        """Types the key that the settings show into an app, and its code into the page."""
        self.open_settings()
        secret = self.one('.key').get_attribute('textContent')
        self.fill_in(totp_code=self.now(secret))
        self.press('[name=method][value=totp]', **how)
        assert self.saved
        return secret

    def make_codes(self, **how):
        self.open_settings()
        self.press('[name=lookup_secret_regenerate]', **how)
        return [code.text for code in self.find('.codes code')]

    def set_up_codes(self, **how):
        codes = self.make_codes(**how)
        self.press('[name=lookup_secret_confirm]', **how)
        assert self.saved
        return codes

    def press_key(self, selector, **how):
        """A button that asks a key, which sends the form."""
        WebDriverWait(self.browser, 10).until(lambda _: self.one(selector).is_displayed(), f'{selector} is hidden')
        self.press(selector, **how)


@contextlib.contextmanager
def chromium_with(javascript):
    profile = tempfile.mkdtemp(prefix='kratos-chromium-')
    browser = launch(profile, javascript)
    browser.shot = lambda name: browser.save_screenshot(str(SCREENS / f'factors {name}.png'.replace(' ', '-')))
    yield browser
    browser.quit()
    shutil.rmtree(profile, ignore_errors=True)


@pytest.fixture
def browser():
    with chromium_with(True) as browser:
        yield browser


@pytest.fixture(params=['with JavaScript', 'without JavaScript'])
def any_browser(request):
    with chromium_with(request.param == 'with JavaScript') as browser:
        yield browser


@pytest.fixture
def owner(browser, site):
    return Owner(browser, site)


@pytest.fixture
def anybody(any_browser, site):
    return Owner(any_browser, site)


# -- an app and codes, with and without a script ----------------------------------------

def test_an_app_is_set_up_by_its_key_and_signs_in(anybody):
    anybody.sign_up()
    anybody.open_settings()
    groups = [part.text for part in anybody.find('.key span')]
    assert all(len(group) == 4 for group in groups[:-1]) and len(groups) > 4
    assert anybody.one('img[alt*="QR"]').is_displayed() and 'Google Authenticator' in anybody.text
    anybody.browser.shot('settings')
    secret = anybody.set_up_app()
    assert 'An authenticator app is set up' in anybody.text
    anybody.sign_out()

    anybody.give_password()
    anybody.at_second()
    field = anybody.browser.switch_to.active_element
    assert [field.get_attribute(name) for name in ('name', 'autocomplete', 'inputmode')] == ['totp_code', 'one-time-code', 'numeric']
    anybody.browser.shot('second step, app')
    used = anybody.next(secret)
    anybody.fill_in(totp_code='000000')
    anybody.press('[name=method][value=totp]')
    assert 'not right' in anybody.wrong
    anybody.fill_in(totp_code=f'{used[:3]} {used[3:]}')
    anybody.press('[name=method][value=totp]')
    anybody.at(anybody.root + '/ui/welcome')
    anybody.sign_out()

    anybody.give_password()
    anybody.fill_in(totp_code=used)
    anybody.press('[name=method][value=totp]')
    assert 'not right' in anybody.wrong
    assert anybody.one('a[href*="/self-service/logout"]').is_displayed(), 'there is no way out'


def saved_file(anybody, folder):
    """What the link for codes saves, as the browser saves it."""
    anybody.browser.execute_cdp_cmd('Browser.setDownloadBehavior', {'behavior': 'allow', 'downloadPath': str(folder)})
    anybody.click('a[download]')
    file = wait_for(lambda: next((f for f in folder.glob('*.txt') if f.stat().st_size), None))
    return file.name, file.read_text()


def test_codes_are_kept_and_each_is_good_once(anybody, tmp_path):
    anybody.sign_up()
    secret = anybody.set_up_app()
    codes = anybody.make_codes()
    assert len(codes) == 12 and all(re.fullmatch(r'[a-z0-9]{8}', code) for code in codes)
    assert anybody.one('.codes').location['y'] > anybody.browser.execute_script('return scrollY') > 0, 'the page opens elsewhere'
    anybody.browser.shot('codes')
    name, text = saved_file(anybody, tmp_path)
    assert name == 'backup-codes.txt' and text.split()[-12:] == codes
    assert text.startswith(f'Backup codes of {anybody.email} at localhost')
    anybody.press('[name=lookup_secret_confirm]')
    assert anybody.saved
    anybody.sign_out()

    anybody.give_password()
    anybody.at_second()
    assert not anybody.shown('[name=lookup_secret]')
    anybody.browser.shot('second step, two ways')
    anybody.click('summary')
    anybody.fill_in(lookup_secret=codes[0].upper())
    anybody.press('[name=method][value=lookup_secret]')
    anybody.at(anybody.root + '/ui/welcome')
    anybody.open_settings()
    anybody.press('[name=lookup_secret_reveal]')
    assert '11 of your 12 codes' in anybody.text and not anybody.find('.codes')
    anybody.sign_out()

    anybody.give_password()
    anybody.click('summary')
    anybody.fill_in(lookup_secret=codes[0])
    anybody.press('[name=method][value=lookup_secret]')
    assert 'used already' in anybody.wrong
    assert anybody.shown('[name=lookup_secret]'), 'what failed stands open'
    assert anybody.one('summary').text == 'Use the authenticator app instead'
    anybody.click('summary')
    anybody.fill_in(totp_code=anybody.next(secret))
    anybody.press('[name=method][value=totp]')
    anybody.at(anybody.root + '/ui/welcome')


def test_codes_print_on_a_sheet_of_their_own(owner):
    owner.sign_up()
    owner.make_codes()
    owner.browser.execute_cdp_cmd('Emulation.setEmulatedMedia', {'media': 'print'})
    assert owner.one('.codes').is_displayed() and owner.one('.paper').text == f'Backup codes of {owner.email} at localhost'
    assert not owner.shown('nav, .button, input, h1')


def test_a_phone_and_buttons_that_are_pressed_twice(owner):
    """The second press meets what the first one has done, and the person is where they would be after one."""
    owner.browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {'width': 360, 'height': 740, 'deviceScaleFactor': 2, 'mobile': True})
    owner.sign_up()
    secret = owner.set_up_app(twice=True)
    codes = owner.set_up_codes(twice=True)
    owner.browser.shot('settings on a phone')
    owner.sign_out()
    owner.give_password()
    owner.at_second()
    owner.fill_in(totp_code=owner.next(secret))
    owner.press('[name=method][value=totp]', twice=True)
    owner.open('/ui/welcome')
    owner.at(owner.root + '/ui/welcome')
    owner.sign_out()
    owner.give_password()
    owner.click('summary')
    owner.fill_in(lookup_secret=codes[3])
    owner.press('[name=method][value=lookup_secret]', twice=True)
    owner.open('/ui/welcome')
    owner.at(owner.root + '/ui/welcome')
    key = Key(owner.browser)
    owner.open_settings()
    owner.press_key('[name=passkey_register_trigger]', twice=True)
    assert owner.saved and len(key.credentials) == 1
    owner.sign_out()
    key.touched(False)
    owner.open('/self-service/login/browser')
    key.touched(True)
    owner.press_key('[name=passkey_login_trigger]', twice=True)
    owner.at(owner.root + '/ui/login')
    owner.at_second()
    assert owner.browser.execute_script('return document.documentElement.scrollWidth <= innerWidth')


def test_managers_of_passwords_find_the_settings(owner):
    owner.sign_up()
    owner.open('/.well-known/change-password')
    owner.at(owner.root + '/ui/settings?flow=')
    assert owner.one('[autocomplete=new-password]').is_displayed()


# -- the one script ---------------------------------------------------------------------

def test_the_policy_of_a_page_lets_in_the_one_script_by_its_hash_and_address(site):
    reader = Browser(site.root)
    where = reader.get('/self-service/login/browser').must(303).location
    answer = reader.get(where.removeprefix(site.root)).must(200)
    policy, page = answer.header('Content-Security-Policy'), answer.body.decode()
    source, integrity = re.search(r'<script async src="([^"]+)" integrity="(sha512-[^"]+)"', page).groups()
    script = reader.get(source.removeprefix(site.root)).must(200).body
    assert integrity == 'sha512-' + base64.b64encode(hashlib.sha512(script).digest()).decode()
    scripts, = [part.split()[1:] for part in policy.split(';') if part.split()[0] == 'script-src']
    assert scripts == [f"'{integrity}'", source] and page.count('<script') == 1


# -- passkeys ---------------------------------------------------------------------------

def sign_up_with_passkey(owner):
    owner.open('/self-service/registration/browser')
    owner.fill_in(traits__email=owner.email)
    owner.press_key('[name=passkey_register_trigger]')
    owner.at(owner.root + '/ui/welcome')


def test_somebody_signs_up_and_in_with_a_passkey_alone(owner):
    key = Key(owner.browser)
    sign_up_with_passkey(owner)
    assert len(key.credentials) == 1 and 'passkey' in owner.text.lower()
    owner.sign_out()
    owner.open('/self-service/login/browser?return_to=' + owner.root + '/ui/sessions')
    owner.at(owner.root + '/ui/sessions')       # by the autocompletion: nothing was pressed


def test_the_passkey_comes_first_where_one_was_used_and_the_password_stays(owner):
    key = Key(owner.browser)
    key.touched(False)
    owner.open('/self-service/login/browser')
    button = owner.one('[name=passkey_login_trigger]')
    WebDriverWait(owner.browser, 10).until(lambda _: button.is_displayed())
    assert button.location['y'] > owner.one('[name=password]').location['y'] and not owner.shown('[data-kratos-first]')
    assert owner.browser.switch_to.active_element.get_attribute('autocomplete') == 'username webauthn'
    owner.browser.shot('sign-in')
    key.touched(True)
    sign_up_with_passkey(owner)
    owner.sign_out()

    key.touched(False)
    owner.open('/self-service/login/browser')
    button = owner.one('[name=passkey_login_trigger]')
    WebDriverWait(owner.browser, 10).until(lambda _: button.is_displayed())
    assert button.location['y'] < owner.one('[name=identifier]').location['y']
    assert owner.one('[name=password]').is_displayed()
    owner.browser.shot('sign-in with the passkey first')
    key.touched(True)
    owner.press_key('[name=passkey_login_trigger]')
    owner.at(owner.root + '/ui/welcome')


def test_a_second_key_is_added_and_removed_and_the_last_one_stays(owner):
    first = Key(owner.browser)
    sign_up_with_passkey(owner)
    owner.open_settings()
    remove = owner.one('[name=passkey_remove]')
    assert not remove.is_enabled() and 'only way to sign in' in owner.text
    first.unplug()
    second = Key(owner.browser)
    owner.press_key('[name=passkey_register_trigger]')
    assert owner.saved and len(second.credentials) == 1
    rows = owner.find('.list li')
    assert len(rows) == 2 and all('Added' in row.text for row in rows)
    owner.browser.shot('two passkeys')
    owner.press('.list li:first-child [name=passkey_remove]')
    assert owner.saved
    assert not owner.one('[name=passkey_remove]').is_enabled()


def test_a_change_long_after_the_sign_in_is_confirmed_with_the_passkey(owner):
    key = Key(owner.browser)
    sign_up_with_passkey(owner)
    owner.site.server.clock.forward(3601)       # more than privileged_session_max_age
    owner.open_settings()
    owner.fill_in(password=PASSWORD)
    owner.press('[name=method][value=password]')
    owner.at(owner.root + '/ui/login')
    assert not owner.find('.other a[href*=registration]'), 'somebody who has an account is asked to sign up'
    owner.press_key('[name=passkey_login_trigger]')
    owner.at(owner.root + '/ui/settings')
    key.unplug()                                # else it is faster than the password
    owner.browser.delete_all_cookies()
    owner.give_password()                       # it was set
    owner.at(owner.root + '/ui/welcome')


def test_a_key_that_is_there_already_is_told_so(owner):
    Key(owner.browser)
    sign_up_with_passkey(owner)
    owner.open_settings()
    button = owner.one('[name=passkey_register_trigger]')
    WebDriverWait(owner.browser, 10).until(lambda _: button.is_displayed())
    button.click()
    WebDriverWait(owner.browser, 10).until(lambda _: owner.shown('[data-kratos-failed]'))
    line, = owner.shown('[data-kratos-failed]')     # in this part of the page, and no other
    assert 'on the list already' in line.text


@pytest.fixture
def strict():
    site = Site(verification='required')
    yield site
    site.stop()


def test_a_key_that_does_not_know_its_owner_is_told_and_the_password_works(browser, strict):
    owner, key = Owner(browser, strict), Key(browser)
    owner.sign_up()
    owner.open_settings()
    owner.press_key('[name=passkey_register_trigger]')
    assert owner.saved
    owner.sign_out()
    key.verified(False)
    owner.open('/self-service/login/browser')
    button = owner.one('[name=passkey_login_trigger]')
    WebDriverWait(owner.browser, 10).until(lambda _: button.is_displayed())
    button.click()
    WebDriverWait(owner.browser, 10).until(lambda _: owner.shown('[data-kratos-failed]'))
    assert 'did not check that it is you' in owner.shown('[data-kratos-failed]')[0].text
    owner.give_password()
    owner.at(owner.root + '/ui/welcome')


# -- security keys ----------------------------------------------------------------------

def test_a_security_key_is_the_second_step(owner):
    key = Key(owner.browser, built_in=False, verifies=False)
    owner.sign_up()
    owner.open_settings()
    WebDriverWait(owner.browser, 10).until(lambda _: owner.one('[name=webauthn_register_displayname]').is_displayed())
    owner.fill_in(webauthn_register_displayname='the blue one')
    owner.press_key('[name=webauthn_register_trigger]')
    assert owner.saved and 'the blue one' in owner.one('.list li').text and len(key.credentials) == 1
    owner.sign_out()

    owner.give_password()
    owner.at_second()
    owner.browser.shot('second step, key')
    owner.press_key('[name=webauthn_login_trigger]')
    owner.at(owner.root + '/ui/welcome')
    owner.open_settings()
    owner.press('[name=webauthn_remove]')
    assert owner.saved and not owner.find('.list li')
    owner.sign_out()
    owner.give_password()
    owner.at(owner.root + '/ui/welcome')


# -- codes by mail --------------------------------------------------------------------

@pytest.fixture
def mailed(post):
    site = Site(uri=post.uri)
    yield site
    site.stop()


def test_a_code_by_mail_is_one_way_among_others_and_no_dead_end(browser, mailed, post):
    owner = Owner(browser, mailed)

    def ask():
        owner.press('[name=address]')
        assert owner.one('h1').text == 'Enter the code'

    def give(count):
        owner.fill_in(code=post.wait(owner.email, SIGN_IN, count).code)
        owner.press('button[name=method][value=code]')
        owner.at(owner.root + '/ui/welcome')

    owner.open('/self-service/registration/browser')
    owner.fill_in(traits__email=owner.email, password=PASSWORD)
    owner.press('[value=password]')
    give(1)                     # the address is a second factor already, and the only one: the code is on its way
    secret = owner.set_up_app()
    owner.set_up_codes()
    owner.sign_out()

    owner.give_password()
    owner.at_second()
    assert owner.one('[name=address]').is_displayed() and owner.one('summary').text == 'Use a backup code instead'
    owner.browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {'width': 320, 'height': 640, 'deviceScaleFactor': 1, 'mobile': False})
    assert browser.execute_script('return document.documentElement.scrollWidth <= innerWidth'), 'a long address moves the page'
    browser.shot('second step, three ways')
    ask()
    browser.shot('second step, code sent')
    next(link for link in owner.find('.other a') if link.text == 'Choose another way').click()
    owner.at_second()
    ask()
    give(3)
    owner.sign_out()
    owner.give_password()
    owner.fill_in(totp_code=owner.next(secret))
    owner.press('[name=method][value=totp]')
    owner.at(owner.root + '/ui/welcome')


# -- where no script runs ---------------------------------------------------------------

def test_what_needs_a_script_says_so_where_none_runs(site):
    with chromium_with(False) as browser:
        owner = Owner(browser, site)
        for path in ('/self-service/registration/browser', '/self-service/login/browser'):
            owner.open(path)
            assert 'passkeys need JavaScript' in owner.text and not owner.shown('[data-kratos-click]')
            assert owner.shown('[name=password]')
            browser.shot('no script' + path.replace('/', ' '))
        owner.sign_up()
        owner.open_settings()
        assert owner.text.count('passkeys need JavaScript') == 2
        assert not owner.shown('[data-kratos-click], [name=webauthn_register_displayname]')
