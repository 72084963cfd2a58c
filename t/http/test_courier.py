# SPDX-License-Identifier: Apache-2.0
"""Letters as their owner wants them: by SMTP and HTTP, by phone, with templates and programs of one's own."""
import copy
import json
import re
import shutil

import pytest

from lib.clients import PASSWORD, messages, new_email
from lib.ctl import kratosctl
from lib.mailbox import Mailbox, Service
from lib.serving import ROOT, free_port, wait_for
from lib.settings import PERSON, UI, inline, merge, nested
from lib.settings import example as example_settings
from test_settings import refusal, with_setting

pytestmark = pytest.mark.san

PROGRAM = '''function(ctx) { to: ctx.recipient, type: ctx.template_type, text: ctx.body, subject: ctx.subject,
  agent: ctx.request_headers['User-Agent'], identity: std.get(ctx.template_data, 'identity') }'''


def schema():
    """A person who can be reached by mail and phone, and signs in with either."""
    person = copy.deepcopy(PERSON)
    traits = person['properties']['traits']
    both = {'credentials': {'password': {'identifier': True}, 'code': {'identifier': True, 'via': 'email'}},
            'verification': {'via': 'email'}, 'recovery': {'via': 'email'}}
    traits['properties']['email']['ory.sh/kratos'] = both
    phone = json.loads(json.dumps(both).replace('"email"', '"sms"'))
    traits['properties']['phone'] = {'type': 'string', 'format': 'tel', 'title': 'Phone', 'ory.sh/kratos': phone}
    del traits['required']
    return inline(person)


def settings(**courier):
    flows = {kind: {'enabled': True, 'use': 'code', 'ui_url': f'{UI}/{kind}'} for kind in ('verification', 'recovery')}
    return {
        'selfservice': {'methods': {'code': {'enabled': True, 'passwordless_enabled': True}}, 'flows': flows},
        'identity': {'schemas': [{'id': 'person', 'url': schema()}]},
        'courier': courier,
    }


def channel(service, **more):
    return {'id': 'sms', 'type': 'http', 'request_config': {'url': service.url + '/sms', **more}}


@pytest.fixture
def post():
    """A post office of its own for each test."""
    post = Mailbox()
    yield post
    post.close()


@pytest.fixture
def service():
    service = Service()
    yield service
    service.close()


def sign_up(client, **traits):
    client.step('registration', client.start('registration'),
                {'method': 'password', 'password': PASSWORD, 'traits': traits}).must(200)


def phone_number():
    return '+4915' + ''.join(str(ord(c) % 10) for c in new_email()[:9]).ljust(9, '7')


# -- by HTTP ---------------------------------------------------------------------------

def test_mail_by_http_is_what_the_owners_jsonnet_makes(serve, service):
    server = serve(settings(delivery_strategy='http', http={'request_config': {
        'url': service.url + '/mail', 'method': 'PUT', 'body': inline(PROGRAM),
        'auth': {'type': 'api_key', 'config': {'name': 'X-Key', 'value': 's3cret', 'in': 'header'}}}}))
    email = new_email()
    sign_up(server.ajax(), email=email)
    got = service.wait(email)
    assert got['type'] == 'verification_code_valid' and re.search(r'\b\d{6}\b', got['text']) and got['subject']
    assert got['identity']['traits'] == {'email': email}
    assert isinstance(got['agent'], list)
    path, headers, _ = service.calls[0]
    assert path == '/mail' and headers['X-Key'] == 's3cret' and headers['Content-Type'] == 'application/json'
    assert 's3cret' not in server.log()


def test_without_a_program_a_service_gets_what_kratos_sends(serve, service):
    server = serve(settings(delivery_strategy='http', http={'request_config': {
        'url': service.url, 'auth': {'type': 'api_key', 'config': {'name': 'key', 'value': 'v', 'in': 'cookie'}}}}))
    email = new_email()
    sign_up(server.ajax(), email=email)
    got = service.wait(email)
    assert set(got) == {'recipient', 'template_type', 'to', 'recovery_code', 'recovery_url', 'verification_url',
                        'verification_code', 'subject', 'body'}
    assert got['verification_code'] in got['body'] and got['recovery_code'] is None
    assert service.calls[0][1]['Cookie'] == 'key=v'


def test_a_service_that_refuses_gets_the_message_again(serve, service):
    server = serve(settings(delivery_strategy='http', http={'request_config': {'url': service.url}}))
    service.status = 503
    email = new_email()
    sign_up(server.ajax(), email=email)
    first = service.wait(email)
    service.status = 200
    assert service.wait(email, 2) == first
    assert len(service.to(email)) == 2


# -- by phone --------------------------------------------------------------------------

def test_a_code_by_sms_signs_in(serve, service, post):
    server = serve(settings(smtp={'connection_uri': post.uri}, channels=[channel(service)]))
    phone = phone_number()
    sign_up(server.ajax(), phone=phone)
    client = server.ajax()
    flow = client.step('login', client.start('login'), {'method': 'code', 'identifier': phone})
    text = service.wait(phone, 2)['body']
    code = re.fullmatch(r'(\d{6}) .*\n\n@127\.0\.0\.1 #\1', text, re.S)[1]       # what phones read
    client.submit('login', flow, {'method': 'code', 'identifier': phone, 'code': code}).must(200)
    assert client.session()['identity']['traits'] == {'phone': phone}


# Whoever asks for a message names the host and the query as they like; the message goes to somebody else.
STRANGE = {'Host': 'evil.test', 'X-Forwarded-Host': 'evil.test', 'Forwarded': 'host=evil.test'}
WHOLE = "function(ctx) { to: ctx.recipient, subject: ctx.subject, body: ctx.body, data: ctx.template_data, html: std.get(ctx, 'html_body') }"


def telling():
    """Templates that print all that they know of the request."""
    mail = {'plaintext': inline('{{ .RequestURL }}'), 'html': inline('<a href="{{ .RequestURL }}">here</a>')}
    valid = {'email': {'body': mail}, 'sms': {'body': {'plaintext': inline('{{ .RequestURL }} {{ .RequestURLDomain }}')}}}
    kinds = {kind: {'valid': valid} for kind in ('recovery_code', 'verification_code', 'login_code', 'registration_code')}
    return merge(kinds, {kind: {'invalid': {'email': {'body': mail}}} for kind in ('recovery_code', 'verification_code')})


@pytest.mark.parametrize('templates', [{}, telling()], ids=['built in', "the owner's"])
@pytest.mark.parametrize('trusting', ['', 'KratosTrustForwarded On\n'], ids=['directly', 'behind a proxy'])
def test_no_message_holds_a_word_of_whoever_asked_for_it(serve_sqlite, service, templates, trusting):
    everything = {'url': service.url, 'body': inline(WHOLE)}
    tell = {kind: {'notify_unknown_recipients': True} for kind in ('recovery', 'verification')}
    server = serve_sqlite(merge(settings(delivery_strategy='http', http={'request_config': everything}, templates=templates,
                                         channels=[channel(service, body=inline(WHOLE))]), nested('selfservice.flows', tell)),
                          lines={'extra': trusting})
    email, phone, nobody, fresh = new_email(), phone_number(), new_email(), new_email()
    sign_up(server.ajax(), email=email, phone=phone)
    for kind, to, more in [('login', phone, {'identifier': phone}), ('login', email, {'identifier': email}),
                           ('recovery', email, {'email': email}), ('recovery', nobody, {'email': nobody}),
                           ('verification', phone, {'email': phone}), ('verification', nobody, {'email': nobody}),
                           ('registration', fresh, {'traits': {'email': fresh}})]:
        before = len(service.to(to))
        client = server.native()
        flow = client.init(kind, {'say': 'ring-me', 'return_to': UI + '/evil'}, headers=STRANGE).must(200)
        assert 'evil.test' in flow.json['request_url']
        client.submit(kind, flow, {'method': 'code', **more}, headers=STRANGE)
        wait_for(lambda: len(service.to(to)) > before, 15, 0.05)
    assert len(service.calls) >= 9
    for _, _, body in service.calls:
        got = json.loads(body)
        assert 'evil' not in body and 'ring-me' not in body, body
        assert got['data']['request_url'].startswith(server.url + '/self-service/') and '?' not in got['data']['request_url']
        assert got['data'].get('request_url_domain', '127.0.0.1') == '127.0.0.1'


def test_a_phone_number_is_verified_by_sms(serve, service, post):
    server = serve(settings(smtp={'connection_uri': post.uri}, channels=[channel(service)]))
    phone = phone_number()
    client = server.ajax()
    sign_up(client, phone=phone)
    flow = client.step('verification', client.start('verification'), {'method': 'code', 'email': phone})
    code = re.search(r'#(\d{6})$', service.wait(phone, 2)['body'])[1]
    client.submit('verification', flow, {'method': 'code', 'code': code}).must(200)
    assert client.session()['identity']['verifiable_addresses'][0]['verified']


def test_what_a_link_verifies_is_said_as_of_a_mail(serve, service, post):
    """Links are for mail: one that came by phone passes, and Kratos' words for it are those of a mail's."""
    by_link = nested('selfservice', {'methods': {'link': {'enabled': True}}, 'flows': {'verification': {'use': 'link'}}})
    server = serve(merge(settings(smtp={'connection_uri': post.uri}, channels=[channel(service, body=inline(WHOLE))]), by_link))
    phone = phone_number()
    client = server.ajax()
    sign_up(client, phone=phone)
    passed = client.get(service.wait(phone, 1)['data']['verification_url']).must(200)
    assert passed.json['state'] == 'passed_challenge' and messages(passed) == [1080002]
    assert client.session()['identity']['verifiable_addresses'][0]['verified']


def test_a_form_reaches_a_service_that_wants_one(serve, service, post):
    sms = channel(service, headers={'Content-Type': 'application/x-www-form-urlencoded'},
                  body=inline('function(ctx) { To: ctx.recipient, Body: ctx.body }'))
    server = serve(settings(smtp={'connection_uri': post.uri}, channels=[sms]))
    phone = phone_number()
    sign_up(server.ajax(), phone=phone)
    body = wait_for(lambda: [b for _, _, b in service.calls], 15, 0.05)[0]
    assert body.startswith('Body=') and body.endswith('&To=%2B' + phone[1:])


def test_an_sms_service_that_is_down_does_not_hold_up_mail(serve, post):
    down = {'id': 'sms', 'type': 'http', 'request_config': {'url': f'http://127.0.0.1:{free_port()}/'}}
    server = serve(settings(smtp={'connection_uri': post.uri}, channels=[down]))
    server.expect_log(r'KR0201|KR0505')
    email = new_email()
    for _ in range(3):
        sign_up(server.ajax(), phone=phone_number())
    sign_up(server.ajax(), email=email)
    post.wait(email)


# -- templates ---------------------------------------------------------------------------

def test_templates_of_the_owners_make_the_mail(serve, post, tmp_path):
    folder = tmp_path / 'verification_code' / 'valid'
    folder.mkdir(parents=True)
    (folder / 'email.subject.gotmpl').write_text('a subject that a key replaces')
    (folder / 'email.body.plaintext.gotmpl').write_text(
        '{{ define "greet" }}Hello {{ . }}{{ end }}{{ template "greet" .Identity.traits.name }}: {{ .VerificationCode }}\n')
    (folder / 'email.body.gotmpl').write_text('{{- template "page" . -}}')
    (folder / 'email.body.page.gotmpl').write_text(
        '{{ define "page" }}<p title="{{ .Identity.traits.name }}"><a href="{{ .VerificationURL }}">{{ .VerificationCode }}</a></p>{{ end }}')
    server = serve(settings(smtp={'connection_uri': post.uri}, template_override_path=str(tmp_path), templates=nested(
        'verification_code.valid.email.subject', inline('\n{{ .Identity.traits.name | upper }}, here you are\n'))))
    email = new_email()
    name = 'Ana\r\nBcc: evil@example.org\r\n\r\n"><script>x</script>'
    sign_up(server.ajax(), email=email, name=name)
    mail = post.wait(email)
    assert 'bcc' not in mail.msg
    assert mail.subject.startswith('ANA') and mail.subject.endswith('</SCRIPT>, here you are')
    assert mail.text.startswith('Hello Ana')
    html = mail.parts['text/html']
    assert '<script' not in html and f'/self-service/verification?code={mail.code}&amp;flow=' in html


def test_a_template_that_fails_costs_its_own_part_only(serve, post):
    server = serve(settings(smtp={'connection_uri': post.uri}, templates=nested(
        'verification_code.valid.email', {'subject': inline('{{ len .Missing }}'), 'body': {'html': inline('<b>{{ .To }}</b>')}})))
    server.expect_log('KR0506')
    email = new_email()
    sign_up(server.ajax(), email=email)
    mail = post.wait(email, 'Confirm your address')
    assert mail.parts['text/html'].strip() == f'<b>{email}</b>' and mail.code
    assert email not in server.log()


@pytest.mark.parametrize('path, value, words', [
    ('courier.delivery_strategy', 'http', ['courier.http.request_config.url', 'missing']),
    ('courier.channels', [{'id': 'sms', 'type': 'http', 'request_config': {'url': 'http://x/', 'body': inline('function(ctx) {')}}],
     ['courier.channels[0].request_config.body', 'Jsonnet']),
    ('courier.channels', [{'id': 'sms', 'type': 'http', 'request_config': {'url': 'http://x/', 'body': 'http://x/b.jsonnet'}}],
     ['courier.channels[0].request_config.body', 'not fetched by HTTP']),
    ('courier.templates.login_code.valid.email.body.html', inline('\n<script>{{ .To }}</script>'),
     ['courier.templates.login_code.valid.email.body.html', ':2:', 'script']),
    ('courier.templates.login_code.valid.sms.body.plaintext', inline('{{ env "HOME" }}'),
     ['courier.templates.login_code.valid.sms.body.plaintext', 'no function "env"']),
    ('courier.templates.login_code.invalid.email.subject', inline('x'), ['courier.templates.login_code', 'unknown key']),
    ('courier.template_override_path', '/nowhere/at/all', ['courier.template_override_path', 'no folder']),
])
def test_a_mistake_of_the_courier_stops_httpd(path, value, words):
    said = refusal(with_setting(path, value))
    for word in words:
        assert word in said, said


# -- addresses of strangers ----------------------------------------------------------------

@pytest.mark.parametrize('address', [
    'a@x.example\r\nBcc: evil@x.example', '"x" <a@x.example>', 'a@x.example, b@x.example', '"a b"@x.example',
    'a' * 321 + '@x.example', 'j\u00f6rg@x.example', '@x.example', 'a@', '<a@x.example>',
])
def test_no_mail_goes_to_an_address_that_is_none(serve_sqlite, address, post):
    server = serve_sqlite(merge(settings(smtp={'connection_uri': post.uri}), nested('selfservice.flows.recovery.notify_unknown_recipients', True)))
    client = server.ajax()
    after = client.step('recovery', client.start('recovery'), {'method': 'code', 'email': address})
    assert after.status in (200, 400) and messages(after)
    known = new_email()
    client.step('recovery', client.start('recovery'), {'method': 'code', 'email': known})
    post.wait(known)                                # those before it would have come first
    assert [m.to for m in post.mails] == [[known]]
    assert 'bcc' not in post.mails[0].msg


# -- the manual --------------------------------------------------------------------------------

def examples():
    """(language, text, file it is said to stand in) of each example in docs/mail.md."""
    text = (ROOT / 'docs' / 'mail.md').read_text()
    return [(m[2], m[3], m[1]) for m in re.finditer(r'(?:`(/\S+)`:\n\n)?```(\w+)\n(.*?)```', text, re.S)]


@pytest.mark.parametrize('example', [text for kind, text, _ in examples() if kind == 'yaml'])
def test_the_examples_of_the_manual_are_good(example, tmp_path):
    for kind, text, name in examples():
        if kind != 'yaml':
            (tmp_path / name[1:]).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name[1:]).write_text(text)
    shutil.copytree(ROOT / 'conf' / 'schemas', tmp_path / 'schemas')
    file = tmp_path / 'kratos.yml'
    file.write_text(example_settings() + '\n' + example.replace('/etc/kratos', f'{tmp_path}/etc/kratos'))
    said = kratosctl('check', file)
    assert said.returncode == 0 and 'no effect' not in said.stdout + said.stderr, said.stdout + said.stderr


# -- a change of address -----------------------------------------------------------------------

@pytest.mark.parametrize('recipients, told', [(None, ['old']), ('removed', ['old']), ('all', ['old', 'kept']), ('all_verified', [])])
def test_addresses_that_an_account_had_are_told_of_a_change(serve, post, service, recipients, told):
    hook = {'hook': 'notify_previous_addresses', **({'config': {'recipients': recipients}} if recipients else {})}
    flows = {'settings': {'ui_url': UI + '/settings', 'privileged_session_max_age': '1h', 'after': {'profile': {'hooks': [hook]}}},
             'verification': {'enabled': False}}
    server = serve(merge(settings(smtp={'connection_uri': post.uri}, channels=[channel(service)]), {'selfservice': {'flows': flows}}))
    client, old, new, phone = server.ajax(), new_email(), new_email(), phone_number()
    sign_up(client, email=old, phone=phone)
    flow = client.start('settings')
    client.step('settings', flow, {'method': 'profile', 'traits': {'email': old, 'phone': phone, 'name': 'Ana'}}).must(200)
    client.step('settings', client.start('settings'), {'method': 'profile', 'traits': {'email': new, 'phone': phone}}).must(200)
    stranger = server.ajax()
    stranger.step('recovery', stranger.start('recovery'), {'method': 'code', 'email': new})
    post.wait(new)                                    # whatever came before it is there by now
    assert len(post.to(old)) == ('old' in told)
    if 'kept' in told:
        assert service.wait(phone)['template_type'] == 'verifiable_address_changed'
    assert len(service.to(phone)) == ('kept' in told)
