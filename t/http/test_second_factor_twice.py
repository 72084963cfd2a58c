# SPDX-License-Identifier: Apache-2.0
"""Forms of second factors, to sign in and to set one up, clicked twice: people end where one click leads, and nobody else gets anything by it."""
import pytest

from lib.account import member
from lib.clients import messages
from lib.factors import App, again, at_once, enrol, enrol_codes, held, level, make_codes, second, shown, use_code
from lib.settings import UI

USED, SAVED = 4000012, 1050001
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


# -- set up ---------------------------------------------------------------------------------

@pytest.fixture(params=['totp', 'lookup_secret'])
def setting_up(request, factors):
    """Somebody at the settings with a new factor, and click(): the answer to the button that makes it theirs."""
    owner = member(factors, 'browser')
    if request.param == 'totp':
        flow = owner.start('settings')
        fields = {'method': 'totp', 'totp_code': App(factors, shown(flow)).code()}
    else:
        flow, _ = make_codes(owner)
        fields = {'lookup_secret_confirm': 'true'}
    owner.flow, owner.made = flow, lambda: held(factors, owner.email, request.param)
    owner.click = lambda by=owner: by.submit('settings', flow, fields)
    return owner


def is_saved(owner, client=None):
    client = client or owner
    return level(client) == 'aal2' and messages(client.fetch('settings', owner.flow.flow_id)) == [SAVED] and owner.made()


def test_a_factor_is_set_up_by_a_button_that_is_clicked_twice(setting_up):
    to = setting_up.click().must(303).location
    assert setting_up.click().must(303).location == to and is_saved(setting_up)


def test_so_it_is_when_the_first_answer_never_arrives(factors, setting_up):
    before = dict(setting_up.cookies)
    to = setting_up.click().must(303).location
    setting_up.cookies.update(before)
    assert setting_up.click().must(303).location == to and is_saved(setting_up)
    factors.clock.forward(61)                       # nor does it end with the token that came
    assert level(setting_up) == 'aal2'


def test_so_it_is_at_the_very_same_moment(factors, setting_up):
    clicks = [factors.browser() for _ in range(3)]
    for click in clicks:
        click.cookies.update(setting_up.cookies)
    answers = at_once([lambda c=click: setting_up.click(c) for click in clicks])
    assert len({a.must(303).location for a in answers}) == 1
    factors.clock.forward(61)
    assert all(is_saved(setting_up, click) for click in clicks)


def test_a_minute_later_the_form_raises_nothing(factors, setting_up):
    before = dict(setting_up.cookies)
    setting_up.click().must(303)
    factors.clock.forward(61)
    setting_up.cookies.update(before)
    setting_up.click()
    assert level(setting_up) == 401


def test_without_the_token_of_the_form_or_with_another_code_nothing_is_raised(factors):
    owner = member(factors, 'browser')
    flow = owner.start('settings')
    code, before = App(factors, shown(flow)).code(), dict(owner.cookies)
    owner.submit('settings', flow, {'method': 'totp', 'totp_code': code}).must(303)
    for fields in ({'totp_code': code, 'csrf_token': 'x'}, {'totp_code': '000000'}, {'totp_code': ''}):
        owner.cookies.update(before)
        owner.submit('settings', flow, {'method': 'totp', **fields})
        assert level(owner) == 'aal1'
