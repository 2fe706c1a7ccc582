#!/usr/bin/python3
"""Ironic's own image cache, driven line by line: a JSON request on standard input, a JSON answer on standard output."""
import json
import os
import sys
import uuid

from ironic.api.controllers.v1 import versions
from ironic.common import image_service
from ironic.conf import CONF
from ironic.drivers.modules import image_cache

# What it logs goes to standard error; only answers go to standard output.
answers = os.fdopen(os.dup(1), 'w')
os.dup2(2, 1)

CONF([], project='ironic', default_config_files=[])
CONF.set_override('disable_deep_image_inspection', True, 'conductor')
UNLIMITED = 10 ** 15


def master_path(request):
    return os.path.join(request['masters'], str(uuid.uuid5(uuid.NAMESPACE_URL, request['url'])))


def master(request):
    """Where the cache keeps its copy of a URL."""
    return {'path': master_path(request)}


def fetch(request):
    cache = image_cache.ImageCache(request['masters'], UNLIMITED, UNLIMITED)
    cache.fetch_image(request['url'], request['dest'], force_raw=False, expected_checksum=request.get('checksum'),
                      expected_checksum_algo=request.get('algorithm'))
    return {}


def decide(request):
    """Only the rule, since later versions never keep copies of files."""
    CONF.set_override('file_url_allowed_paths', [request['allowed']], 'conductor')
    facts = image_service.get_image_service(request['url']).show(request['url'])
    return {'fresh': image_cache._delete_master_path_if_stale(request['copy'], request['url'], facts)}


def show(request):
    date = image_service.get_image_service(request['url']).show(request['url'])['updated_at']
    return {'updated_at': date and date.isoformat() + 'Z'}


def version(request):
    return {'minor': versions.MINOR_MAX_VERSION}


OPERATIONS = {'master': master, 'fetch': fetch, 'decide': decide, 'show': show, 'version': version}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = OPERATIONS[request['do']](request)
    except Exception as error:
        answer = {'error': str(error)}
    print(json.dumps(answer), file=answers, flush=True)
