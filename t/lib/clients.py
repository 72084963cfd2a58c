# SPDX-License-Identifier: Apache-2.0
"""The three kinds of client, as the conformance toolkit has them, with the steps that tests take again and again."""
import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'conformance'))
from harness import client as _client  # noqa: E402

HTML = _client.HTML
PASSWORD = 'correct-Horse-battery-9'
WRONG = 'wrong-Horse-battery-9'
_numbers = itertools.count(1)


def new_email(who='ana'):
    return f'{who}.{next(_numbers)}@example.org'


class _Wire:
    """What the toolkit's clients want to know of the scenario they are part of."""

    def __init__(self, public):
        self.public = self.admin = public

    def _record(self, *_):
        pass


class _Steps:
    """Whole steps of a person. Each hands back the response of its submit."""

    told = None     # a lib.described.Told: each answer is to be one that it knows

    def __init__(self, public):
        super().__init__(_Wire(public))

    def request(self, method, target, **kw):
        answer = super().request(method, target, **kw)
        if self.told:
            self.told.look(method, target, answer)
        return answer

    def register(self, email, password=PASSWORD, **traits):
        flow = self.start('registration')
        answer = self.submit('registration', flow, {'method': 'password', 'password': password,
                                                    'traits': {'email': email, **traits}})
        self._keep_token(answer)
        return answer

    def login(self, email, password=PASSWORD, **query):
        flow = self.start('login', query or None)
        answer = self.submit('login', flow, {'method': 'password', 'identifier': email, 'password': password})
        self._keep_token(answer)
        return answer

    def _keep_token(self, answer):
        if self.kind == 'native' and answer.status == 200:
            self.token = answer.json.get('session_token') or self.token

    def session(self):
        """The session that whoami shows."""
        return self.whoami().must(200).json

    def cookie(self, start):
        """Name and value of the cookie whose name begins so."""
        return next(((n, v) for n, v in self.cookies.items() if n.startswith(start)), (None, None))

    def logout(self):
        if self.kind == 'native':
            return self.request('DELETE', '/self-service/logout/api', json_={'session_token': self.token})
        token = self.get('/self-service/logout/browser', accept='application/json').must(200).json['logout_token']
        return self.get('/self-service/logout', {'token': token})


class Browser(_Steps, _client.Browser):
    """Navigates: takes pages, keeps cookies, posts forms."""


class Ajax(_Steps, _client.Spa):
    """A script in a page: takes JSON, keeps cookies, posts JSON."""


class Native(_Steps, _client.Native):
    """An app: no cookies, X-Session-Token."""


KINDS = {'browser': Browser, 'ajax': Ajax, 'native': Native}


def messages(flow):
    """Ids of all messages of a flow, those of its nodes included."""
    ui = flow.json['ui'] if hasattr(flow, 'json') else flow['ui']
    return [m['id'] for m in ui.get('messages', [])] + [m['id'] for n in ui['nodes'] or [] for m in n['messages']]


def error_id(answer):
    return answer.json['error'].get('id')
