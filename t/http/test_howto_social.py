# SPDX-License-Identifier: Apache-2.0
"""docs/howto/social.md: each of its entries is one that starts, and its mappers take no address that is not somebody's own."""
import subprocess

import pytest
import yaml

from lib.clients import PASSWORD
from lib.pages import WWW, Guide, check_dialogues
from lib.provider import person
from lib.settings import merge
from lib.visitor import Visitor

pytestmark = pytest.mark.usefixtures('afresh')

GUIDE = Guide('docs/howto/social.md')
PLACE = ('selfservice', 'methods', 'oidc', 'config', 'providers')


def entries():
    """{id: its entry}, as the page has them."""
    found = {}
    for text in GUIDE.all('yaml'):
        tree = yaml.safe_load(text)
        for name in PLACE:
            tree = tree.get(name, {})
        found |= {each['id']: each for each in tree}
    return found


def with_entries(*all_of_them):
    return {'kratos.yml': merge(GUIDE.kratos['kratos.yml'], {'selfservice': {'methods': {'oidc': {'config': {'providers': list(all_of_them)}}}}})}


def test_each_entry_starts_and_all_of_them_together_do(machine):
    key = subprocess.run(['openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'], check=True, capture_output=True, text=True)
    mine = entries()
    assert list(mine) == ['google', 'github', 'microsoft', 'apple', 'keycloak']
    mine['apple']['apple_private_key'] = key.stdout
    it = machine(GUIDE, start=False, kratos=with_entries(*mine.values()), ports=(443, 80))
    code, said = it.configtest()
    assert code == 0 and 'KR' not in said, said


@pytest.fixture
def there(machine, provider):
    """The page's machine, whose Keycloak is the provider of this test. mapper: of which other entry of the page."""
    def run(mapper='keycloak'):
        conf = {**entries()['keycloak'], 'issuer_url': provider.base, 'client_id': 'app-keycloak', 'client_secret': 'app-keycloak-secret',
                'mapper_url': entries()[mapper]['mapper_url']}
        return machine(GUIDE, kratos=with_entries(conf), files={'/var/www/html/index.html': 'secret page'})
    return run


def press(visitor, page):
    return visitor.submit(page, {}, 'keycloak')


def test_who_comes_by_a_provider_gets_an_account_and_comes_back(there, provider):
    it = there()
    check_dialogues(it, GUIDE)
    provider.claims = person('ana')
    ana = Visitor(it)
    page = press(ana, ana.get(WWW + '/'))
    assert (page.url, page.text) == (WWW + '/', 'secret page')
    identity = ana.get(WWW + '/auth/sessions/whoami', Accept='application/json').json['identity']
    assert identity['traits'] == {'email': 'ana@example.org'} and identity['verifiable_addresses'][0]['verified']
    assert 'only way to sign in' in ana.get(WWW + '/auth/ui/settings').text
    page = Visitor(it).get(WWW + it.owners_page('/auth/ui/diagnose'), Accept='application/json')
    assert f'{WWW}/auth/self-service/methods/oidc/callback/keycloak' in page.text


@pytest.mark.parametrize('mapper, claims', [
    ('google', {'email_verified': False}), ('google', {'email_verified': 'false'}), ('google', {'email': None}),
    ('microsoft', {}), ('microsoft', {'email_verified': True}),
])
def test_an_address_that_may_be_somebody_elses_is_not_taken(there, provider, mapper, claims):
    provider.claims = {name: value for name, value in person('eve', **claims).items() if value is not None}
    eve = Visitor(there(mapper))
    page = press(eve, eve.get(WWW + '/auth/ui/login'))
    assert page.form('traits.email')['fields']['traits.email'] == '' and 'One more step' in page.text
    assert eve.get(WWW + '/auth/sessions/whoami', Accept='application/json').status == 401


def test_who_has_an_account_links_it_with_its_password(there, provider):
    it = there()
    provider.claims = person('ana')
    owner = Visitor(it)
    owner.sign_up(owner.get(WWW + '/'), {'email': 'ana@example.org'})
    ana = Visitor(it)
    page = press(ana, ana.get(WWW + '/'))
    assert 'You have an account already' in page.text and 'ana@example.org' in page.text
    page = ana.submit(page, {'password': PASSWORD}, 'password')
    assert (page.url, page.text) == (WWW + '/', 'secret page')
    again = Visitor(it)
    assert press(again, again.get(WWW + '/')).text == 'secret page'
