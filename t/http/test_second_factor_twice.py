# SPDX-License-Identifier: Apache-2.0
"""The form of a second factor, clicked twice: people end where one click leads, and nobody else gets anything by it."""
import pytest

from lib.account import member
from lib.clients import messages
from lib.factors import again, at_once, enrol, enrol_codes, level, second, use_code
from lib.settings import UI

USED = 4000012
pytestmark = pytest.mark.san


@pytest.fixture(params=['totp', 'lookup_secret'])
def clicked(request, factors):
    """Somebody at the form of a second factor, and click(): the answer to its button, as often as it is pressed."""
    owner = member(factors)
    code = enrol(factors, owner).next() if request.param == 'totp' else enrol_codes(owner)[0]
    client = again(factors, owner, 'browser')
    field, flow = {'totp': 'totp_code'}.get(request.param, request.param), second(client, return_to=UI + '/there')
    client.click = lambda by=client: by.submit('login', flow, {'method': request.param, field: code})
    return client


def test_a_button_that_is_clicked_twice_leads_where_one_click_does(clicked):
    before = dict(clicked.cookies)
    assert clicked.click().must(303).location == UI + '/there'
    clicked.cookies.update(before)                  # the first answer never arrived
    assert clicked.click().must(303).location == UI + '/there'
    assert level(clicked) == 'aal2'


def test_so_it_does_at_the_very_same_moment(clicked):
    assert {a.must(303).location for a in at_once([clicked.click] * 3)} == {UI + '/there'}
    assert level(clicked) == 'aal2'


def test_a_minute_later_its_code_is_used(factors, clicked):
    before = dict(clicked.cookies)
    clicked.click().must(303)
    factors.clock.forward(61)
    clicked.cookies.update(before)
    assert clicked.click().location != UI + '/there' and level(clicked) != 'aal2'


def test_another_session_gets_nothing_by_it(factors, clicked):
    other = again(factors, clicked, 'browser')
    clicked.click().must(303)
    for name, value in clicked.cookies.items():
        if name.startswith('csrf_token'):
            other.cookies[name] = value             # the very same browser, with another session
    clicked.click(by=other)
    assert level(other) == 'aal1'


def test_a_program_is_told_that_the_code_was_used(factors):
    owner = member(factors)
    codes = enrol_codes(owner)
    client = again(factors, owner, 'ajax')
    flow, before = second(client), dict(client.cookies)
    use_code(client, codes[0], flow).must(200)
    client.cookies.update(before)
    assert messages(use_code(client, codes[0], flow).must(400)) == [USED]
