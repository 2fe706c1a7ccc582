"""The test cloud's image store: one tree of files on disk (a plain web server serves it), repeated in a Swift container."""
import hashlib
import json
import os
from pathlib import Path

import swiftclient

STATE = Path(os.environ.get('CHAMELEON_CLOUD_STATE') or Path(__file__).resolve().parents[2] / '.cloud').resolve()
CONTAINER = 'chameleon-supported-images'
SCOPE = 'prod'
SEGMENT_BYTES = 4 * 1024 * 1024


def cloud():
    """What test/cloud/up says about the running cloud."""
    try:
        return json.loads((STATE / 'cloud.json').read_text())
    except FileNotFoundError:
        raise SystemExit('%s has no cloud; start one with test/cloud/up' % STATE)


def connect():
    """The admin's own account, in which the container is."""
    facts = cloud()
    return swiftclient.Connection(
        authurl=facts['keystone_url'], auth_version='3', user='admin', key=facts['admin_password'],
        os_options={'project_name': 'admin', 'user_domain_name': 'Default', 'project_domain_name': 'Default'})


def path_of(object_name):
    """The file of an object."""
    return STATE / 'store' / CONTAINER / object_name


def write(object_name, content):
    """Writes a file of the tree at once, so that no reader sees half of it."""
    path = path_of(object_name)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name('.' + path.name)
    unfinished.write_bytes(content)
    unfinished.rename(path)


def sdk_headers(content):
    """The checksums that the producer's client adds to each upload."""
    return {'X-Object-Meta-X-Sdk-Md5': hashlib.md5(content).hexdigest(),
            'X-Object-Meta-X-Sdk-Sha256': hashlib.sha256(content).hexdigest()}


def is_uploaded(swift, object_name, headers):
    """Whether the container has that content already."""
    try:
        present = swift.head_object(CONTAINER, object_name)
    except swiftclient.ClientException as error:
        if error.http_status == 404:
            return False
        raise
    return all(present.get(name.lower()) == value for name, value in headers.items())


def upload(swift, object_name, segmented=False):
    """Brings the object to the content of its file; says whether there was anything to do."""
    content = path_of(object_name).read_bytes()
    headers = sdk_headers(content)
    if is_uploaded(swift, object_name, headers):
        return False
    if segmented:
        upload_segments(swift, object_name, content, headers)
    else:
        swift.put_object(CONTAINER, object_name, content, headers=headers)
    return True


def upload_segments(swift, object_name, content, headers):
    """A static large object: the segments lie beside it, under its own name."""
    segments = []
    for number, start in enumerate(range(0, len(content), SEGMENT_BYTES)):
        name = '%s/%06d' % (object_name, number)
        segment = content[start:start + SEGMENT_BYTES]
        etag = swift.put_object(CONTAINER, name, segment, headers=sdk_headers(segment))
        segments.append({'path': '/%s/%s' % (CONTAINER, name), 'etag': etag, 'size_bytes': len(segment)})
    swift.put_object(CONTAINER, object_name, json.dumps(segments), headers=headers, query_string='multipart-manifest=put')
