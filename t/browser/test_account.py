# SPDX-License-Identifier: Apache-2.0
"""Somebody signs up, confirms the address, loses the password and comes back: in the built-in pages, mail by a real SMTP server."""
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from lib.account import account
from lib.mailbox import RECOVERY, VERIFICATION
from lib.serving import Server, free_port
from lib.settings import base, merge
from test_demo import PASSWORD, Person

NEW = 'another-Horse-battery-9'


def settings(port, uri):
    """As the tests of t/http have them, but for the pages: those are the built-in ones."""
    tree = merge(merge(base(port), account(uri=uri)), {'selfservice': {
        'default_browser_return_url': '/ui/welcome', 'allowed_return_urls': [f'http://127.0.0.1:{port}'],
        'flows': {'registration': {'after': {'password': {'hooks': [{'hook': 'session'}, {'hook': 'show_verification_ui'}]}}},
                  'logout': {'after': {'default_browser_return_url': '/ui/signed-out'}}},
    }})
    for flow in tree['selfservice']['flows'].values():
        flow.pop('ui_url', None)
    return tree


@pytest.fixture(scope='module')
def site(post):
    port = free_port()
    server = Server(settings(port, post.uri), port=port, flags=['ui'])
    yield server
    assert not server.stop()


@pytest.fixture
def member(chromium, site):
    """Somebody who just signed up, and stands where the code is entered."""
    member = Person(chromium)
    member.browser.get(site.url + '/self-service/registration/browser')
    member.register()
    member.at(site.url + '/ui/verification?flow=')
    return member


def succeeded(member):
    return bool(member.browser.find_elements(By.CSS_SELECTOR, '.message.success'))


def sign_out(member, site):
    member.browser.get(site.url + '/ui/welcome')
    member.click('a[href*="/self-service/logout"]')
    member.at(site.url + '/ui/signed-out')


def sign_in(member, site, password):
    member.browser.get(site.url + '/self-service/login/browser')
    member.fill_in(identifier=member.email, password=password)
    member.send()


def test_an_account_from_its_first_mail_to_a_new_password(member, site, post):
    browser = member.browser
    browser.shot('verification code')
    member.fill_in(code=post.wait(member.email, VERIFICATION).code)
    member.send()
    assert succeeded(member)
    sign_out(member, site)

    browser.get(site.url + '/self-service/recovery/browser')
    member.fill_in(email=member.email)
    member.send()
    code = post.wait(member.email, RECOVERY).code
    member.fill_in(code=f'{(int(code) + 1) % 1000000:06}')
    member.send()
    assert not browser.get_cookie('ory_kratos_session') and browser.find_elements(By.CSS_SELECTOR, '.message, [role=alert]')
    member.fill_in(code=code)
    member.send()
    member.at(site.url + '/ui/settings?flow=')
    member.fill_in(password=NEW)
    member.send(by='password')
    assert succeeded(member)
    sign_out(member, site)

    sign_in(member, site, PASSWORD)
    member.at(site.url + '/ui/login')
    sign_in(member, site, NEW)
    member.at(site.url + '/ui/welcome')
    assert member.email in member.text


def test_the_link_in_the_mail_fills_in_the_code(member, site, post):
    browser, mail = member.browser, post.wait(member.email, VERIFICATION)
    browser.get(mail.link)
    member.at(site.url + '/ui/verification?flow=')
    assert browser.find_element(By.NAME, 'code').get_attribute('value') == mail.code
    assert not succeeded(member)
    member.send()
    assert succeeded(member)


def test_another_code_is_sent_when_one_asks_for_it(member, site, post):
    post.wait(member.email, VERIFICATION)
    again = member.browser.find_element(By.CSS_SELECTOR, 'form [type=submit][name=email]')
    WebDriverWait(member.browser, 60).until(lambda _: again.is_displayed())     # the page lets some time pass first
    member.click('form [type=submit][name=email]')
    code = post.wait(member.email, VERIFICATION, 2).code
    member.at(site.url + '/ui/verification?flow=')
    member.fill_in(code=code)
    member.send()
    assert succeeded(member)
