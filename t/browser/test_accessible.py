# SPDX-License-Identifier: Apache-2.0
"""Every page and state, as axe-core sees it: light and dark, phone and desktop, in each language."""
import base64
import json
import re
import shutil
import tempfile
import time
import urllib.request
import uuid

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

import test_factors
from conftest import SCREENS, launch, mails_in
from keys import Key
from lib.serving import ROOT, Server, free_port, scratch, wait_for
from lib.settings import base, merge

AXE = ROOT / 't' / 'client' / 'node_modules' / 'axe-core' / 'axe.min.js'
RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
PASSWORD = 'correct-Horse-battery-9'
AGENTS = ['Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1',
          'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'curl/8.1']
PHONE, DESKTOP = (360, 740), (1100, 900)
ALL = [(scheme, size) for scheme in ('light', 'dark') for size in (PHONE, DESKTOP)]
FEW = [('light', DESKTOP), ('dark', PHONE)]
WEIGHT = 30 * 1000          # bytes of a page with its style sheet
RUN = """
const done = arguments[1]
axe.run(document, {runOnly: arguments[0]}).then(r => done({
    passed: r.passes.length,
    violations: r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html + ' ' + n.failureSummary).join(' | '))}))
"""


def words(lang):
    """The built-in catalogue of a language, English below it."""
    folder = ROOT / 'src' / 'ui' / 'pages' / 'words'
    return {**json.loads((folder / 'en.json').read_text()), **json.loads((folder / f'{lang}.json').read_text())}


class Eye:
    """A browser that looks at pages one after the other."""

    def __init__(self, site, browser, lang, variants):
        self.site, self.browser, self.lang, self.variants = site, browser, lang, variants
        self.wrong, self.words, self.axe = [], words(lang), AXE.read_text()
        self.email = f'{uuid.uuid4().hex}@example.org'
        browser.delete_all_cookies()
        browser.execute_cdp_cmd('Network.enable', {})
        browser.execute_cdp_cmd('Network.setExtraHTTPHeaders', {'headers': {'Accept-Language': lang}})
        with urllib.request.urlopen(site.root + '/ui/style.css') as answer:
            self.css = len(answer.read())

    def open(self, path):
        self.browser.get(self.site.root + path)

    def emulate(self, scheme, size):
        self.browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride',
                                     {'width': size[0], 'height': size[1], 'deviceScaleFactor': 1, 'mobile': False})
        self.browser.execute_cdp_cmd('Emulation.setEmulatedMedia', {'features': [{'name': 'prefers-color-scheme', 'value': scheme}]})

    def look(self, name, title=None):
        """Notes what is wrong with the page as it stands. title: key of what its heading must say."""
        b = self.browser
        heading = b.find_element(By.TAG_NAME, 'h1').text
        if title and heading != self.words[title]:
            self.wrong.append(f'{name}: its heading is {heading!r}')
        if b.find_element(By.TAG_NAME, 'html').get_attribute('lang') != self.lang:
            self.wrong.append(f'{name}: its language is not said')
        weight = len(b.page_source.encode()) + self.css
        if weight >= WEIGHT:
            self.wrong.append(f'{name}: {weight} bytes')
        for scheme, size in self.variants:
            self.emulate(scheme, size)
            if self.lang == 'en':
                b.save_screenshot(str(SCREENS / f'{name}-{scheme}-{size[0]}.png'.replace(' ', '-')))
            b.execute_script(self.axe)
            result = b.execute_async_script(RUN, RULES)
            assert result['passed'] > 10, 'axe-core looked at nothing'
            self.wrong += [f'{name}, {scheme}, {size[0]}: {v}' for v in result['violations']]
        self.emulate('light', (320, 640))       # 1280 px at 400 %: WCAG 1.4.10
        if b.execute_script('return document.documentElement.scrollWidth > innerWidth'):
            self.wrong.append(f'{name}: it scrolls sideways')
        self.emulate('light', DESKTOP)

    def fill_in(self, **fields):
        for name, value in fields.items():
            field = self.browser.find_element(By.NAME, name.replace('__', '.'))
            field.clear()
            field.send_keys(value)

    def send(self, selector='main [type=submit]'):
        """Presses a button whatever the browser thinks of the fields; waits for the next page."""
        b = self.browser
        b.execute_script('document.querySelectorAll("form").forEach(form => form.noValidate = true); window.before = 1')
        b.find_element(By.CSS_SELECTOR, selector).click()
        WebDriverWait(b, 15).until(lambda _: b.execute_script('return !window.before && document.readyState == "complete"'))

    def sign_in_elsewhere(self, agent):
        """A session of the same account on another device."""
        def call(url, body=None):
            request = urllib.request.Request(url, body and json.dumps(body).encode(),
                                             {'User-Agent': agent, 'Accept': 'application/json', 'Content-Type': 'application/json'})
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        flow = call(self.site.root + '/self-service/login/api')
        call(flow['ui']['action'], {'method': 'password', 'identifier': self.email, 'password': PASSWORD})

    def mailed_code(self, count=1):
        """The newest code, once so many mails with one have come."""
        def look():
            codes = [m for mail in self.site.mails_to(self.email) for m in re.findall(r'^(\d{6})\r?$', mail, re.MULTILINE)]
            return codes if len(codes) >= count else None
        return wait_for(look)[-1]


@pytest.fixture(scope='module')
def browser():
    profile = tempfile.mkdtemp(prefix='kratos-chromium-')
    browser = launch(profile)
    yield browser
    browser.quit()
    shutil.rmtree(profile, ignore_errors=True)


@pytest.fixture
def eye(demo, browser, request):
    lang = getattr(request, 'param', 'en')
    return Eye(demo, browser, lang, ALL if lang == 'en' else FEW)


@pytest.mark.parametrize('eye', ['en', 'de', 'fr', 'es'], indirect=True)
def test_no_page_keeps_anybody_out(eye):
    eye.open('/self-service/registration/browser')
    eye.look('registration', 'title.registration')
    eye.fill_in(traits__email='ana', password='short')
    eye.send()
    eye.look('registration with errors', 'title.registration')
    eye.fill_in(traits__email=eye.email, password=PASSWORD)
    eye.send()

    eye.open('/ui/welcome')
    eye.look('welcome', 'title.welcome')
    for agent in AGENTS:
        eye.sign_in_elsewhere(agent)
    eye.open('/ui/sessions')
    eye.look('sessions', 'title.sessions')
    eye.send('.list [type=submit]')
    eye.look('one session ended', 'title.sessions')
    eye.send('[value=others]')
    eye.look('all sessions ended', 'title.sessions')
    eye.open('/ui/settings')
    eye.look('settings', 'title.settings')
    eye.fill_in(password='short')
    eye.send('[type=submit][value=password]')
    eye.look('settings with errors', 'title.settings')
    eye.send('[type=submit][value=profile]')
    eye.look('settings saved', 'title.settings')
    eye.open('/self-service/login/browser?refresh=true')
    eye.look('login again', 'title.login')
    eye.open('/ui/welcome')
    eye.browser.find_element(By.CSS_SELECTOR, 'a[href*="/self-service/logout"]').click()
    WebDriverWait(eye.browser, 15).until(lambda b: '/signed-out' in b.current_url)
    eye.look('signed out', 'title.signedout')

    eye.open('/ui/login')
    eye.look('login', 'title.login')
    eye.fill_in(identifier=eye.email, password='wrong-Horse-battery-9')
    eye.send()
    eye.look('login with an error', 'title.login')
    eye.open('/self-service/recovery/browser')
    eye.look('recovery', 'title.recovery')
    eye.fill_in(email=eye.email)
    eye.send()
    eye.look('recovery code', 'title.code')
    eye.fill_in(code='1')
    eye.send()
    eye.look('recovery code wrong', 'title.code')
    eye.open('/self-service/verification/browser')
    eye.look('verification', 'title.verification')
    eye.fill_in(email=eye.email)
    sent = len(eye.site.mails_to(eye.email))
    eye.send()
    eye.look('verification code', 'title.code')
    wait_for(lambda: len(eye.site.mails_to(eye.email)) > sent)
    eye.fill_in(code=eye.mailed_code())
    eye.send()
    eye.look('verified', 'title.verified')

    eye.open('/self-service/login/browser?return_to=https://evil.example/')
    eye.look('error', 'title.error')
    eye.open('/ui/error?id=x')
    eye.look('unknown error', 'title.error')
    eye.open(f'/ui/login?flow=x&again={int(time.time())}')
    eye.look('old form again', 'title.login')
    eye.open('/ui/nothing')
    eye.look('no such page', 'title.nothing')
    if eye.lang == 'en':
        eye.open(eye.site.owners_page())
        eye.look('diagnosis')
    assert not eye.wrong, '\n'.join(eye.wrong)


def test_after_an_error_the_cursor_is_where_it_is_told_and_a_link_leads_to_the_field(eye):
    eye.open('/self-service/registration/browser')
    eye.fill_in(traits__email='ana', password='short')
    eye.send()
    focused = eye.browser.switch_to.active_element
    assert focused.get_attribute('role') == 'alert'
    focused.find_element(By.TAG_NAME, 'a').click()
    assert eye.browser.switch_to.active_element.get_attribute('aria-invalid') == 'true'


def test_a_new_code_is_offered_after_a_while_and_a_pasted_one_may_have_a_gap(eye):
    eye.open('/self-service/registration/browser')
    eye.fill_in(traits__email=eye.email, password=PASSWORD)
    eye.send()
    eye.browser.delete_all_cookies()
    before = len(wait_for(lambda: eye.site.mails_to(eye.email)))
    eye.open('/self-service/recovery/browser')
    eye.fill_in(email=eye.email)
    eye.send()
    code = eye.browser.switch_to.active_element
    assert code.get_attribute('autocomplete') == 'one-time-code' and code.get_attribute('inputmode') == 'numeric'
    again, wait = (eye.browser.find_element(By.CSS_SELECTOR, '.resend ' + what) for what in ('[type=submit]', '.wait'))
    assert wait.is_displayed() and not again.is_displayed()
    eye.browser.execute_script('document.getAnimations().forEach(animation => animation.finish())')
    assert again.is_displayed() and not wait.is_displayed()
    eye.send('.resend [type=submit]')
    wait_for(lambda: len(eye.site.mails_to(eye.email)) == before + 2)
    digits = eye.mailed_code()
    eye.fill_in(code=f'{digits[:3]} {digits[3:]}')
    eye.send()
    assert '/ui/settings' in eye.browser.current_url


# -- other settings, other states -------------------------------------------------------

def identifier(*ways):
    return {'credentials': {way: {'identifier': True, **({'via': 'email'} if way == 'code' else {})} for way in ways},
            'verification': {'via': 'email'}, 'recovery': {'via': 'email'}}


SCHEMA = {
    '$id': 'https://schemas.example.org/rich.schema.json', '$schema': 'http://json-schema.org/draft-07/schema#', 'type': 'object',
    'properties': {'traits': {'type': 'object', 'required': ['email', 'name'], 'properties': {
        'email': {'type': 'string', 'format': 'email', 'title': 'E-Mail', 'ory.sh/kratos': identifier('password', 'code')},
        'backup': {'type': 'string', 'format': 'email', 'title': 'Backup address', 'ory.sh/kratos': {'recovery': {'via': 'email'}}},
        'name': {'type': 'object', 'required': ['first'], 'properties': {'first': {'type': 'string', 'title': 'First name'},
                                                                         'last': {'type': 'string', 'title': 'Last name'}}},
        'age': {'type': 'integer', 'title': 'Age', 'minimum': 13},
        'plan': {'type': 'string', 'title': 'Plan', 'enum': ['free', 'pro']},
        'news': {'type': 'boolean', 'title': 'Send me news'},
        'nick': {'type': 'string', 'title': 'Nickname', 'pattern': '^[a-z]{3,9}$', 'description': 'three to nine small letters'},
        'others': {'type': 'array', 'title': 'Further addresses', 'items': {'type': 'string', 'format': 'email'}},
        'topics': {'type': 'array', 'title': 'Topics', 'items': {'type': 'string', 'enum': ['food', 'music', 'travel']}},
        'place': {'type': 'array', 'title': 'Place', 'items': [{'type': 'string', 'title': 'Town'}, {'type': 'integer', 'title': 'Postcode'}]},
        'locale': {'type': 'string', 'title': 'Language', 'enum': ['en', 'de', 'fr', 'es']},
    }}},
}


class Site:
    """A server whose flows have as many steps as there are."""

    def __init__(self):
        port, self.mail, own = free_port(), scratch('mail'), {'ui_url': None}
        self.mail.chmod(0o777)
        self.root = f'http://127.0.0.1:{port}'
        schema = base64.b64encode(json.dumps(SCHEMA).encode()).decode()
        self.server = Server(merge(base(port), {
            'selfservice': {
                'allowed_return_urls': [self.root], 'default_browser_return_url': self.root + '/ui/welcome',
                'methods': {'code': {'enabled': True, 'passwordless_enabled': True}},
                'flows': {'login': {**own, 'style': 'identifier_first'}, 'error': own, 'logout': None,
                          'registration': {**own, 'enable_legacy_one_step': None, 'style': 'profile_first'},
                          'verification': {'enabled': True}, 'recovery': {'enabled': True}}},
            'feature_flags': {'choose_recovery_address': True},
            'courier': {'smtp': {'connection_uri': f'file://{self.mail}', 'from_address': 'tests@example.org'}},
            'identity': {'default_schema_id': 'rich', 'schemas': [{'id': 'rich', 'url': f'base64://{schema}'}]},
        }), port=port, flags=['ui'])

    def mails_to(self, address):
        return mails_in(self.mail, address)

    def stop(self):
        self.server.stop()
        shutil.rmtree(self.mail, ignore_errors=True)


@pytest.fixture(scope='module')
def site():
    site = Site()
    yield site
    site.stop()


@pytest.fixture
def wide_eye(site, browser, request):
    return Eye(site, browser, request.param, ALL if request.param == 'en' else FEW)


@pytest.mark.parametrize('wide_eye', ['en', 'es'], indirect=True)
def test_no_step_of_a_longer_way_keeps_anybody_out(wide_eye):
    eye = wide_eye
    eye.open('/self-service/registration/browser')
    eye.look('steps registration', 'title.registration')
    eye.fill_in(traits__email=eye.email, traits__name__first='Ana', traits__age='7', traits__nick='A B', traits__others='nobody')
    eye.send()
    eye.look('steps registration with errors', 'title.registration')
    eye.fill_in(traits__age='33', traits__backup='b' + eye.email, traits__nick='ana', traits__others='c' + eye.email, traits__place='Ulm')
    eye.browser.find_element(By.CSS_SELECTOR, '[name="traits.topics"][value=music]').click()
    eye.send()
    eye.look('steps registration second step', 'title.registration')
    eye.fill_in(password=PASSWORD)
    eye.send('[type=submit][value=password]')
    eye.open('/ui/settings')
    eye.look('steps settings', 'title.settings')
    boxes = eye.browser.find_elements(By.CSS_SELECTOR, '[name="traits.topics"]:checked')
    fields = eye.browser.find_elements(By.NAME, 'traits.others')
    assert [box.get_attribute('value') for box in boxes] == ['music']
    assert [field.get_attribute('value') for field in fields] == ['c' + eye.email, '']
    fields[1].send_keys('nobody')
    eye.fill_in(traits__age='7')
    eye.send('[type=submit][value=profile]')
    eye.look('steps settings with errors', 'title.settings')

    eye.browser.delete_all_cookies()
    eye.open('/self-service/login/browser')
    eye.look('steps login', 'title.login')
    eye.fill_in(identifier=eye.email)
    eye.send()
    eye.look('steps login second step', 'title.login')
    eye.send('[type=submit][value=code]')
    eye.look('steps login code', 'title.code')
    eye.fill_in(code='1')
    eye.send()
    eye.look('steps login code wrong', 'title.code')

    eye.open('/self-service/recovery/browser')
    eye.look('steps recovery', 'title.recovery')
    eye.fill_in(recovery_address=eye.email)
    eye.send()
    eye.look('steps recovery choice', 'title.recovery')
    choices = eye.browser.find_elements(By.NAME, 'recovery_select_address')
    mine = next(c.get_attribute('value') for c in choices if c.text.startswith(eye.email[:2]))      # the phone would ask more
    eye.send(f'[name=recovery_select_address][value="{mine}"]')
    eye.look('steps recovery chosen', 'title.code')
    assert not eye.wrong, '\n'.join(eye.wrong)


@pytest.mark.parametrize('wide_eye', ['en'], indirect=True)
def test_the_language_of_the_account_is_that_of_its_pages(wide_eye):
    eye = wide_eye
    eye.open('/self-service/registration/browser')
    eye.fill_in(traits__email=eye.email, traits__name__first='Ana')
    eye.browser.find_element(By.CSS_SELECTOR, 'option[value=de]').click()
    eye.send()
    eye.fill_in(password=PASSWORD)
    eye.send('[type=submit][value=password]')
    for path, title in (('/ui/welcome', 'title.welcome'), ('/ui/settings', 'title.settings'), ('/ui/sessions', 'title.sessions'),
                        ('/self-service/login/browser?refresh=true', 'title.login')):
        eye.open(path)
        assert eye.browser.find_element(By.TAG_NAME, 'h1').text == words('de')[title]
        assert eye.browser.find_element(By.TAG_NAME, 'html').get_attribute('lang') == 'de'


# -- second factors and passkeys --------------------------------------------------------

@pytest.fixture(scope='module')
def factors():
    site = test_factors.Site()
    yield site
    site.stop()


@pytest.mark.parametrize('lang', ['en', 'de', 'fr', 'es'])
def test_no_factor_keeps_anybody_out(factors, browser, lang):
    eye = Eye(factors, browser, lang, ALL if lang == 'en' else FEW)
    owner, key = test_factors.Owner(browser, factors), Key(browser)
    try:
        key.touched(False)
        eye.open('/self-service/registration/browser')
        eye.look('factors registration', 'title.registration')
        owner.sign_up()
        key.touched(True)
        for _ in (1, 2):        # the second time it is there already, and a line says so
            owner.open_settings()
            button = owner.one('[name=passkey_register_trigger]')
            WebDriverWait(browser, 15).until(lambda _: button.is_displayed())
            button.click()
            WebDriverWait(browser, 15).until(lambda _: owner.find('.message.success') or owner.shown('[data-kratos-failed]'))
        eye.look('factors settings', 'title.settings')
        owner.open_settings()
        owner.fill_in(totp_code='000000')
        owner.press('[name=method][value=totp]')
        eye.look('factors settings wrong code', 'title.settings')
        secret = owner.one('.key').get_attribute('textContent')
        owner.fill_in(totp_code=owner.now(secret))
        owner.press('[name=method][value=totp]')
        codes = owner.make_codes()
        eye.look('factors codes', 'title.settings')
        owner.press('[name=lookup_secret_confirm]')
        eye.open('/self-service/login/browser?refresh=true')
        eye.look('factors login again', 'title.login')
        browser.delete_all_cookies()

        key.touched(False)
        eye.open('/self-service/login/browser')
        WebDriverWait(browser, 15).until(lambda _: owner.shown('[data-kratos-first]'))
        eye.look('factors login', 'title.login')
        key.touched(True)
        owner.press_key('[name=passkey_login_trigger]')
        browser.delete_all_cookies()
        key.touched(False)
        owner.give_password()
        eye.look('factors second step', 'title.second')
        owner.click('summary')
        eye.look('factors second step, both ways', 'title.second')
        owner.fill_in(lookup_secret='nothing')
        owner.press('[name=method][value=lookup_secret]')
        eye.look('factors second step, wrong code', 'title.second')
        owner.fill_in(lookup_secret=codes[0])
        owner.press('[name=method][value=lookup_secret]')
        owner.open_settings()
        owner.press('[name=lookup_secret_reveal]')
        eye.look('factors hidden codes', 'title.settings')
    finally:
        key.unplug()
    assert not eye.wrong, '\n'.join(eye.wrong)
