# SPDX-License-Identifier: Apache-2.0
"""A person who uses the built-in pages with a browser that has no JavaScript."""
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit


class Form:
    """One form: where it goes, and what a browser sends of it when nothing is changed."""

    def __init__(self, action):
        self.action, self.pairs, self.buttons = action, [], []

    def values(self, name):
        return [value for key, value in self.pairs if key == name]


class Page(HTMLParser):
    """What of a page the tests look at: its forms, links, scripts, and text."""

    def __init__(self, answer):
        super().__init__()
        self.forms = []
        self.fields, self.buttons, self.links, self.text, self.tags, self.action = {}, [], [], '', [], None
        self.handlers = []
        self.feed(answer.body.decode())

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        self.tags.append(tag)
        self.handlers += [k for k in a if k.startswith('on') or k == 'style']
        if tag == 'form':
            self.action, self.method = a.get('action'), a.get('method', 'get').lower()
            self.forms.append(Form(self.action))
        if tag == 'input' and a.get('type') not in ('submit', 'button'):
            self.fields[a.get('name')] = a.get('value', '')
            if self.forms and a.get('name') and 'disabled' not in a and (a['type'] != 'checkbox' or 'checked' in a):
                self.forms[-1].pairs.append((a['name'], a.get('value', '')))
        if tag == 'select':
            self.fields[a.get('name')] = ''
            self.forms[-1].pairs.append((a['name'], ''))
        if tag == 'option' and 'selected' in a:
            self.forms[-1].pairs[-1] = (self.forms[-1].pairs[-1][0], a['value'])
        if tag == 'button' or tag == 'input' and a.get('type') == 'submit':
            self.buttons.append((a.get('name'), a.get('value')))
            if self.forms:
                self.forms[-1].buttons.append((a.get('name'), a.get('value')))
        if tag == 'a':
            self.links.append(a.get('href'))

    def handle_data(self, data):
        self.text += data


class Reader:
    """A person with a browser: follows redirects, fills in forms."""

    def __init__(self, server):
        self.client, self.url = server.browser(), server.url

    def open(self, url):
        answer = self.client.get(urljoin(self.url, url))
        return self.follow(answer, url)

    def follow(self, answer, url=None):
        for _ in range(10):
            if answer.status not in (302, 303):
                break
            url = urljoin(self.url, answer.location)
            answer = self.client.get(url)
        assert answer.status == 200 or answer.status >= 400
        page = Page(answer)
        page.answer, page.url = answer, url
        return page

    def send(self, page, **fields):
        assert page.method == 'post' and urlsplit(page.action).netloc == urlsplit(self.url).netloc
        data = {**page.fields, **dict(b for b in page.buttons[:1] if b[0]), **{k.replace('__', '.'): v for k, v in fields.items()}}
        return self.follow(self.client.request('POST', page.action, form=data))

    def press(self, page, button, pairs=None):
        """Sends the form that has a button of this value, with what a browser would send of it, or with `pairs`."""
        form = next(f for f in page.forms if button in [value for _, value in f.buttons])
        name = next(name for name, value in form.buttons if value == button)
        pairs = form.pairs if pairs is None else pairs(form.pairs)
        return self.follow(self.client.request('POST', form.action, form=[*pairs, (name, button)]))
