# SPDX-License-Identifier: Apache-2.0
"""The browser itself signs people in (FedCM): with accounts of an identity provider of the tests' own, and of a realm that others trust."""
import copy
import tempfile

import pytest
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from conftest import SCREENS, launch
from lib.account import person as schema
from lib.clients import PASSWORD, Ajax, new_email
from lib.fedcm import Idp, takes_our_word
from lib.provider import MAPPER, person, social
from lib.serving import Server, free_port
from lib.settings import base, inline, merge

WAIT = 10


def pages(port, host, changes):
    """Settings of a site with pages of its own; its host is `localhost` or `127.0.0.1`, which to browsers are two sites."""
    root = f'http://{host}:{port}'
    named = copy.deepcopy(schema())
    named['properties']['traits']['properties']['name']['ory.sh/kratos'] = {'credentials': {'passkey': {'display_name': True}}}
    tree = merge(base(port), {
        'serve': {'public': {'base_url': root + '/'}},
        'selfservice': {'default_browser_return_url': root + '/ui/welcome', 'allowed_return_urls': [root],
                        'flows': {'logout': {'after': {'default_browser_return_url': root + '/ui/signed-out'}}}},
        'identity': {'schemas': [{'id': 'person', 'url': inline(named)}]}})
    tree = merge(tree, changes)
    for flow in tree['selfservice']['flows'].values():
        flow.pop('ui_url', None)
    return tree


@pytest.fixture(scope='module')
def idp():
    idp = Idp()
    yield idp
    idp.close()


@pytest.fixture(scope='module')
def realms(idp):
    """(a club, whose members' accounts are good at the shop; the shop, which takes theirs and those of the tests' own provider)"""
    club, shop = free_port(), free_port()
    clubs = Server(pages(club, '127.0.0.1', takes_our_word('shop', f'http://localhost:{shop}')), port=club, flags=['ui'])
    entry = {'id': 'club', 'provider': 'generic', 'label': 'Club', 'client_id': 'shop', 'issuer_url': f'http://127.0.0.1:{club}/',
             'fedcm_config_url': f'http://127.0.0.1:{club}/fedcm/config.json', 'mapper_url': inline(MAPPER)}
    shops = Server(pages(shop, 'localhost', social(idp.conf(), entry)), port=shop, flags=['ui'])
    clubs.root, shops.root = f'http://127.0.0.1:{club}', f'http://localhost:{shop}'
    yield clubs, shops
    assert not clubs.stop() and not shops.stop()


@pytest.fixture(scope='module')
def driver():
    with tempfile.TemporaryDirectory(prefix='kratos-chromium-') as profile:
        driver = launch(profile, fedcm=True)
        yield driver
        driver.quit()


class Visitor:
    def __init__(self, driver, club, shop):
        self.driver, self.club, self.shop = driver, club, shop
        driver.fedcm.disable_delay()        # for which a browser keeps a failure to itself
        driver.fedcm.reset_cooldown()
        for root in (club.root, shop.root):
            driver.get(root + '/health/alive')
            driver.delete_all_cookies()

    def until(self, what):
        return WebDriverWait(self.driver, WAIT, 0.1, [NoAlertPresentException]).until(what)

    def open(self, site, path):
        self.driver.get(site.root + path)

    def fill(self, **fields):
        for name, value in fields.items():
            self.driver.find_element(By.NAME, name).send_keys(value)
        self.driver.find_element(By.CSS_SELECTOR, 'button.primary').click()

    def dialogue(self):
        """The browser's own: its kind, and the accounts in it."""
        kind = self.until(lambda d: d.fedcm.dialog_type)
        return kind, [account['name'] for account in self.driver.fedcm.account_list]

    def choose(self):
        self.driver.fedcm.select_account(0)
        self.until(lambda d: '/ui/welcome' in d.current_url)

    def session(self, site):
        """What whoami says of the cookies of this browser, which is at that site; None: nobody is signed in."""
        client = Ajax(site.url)
        client.cookies = {cookie['name']: cookie['value'] for cookie in self.driver.get_cookies()}
        answer = client.whoami()
        return answer.json if answer.status == 200 else None

    def sign_out(self):
        self.driver.find_element(By.PARTIAL_LINK_TEXT, 'Sign out').click()
        self.until(lambda d: '/ui/welcome' not in d.current_url)

    def buttons(self):
        return [b.text for b in self.driver.find_elements(By.CSS_SELECTOR, 'button') if b.is_displayed()]


@pytest.fixture
def visitor(driver, realms, idp):
    idp.reset()
    yield Visitor(driver, *realms)
    driver.get('data:text/html,')
    assert not [line for line in driver.get_log('browser') if 'Content Security Policy' in line['message']]


def signed_in_at(idp, visitor, who):
    idp.people = {'1': who}
    visitor.driver.get(idp.base + '/acme/login')         # it tells the browser


def test_somebody_signs_up_and_in_with_one_tap(visitor, idp):
    who = person('ada')
    signed_in_at(idp, visitor, who)
    visitor.open(visitor.shop, '/ui/registration')
    assert visitor.dialogue() == ('AccountChooser', ['Ada'])
    visitor.choose()
    first = visitor.session(visitor.shop)['identity']
    assert first['traits'] == {'email': who['email'], 'name': 'Ada'}
    idp.approved = ['app-acme']
    visitor.sign_out()
    visitor.open(visitor.shop, '/ui/login')
    assert visitor.dialogue() == ('AccountChooser', ['Ada']), 'nobody who signed out is signed in again by itself'
    assert visitor.session(visitor.shop) is None
    visitor.choose()
    assert visitor.session(visitor.shop)['identity']['id'] == first['id']


def test_who_sends_the_dialogue_away_has_the_ordinary_ways(visitor, idp):
    signed_in_at(idp, visitor, person('bob'))
    visitor.open(visitor.shop, '/ui/login')
    visitor.dialogue()
    visitor.driver.fedcm.dismiss()
    visitor.driver.save_screenshot(str(SCREENS / 'fedcm-dismissed.png'))
    assert {'Sign in with password', 'Sign in with Acme', 'Sign in with Club'} <= set(visitor.buttons())
    visitor.open(visitor.shop, '/ui/registration')
    visitor.fill(**{'traits.email': new_email('bob'), 'password': PASSWORD})
    visitor.until(lambda d: '/ui/welcome' in d.current_url)


def test_who_is_signed_in_at_one_realm_signs_in_at_another_with_one_tap(visitor):
    email = new_email('cleo')
    visitor.open(visitor.club, '/ui/registration')
    visitor.fill(**{'traits.email': email, 'traits.name': 'Cleo', 'password': PASSWORD})
    visitor.until(lambda d: '/ui/welcome' in d.current_url)
    member = visitor.session(visitor.club)['identity']
    visitor.club.sql('UPDATE identity_addresses SET verified = 1')
    visitor.open(visitor.shop, '/ui/login')
    assert visitor.dialogue() == ('AccountChooser', ['Cleo'])
    visitor.choose()
    customer = visitor.session(visitor.shop)
    assert customer['identity']['traits'] == {'email': email, 'name': 'Cleo'}
    assert customer['authentication_methods'][0]['provider'] == 'club'
    assert visitor.shop.sql(f"SELECT identifier FROM identity_identifiers WHERE identifier = 'club:{member['id']}'")


def test_who_is_not_signed_in_there_does_so_in_a_window_of_its_own(visitor):
    email = new_email('dora')
    visitor.open(visitor.club, '/ui/registration')
    visitor.fill(**{'traits.email': email, 'traits.name': 'Dora', 'password': PASSWORD})
    visitor.until(lambda d: '/ui/welcome' in d.current_url)
    visitor.club.sql('UPDATE identity_addresses SET verified = 1')
    visitor.sign_out()
    visitor.open(visitor.shop, '/ui/login')
    here, = visitor.driver.window_handles
    visitor.until(lambda d: 'Sign in with Club' in visitor.buttons())
    next(b for b in visitor.driver.find_elements(By.CSS_SELECTOR, 'button') if b.text == 'Sign in with Club').click()
    visitor.until(lambda d: len(d.window_handles) == 2)
    visitor.driver.switch_to.window(next(w for w in visitor.driver.window_handles if w != here))
    visitor.until(lambda d: d.find_elements(By.NAME, 'identifier'))
    visitor.fill(identifier=email, password=PASSWORD)
    visitor.until(lambda d: d.window_handles == [here])
    visitor.driver.switch_to.window(here)
    assert visitor.dialogue() == ('AccountChooser', ['Dora'])
    visitor.choose()
    assert visitor.session(visitor.shop)['identity']['traits']['email'] == email
