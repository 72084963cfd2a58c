# SPDX-License-Identifier: Apache-2.0
"""Traits that are lists, on the built-in pages."""
import copy

import pytest

from lib.clients import PASSWORD, new_email
from lib.reader import Reader
from lib.serving import free_port
from lib.settings import PERSON, inline

pytestmark = pytest.mark.san

OPTIONS = ['cook', 'guest', 'host']


def member():
    """Somebody with several addresses, all of which sign in, and lists of other kinds."""
    schema = copy.deepcopy(PERSON)
    traits = schema['properties']['traits']
    address = traits['properties'].pop('email')
    address.pop('title')
    traits['properties'] = {
        'emails': {'type': 'array', 'title': 'Addresses', 'items': address, 'minItems': 1},
        'tags': {'type': 'array', 'title': 'Tags', 'items': {'type': 'string'}},
        'roles': {'type': 'array', 'title': 'Roles', 'items': {'type': 'string', 'enum': OPTIONS}, 'uniqueItems': True},
        'place': {'type': 'array', 'title': 'Place', 'items': [{'type': 'string', 'title': 'Town'}, {'type': 'integer', 'title': 'Code'}]},
        'scores': {'type': 'array', 'title': 'Scores', 'items': {'type': 'number'}},
        'grid': {'type': 'array', 'items': {'type': 'array', 'items': {'type': 'integer'}}},
        **traits['properties'],
    }
    traits['required'] = ['emails']
    return schema


@pytest.fixture(scope='module')
def server(request, database):
    from conftest import end, start
    own, port = {'ui_url': None}, free_port()
    server = start(request, database, {
        'selfservice': {'default_browser_return_url': '/ui/welcome', 'allowed_return_urls': [f'http://127.0.0.1:{port}'],
                        'flows': {'login': own, 'registration': own, 'settings': {'privileged_session_max_age': '1h'}, 'error': own}},
        'identity': {'schemas': [{'id': 'person', 'url': inline(member())}]},
    }, port=port, flags=['ui'])
    yield server
    end(server)


@pytest.fixture
def reader(server):
    return Reader(server)


def with_values(**changes):
    """Changes to what a form sends: all values of a name, in order."""
    def change(pairs):
        names = {k.replace('__', '.'): v for k, v in changes.items()}
        return [(k, v) for k, v in pairs if k not in names] + [(k, v) for k, values in names.items() for v in values]
    return change


def sign_up(reader, **traits):
    page = reader.open('/self-service/registration/browser')
    return reader.press(page, 'password', with_values(password=[PASSWORD], **{f'traits__{k}': v for k, v in traits.items()}))


def traits_of(reader):
    return reader.client.session()['identity']['traits']


def test_one_signs_up_with_lists_and_is_called_by_the_first_address(server, reader):
    first, second = new_email(), new_email()
    page = sign_up(reader, emails=[first, '', second, ''], tags=['', ''], roles=['guest'], place=['Ulm', '89073'])
    assert page.answer.status == 200 and first in page.text and second not in page.text, page.text
    assert traits_of(reader) == {'emails': [first, second], 'roles': ['guest'], 'place': ['Ulm', 89073]}
    for email in (first, second):
        other = Reader(server)
        other.send(other.open('/self-service/login/browser'), identifier=email, password=PASSWORD)
        assert other.client.whoami().status == 200


def test_what_is_wrong_with_one_element_is_said_at_it_and_all_are_kept(reader):
    page = sign_up(reader, emails=[new_email(), 'nonsense'], tags=['x'])
    form = page.forms[0]
    assert form.values('traits.emails')[1:] == ['nonsense', ''] and form.values('traits.tags') == ['x', '']
    assert 'nonsense' in page.text and 'Addresses 2' in page.text


def test_a_profile_that_nobody_changed_goes_back_unchanged(server, reader):
    traits = {'emails': [new_email(), new_email()], 'tags': [f't{i}' for i in range(12)] + ['a,b', '["x"]'], 'roles': ['host', 'cook'],
              'place': ['Ulm', 89073], 'scores': [1, 2.5], 'grid': [[1, 2], [3]], 'name': 'Ana'}
    program = server.ajax()
    program.submit('registration', program.start('registration'),
                   {'method': 'password', 'password': PASSWORD, 'traits': traits}).must(200)
    reader.send(reader.open('/self-service/login/browser'), identifier=traits['emails'][0], password=PASSWORD)
    assert traits_of(reader) == traits
    page = reader.press(reader.open('/self-service/settings/browser'), 'profile')
    assert 'saved' in page.text and traits_of(reader) == traits
    page = reader.press(page, 'profile', with_values(traits__name=['Bea']))
    assert traits_of(reader) == {**traits, 'name': 'Bea'}


def test_an_element_is_added_changed_and_taken_away(reader):
    email = new_email()
    sign_up(reader, emails=[email], tags=['one', 'two', 'three'])
    page = reader.open('/self-service/settings/browser')
    assert page.forms[0].values('traits.tags') == ['one', 'two', 'three', '']
    page = reader.press(page, 'profile', with_values(traits__tags=['one', '', 'drei', 'four'], traits__roles=['cook', 'host']))
    assert traits_of(reader) == {'emails': [email], 'tags': ['one', 'drei', 'four'], 'roles': ['cook', 'host']}
    assert page.forms[0].values('traits.tags') == ['one', 'drei', 'four', '']
    page = reader.press(page, 'profile', with_values(traits__tags=['', '', '', ''], traits__roles=[]))
    assert traits_of(reader) == {'emails': [email]} and page.forms[0].values('traits.tags') == ['']


def test_a_refused_change_of_a_list_is_shown_as_it_was_typed(reader):
    email = new_email()
    sign_up(reader, emails=[email], tags=['one', 'two'], scores=['1', '2'])
    page = reader.open('/self-service/settings/browser')
    page = reader.press(page, 'profile', with_values(traits__tags=['three'], traits__scores=['1', 'many'], traits__roles=['bard']))
    form = page.forms[0]
    assert form.values('traits.tags') == ['three', ''] and form.values('traits.scores') == ['1', 'many', '']
    assert form.values('traits.roles') == ['bard'] and 'Error' in page.answer.body.decode()
    assert traits_of(reader) == {'emails': [email], 'tags': ['one', 'two'], 'scores': [1, 2]}
