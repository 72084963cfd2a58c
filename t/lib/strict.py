# SPDX-License-Identifier: Apache-2.0
"""
A browser that takes cookies as strictly as RFC 6265bis wants it: domains, paths, Secure, __Host- and __Secure-, SameSite.
All names lead to this machine; https is what a proxy in front would have done.
"""
import http.client
from urllib.parse import urlencode, urljoin, urlsplit

from .clients import HTML, PASSWORD


class Answer:
    def __init__(self, url, sent, response):
        self.url, self.sent = url, sent            # `sent`: the cookies that went there, by name
        self.status, self.headers = response.status, response.headers
        self.body = response.read()

    @property
    def location(self):
        return urljoin(self.url, self.headers['Location']) if self.headers['Location'] else None

    @property
    def json(self):
        import json
        return json.loads(self.body)


def site(host):
    """The registrable domain, well enough for example.test."""
    return '.'.join(host.split('.')[-2:])


def covers(domain, host):
    return host == domain or host.endswith('.' + domain)


REDIRECTS = (301, 302, 303, 307)


class StrictBrowser:
    def __init__(self, port=None):
        self.port = port                           # of the one server that all hosts are; None: of each URL
        self.jar = {}                              # (name, domain, host only, path) -> (value, secure, same_site)
        self.refused = []                          # names of cookies that it did not take, with the reason

    # -- cookies ------------------------------------------------------------------

    def _take(self, line, url):
        parts = urlsplit(url)
        first, *attributes = [part.strip() for part in line.split(';')]
        name, _, value = first.partition('=')
        said = {key.strip().lower(): val.strip() for key, _, val in (a.partition('=') for a in attributes)}
        domain, secure = said.get('domain', '').lstrip('.').lower(), 'secure' in said
        path = said.get('path', '')
        path = path if path.startswith('/') else parts.path.rpartition('/')[0] or '/'
        why = None
        if domain and '.' not in domain:
            why = 'a public suffix'
        elif domain and not covers(domain, parts.hostname):
            why = 'a domain of others'
        elif secure and parts.scheme != 'https':
            why = 'Secure, but not over TLS'
        elif said.get('samesite', '').lower() == 'none' and not secure:
            why = 'SameSite=None without Secure'
        elif name.lower().startswith('__secure-') and not secure:
            why = '__Secure- without Secure'
        elif name.lower().startswith('__host-') and (not secure or domain or said.get('path') != '/'):
            why = '__Host- and its rules'
        if why:
            self.refused.append((name, why))
            return
        key = (name, domain or parts.hostname, not domain, path)
        if said.get('max-age') == '0':
            self.jar.pop(key, None)
        else:
            self.jar[key] = (value, secure, said.get('samesite', 'Lax').lower())

    def cookies_for(self, url, method='GET', origin=None):
        """Pairs that go along, longest path first and oldest first, as browsers send them. origin: the host of the page before."""
        parts = urlsplit(url)
        foreign = origin is not None and site(origin) != site(parts.hostname)
        path, pairs = parts.path or '/', []
        for (name, domain, host_only, where), (value, secure, same_site) in self.jar.items():
            if parts.hostname != domain and (host_only or not covers(domain, parts.hostname)):
                continue
            if not (path == where or path.startswith(where.rstrip('/') + '/')) or (secure and parts.scheme != 'https'):
                continue
            if foreign and (same_site == 'strict' or (same_site == 'lax' and method != 'GET')):
                continue
            pairs.append((len(where), name, value))
        return [(name, value) for _, name, value in sorted(pairs, key=lambda p: -p[0])]

    # -- requests -----------------------------------------------------------------

    def ask(self, url, form=None, accept=HTML, origin=None):
        """One request; no redirect is followed."""
        parts = urlsplit(url)
        method = 'GET' if form is None else 'POST'
        cookies = self.cookies_for(url, method, origin)
        headers = {'Host': parts.netloc, 'Accept': accept, 'X-Forwarded-Proto': parts.scheme, 'X-Forwarded-Host': parts.netloc}
        if cookies:
            headers['Cookie'] = '; '.join(f'{name}={value}' for name, value in cookies)
        if accept == HTML:
            headers |= {'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document'}
        if form is not None:
            headers['Content-Type'] = 'application/x-www-form-urlencoded'
        connection = http.client.HTTPConnection('127.0.0.1', self.port or parts.port, timeout=30)
        try:
            connection.request(method, (parts.path or '/') + ('?' + parts.query if parts.query else ''),
                               urlencode(form) if form is not None else None, headers)
            answer = Answer(url, dict(reversed(cookies)), connection.getresponse())
        finally:
            connection.close()
        for line in answer.headers.get_all('Set-Cookie') or []:
            self._take(line, url)
        return answer

    def follow(self, url, until=(), hops=20, form=None, origin=None):
        """Goes where redirects lead, as far as `until` (beginnings of URLs). (URL, its answer or None, how many hops it took)"""
        for n in range(hops):
            if until and url.startswith(tuple(until)):
                return url, None, n
            answer = self.ask(url, form, origin=origin)
            if answer.status not in REDIRECTS:
                return url, answer, n
            url, form = answer.location, None
        raise AssertionError(f'a loop: still at {url} after {hops} redirects')

    def go(self, url, form=None, origin=None):
        """A navigation, redirects and all: the page it ends on. More than ten of them are a loop."""
        return self.follow(url, hops=10, form=form, origin=origin)[1]

    # -- a person -------------------------------------------------------------------

    def fill(self, base, page, kind, **fields):
        """Send the form of the flow that the URL of a page names. The answer itself, wherever it leads."""
        flow_id = urlsplit(page).query.partition('flow=')[2].partition('&')[0]
        flow = self.ask(f'{base}/self-service/{kind}/flows?id={flow_id}', accept='application/json')
        assert flow.status == 200, flow.body
        ui = flow.json['ui']
        token = next(n['attributes']['value'] for n in ui['nodes'] if n['attributes'].get('name') == 'csrf_token')
        return self.ask(ui['action'], {'csrf_token': token, 'method': 'password', **fields})

    def submit(self, page, kind, **fields):
        """Fill in the form of the flow that the page shows, as its own page of that kind does, and go where that leads."""
        answer = self.fill(page.url.partition('/ui/')[0], page.url, kind, **fields)
        return self.go(answer.location) if answer.status in REDIRECTS else answer

    def register(self, base, email):
        page = self.go(f'{base}/self-service/registration/browser')
        return self.submit(page, 'registration', **{'traits.email': email, 'password': PASSWORD})

    def sign_in(self, page, email):
        return self.submit(page, 'login', identifier=email, password=PASSWORD)

    def whoami(self, base):
        return self.ask(f'{base}/sessions/whoami', accept='application/json')
