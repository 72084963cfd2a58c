# SPDX-License-Identifier: Apache-2.0
"""The page that docs/howto/own-login-app.md offers, in a real browser: it is all script."""
import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from conftest import FLAGS
from lib.debian import Machine
from lib.pages import WWW, Guide
from test_demo import PASSWORD, Person


@pytest.fixture
def machine():
    guide = Guide('docs/howto/own-login-app.md')
    machine = Machine(guide.sites, guide.kratos, guide.modules, guide.without)
    machine.put('/var/www/html/account.html', guide.one('html'))
    machine.put('/var/www/html/members/index.html', '<title>Members</title><p>for members')
    machine.put('/var/www/html/index.html', '<title>Open</title><p>for all')
    yield machine.start()
    assert not machine.stop()


@pytest.fixture
def browser(machine, tmp_path):
    """A Chromium for which www.example.org is that machine."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which('chromium')
    for flag in [*FLAGS, f'--user-data-dir={tmp_path}/profile', '--ignore-certificate-errors',
                 f'--host-resolver-rules=MAP *.example.org:443 127.0.0.1:{machine.port}']:
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=Service(shutil.which('chromedriver')))
    browser.set_page_load_timeout(30)
    browser.implicitly_wait(10)                         # the form is there once the script has drawn it
    yield browser
    browser.quit()


def test_a_login_page_of_ones_own(browser):
    ana = Person(browser)
    browser.get(WWW + '/members/?x=1')
    ana.at(WWW + '/account/login?flow=')
    browser.find_element(By.LINK_TEXT, 'Sign up').click()
    ana.at(WWW + '/account/registration?flow=')
    ana.fill_in(traits__email=ana.email, password='short')
    ana.send('password')
    ana.at(WWW + '/account/registration?flow=')
    assert browser.find_element(By.NAME, 'traits.email').get_attribute('value') == ana.email
    ana.fill_in(password=PASSWORD)
    ana.send('password')
    ana.at(WWW + '/members/')
    browser.get(WWW + '/account/settings')
    ana.at(WWW + '/account/settings?flow=')
    browser.find_element(By.LINK_TEXT, 'Sign out').click()
    ana.at(WWW + '/')
    browser.get(WWW + '/members/?x=1')
    ana.at(WWW + '/account/login?flow=')
    ana.fill_in(identifier=ana.email, password='wrong-' + PASSWORD)
    ana.send('password')
    ana.at(WWW + '/account/login?flow=')
    assert browser.find_element(By.ID, 'note').text
    ana.fill_in(identifier=ana.email, password=PASSWORD)
    ana.send('password')
    ana.at(WWW + '/members/?x=1')
    assert ana.text == 'for members'


def test_a_flow_that_is_gone_is_said_and_asked_for_once(browser):
    browser.get(WWW + '/account/login?flow=7b0b2a1e-0000-4000-8000-000000000000')
    browser.implicitly_wait(0)
    WebDriverWait(browser, 10).until(lambda b: b.find_element(By.ID, 'note').text)
    Person(browser).at(WWW + '/account/login?flow=7b0b2a1e')
    assert not browser.find_elements(By.CSS_SELECTOR, 'form *')
