#!/usr/bin/python3
"""What openstacksdk makes of clouds.yaml, secure.yaml and the environment.

stdin: a JSON list of {"environment": {...}, "cloud": name or null, "services": [...]}; stdout: a list of what each case means.
The environment is all that there is; an endpoint is the override, or the type, interface and region that are looked up.
"""
import importlib
import json
import os
import sys
import warnings

import openstack.config.loader as loader

warnings.simplefilter('ignore')


def read(case):
    os.environ.clear()
    os.environ.update(case['environment'])
    # The places to look at are fixed when it is imported.
    importlib.reload(loader)
    try:
        config = loader.OpenStackConfig().get_one(cloud=case['cloud'], region_name=os.environ.get('OS_REGION_NAME'))
    except Exception as error:
        return {'error': f'{type(error).__name__}: {error}'}
    verify, cert = config.get_requests_verify_args()
    return {
        'auth': config.get_auth_args(),
        'auth_type': config.config['auth_type'],
        'region': config.get_region_name(),
        'verify': verify,
        'cert': cert,
        'endpoints': {service: config.get_endpoint(service) or
                      f'http://{config.get_service_type(service)}.{config.get_interface(service)}.{config.get_region_name(service)}'.lower() for service in case['services']},
    }


json.dump([read(case) for case in json.load(sys.stdin)], sys.stdout)
