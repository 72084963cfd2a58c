# SPDX-License-Identifier: Apache-2.0
"""Somebody finds the demo, registers, sees the private page, signs out, and is refused again."""
import re
import uuid

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from lib.serving import wait_for

PASSWORD = 'correct-Horse-battery-9'


class Person:
    def __init__(self, browser):
        self.browser = browser
        self.email = f'{uuid.uuid4().hex}@example.org'

    @property
    def text(self):
        return self.browser.find_element(By.TAG_NAME, 'body').text

    def at(self, url):
        """Waits until the browser stands there."""
        WebDriverWait(self.browser, 15).until(lambda b: b.current_url.startswith(url), f'not at {url}')

    def click(self, selector):
        self.browser.find_element(By.CSS_SELECTOR, selector).click()

    def fill_in(self, **fields):
        for name, value in fields.items():
            field = self.browser.find_element(By.NAME, name.replace('__', '.'))
            field.clear()
            field.send_keys(value)

    def send(self, by=None):
        """Presses the form's main button, or that of one method where there are several forms; waits for the next page."""
        page = self.browser.find_element(By.TAG_NAME, 'html')
        self.click(f'form [type=submit][value={by}]' if by else 'form [type=submit]')
        WebDriverWait(self.browser, 15).until(lambda _: self._gone(page), 'the form was not sent')

    @staticmethod
    def _gone(element):
        try:
            element.tag_name
            return False
        except Exception:
            return True

    def register(self, password=PASSWORD):
        """Whatever the number of steps: fills in what is asked until nothing is."""
        for _ in range(3):
            for name, value in (('traits.email', self.email), ('password', password)):
                for field in self.browser.find_elements(By.NAME, name):
                    if field.is_displayed():
                        field.clear()
                        field.send_keys(value)
            self.send()
            if '/registration' not in self.browser.current_url or self.browser.find_elements(By.CSS_SELECTOR, '[aria-invalid=true]'):
                return


@pytest.fixture
def person(chromium):
    return Person(chromium)


@pytest.fixture
def member(person, demo):
    """Somebody who just registered and looks at the private page."""
    person.browser.get(f'{demo.open}/auth/self-service/registration/browser?return_to={demo.private}/')
    person.browser.shot('registration')
    person.register()
    person.at(demo.private)
    return person


def test_the_whole_way(person, demo):
    browser = person.browser
    browser.get(demo.open + '/')
    browser.shot('open page')
    browser.get(demo.private + '/')
    person.at(demo.open + '/auth/ui/login')
    browser.shot('login')

    browser.get(f'{demo.open}/auth/self-service/registration/browser?return_to={demo.private}/')
    person.register()
    person.at(demo.private)
    assert 'aal1' in person.text
    browser.shot('private page')

    browser.get(demo.open + '/auth/ui/welcome')
    assert person.email in person.text
    browser.shot('account')
    person.click('a[href*="/self-service/logout"]')
    person.at(demo.open + '/auth/ui/signed-out')
    assert person.email not in person.text
    browser.shot('signed out')

    browser.get(demo.private + '/')
    person.at(demo.open + '/auth/ui/login')


def test_who_signs_in_comes_back_to_the_page_that_was_asked_for(member, demo):
    browser = member.browser
    browser.delete_all_cookies()
    browser.get(demo.private + '/index.shtml?page=7')
    member.at(demo.open + '/auth/ui/login')
    member.fill_in(identifier=member.email, password=PASSWORD)
    member.send()
    member.at(demo.private + '/index.shtml?page=7')
    assert 'aal1' in member.text


def code_of(demo, address, subject):
    """The newest code in the mail folder under that subject."""
    def look():
        return [m for m in demo.mails_to(address) if m.startswith(subject)]
    return re.search(r'^(\d{6})\r?$', wait_for(look)[-1], re.MULTILINE)[1]


def test_who_forgot_the_password_comes_back_by_the_code_in_the_mail(member, demo):
    browser = member.browser
    browser.delete_all_cookies()
    browser.get(demo.private + '/')
    member.click('a[href*="/self-service/recovery/"]')
    member.at(demo.open + '/auth/ui/recovery')
    browser.shot('recovery')
    member.fill_in(email=member.email)
    member.send()
    browser.shot('recovery code')
    member.fill_in(code=code_of(demo, member.email, 'Back into your account'))
    member.send()
    member.at(demo.open + '/auth/ui/settings')
    browser.shot('settings')
    new = 'another-Horse-battery-9'
    member.fill_in(password=new)
    member.send(by='password')
    member.at(demo.private)         # where one wanted to go before all this
    assert 'aal1' in member.text

    browser.get(demo.open + '/auth/ui/settings')
    member.fill_in(traits__email='x' + member.email)
    member.send(by='profile')
    member.at(demo.open + '/auth/ui/settings')
    assert browser.find_elements(By.CSS_SELECTOR, '.message.success')
    assert browser.find_element(By.NAME, 'traits.email').get_attribute('value') == 'x' + member.email
    browser.shot('settings saved')
    member.email = 'x' + member.email
    member.click('a[href$="/ui/welcome"]')
    member.click('a[href*="/self-service/logout"]')
    member.at(demo.open + '/auth/ui/signed-out')

    browser.get(demo.private + '/')
    member.fill_in(identifier=member.email, password=PASSWORD)
    member.send()
    member.at(demo.open + '/auth/ui/login')
    member.fill_in(identifier=member.email, password=new)
    member.send()
    member.at(demo.private)
    assert 'aal1' in member.text


def test_a_new_address_is_verified_by_the_code_in_the_mail(member, demo):
    browser = member.browser
    browser.get(f'{demo.open}/auth/self-service/verification/browser')
    member.fill_in(email=member.email)
    member.send()
    wait_for(lambda: len(demo.mails_to(member.email)) > 1)     # registration sent one, too
    member.fill_in(code=code_of(demo, member.email, ''))
    member.send()
    assert browser.find_elements(By.CSS_SELECTOR, '.message.success')
    browser.shot('verified')


def test_a_wrong_password_is_told_and_the_address_is_kept(member, demo):
    browser = member.browser
    browser.delete_all_cookies()
    browser.get(demo.private + '/')
    member.fill_in(identifier=member.email, password='wrong-Horse-battery-9')
    member.send()
    assert browser.find_element(By.NAME, 'identifier').get_attribute('value') == member.email
    assert browser.find_element(By.NAME, 'password').get_attribute('value') == ''
    assert browser.find_elements(By.CSS_SELECTOR, '[role=alert], .message')
    browser.shot('wrong password')


def test_a_weak_password_is_told_beside_its_field(person, demo):
    person.browser.get(f'{demo.open}/auth/self-service/registration/browser')
    person.register('short')
    field = person.browser.find_element(By.NAME, 'password')
    said = [person.browser.find_element(By.ID, id).text for id in (field.get_attribute('aria-describedby') or '').split()]
    assert any('8' in text for text in said), said
    person.browser.shot('weak password')


def test_an_error_page_is_shown_for_a_forbidden_return_to(person, demo):
    person.browser.get(f'{demo.open}/auth/self-service/login/browser?return_to=https://evil.example/')
    person.at(demo.open + '/auth/ui/error')
    person.browser.shot('error')


def test_the_browser_has_nothing_to_complain_of(member, demo):
    browser = member.browser
    for path in ('/auth/ui/welcome', '/auth/ui/login', '/auth/ui/registration', '/auth/ui/settings', '/auth/ui/recovery',
                 '/auth/ui/verification', '/auth/ui/error'):
        browser.get(demo.open + path)
    loud = [entry['message'] for entry in browser.get_log('browser')
            if 'favicon' not in entry['message'] and ('Content Security Policy' in entry['message'] or 'Mixed Content' in entry['message'])]
    assert not loud
