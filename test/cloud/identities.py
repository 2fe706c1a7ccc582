#!/usr/bin/python3 -B
"""Brings keystone to what the services and the tests expect, and records the ids as facts. May be run again.

usage: identities.py STATE [SERVICE TYPE URL ...]     URL is - for a service that gets a user and is not in the catalog
"""
import os
import sys
from pathlib import Path

import openstack

facts = Path(sys.argv[1], 'facts')
catalog = list(zip(*[iter(sys.argv[2:])] * 3))


def fact(name):
    return (facts / name).read_text().strip()


def record(name, value):
    (facts / name).write_text(value + '\n')


# The override, because the catalog may still name a port that keystone had before.
identity = openstack.connect(
    auth_url=fact('keystone_url'), identity_endpoint_override=fact('keystone_url'), region_name=os.environ['REGION'],
    username='admin', password=fact('admin_password'), project_name='admin',
    user_domain_name='Default', project_domain_name='Default').identity


def ensure_project(name):
    return identity.find_project(name) or identity.create_project(name=name, domain_id='default')


def ensure_user(name, password, project, *roles):
    user = identity.find_user(name) or identity.create_user(
        name=name, password=password, domain_id='default', default_project_id=project.id)
    for role in roles:
        role = identity.find_role(role) or identity.create_role(name=role)
        identity.assign_project_role_to_user(project, user, role)
    return user


def ensure_endpoints(service_name, service_type, url):
    service = next(identity.services(type=service_type), None) or identity.create_service(type=service_type, name=service_name)
    existing = {endpoint.interface: endpoint for endpoint in identity.endpoints(service_id=service.id)}
    for interface in ('public', 'internal', 'admin'):
        if interface not in existing:
            identity.create_endpoint(service_id=service.id, interface=interface, url=url, region_id=os.environ['REGION'])
        elif existing[interface].url != url:
            identity.update_endpoint(existing[interface], url=url)


def ensure_application_credential(user, name, secret):
    for credential in identity.application_credentials(user):
        if credential.name == name:
            return credential
    return identity.create_application_credential(user, name, secret=secret, unrestricted=False)


service_project = ensure_project('service')
for service_name, service_type, url in catalog:
    if url != '-':
        ensure_endpoints(service_name, service_type, url)
    if service_type != 'identity':
        ensure_user(service_name, fact('service_password'), service_project, 'admin', 'service')

demo_project = ensure_project('demo')
demo = ensure_user('demo', fact('demo_password'), demo_project, 'member')
admin = identity.find_user('admin')
# An admin of the project who has no role on the system.
operator = ensure_user('operator', fact('operator_password'), identity.find_project('admin'), 'admin')
credential = ensure_application_credential(admin, 'test-cloud', fact('application_credential_secret'))

record('admin_user_id', admin.id)
record('operator_user_id', operator.id)
record('admin_project_id', identity.find_project('admin').id)
record('demo_user_id', demo.id)
record('demo_project_id', demo_project.id)
record('application_credential_id', credential.id)
