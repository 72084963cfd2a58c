# SPDX-License-Identifier: Apache-2.0
"""
docs/openapi.json says what is served: whatever clients send, of any kind, the answer is one that it describes, and none is a 5xx.

EXAMPLES=2000 in the environment tries so many requests of each operation instead of a handful; --described, with any other test of this
folder, looks at what that one's clients are answered.
"""
import re

import pytest

from lib.account import account, ask, change, give, member
from lib.clients import KINDS, WRONG
from lib.described import Told, Visitor, description, examples, made_up, strict
from lib.factors import FACTORS, enrol, enrol_codes
from lib.fedcm import takes_our_word
from lib.hydra import behind
from lib.keys import LAX, key_person, passkeys, security_keys
from lib.mailbox import RECOVERY, VERIFICATION
from lib.provider import social
from lib.settings import inline, merge, nested
import schemathesis  # noqa: I001  (lib.described is to be first)
from hypothesis import given

OPERATIONS = [(path, method) for path, methods in description()['paths'].items() for method in methods]
GITHUB = {'id': 'github', 'provider': 'github', 'client_id': 'id', 'client_secret': 'secret', 'scope': ['user:email'],
          'mapper_url': inline('local claims = std.extVar("claims"); {identity: {traits: {email: claims.email}}}')}
PEOPLE = {'identity': {'schemas': [{'id': 'person', 'url': inline(key_person(code={'via': 'email'}))}]}}


def all_of(*trees):
    out = {}
    for tree in trees:
        out = merge(out, tree)
    return out


# Every way in is on ...
ALL = all_of(FACTORS, security_keys(), passkeys(), LAX, social(GITHUB), takes_our_word(), PEOPLE,
             nested('selfservice.methods.code.passwordless_enabled', True))
# ... and in steps, where flows have more of them.
STEPS = all_of(FACTORS, security_keys(first=True), PEOPLE, nested('selfservice.methods.code.mfa_enabled', True),
               nested('selfservice.flows', {'login': {'style': 'identifier_first'}, 'registration': {'enable_legacy_one_step': False}}),
               nested('feature_flags', {'choose_recovery_address': True, 'use_continue_with_transitions': True}))


def is_a_case(database, path='flow'):
    """In steps only what has some, so on MariaDB."""
    return database == 'sqlite' or re.search('login|registration|settings|recovery|verification|flow', path)


@pytest.fixture(scope='module')
def site(request, database, hydra, post):
    from conftest import end, start
    tree = ALL if database.name == 'sqlite' else STEPS
    server = start(request, database, all_of(tree, behind(hydra), account(uri=post.uri), tree), clock=True)
    hydra.ask('known')
    server.told, server.few = strict(), 4 if database.name == 'sqlite' else 2
    server.visitors = [Visitor(server, kind) for kind in KINDS]
    yield server
    end(server)


def test_the_description_is_one():
    schemathesis.openapi.from_dict(description()).validate()


@pytest.mark.parametrize('path, method', OPERATIONS, ids=lambda it: it)
def test_an_operation_answers_as_described(site, path, method):
    found = {}

    @examples(site.few)
    @given(made_up(site.told[path][method.upper()]))
    def ask_all(case):
        for visitor in site.visitors:
            said = visitor.ask(case)
            found.setdefault(said and re.sub('http.*|`.*', '', said), said)
    ask_all()
    assert set(found) <= {None}, '\n\n'.join(filter(None, found.values()))


@pytest.fixture
def told(site, monkeypatch):
    """The clients' answers are looked at, too."""
    told = Told(site.told)
    for client in KINDS.values():
        monkeypatch.setattr(client, 'told', told)
    return told


def test_a_person_is_answered_as_described(site, told, kind, post):
    """What nobody meets by chance: who is right."""
    ana = member(site, kind)
    other = site.client(kind)
    other.login(ana.email, WRONG).must(400, 303)
    other.login(ana.email).must(200, 303)
    other.login(ana.email, refresh='true').must(200, 303)
    assert ana.get('/sessions').must(200).json[0]['active']
    change(ana, method='profile', traits={'email': ana.email, 'name': 'Ana'}).must(200)
    change(ana, method='password', password='another-Horse-battery-9').must(200)
    enrol(site, ana)
    enrol_codes(ana)
    ana.logout().must(204, 303)
    other = site.client('ajax' if kind == 'native' else kind)       # as a recovery leads into a browser
    asked = other.step('recovery', other.start('recovery'), {'method': 'code', 'email': ana.email, 'recovery_address': ana.email}).must(200)
    give(other, 'recovery', asked, post.wait(ana.email, RECOVERY).code).must(200, 303, 422)
    asked = ask(other, 'verification', ana.email)
    give(other, 'verification', asked, post.wait(ana.email, VERIFICATION, 2).code).must(200, 303)
    assert told.looked > 25
