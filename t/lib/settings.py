# SPDX-License-Identifier: Apache-2.0
"""A small kratos.yml, and ways to change it."""
import base64
import copy
import json
from pathlib import Path

UI = 'http://127.0.0.1:15455'        # where the pages of the tests would stand; nothing listens there
SAMPLE = 'change-me-before-anybody-signs-in'

PERSON = {
    '$id': 'https://schemas.example.org/person.schema.json',
    '$schema': 'http://json-schema.org/draft-07/schema#',
    'type': 'object',
    'properties': {
        'traits': {
            'type': 'object',
            'properties': {
                'email': {
                    'type': 'string', 'format': 'email', 'title': 'E-Mail', 'maxLength': 320,
                    'ory.sh/kratos': {'credentials': {'password': {'identifier': True}}},
                },
                'name': {'type': 'string', 'title': 'Name', 'maxLength': 100},
            },
            'required': ['email'],
            'additionalProperties': False,
        },
    },
}


def merge(base, changes):
    """base with changes on top; None takes a key away."""
    out = copy.deepcopy(base)
    for key, value in changes.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merge(out[key], value)
        else:
            out[key] = copy.deepcopy(value)
    return out


def nested(path, value):
    """nested('a.b', 1) is {'a': {'b': 1}}"""
    for part in reversed(path.split('.')):
        value = {part: value}
    return value


def inline(document):
    """A URL that holds a document (text, or what becomes JSON) itself."""
    text = document if isinstance(document, str) else json.dumps(document)
    return 'base64://' + base64.b64encode(text.encode()).decode()


def base(port):
    """What the tests start from: passwords, a cheap hash, a session after registration."""
    url = f'http://127.0.0.1:{port}/'
    return {
        'dsn': 'memory',
        'serve': {'public': {'base_url': url, 'host': '127.0.0.1', 'port': port}},
        'selfservice': {
            'default_browser_return_url': UI + '/',
            'allowed_return_urls': [UI, 'https://app.example.org/welcome', 'https://*.wild.example.org'],
            'methods': {'password': {'enabled': True, 'config': {'haveibeenpwned_enabled': False}}},
            'flows': {
                'error': {'ui_url': UI + '/error'},
                'login': {'ui_url': UI + '/login', 'lifespan': '10m'},
                'registration': {
                    'ui_url': UI + '/registration', 'lifespan': '10m', 'enable_legacy_one_step': True,
                    'after': {'password': {'hooks': [{'hook': 'session'}]}},
                },
                'logout': {'after': {'default_browser_return_url': UI + '/bye'}},
            },
        },
        'session': {'lifespan': '24h'},
        'secrets': {'cookie': ['a-cookie-secret-for-tests-only'], 'cipher': ['a-cipher-secret-for-tests-only-0']},
        'hashers': {'algorithm': 'argon2', 'argon2': {'memory': '1MB', 'iterations': 1, 'parallelism': 1}},
        'identity': {'default_schema_id': 'person', 'schemas': [{'id': 'person', 'url': 'file://./person.schema.json'}]},
    }


def example():
    """conf/kratos.yml with a secret of one's own, as its first lines and the README ask for: it is refused with the sample."""
    text = (Path(__file__).resolve().parents[2] / 'conf' / 'kratos.yml').read_text()
    assert SAMPLE in text
    return text.replace(SAMPLE, 'a-secret-for-tests-only')


def write(folder, tree):
    """Writes kratos.yml (JSON is YAML) and the schema it names; hands back the file."""
    (folder / 'person.schema.json').write_text(json.dumps(PERSON))
    file = folder / 'kratos.yml'
    file.write_text(tree if isinstance(tree, str) else json.dumps(tree, indent=1))
    return file
