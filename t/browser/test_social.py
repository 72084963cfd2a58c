# SPDX-License-Identifier: Apache-2.0
"""
Signing in with other sites as people meet it: the built-in pages in a real browser, a real provider program, and two nodes over one
database. The provider sends everybody back to the other node than the one that they left from.
"""
import json
import subprocess
import uuid

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from lib.serving import ROOT, MariaDB, Server, free_port
from lib.settings import base, inline, merge
from test_accessible import FEW, Eye
from test_demo import PASSWORD
from test_factors import Owner, chromium_with

MAPPER = (ROOT / 'docs' / 'howto' / 'social.md').read_text().split('```jsonnet\n')[1].split('```')[0]
NAMES = {'acme': 'Acme', 'google': None}        # a label, or none: then its kind has a name
PHONE = {'width': 360, 'height': 740, 'deviceScaleFactor': 2, 'mobile': True}


class Site:
    """Two nodes; `home` has the pages, `there` the callback. Beside them the provider."""

    def __init__(self):
        self.mariadb, ports, at = MariaDB(), (free_port(), free_port()), free_port()
        self.root, back = (f'http://localhost:{port}' for port in ports)
        clients = [{'client_id': name, 'client_secret': f'secret-of-{name}', 'redirect_uris': [f'{back}/self-service/methods/oidc/callback/{name}']}
                   for name in NAMES]
        self.provider = subprocess.Popen(['node', ROOT / 't' / 'client' / 'provider.js', str(at), json.dumps(clients)], stdout=subprocess.PIPE,
                                         text=True)
        issuer, db = self.provider.stdout.readline().strip(), self.mariadb.fresh()
        tree = self.settings(ports[0], back, [
            {'id': name, 'provider': 'generic', 'client_id': name, 'client_secret': f'secret-of-{name}', 'issuer_url': issuer,
             'scope': ['email', 'profile'], 'mapper_url': inline(MAPPER)} | ({'label': label} if label else {}) for name, label in NAMES.items()])
        self.home, self.there = (Server(tree, port=port, db=db, flags=['ui']) for port in ports)

    def settings(self, port, back, providers):
        tree = merge(base(port), {
            'serve': {'public': {'base_url': self.root + '/'}},
            'selfservice': {
                'default_browser_return_url': self.root + '/ui/welcome', 'allowed_return_urls': [self.root],
                'methods': {'oidc': {'enabled': True, 'config': {'providers': providers, 'base_redirect_uri': back}}},
                'flows': {'registration': {'after': {'oidc': {'hooks': [{'hook': 'session'}]}}},
                          'logout': {'after': {'default_browser_return_url': self.root + '/ui/signed-out'}}}},
        })
        for flow in tree['selfservice']['flows'].values():
            flow.pop('ui_url', None)
        return tree

    def stop(self):
        left = self.home.stop() + self.there.stop()
        self.provider.terminate()
        self.provider.wait(10)
        self.mariadb.close()
        assert not left


@pytest.fixture(scope='module')
def site():
    site = Site()
    yield site
    site.stop()


@pytest.fixture(scope='module')
def browsers():
    with chromium_with(True) as scripted, chromium_with(False) as plain:
        yield {'with JavaScript': scripted, 'without JavaScript': plain}


class Guest(Owner):
    """Somebody who has an account at the provider, under a name of their own."""

    def __init__(self, browser, site):
        super().__init__(browser, site)
        browser.execute_cdp_cmd('Network.clearBrowserCookies', {})
        browser.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})
        self.be('guest' + uuid.uuid4().hex[:12])

    def be(self, name):
        self.name, self.email = name, f'{name}@example.org'

    def ask(self, provider='acme', kind='login', **how):
        """Presses the button of a provider on a page of that kind."""
        self.open(f'/self-service/{kind}/browser')
        self.press(f'[name=provider][value={provider}]', **how)

    def agree(self):
        """At the provider: who it is."""
        self.fill_in(name=self.name)
        self.press('form:first-of-type button')

    def come_by(self, provider='acme', kind='login', **how):
        self.ask(provider, kind, **how)
        self.agree()

    def is_in(self):
        self.at(self.root + '/ui/welcome')
        return self.email in self.text

    @property
    def heading(self):
        return self.one('h1').text

    @property
    def linked(self):
        """What the settings list, by its name."""
        return [row.find_element(By.TAG_NAME, 'strong').text for row in self.find('.list li')]


@pytest.fixture(params=['with JavaScript', 'without JavaScript'])
def anybody(request, browsers, site):
    return Guest(browsers[request.param], site)


@pytest.fixture
def guest(browsers, site):
    return Guest(browsers['with JavaScript'], site)


def calls(server):
    return (server.dir / 'access.log').read_text().count('GET /self-service/methods/oidc/callback/')


def test_somebody_signs_up_with_another_site_and_in_again_whichever_node_answers(anybody, site):
    before = calls(site.there)
    anybody.open('/self-service/registration/browser')
    acme, google = anybody.find('[name=provider]')
    assert (acme.text, google.text) == ('Sign up with Acme', 'Sign up with Google')
    assert all(button.find_element(By.CSS_SELECTOR, 'svg.mark').size['width'] == 20 for button in (acme, google))
    anybody.browser.shot('registration with providers')
    anybody.come_by(kind='registration')
    assert anybody.is_in()
    anybody.sign_out()
    anybody.ask()                   # the provider knows them still
    assert anybody.is_in()
    assert calls(site.there) == before + 2 and not calls(site.home)


def test_an_account_is_linked_in_the_settings_and_unlinked(anybody):
    anybody.sign_up()
    anybody.open_settings()
    assert anybody.linked == []
    anybody.press('[name=link][value=google]')
    anybody.agree()
    anybody.at(anybody.root + '/ui/settings')
    assert anybody.saved and anybody.linked == ['Google'] and not anybody.find('[name=link][value=google]')
    anybody.sign_out()
    anybody.ask('google')           # the provider knows them still
    assert anybody.is_in()
    anybody.open_settings()
    anybody.press('[name=unlink][value=google]')
    assert anybody.saved and anybody.linked == []
    anybody.sign_out()
    anybody.ask('google')
    anybody.at(anybody.root + '/ui/login')
    assert anybody.heading == 'You have an account already'


def test_the_last_way_in_stays_and_says_why(guest):
    guest.come_by()
    assert guest.is_in()
    guest.open_settings()
    assert guest.linked == ['Acme'] and 'Your only way to sign in.' in guest.text
    assert not guest.one('[name=unlink]').is_enabled()
    guest.press('[name=link][value=google]')
    guest.at(guest.root + '/ui/settings')
    assert guest.linked == ['Acme', 'Google'] and all(button.is_enabled() for button in guest.find('[name=unlink]'))
    guest.press('[name=unlink][value=acme]')
    assert guest.linked == ['Google'] and not guest.one('[name=unlink]').is_enabled()


def test_who_has_an_account_proves_it_before_it_is_linked(anybody):
    anybody.sign_up()
    anybody.sign_out()
    anybody.come_by()
    anybody.at(anybody.root + '/ui/login')
    assert anybody.heading == 'You have an account already' and anybody.one('.whose').text == anybody.email
    assert 'to add Acme' in anybody.one('.message').text
    assert [button.get_attribute('value') for button in anybody.find('[name=provider]')] == ['google']
    anybody.browser.shot('linking')
    anybody.fill_in(password='wrong-Horse-battery-9')
    anybody.press('[name=method][value=password]')
    assert anybody.heading == 'You have an account already' and anybody.wrong
    anybody.fill_in(password=PASSWORD)
    anybody.press('[name=method][value=password]')
    assert anybody.is_in()
    anybody.sign_out()
    anybody.ask()                   # and next time there is no question
    assert anybody.is_in()


def test_who_is_somebody_else_leaves_the_dialogue(guest):
    guest.sign_up()
    guest.sign_out()
    guest.come_by()
    next(link for link in guest.find('.other a') if link.text == 'Use another account').click()
    guest.at(guest.root + '/ui/login')
    assert guest.heading == 'Sign in' and guest.one('[name=identifier]').is_displayed()


def test_what_the_provider_does_not_vouch_for_is_asked_for(guest):
    guest.be('unverified' + uuid.uuid4().hex[:12])
    guest.come_by(kind='registration')
    guest.at(guest.root + '/ui/registration')
    assert guest.heading == 'One more step' and guest.one('[name="traits.email"]').get_attribute('value') == ''
    assert not guest.find('[name=password], [role=alert]') and guest.browser.switch_to.active_element.get_attribute('name') == 'traits.email'
    guest.browser.shot('one more step')
    guest.email = f'mine-{guest.name}@example.org'
    guest.fill_in(traits__email=guest.email)
    guest.press('[name=provider]')
    assert guest.is_in()


def test_who_says_no_is_told_so_and_may_try_again(guest):
    guest.ask()
    guest.press('form:last-of-type button')
    guest.at(guest.root + '/ui/login')
    assert 'You did not allow it at the other site' in guest.wrong
    guest.press('[name=provider][value=google]')
    guest.agree()
    assert guest.is_in()


@pytest.mark.parametrize('kind', ['login', 'registration'])
def test_a_button_that_is_pressed_twice_leads_in_once(guest, site, kind):
    guest.come_by(kind=kind, twice=True)
    assert guest.is_in()
    assert site.home.sql(f"SELECT COUNT(*) FROM identity_identifiers WHERE identifier = 'acme:{guest.name}'") == [['1']]
    guest.sign_out()
    guest.ask(kind=kind, twice=True)
    assert guest.is_in()


def test_buttons_fit_on_a_phone(guest):
    guest.browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', PHONE)
    guest.open('/self-service/login/browser')
    buttons = guest.find('.button')
    assert all(button.size['height'] >= 44 and button.size['width'] <= 360 for button in buttons) and len(buttons) == 3
    guest.browser.shot('providers on a phone')
    assert guest.browser.execute_script('return document.documentElement.scrollWidth <= innerWidth')
    guest.come_by()
    assert guest.is_in()


@pytest.mark.parametrize('lang, variants', [('en', FEW), ('de', FEW[1:]), ('fr', FEW[:1]), ('es', FEW[1:])])
def test_no_page_with_another_site_keeps_anybody_out(guest, site, lang, variants):
    eye = Eye(site, guest.browser, lang, variants)
    try:
        eye.open('/self-service/registration/browser')
        eye.look('social registration', 'title.registration')
        guest.sign_up()
        guest.open_settings()
        guest.press('[name=link][value=google]')
        guest.agree()
        eye.look('social settings', 'title.settings')
        guest.browser.delete_all_cookies()
        guest.open('/self-service/login/browser')
        eye.look('social login', 'title.login')
        guest.press('[name=provider][value=acme]')
        eye.look('social linking', 'title.link')
        guest.browser.execute_cdp_cmd('Network.clearBrowserCookies', {})
        guest.be('unverified' + uuid.uuid4().hex[:12])
        guest.come_by(kind='registration')
        eye.look('social one more step', 'title.complete')
    finally:
        guest.browser.execute_cdp_cmd('Network.setExtraHTTPHeaders', {'headers': {}})
        guest.browser.execute_cdp_cmd('Emulation.setEmulatedMedia', {'features': []})
    assert not eye.wrong, '\n'.join(eye.wrong)
