# SPDX-License-Identifier: Apache-2.0
"""A browser with a strict cookie jar, for sites under names of their own; all names lead to 127.0.0.1."""
import http.client
import json
import urllib.request
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urlencode, urljoin, urlsplit

from .clients import HTML, PASSWORD, _client


class StrictBrowser:
    """Takes only cookies that the sender may set (Domain, Path, Secure), and sends only those that the place may see."""

    def __init__(self):
        self.jar = CookieJar(DefaultCookiePolicy(strict_ns_domain=DefaultCookiePolicy.DomainStrict))

    def request(self, method, url, form=None, accept=HTML, headers=None):
        parts = urlsplit(url)
        body = urlencode(form).encode() if form is not None else None
        request = urllib.request.Request(url, method=method)
        self.jar.add_cookie_header(request)
        h = {'Host': parts.netloc, 'Accept': accept, **dict(request.header_items()), **(headers or {})}
        if body is not None:
            h['Content-Type'] = 'application/x-www-form-urlencoded'
        connection = http.client.HTTPConnection('127.0.0.1', parts.port, timeout=30)
        try:
            connection.request(method, (parts.path or '/') + ('?' + parts.query if parts.query else ''), body, h)
            answer = connection.getresponse()
            got = _client.Response(answer.status, answer.getheaders(), answer.read())
            answer.info = lambda: answer.msg
            self.jar.extract_cookies(answer, request)
        finally:
            connection.close()
        return got

    def get(self, url, **kw):
        return self.request('GET', url, **kw)

    def follow(self, url, until=(), hops=20):
        """Goes where redirects lead, as far as `until` (beginnings of URLs). (URL, its answer or None, how many hops it took)"""
        for n in range(hops):
            if until and url.startswith(tuple(until)):
                return url, None, n
            answer = self.get(url)
            if answer.status not in (302, 303):
                return url, answer, n
            url = urljoin(url, answer.location)
        raise AssertionError(f'a loop: still at {url} after {hops} redirects')

    def sign_in(self, base, page, email, password=PASSWORD):
        """Fills the form of the login flow that the page's URL names. Where that leads."""
        flow = json.loads(self.get(f'{base}/self-service/login/flows?id={page.partition("flow=")[2]}', accept='application/json').body)
        csrf = next(n['attributes']['value'] for n in flow['ui']['nodes'] if n['attributes'].get('name') == 'csrf_token')
        done = self.request('POST', flow['ui']['action'], {'method': 'password', 'identifier': email, 'password': password,
                                                           'csrf_token': csrf})
        assert done.status == 303, done.body[:300]
        return done.location
