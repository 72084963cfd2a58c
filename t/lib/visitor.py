# SPDX-License-Identifier: Apache-2.0
"""Somebody with a browser that knows no JavaScript: real names and TLS, cookies as browsers keep them, forms by their fields."""
import http.client
import json
import urllib.error
import urllib.request
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from urllib.parse import urlencode, urljoin

from .clients import HTML, PASSWORD


class _Forms(HTMLParser):
    """The forms and links of a page."""

    def __init__(self):
        super().__init__()
        self.forms, self.links = [], []

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if tag == 'a' and a.get('href'):
            self.links.append(a['href'])
        elif tag == 'form':
            self.forms.append({'action': a.get('action') or '', 'method': (a.get('method') or 'get').lower(), 'fields': {}, 'buttons': []})
        elif self.forms and tag in ('input', 'button', 'select', 'textarea') and a.get('name'):
            if tag == 'button' or a.get('type') in ('submit', 'image'):
                self.forms[-1]['buttons'].append((a['name'], a.get('value') or ''))
            elif a.get('type') not in ('checkbox', 'radio') or 'checked' in a:
                self.forms[-1]['fields'][a['name']] = a.get('value') or ''


class Page:
    def __init__(self, url, status, headers, body):
        self.url, self.status, self.headers, self.text = url, status, headers, body.decode('utf-8', 'replace')
        found = _Forms()
        if 'html' in (headers.get('Content-Type') or ''):
            found.feed(self.text)
        self.forms, self.links = found.forms, [urljoin(url, link) for link in found.links]

    @property
    def json(self):
        return json.loads(self.text)

    def must_be(self, status):
        """Itself, if its status is that one."""
        assert self.status == status, f'{self.url}: {self.status}\n{self.text[:3000]}'
        return self

    def form(self, *names):
        """The form that has all these fields."""
        for form in self.forms:
            if all(name in form['fields'] for name in names):
                return form
        raise AssertionError(f'no form with {names} at {self.url} ({self.status}):\n{self.text[:3000]}')


def _connection(machine, tls, source):
    """A kind of connection, from that address, for which every name is that machine; addresses are what they are."""
    port = machine.port if tls else machine.plain_port

    class Connection(http.client.HTTPSConnection if tls else http.client.HTTPConnection):
        def connect(self):
            if self.host == '127.0.0.1':
                super().connect()
                return
            name, self.host, self.port = self.host, '127.0.0.1', port
            self.source_address = (source, 0)
            http.client.HTTPConnection.connect(self)
            self.host = name
            if tls:
                self.sock = machine.trust().wrap_socket(self.sock, server_hostname=name)
    return Connection


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, machine, source):
        super().__init__()
        self.machine, self.source = machine, source

    def https_open(self, request):
        return self.do_open(_connection(self.machine, True, self.source), request)


class _Http(urllib.request.HTTPHandler):
    def __init__(self, machine, source):
        super().__init__()
        self.machine, self.source = machine, source

    def http_open(self, request):
        return self.do_open(_connection(self.machine, False, self.source), request)


class Visitor:
    """get() and post() follow redirects as a browser does, and hand back the page where they ended."""

    def __init__(self, machine, source='127.0.0.1'):
        self.jar = CookieJar()
        self.opener = urllib.request.build_opener(_Https(machine, source), _Http(machine, source),
                                                  urllib.request.HTTPCookieProcessor(self.jar))
        self.opener.addheaders = [('Accept', HTML), ('User-Agent', 'visitor/1')]

    def request(self, url, data=None, headers=None, method=None):
        request = urllib.request.Request(url, data, headers or {}, method=method)
        try:
            answer = self.opener.open(request, timeout=30)
        except urllib.error.HTTPError as e:
            answer = e
        with answer:
            return Page(answer.url, answer.status, answer.headers, answer.read())

    def get(self, url, **headers):
        return self.request(url, headers={k.replace('_', '-'): v for k, v in headers.items()})

    def submit(self, page, fields, press=None):
        """Fills in the form that has these fields and presses its button: the one with that value, or the first."""
        form = page.form(*fields)
        button = [b for b in form['buttons'] if press is None or b[1] == press][:1]
        return self.request(urljoin(page.url, form['action']), urlencode([*{**form['fields'], **fields}.items(), *button]).encode())

    def sign_up(self, page, fields, password=PASSWORD):
        """From a login page to an account, as somebody who has none."""
        link = next((link for link in page.links if '/self-service/registration/browser' in link), None)
        assert link, f'no way to sign up at {page.url} ({page.status}):\n{page.text[:3000]}'
        fields = {f'traits.{name}': value for name, value in fields.items()}
        return self.submit(self.get(link), {**fields, 'password': password}, 'password')

    def sign_in(self, page, identifier, password=PASSWORD):
        return self.submit(page, {'identifier': identifier, 'password': password}, 'password')
